"""HTTP/1.1 as uvicorn speaks it with httptools, where that leaves something open: what comes before any application.

A head has a bound while it arrives and a time to arrive in; what is no HTTP is refused in the one error body; an
upgrade that nobody takes does not lead the connection astray.
"""

import asyncio
import secrets
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from graphql_api.domain.errors import KINDS, Problem, refused
from graphql_api.web import refusals
from graphql_api.web.front import ALWAYS, too_long_a_head

HEAD_SECONDS = 10.0
"""In which the whole head of a request must arrive."""

FIRST_SECONDS = 0.5
"""In which the first request of a connection must have begun when the server stops."""


class Wire(HttpToolsProtocol):
    """`h11_max_incomplete_event_size`, which uvicorn keeps for its other protocol, is the bound of the head here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes: int | None = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_SECONDS, self._waited_enough)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """A new connection may have its first request on the way: it gets a moment to arrive and be answered."""
        if self.cycle is None:
            self.loop.call_later(FIRST_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """As in the base, without its log lines about what callers do."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(refused("BAD_REQUEST", "this is not HTTP/1.1 as RFC 9112 has it").problems[0])
            return
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._go_on(data[upgrade.args[0] :])
            return
        if self._head_bytes is not None:
            self._grow(len(data))

    def _grow(self, size: int) -> None:
        """More of a head that is not whole yet; after a whole request only its own beginning counts."""
        assert self._head_bytes is not None
        self._head_bytes += size
        limit = self.config.h11_max_incomplete_event_size
        if limit is not None and self._head_bytes > limit:
            self._refuse(too_long_a_head(limit).problems[0])
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self._waited_enough)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._stop_waiting()
        if not self._is_declining():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._is_declining():
            super().on_message_complete()

    def _is_declining(self) -> bool:
        """Whether the client offers a protocol that is not spoken here, such as HTTP/2 in clear text."""
        return self.parser.should_upgrade() and not self._should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _go_on(self, rest: bytes) -> None:
        """The parser takes what follows a head with an upgrade for the other protocol; a new one gets it without."""
        head = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)]
        head += [b"%s: %s\r\n" % field for field in self.headers if field[0] not in (b"upgrade", b"connection")]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def _waited_enough(self) -> None:
        message = f"the head of the request did not arrive within {HEAD_SECONDS:g} s"
        self._refuse(refused("LIMIT_EXCEEDED", message).problems[0])

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, problem: Problem) -> None:
        self._stop_waiting()
        if self.transport.is_closing():
            return
        id = secrets.token_hex(8)
        answer = refusals.answer({"headers": [], "state": {"request_id": id}}, [problem])
        headers = [
            *ALWAYS,
            (b"x-request-id", id.encode()),
            (b"content-type", answer.media or b""),
            (b"content-length", b"%d" % len(answer.body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[KINDS[problem.code].status], lines, answer.body))
        self.transport.close()
