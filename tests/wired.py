"""A connection to a server with keys that has no socket, and what is asked over it in tests that count or hold time."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from graphql_api import app, config, edits, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.edits import Desk, keys
from graphql_api.edits.importing import Imported
from graphql_api.web.wire import Wire

REQUESTS = 20
FLOWS = 60

READ = "query Get($id: ID!) { messageFlow(id: $id) { id name autopilot messageChannel updatedAt } }"
UPDATED = """{
  messageFlow { id name description autopilot updatedAt version
    settings { responseSettings { delay workingHours { start } } } }
  errors { code message path } }"""
UPDATE = f"""mutation Upd($id: ID!, $input: UpdateMessageFlowInput!) {{
  updateMessageFlow(id: $id, input: $input) {UPDATED} }}"""
LIST = """query List($first: Int!) { messageFlows(first: $first) { nodes {
  id workspaceId name direction description agent prompt isActive autopilot messageChannel createdAt updatedAt version
  settings { responseSettings { delay workingHours { enabled start end timezone outOfHoursMessage } }
    security { hipaaCompliance } emailSettings { subjectLine signature } } } } }"""


class Socketless(asyncio.Transport):
    """A connection without a socket: how much of it lies unread, whether it is read from, and how it ended."""

    is_closed = False
    is_cut_off = False
    is_ended = False
    """So that the client knows that nothing more is said."""
    is_read = True
    unread = 0

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = self.is_ended = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_ended = True

    def set_protocol(self, protocol: Any) -> None:
        """What it hears is told by its test."""

    def abort(self) -> None:
        self.is_cut_off = True

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


class Client(Socketless):
    """What the server writes is gathered until an answer is whole."""

    def __init__(self) -> None:
        super().__init__()
        self._said = b""
        self._answer: asyncio.Future[bytes] | None = None

    def write(self, data: Any) -> None:
        self._said += bytes(data)
        head, _, body = self._said.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length and len(body) >= int(length):
            assert self._answer is not None
            self._answer.set_result(self._said)
            self._said = b""

    def asked(self, server: Wire, request: bytes) -> "asyncio.Future[bytes]":
        self._answer = asyncio.get_running_loop().create_future()
        server.data_received(request)
        return self._answer


class Connected:
    """The server's end of a connection and the client's."""

    def __init__(self, server: Wire, client: Client) -> None:
        self.server = server
        self.client = client

    def begun(self, request: bytes) -> "asyncio.Future[bytes]":
        return self.client.asked(self.server, request)

    async def ask(self, request: bytes) -> None:
        """The request must be answered as it should be."""
        answer = await self.begun(request)
        assert b" 200 OK" in answer, answer
        assert b'"errors":[{' not in answer


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connected]:
    async with connections(url, 1) as (one,):
        yield one


@asynccontextmanager
async def connections(url: str, number: int, patience: float = 1.5) -> AsyncIterator[list[Connected]]:
    """So many of one server; `patience`: seconds for which it waits for its database."""
    desk = desk_at(url, patience)
    application = app.made(config.load(auth="keys", key_points=10**9, log_sample=0), desk)
    settings = uvicorn.Config(application, http=Wire, ws="none", proxy_headers=False)
    settings.load()
    every = [Connected(Wire(settings, ServerState(), {}), Client()) for _ in range(number)]
    for one in every:
        one.server.connection_made(one.client)
    try:
        yield every
    finally:
        for one in every:
            one.server.connection_lost(None)
        await desk.store.close()


def request(method: str, path: str, secret: str, body: Any, more: str = "") -> bytes:
    content = json.dumps(body, separators=(",", ":"))
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nx-workspace-id: ws1\r\nx-api-key: {secret}\r\n"
    return f"{head}{more}content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n{content}".encode()


def script(
    operation: str, secret: str, numbers: Iterable[int] = range(2 * REQUESTS), flows: int = FLOWS
) -> list[bytes]:
    """The same requests every time, each update another change; `flows`: those of the database."""

    def graphql(query: str, **variables: Any) -> bytes:
        return request("POST", "/graphql", secret, {"query": query, "variables": variables})

    def made(number: int) -> bytes:
        id = f"f{number % (REQUESTS if operation in 'AK' else flows)}"
        if operation == "R":
            return graphql(READ, id=id)
        if operation == "L":
            return graphql(LIST, first=50)
        if operation == "H":
            return request("GET", "/health/live", secret, {})
        if operation in "PK":
            change = {"settings": {"responseSettings": {"delay": number + 1}}}
            key = f"idempotency-key: {number}\r\n" if operation == "K" else ""
            return request("PUT", f"/v1/api/message-flows/{id}", secret, change, key)
        hours = {"start": f"08:{number % 60:02d}"}
        if operation == "D":
            settings = f'{{responseSettings: {{delay: {number}, workingHours: {{start: "{hours["start"]}"}}}}}}'
            by_hand = f'mutation {{ updateMessageFlow(id: "{id}", input: {{settings: {settings}}}) {UPDATED} }}'
            return request("POST", "/graphql", secret, {"query": by_hand})
        return graphql(
            UPDATE, id=id, input={"settings": {"responseSettings": {"delay": number, "workingHours": hours}}}
        )

    return [made(number) for number in numbers]


def desk_at(url: str, patience: float = 1.5) -> Desk:
    now = count(1_795_605_200_000)
    return Desk(
        storage.opened(url, patience=patience), lambda: next(now), lambda: next(now).to_bytes(8, "big"), 24 * HOUR
    )


async def prepared(url: str, flows: int = FLOWS) -> str:
    """The secret of a key for a database with some flows."""
    desk = desk_at(url)
    sale: dict[str, Any] = {
        "name": "Sale",
        "direction": "INBOUND",
        "agent": "a1",
        "prompt": "p",
        "initiation_message": "i",
    }
    leaves: dict[str, Any] = {**DEFAULTS, **sale, "message_channel": "SMS", "created_at": 0, "updated_at": 0}
    brought = [Imported(f"f{number}", "ws1", leaves) for number in range(flows)]
    await edits.import_flows(desk, Caller(None, source="CLI"), brought)
    issued = await keys.create(desk.store, 0, ["ws1"], {"flows:read", "flows:write"})
    await desk.store.close()
    return issued.secret
