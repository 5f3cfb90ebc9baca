"""Requests by the long way and by the short one, over connections without a socket."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from graphql_api import app, edits, storage
from graphql_api.delivery.posting import Poster
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.domain.webhooks import Rules
from graphql_api.edits import Desk, keys
from graphql_api.edits.importing import Imported
from graphql_api.web.short import Application
from graphql_api.web.wire import Wire
from tests.conftest import Noise, configured
from tests.delivery.conftest import HERE
from tests.wired import Socketless

WORKSPACES = {"long": "ws1", "short": "ws2"}
ALIKE = re.compile(rb"(x-request-id: |requestId\":\"|under |;t=)[0-9a-f]+")
"""What tells two requests apart though they are answered alike."""

FLOW: dict[str, Any] = {
    **DEFAULTS,
    "name": "Sale",
    "direction": "INBOUND",
    "agent": "a1",
    "prompt": "p",
    "initiation_message": "i",
    "message_channel": "SMS",
    "created_at": 0,
    "updated_at": 0,
}
CREATE = {
    "name": "Sale",
    "direction": "inbound",
    "agent": "a1",
    "prompt": "p",
    "initiationMessage": "i",
    "messageChannel": "SMS",
}
DELAY = {"settings": {"responseSettings": {"delay": 7}}}
FLOWS = "/v1/api/message-flows"
WRITER = frozenset({"flows:read", "flows:write"})


class Connection(Socketless):
    """One connection to a server without a socket."""

    def __init__(self, application: Application, *, is_short: bool, root_path: str = "") -> None:
        super().__init__()
        settings = uvicorn.Config(application, http=Wire, ws="none", proxy_headers=False, root_path=root_path)
        settings.load()
        self.server = Wire(settings, ServerState(), {})
        if not is_short:
            self.server._short = None
        self.said = b""
        self.server.connection_made(self)

    def write(self, data: Any) -> None:
        self.said += bytes(data)

    async def answers(self, sent: bytes, number: int = 1) -> bytes:
        """What comes back until so many answers are whole."""
        if sent:
            self.said = b""
            asyncio.get_running_loop().call_soon(self.server.data_received, sent)  # in no task, as from a socket
        async with asyncio.timeout(10):
            while len(whole(self.said)) < number and not self.is_closed:  # noqa: ASYNC110 (writing tells nobody)
                await asyncio.sleep(0.001)
        return self.said


def whole(said: bytes) -> list[bytes]:
    """The answers that are complete."""
    found = []
    while b"\r\n\r\n" in said:
        head, _, rest = said.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            break
        found.append(head + b"\r\n\r\n" + rest[:size])
        said = rest[size:]
    return found


def asking(method: str, path: str, body: Any = None, **headers: str) -> bytes:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Host": "localhost", "content-type": "application/json", **headers}
    told = {name.replace("_", "-"): value for name, value in told.items()}
    if method != "GET":
        told["content-length"] = str(len(content))
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


class Ways:
    """The same database and settings, by the long way and by the short one, each in a workspace of its own."""

    def __init__(self, application: Application, desk: Desk, keys: dict[str, str]) -> None:
        self.application = application
        self.desk = desk
        self._keys = keys
        self.went_short = 0
        self.open = {way: Connection(application, is_short=way == "short") for way in WORKSPACES}
        enter = application.short.enter

        def counted(*request: Any) -> Any:
            work = enter(*request)
            self.went_short += work is not None
            return work

        application.short.enter = counted  # type: ignore[method-assign, assignment]

    def asking(self, method: str, path: str, body: Any = None, way: str = "short", **headers: str) -> bytes:
        """The bytes of a request."""
        told = {"x_workspace_id": WORKSPACES[way], "x_api_key": self._keys[way], **headers}
        return asking(method, path, body, **told)

    async def ask(self, way: str, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        return await self.open[way].answers(self.asking(method, path, body, way, **headers))

    async def asked(self, method: str, path: str, body: Any = None, **headers: str) -> list[bytes]:
        """The answers by both ways, without what must differ."""
        answers = [await self.ask(way, method, path, body, **headers) for way in WORKSPACES]
        return [ALIKE.sub(rb"\1", said).replace(b"ws2", b"ws1") for said in answers]


@asynccontextmanager
async def both(url: str, scopes: frozenset[str] = WRITER, **settings: Any) -> AsyncIterator[Ways]:
    desk = Desk(storage.opened(url), lambda: 1_795_605_200_000, Noise(), 24 * HOUR, Rules(HERE), Poster(HERE))
    flows = [Imported(f"f{n}", workspace, FLOW) for n in range(3) for workspace in WORKSPACES.values()]
    await edits.import_flows(desk, Caller(None, source="CLI"), flows)
    shown = {
        way: (await keys.create(desk.store, 0, [workspace], scopes)).secret for way, workspace in WORKSPACES.items()
    }
    made = app.made(configured(**{"auth": "keys", "log_sample": 0, **settings}), desk)
    assert isinstance(made, Application)
    throttle = made.short._middleware.throttle
    if throttle is not None:
        throttle.now = lambda: 1_795_605_200.0  # no window ends between two answers
    ways = Ways(made, desk, shown)
    try:
        yield ways
    finally:
        for connection in ways.open.values():
            connection.server.connection_lost(None)
        if throttle is not None:
            await throttle.close()
        await desk.post.close()
        await desk.store.close()
