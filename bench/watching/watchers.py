"""Watchers that note what comes and when, and go on behind the last cursor when their connection is lost.

They speak as little of HTTP, WebSocket and server-sent events as it takes: they share the cores with the server.
"""

import asyncio
import base64
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.torturing.clients import WORKSPACE
from bench.torturing.wire import head

WAYS = ("websocket", "sse")
WATCH = """subscription ($id: ID, $after: String) { messageFlowChanged(id: $id, after: $after) {
  cursor operation messageFlowId version messageFlow { name description isActive } } }"""

VERSION = re.compile(rb'"version":(\d+)')
CURSOR = re.compile(rb'"cursor":"([^"]+)"')
OURS = {"x-workspace-id": WORKSPACE}
AGAIN = 0.2
"""Seconds before a lost connection is opened again."""


@dataclass
class Watcher:
    """What one watcher was told, over however many connections: (seconds, message), oldest first."""

    flow: str
    way: str
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    connections: int = 0
    refusals: int = 0
    port: int = 0
    is_begun: bool = False
    """Whether the present connection has been told that it may wait, as far as its protocol tells."""
    _transport: asyncio.BaseTransport | None = None
    _is_over: bool = False

    async def connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        made = OverWebSocket if self.way == "websocket" else OverEvents
        while not self._is_over:
            try:
                transport, _ = await loop.create_connection(lambda: made(self, port), "127.0.0.1", port)
            except OSError:
                await asyncio.sleep(AGAIN)
                continue
            self._transport = transport
            self.port = transport.get_extra_info("sockname")[1]
            self.connections += 1
            return

    def lost(self, port: int) -> None:
        self.is_begun = False
        if not self._is_over:
            asyncio.get_running_loop().call_later(AGAIN, lambda: asyncio.create_task(self.connect(port)))

    def leave(self) -> None:
        self._is_over = True
        self._hang_up()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def variables(self) -> dict[str, str | None]:
        found = CURSOR.search(self.heard[-1][1]) if self.heard else None
        return {"id": self.flow, "after": found[1].decode() if found else None}

    def hear(self, message: bytes) -> None:
        if b'"messageFlowChanged"' in message:
            self.heard.append((time.perf_counter(), message))
        elif b'"errors"' in message or b'"error"' in message:
            self.refusals += 1
            self._hang_up()

    @property
    def newest(self) -> int:
        """The version that it was told of last; -1 before the first."""
        return version(self.heard[-1][1]) if self.heard else -1

    def versions(self) -> list[tuple[float, int]]:
        return [(at, version(message)) for at, message in self.heard]


def version(message: bytes) -> int:
    found = VERSION.search(message)
    assert found is not None, message
    return int(found[1])


class OverEvents(asyncio.Protocol):
    """One event stream; as every event is a chunk of its own, what stands between two is no concern of ours."""

    def __init__(self, watcher: Watcher, port: int) -> None:
        self._watcher = watcher
        self._port = port
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        body = json.dumps({"query": WATCH, "variables": self._watcher.variables()}).encode()
        headers = {"content-type": "application/json", "accept": "text/event-stream", "content-length": str(len(body))}
        transport.write(head("POST", "/graphql", headers | OURS) + body)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            self._watcher.is_begun = True
            self._watcher.hear(event)

    def connection_lost(self, error: Exception | None) -> None:
        self._watcher.lost(self._port)


class OverWebSocket(asyncio.Protocol):
    """One connection of graphql-transport-ws with one operation."""

    def __init__(self, watcher: Watcher, port: int) -> None:
        self._watcher = watcher
        self._port = port
        self._rest = b""
        self._is_open = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport  # uvloop's is no asyncio.Transport by its class
        self._transport.write(head("GET", "/graphql", UPGRADE))

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self._is_open:
            answer, end, self._rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                self._rest = answer
                return
            self._is_open = True
            self._say({"type": "connection_init", "payload": OURS})
        while (frame := taken(self._rest)) is not None:
            code, message, self._rest = frame
            self._take(code, message)

    def _take(self, code: int, message: bytes) -> None:
        if code == PING:
            self._transport.write(framed(PONG, message))
        elif code == TEXT and message == b'{"type":"connection_ack"}':
            payload = {"query": WATCH, "variables": self._watcher.variables()}
            self._say({"id": "1", "type": "subscribe", "payload": payload})
            self._watcher.is_begun = True
        elif code == TEXT:
            self._watcher.hear(message)

    def _say(self, message: Mapping[str, object]) -> None:
        self._transport.write(framed(TEXT, json.dumps(message).encode()))

    def connection_lost(self, error: Exception | None) -> None:
        self._watcher.lost(self._port)


UPGRADE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
    "sec-websocket-protocol": "graphql-transport-ws",
}
TEXT, PING, PONG = 1, 9, 10


def framed(code: int, message: bytes) -> bytes:
    """A whole frame as clients send it; masked by zeros, which changes nothing."""
    size = len(message)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x80 | code]) + length + bytes(4) + message


def taken(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first frame as servers send it, and what comes behind it; None when it is not whole yet."""
    if len(data) < 2:
        return None
    begin, size = 2, data[1]
    if size > 125:
        begin = 4 if size == 126 else 10
        size = int.from_bytes(data[2:begin], "big")
    end = begin + size
    return (data[0] & 15, data[begin:end], data[end:]) if len(data) >= end else None
