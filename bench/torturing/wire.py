"""HTTP/1.1 as thin as it gets: keep-alive connections, and a proxy that loses answers."""

import asyncio
import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType


class Broken(Exception):
    """The connection ended before the answer was whole: nobody knows what became of the request."""


class Unreached(Broken):
    """Nobody listens: the request was not sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One keep-alive connection; opens when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Raises Broken; the next request opens a new connection."""
        reader, writer = self._streams = self._streams or await self._opened()
        try:
            writer.write(head(method, path, {**headers, "content-length": str(len(body))}) + body)
            return await answer(reader)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.close()
            raise Broken from error

    @property
    def own_port(self) -> int:
        """At this end of the connection; 0 when it is not open."""
        return self._streams[1].get_extra_info("sockname")[1] if self._streams else 0

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            raise Unreached from error

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def answer(reader: asyncio.StreamReader) -> Answer:
    first, headers = _taken_apart(await reader.readuntil(b"\r\n\r\n"))
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split()[1]), headers, body)


def _taken_apart(raw: bytes) -> tuple[str, dict[str, str]]:
    first, *rest = raw.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in rest)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


class LossyProxy:
    """Forwards every request, then loses about every third answer by closing the connection."""

    def __init__(self, upstream: int, chance: random.Random) -> None:
        self._upstream = upstream
        self._chance = chance
        self.port = 0
        self.lost = 0

    async def __aenter__(self) -> "LossyProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with Connection(self._upstream) as upstream:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, Broken):
                while await self._forward(reader, writer, upstream):
                    pass
        writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: Connection) -> bool:
        first, headers = _taken_apart(await reader.readuntil(b"\r\n\r\n"))
        method, path, _ = first.split()
        body = await reader.readexactly(int(headers.pop("content-length", "0")))
        del headers["host"]
        got = await upstream.send(method, path, headers, body)
        if self._chance.random() < 1 / 3:
            self.lost += 1
            return False
        lines = [f"HTTP/1.1 {got.status} -", *(f"{name}: {value}" for name, value in got.headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + got.body)
        await writer.drain()
        return True
