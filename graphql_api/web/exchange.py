"""One request and its answer on a connection, as ASGI tells them: uvicorn's own cycle without what it repeats."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graphql_api.domain.errors import fault
from graphql_api.web.http import ARRIVED, Headers, lines

BODILESS = frozenset({204, 304})
GONE: Message = {"type": "http.disconnect"}

log = logging.getLogger("message_flows")


class Exchange:
    """Head and body of an answer whose length is known leave together, in one write."""

    def __init__(
        self, scope: Scope, transport: asyncio.Transport, flow: FlowControl, usual: Headers, done: Callable[[], None]
    ) -> None:
        """`usual`: headers that every answer begins with; `done` is called when the answer has been written,
        behind which the connection is to be closed unless the exchange says `keep_alive`."""
        self.scope = scope
        scope["extensions"] = {ARRIVED: self.arrived}
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.asks_to_go_on = False
        self._transport = transport
        self._flow = flow
        self._usual = usual
        self._done = done
        self._body = bytearray()
        self._has_more = True
        self._is_told = False
        self._is_silent = False
        self._change: asyncio.Future[None] | None = None
        self._head: bytes | None = None
        self._is_chunked = False

    @property
    def has_begun(self) -> bool:
        """Whether something of the answer is sent."""
        return self._head is not None

    @property
    def is_full(self) -> bool:
        """Whether the application has to take some of the body before more of it is read."""
        return len(self._body) > HIGH_WATER_LIMIT and not self.response_complete

    # From the connection

    def take(self, part: bytes) -> None:
        """More of the body."""
        self._body += part
        if self.is_full:
            self._flow.pause_reading()
        self.wake()

    def take_end(self) -> None:
        self._has_more = False
        self.wake()

    def wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    def fall_silent(self) -> None:
        """The client says nothing more. It may be gone, which looks the same."""
        self._is_silent = True
        self.wake()

    def hang_up(self) -> None:
        """The connection is gone."""
        self.disconnected = True
        self.wake()

    # For the application

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:
            log.error("a request failed: %s", fault(error))
        finally:
            del self.scope["extensions"]  # which leads back here: only the collector would find the circle
            if not (self.response_complete or self.disconnected):
                self._transport.close()

    def arrived(self) -> bytes | None:
        """The whole body, if it has come; it is told once."""
        if self._has_more or self._is_told or self.asks_to_go_on:
            return None
        self._is_told = True
        return self._taken()

    async def receive(self) -> Message:
        if self.asks_to_go_on and not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.asks_to_go_on = False
        while not (self.disconnected or self.response_complete):
            if self._body or not (self._has_more or self._is_told):
                return self._told()
            if self._is_silent:
                break
            self._flow.resume_reading()
            self._change = asyncio.get_running_loop().create_future()
            await self._change
        return GONE

    def _told(self) -> Message:
        self._is_told = not self._has_more
        return {"type": "http.request", "body": self._taken(), "more_body": self._has_more}

    def _taken(self) -> bytes:
        part = bytes(self._body)
        self._body.clear()
        return part

    async def send(self, message: Message) -> None:
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected or self._transport.is_closing():
            return
        if message["type"] == "http.response.start":
            self._begin(message)
        else:
            self._go_on(message.get("body", b""), message.get("more_body", False))

    def _begin(self, message: Message) -> None:
        status, headers = message["status"], [*self._usual, *message["headers"]]
        named = dict(headers)
        self.asks_to_go_on = False
        is_stream = b"content-length" not in named and status not in BODILESS
        self._is_chunked = is_stream and self.scope["http_version"] != "1.0"
        if self._is_chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        if named.get(b"connection") == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        self._head = head(status, headers)
        if is_stream:  # which may have nothing to say for long
            self._transport.write(self._head)
            self._head = b""

    def _go_on(self, part: bytes, has_more: bool) -> None:
        assert self._head is not None
        if self.scope["method"] == "HEAD":
            part = b""
        elif self._is_chunked:
            part = (b"%x\r\n%b\r\n" % (len(part), part) if part else b"") + (b"" if has_more else b"0\r\n\r\n")
        self._transport.write(self._head + part)
        self._head = b""
        if not has_more:
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self.wake()
        self._done()


def scope_of(parser: Any, url: bytes, known: Scope) -> Scope:
    """Of a request whose head has been read, with what is known of it beside."""
    target, root = httptools.parse_url(url), known["root_path"]
    raw = target.path or b"/"  # a whole URI may have none (RFC 9110, 4.2.3)
    path = raw.decode("ascii")
    return {
        **known,
        "http_version": parser.get_http_version(),
        "method": parser.get_method().decode("ascii"),
        "path": root + (unquote(path) if "%" in path else path),
        "raw_path": root.encode("ascii") + raw,
        "query_string": target.query or b"",
    }


def head(status: int, headers: Headers) -> bytes:
    """As it is sent."""
    return b"%b%b\r\n" % (STATUS_LINE[status], lines(headers))
