"""A connection: requests whose heads are known go the short way, any other one is read by the parser."""

import asyncio
import math
from typing import Any

from graphql_api.web.exchange import Exchange
from graphql_api.web.http1 import Http1
from graphql_api.web.short import Short, WrittenAnswer
from graphql_api.web.turn import CLOSE, STATUS_LINES, Turn

BODY_SECONDS = 0.01
"""In which a body must follow a known head that came by itself, as many clients send it; else the parser reads both."""


class Wire(Http1):
    cycle: Exchange | Turn | None  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._short: Short | None = getattr(self.app, "short", None)
        self._turn = Turn(self._turn_is_over, self._spawn, self.tasks)
        self._head = b""  # that came by itself
        self._until: asyncio.TimerHandle | None = None  # its body is waited for

    def data_received(self, data: bytes) -> None:
        if self._until is not None:
            data = self._taken() + data
        if self._short is not None and self._is_between():
            self._enter(self._short, data)
        else:
            super().data_received(data)

    def _is_between(self) -> bool:
        """Whether the last request is read and answered, and nothing of the next one has come."""
        return not (self._is_reading or self._pieces.unread or self._is_due() or self.flow.write_paused)

    def _enter(self, short: Short, data: bytes) -> None:
        """Begins a request whose head is known; the parser reads any other one, and its head may be known then."""
        head, end, body = data.partition(b"\r\n\r\n")
        line, _, block = head.partition(b"\r\n")
        known = short.heads.get(block) if end else None
        if known and not body and known.length:
            return self._await_body(data)
        work = known and short.enter(line, known, body, self.client)
        if work:
            self.cycle = self._turn
            self._turn.begin(work)
            if not self._turn.response_complete:
                self._patience.until = math.inf
            return
        super().data_received(data)
        if end and known is None and self._has_read(line, len(body)):
            short.learn(line, block, self.headers)

    def _await_body(self, head: bytes) -> None:
        self._head = head
        self._until = self.loop.call_later(BODY_SECONDS, self._read_head)
        self._patience.until = math.inf

    def _taken(self) -> bytes:
        """What has waited for more."""
        assert self._until is not None
        self._until.cancel()
        self._until = None
        head, self._head = self._head, b""
        return head

    def _read_head(self) -> None:
        """By the parser, which knows how long to wait, and what to say to whom."""
        if self._until is not None:
            super().data_received(self._taken())

    def eof_received(self) -> bool:  # type: ignore[override]
        self._read_head()
        return super().eof_received()

    def shutdown(self) -> None:
        self._read_head()
        super().shutdown()

    def _has_read(self, line: bytes, size: int) -> bool:
        """Whether the parser found the head of the request that begins with this line, `size` bytes of its body and
        nothing else; and it leaves the connection open."""
        is_within_head = self._is_reading and self._incoming is None
        if is_within_head or not (isinstance(self.cycle, Exchange) and self.cycle.keep_alive):
            return False
        length = dict(self.headers).get(b"content-length", b"0")
        is_one = length.isdigit() and size <= int(length[:10])
        return is_one and line == b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)

    def _turn_is_over(self, written: WrittenAnswer | None) -> None:
        if self.transport.is_closing():
            return
        if written is None or not self._turn.keep_alive:
            self._end(written)
            return
        status, rest = written
        self.transport.write(STATUS_LINES.of(status, self.server_state.default_headers) + rest)
        self.on_response_complete()

    def _end(self, written: WrittenAnswer | None) -> None:
        """Closes the connection behind this answer, or without one where there is none for a fault of ours."""
        if written is not None:
            status, rest = written
            self.transport.write(STATUS_LINES.of(status, self.server_state.default_headers) + CLOSE + rest)
        self._close()
