"""HTTP/1.1 as uvicorn speaks it with httptools, where that leaves something open: what comes before any application.

A head has a bound while it arrives and a time to arrive in; what is no HTTP is refused in the one error body; an
upgrade that nobody takes does not lead the connection astray.
"""

import asyncio
import math
from collections.abc import Coroutine
from typing import Any

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from graphql_api.domain.errors import Refused, refused
from graphql_api.web import parting
from graphql_api.web.bounds import Bounds
from graphql_api.web.ends import Ends
from graphql_api.web.exchange import Exchange, scope_of
from graphql_api.web.front import request_id
from graphql_api.web.http import Headers
from graphql_api.web.parting import NOT_HTTP, ODD_HANDSHAKE, must_be_spoken_here, stopped
from graphql_api.web.patience import Patience
from graphql_api.web.pieces import RequestFlow
from graphql_api.web.taking import Taking
from graphql_api.web.upgrades import flaw, is_for_websocket, without_offer

AT_ONCE = 4
"""Pieces that are read before others have their turn."""

ASGI = {"version": "3.0", "spec_version": "2.3"}


class Http1(Ends):
    """`h11_max_incomplete_event_size`, which uvicorn keeps for its other protocol, is the bound of the head here."""

    scope: Scope  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = self._parser()
        self._is_reading = False  # a request, from its beginning to its end
        self._incoming: Exchange | None = None  # what is read, from the end of its head
        self._bounds = Bounds(self.config.h11_max_incomplete_event_size or math.inf)

    def _parser(self) -> Any:
        """Of any version that can be written; which of them are spoken is our matter."""
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_version=True)
        return parser

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = RequestFlow(transport, self._pieces)
        about = {"server": self.server, "client": self.client, "scheme": self.scheme}
        self._known = {"type": "http", "asgi": ASGI, "root_path": self.root_path, **about}
        self._patience = Patience(self.loop, self.timeout_keep_alive, self._let_go, self._refuse)
        self._taking = Taking(self.loop, transport)

    def data_received(self, data: bytes) -> None:
        self._pieces.add(data)
        if self._next is None:
            self._read_on()
        else:
            self._listen()

    def _read_on(self) -> None:
        """To the end of the request that is to be answered next: what follows is read behind that answer."""
        self._next = None
        for _ in range(AT_ONCE):
            if self._is_to_be_read():
                self._read_piece()
        if self.transport.is_closing():
            return
        if self._is_to_be_read():
            self._read_later()
        elif self._is_silent:
            self._end_silent()
            return
        self._listen()

    def _is_to_be_read(self) -> bool:
        is_next = self._is_reading or not self._is_due()
        return bool(self._pieces.unread) and is_next and not self.transport.is_closing()

    def _read_later(self) -> None:
        """Others have their turn before."""
        if self._next is None:
            self._next = self.loop.call_soon(self._read_on)

    def _listen(self) -> None:
        """To the client, unless much of what it has said waits."""
        if len(self._pieces.unread) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        elif self._incoming is None or not self._incoming.is_full:
            self.flow.resume_reading()

    def _read_piece(self) -> None:
        if not self._is_reading:
            self._pieces.skip_blank_lines()
        self._read(self._pieces.next())

    def _read(self, piece: bytes) -> None:
        """As in the base, without its log lines about what callers do."""
        self._bounds.come(len(piece))
        try:
            self.parser.feed_data(piece)
            self._hold_to_bounds()
        except httptools.HttpParserUpgrade:
            self._meet_upgrade()
        except httptools.HttpParserError as error:
            self._refuse(stopped(error, piece))
        except Refused as why:
            self._refuse(why)

    def _hold_to_bounds(self) -> None:
        if self._is_reading:
            is_head = self._incoming is None
            if is_head:
                self._patience.await_head()
            self._bounds.check(is_head=is_head)
        else:
            self._bounds.end()

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._is_reading = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser leaves the blank behind a value, which is no part of it (RFC 9110, 5.5)."""
        if self._incoming is None:
            self.headers.append((name.lower(), value.rstrip(b" \t")))
        else:
            self._bounds.drop_trailer(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._bounds.end_head()
        self._patience.until = math.inf
        told = {"headers": self.headers, "state": self.app_state.copy()}
        self.scope = scope_of(self.parser, self.url, {**self._known, **told})
        must_be_spoken_here(self.scope)
        self._pieces.body = int(dict(self.headers).get(b"content-length", 0))
        if not self.parser.should_upgrade():
            self.cycle = self._incoming = self._exchange()
            self._spawn(self.cycle.run(self.app))

    def _exchange(self) -> Exchange:
        made = Exchange(
            dict(self.scope), self.transport, self.flow, self.server_state.default_headers, self.on_response_complete
        )
        is_old = self.scope["http_version"] == "1.0"
        made.keep_alive = not is_old and self.parser.should_keep_alive()
        made.asks_to_go_on = not is_old and dict(self.headers).get(b"expect", b"").lower() == b"100-continue"
        return made

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_chunk_header(self) -> None:
        self._bounds.begin_chunk()

    def on_chunk_complete(self) -> None:
        self._bounds.end_chunk()

    def on_body(self, body: bytes) -> None:
        self._bounds.end()
        if self._incoming is not None and not self._incoming.response_complete:
            self._incoming.take(body)

    def on_message_complete(self) -> None:
        if self._incoming is not None and not self._incoming.response_complete:
            self._incoming.take_end()
        self._incoming = None
        self._is_reading = False

    def on_response_complete(self) -> None:
        if self.cycle is not None and not self.cycle.keep_alive:
            if self._incoming is None:
                self._close()
            else:
                self._linger()
            return
        self._patience.rest()
        if self.scheme == "https":  # whose layer takes all at once, so that writing is not paused; below it more waits
            self.loop.call_soon(self._taking.watch)
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self._pieces.unread:
            self._read_later()
        elif self._is_silent:
            self._close()

    def _meet_upgrade(self) -> None:
        """The parser leaves what follows such a head to the other protocol, also where that is not spoken here."""
        if is_for_websocket(self.scope) and self._should_upgrade():
            self._patience.end()
            self.handle_websocket_upgrade()
        elif self.parser.get_method() == b"CONNECT":
            self._refuse(NOT_HTTP)
        else:
            self.parser = self._parser()
            self._read(without_offer(self.scope, self.url))

    def handle_websocket_upgrade(self) -> None:
        """The head of a handshake is whole, so it is taken at once or never; what lies behind it are frames."""
        wrong = flaw(self.scope)
        if wrong is not None:
            return self._part(*wrong)
        super().handle_websocket_upgrade()
        frames: Any = self.transport.get_protocol()
        if frames.handshake_initiated:
            frames.data_received(self._pieces.rest())
        else:
            self._part(refused("BAD_REQUEST", ODD_HANDSHAKE))

    def _refuse(self, why: Refused) -> None:
        """What is no request, as the last answer."""
        if self.transport.is_closing():
            return
        if self._incoming is None or not self._incoming.has_begun:
            parting.say(self.transport, why)
        self._linger()

    def _part(self, why: Refused, more: Headers | None = None) -> None:
        """From the client of a handshake."""
        parting.say(self.transport, why, request_id(self.scope), more)
        self._close()
