"""A server on a real socket in the test's own loop, and clients of its WebSockets and event streams."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from graphql_api import app
from graphql_api.edits import Desk
from graphql_api.web.frames import Frames
from graphql_api.web.wire import Wire
from tests.conftest import configured

SOON = 10.0
LITTLE = (socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
"""A client's part of what lies unread on the way; the system would let it grow to megabytes."""

WATCH = """subscription Watch($id: ID, $after: String) { messageFlowChanged(id: $id, after: $after) {
  cursor operation messageFlowId version changedFields messageFlow { name version } } }"""


class Stoppable(uvicorn.Server):
    """Ends as soon as it is told to; uvicorn looks ten times a second whether it is."""

    def __init__(self, setup: uvicorn.Config) -> None:
        super().__init__(setup)
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()


@asynccontextmanager
async def served(desk: Desk, **settings: Any) -> AsyncIterator[str]:
    """`127.0.0.1:<port>` of a server over the desk's database."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100_000)  # who does not read is soon seen
        made = app.made(configured(**settings), desk)
        setup = uvicorn.Config(
            made,
            http=Wire,
            ws=Frames,
            ws_max_size=100_000,
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="critical",
            timeout_graceful_shutdown=2,
        )
        server = Stoppable(setup)
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stop.set()
            await running


class Socket:
    """A WebSocket that speaks graphql-transport-ws, message by message."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def say(self, message: Any) -> None:
        await self._connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(SOON):
            return json.loads(await self._connection.recv())

    async def closed(self) -> tuple[int, str]:
        """Code and reason, whatever else is said before."""
        with pytest.raises(websockets.ConnectionClosed) as end:
            await self.all()
        assert end.value.rcvd is not None
        return end.value.rcvd.code, end.value.rcvd.reason

    async def all(self, heard: list[Any] | None = None) -> None:
        """Hears everything until the connection ends."""
        async with asyncio.timeout(SOON):
            while True:
                message = await self._connection.recv()
                if heard is not None:
                    heard.append(json.loads(message))

    @property
    def headers(self) -> Any:
        """Of the answer that opened it."""
        assert self._connection.response is not None
        return self._connection.response.headers

    async def begin(self, **payload: Any) -> None:
        await self.say({"type": "connection_init", "payload": payload or {"x-workspace-id": "ws1"}})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, id: str, query: str = WATCH, /, **variables: Any) -> None:
        await self.say({"id": id, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def change(self) -> Any:
        message = await self.hear()
        assert message["type"] == "next", message
        return message["payload"]["data"]["messageFlowChanged"]


@asynccontextmanager
async def connected(at: str, *protocols: str, query: str = "", **headers: str) -> AsyncIterator[Socket]:
    spoken = [Subprotocol(one) for one in protocols or ("graphql-transport-ws",)]
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    host, _, port = at.partition(":")
    with socket.socket() as plain:
        plain.setsockopt(*LITTLE)
        plain.connect((host, int(port)))
        async with websockets.connect(
            f"ws://{at}/graphql{query}", subprotocols=spoken, additional_headers=sent, proxy=None, sock=plain
        ) as connection:
            yield Socket(connection)


class Events:
    """An event stream, event by event: (event, id, data)."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()

    async def hear(self) -> tuple[str, str | None, Any]:
        found: dict[str, str] = {}
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                if not line and "event" in found:
                    data = found.get("data") or None
                    return found["event"], found.get("id"), json.loads(data) if data else None
                name, _, value = line.partition(":")
                if name:
                    found[name] = value.removeprefix(" ")
        raise EOFError

    async def place(self) -> str:
        """The id that comes before the first event."""
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                if line.startswith("id: "):
                    return line[4:]
        raise EOFError

    async def comment(self) -> str:
        """The next line that is none of an event."""
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                if line.startswith(":"):
                    return line[1:]
        raise EOFError

    async def all(self, heard: list[Any]) -> None:
        while True:
            heard.append(await self.hear())


@asynccontextmanager
async def streaming(
    at: str, query: str = WATCH, /, *, get: bool = False, workspace: str | None = "ws1", **more: Any
) -> AsyncIterator[Events]:
    headers = {"accept": "text/event-stream", **({"x-workspace-id": workspace} if workspace else {})}
    headers |= more.pop("headers", {})
    parameters = more.pop("parameters", {})
    transport = httpx2.AsyncHTTPTransport(socket_options=[LITTLE])
    async with httpx2.AsyncClient(trust_env=False, transport=transport) as client:
        asked: dict[str, Any] = {"query": query, "variables": more}
        if get:
            asked["variables"] = json.dumps(more)
            request = client.stream(
                "GET", f"http://{at}/graphql", params={**asked, **parameters}, headers=headers, timeout=SOON
            )
        else:
            request = client.stream("POST", f"http://{at}/graphql", json=asked, headers=headers, timeout=SOON)
        async with request as response:
            assert response.status_code == 200, await response.aread()
            yield Events(response)
