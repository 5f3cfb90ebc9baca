"""Endpoints on real sockets, which remember what they were sent and answer as a test tells them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Write = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request, its headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def change(self) -> tuple[str, int]:
        """Flow and version."""
        data = self.told["data"]
        return data["_id"], data["version"]


Manner = Callable[[Received, Write], Awaitable[None]]
"""How an endpoint answers."""


def status(code: int, *headers: str, body: bytes = b"") -> Manner:
    head = "\r\n".join([f"HTTP/1.1 {code} Said", f"content-length: {len(body)}", *headers])

    async def manner(request: Received, write: Write) -> None:
        await write(f"{head}\r\n\r\n".encode() + body)

    return manner


async def silence(request: Received, write: Write) -> None:
    await asyncio.Event().wait()


async def hang_up(request: Received, write: Write) -> None:
    raise ConnectionResetError


@dataclass
class Endpoint:
    port: int = 0
    manner: Manner = field(default_factory=lambda: status(200))
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    scheme: str = "http"
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    @property
    def changes(self) -> list[tuple[str, int]]:
        return [request.change for request in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    request = await received(reader)
                    self.received.append(request)
                    self._news.set()
                    await self.manner(request, write)
        finally:
            writer.close()

    async def until(self, is_so: Callable[[], bool], seconds: float = 20) -> None:
        """Waits until something is so; looks whenever a request arrives, and now and then."""
        async with asyncio.timeout(seconds):
            while not is_so():
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._news.wait()


async def received(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Received(first.split()[1], headers, await reader.readexactly(int(headers["content-length"])))


@asynccontextmanager
async def listening(
    host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(scheme="http" if tls is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(endpoint.serve(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(begin, host, port, ssl=tls)
    endpoint.port = server.sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
