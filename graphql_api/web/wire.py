"""HTTP/1.1 as uvicorn speaks it with httptools, where that leaves something open: what comes before any application.

A head has a bound while it arrives and a time to arrive in; what is no HTTP is refused in the one error body; an
upgrade that nobody takes does not lead the connection astray.
"""

import asyncio
import math
from collections import deque
from collections.abc import Coroutine
from typing import Any
from urllib.parse import unquote

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graphql_api.domain.errors import Refused, refused
from graphql_api.web import refusals
from graphql_api.web.exchange import Exchange, head
from graphql_api.web.front import ALWAYS, new_id, too_long_a_head
from graphql_api.web.short import Short, Written
from graphql_api.web.turn import BEGINNINGS, CLOSE, Turn

HEAD_SECONDS = 10.0
"""In which the whole head of a request must arrive."""

LOOK = 1.0
"""Seconds between two looks at what a connection waits for."""

FIRST_SECONDS = 0.5
"""In which the first request of a connection must have begun when the server stops."""

WEBSOCKETS = "/graphql"
"""The path where they are opened."""

BODY = frozenset({b"content-length", b"transfer-encoding"})
"""Headers of a request that has a body."""

NOT_HTTP = refused("BAD_REQUEST", "this is not HTTP/1.1 as RFC 9112 has it")

ASGI = {"version": "3.0", "spec_version": "2.3"}


class Wire(HttpToolsProtocol):
    """`h11_max_incomplete_event_size`, which uvicorn keeps for its other protocol, is the bound of the head here."""

    cycle: Exchange | Turn | None  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._longest_head: float = self.config.h11_max_incomplete_event_size or math.inf
        self._head_bytes: int | None = 0
        self._trailer_bytes = 0
        self._bodiless_bytes = 0  # since the last of the body: at most a trailer that is not whole yet
        self._until = math.inf
        self._is_idle = False
        self._watch: asyncio.TimerHandle | None = None
        self._queue: deque[Exchange] = deque()
        self._refused: Refused | None = None
        self._short: Short | None = getattr(self.app, "short", None)
        self._turn = Turn(self._turn_is_over, self._spawn, self.tasks)
        self._is_read = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._until = self.loop.time() + HEAD_SECONDS
        self._look()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client says nothing more: what it has asked is answered. Over TLS its connection is gone with that."""
        if self.scheme == "https" or self.cycle is None or self.cycle.response_complete:
            return False
        if self._refused is None:
            self.cycle.fall_silent()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_looking()
        self.connections.discard(self)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.hang_up()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]

    def shutdown(self) -> None:
        """A new connection may have its first request on the way: it gets a moment to arrive and be answered."""
        if self.cycle is None:
            self.loop.call_later(FIRST_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _look(self) -> None:
        """Every second at most, so that no request pays for a timer of its own."""
        left = self._until - self.loop.time()
        if left > 0:
            self._watch = self.loop.call_later(min(left, LOOK), self._look)
        elif self._is_idle:
            self.transport.close()
        else:
            message = f"the head of the request did not arrive within {HEAD_SECONDS:g} s"
            self._refuse(refused("LIMIT_EXCEEDED", message))

    def _stop_looking(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    # The short way

    def _enter(self, short: Short, data: bytes) -> None:
        """Begins a request whose head is known; the parser reads any other one, and its head may be known then."""
        head, end, body = data.partition(b"\r\n\r\n")
        line, _, block = head.partition(b"\r\n")
        known = short.heads.get(block) if end else None
        work = known and short.enter(line, known, body, self.client)
        if work:
            self.cycle = self._turn
            self._turn.begin(work)
            if not self._turn.response_complete:
                self._until = math.inf  # nothing is waited for from the client
            return
        self._parse(data)
        if end and known is None and self._is_read_at_once(line, len(body)):
            short.learn(line, block, self.headers)

    def _is_read_at_once(self, line: bytes, size: int) -> bool:
        """Whether the parser found just the request that begins with this line, and it leaves the connection open."""
        if not (self._is_read and isinstance(self.cycle, Exchange) and self.cycle.keep_alive):
            return False
        length = dict(self.headers).get(b"content-length", b"0")
        is_whole = length.isdigit() and int(length[:10]) == size
        return is_whole and line == b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)

    def _turn_is_over(self, written: Written | None) -> None:
        if self.transport.is_closing():
            return
        if written is None or not self._turn.keep_alive:
            self._end(written)
            return
        status, rest = written
        self.transport.write(BEGINNINGS.of(status, self.server_state.default_headers) + rest)
        self._rest()
        if self._turn.held:
            held, self._turn.held = self._turn.held, b""
            self.flow.resume_reading()
            self.data_received(held)

    def _end(self, written: Written | None) -> None:
        """Of the connection: the server stops, or failed."""
        if written is not None:
            status, rest = written
            self.transport.write(BEGINNINGS.of(status, self.server_state.default_headers) + CLOSE + rest)
        self.transport.close()

    # What arrives

    def data_received(self, data: bytes) -> None:
        if self._short is not None and self._is_between():
            self._enter(self._short, data)
        elif self._turn.response_complete:
            self._parse(data)
        else:
            self._turn.held += data
            self.flow.pause_reading()

    def _is_between(self) -> bool:
        """Whether the last request is read and answered, and nothing of the next one has been read."""
        return self._is_read and (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _parse(self, data: bytes) -> None:
        """As in the base, without its log lines about what callers do; behind what is refused nothing is heard."""
        if self._refused is not None:
            return
        self._bodiless_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(error.__context__ if isinstance(error.__context__, Refused) else NOT_HTTP)
            return
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._stop_looking()
                self.handle_websocket_upgrade()
            else:
                self._go_on(data[upgrade.args[0] :])
            return
        if self._head_bytes is not None:
            self._grow(len(data))
        elif not self._is_read and self._bodiless_bytes > self._longest_head:
            self._refuse(too_long_trailers(self._longest_head))

    def _grow(self, size: int) -> None:
        """More of a head that is not whole yet; after a whole request only its own beginning counts."""
        assert self._head_bytes is not None
        self._head_bytes += size
        if self._head_bytes > self._longest_head:
            self._refuse(too_long_a_head(self._longest_head))
        elif self._is_idle or self._until == math.inf:
            self._is_idle = False
            self._until = self.loop.time() + HEAD_SECONDS

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._head_bytes = 0
        self._is_read = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_bytes is None:
            self._drop_trailer(len(name) + len(value))
        else:
            self.headers.append((name.lower(), value))

    def _drop_trailer(self, size: int) -> None:
        """It may come when the request is answered already, so it must not say anything about it."""
        self._trailer_bytes += size
        if self._trailer_bytes > self._longest_head:
            raise too_long_trailers(self._longest_head)

    def on_headers_complete(self) -> None:
        self._trailer_bytes = self._bodiless_bytes = 0
        self._head_bytes = None
        self._is_idle = False
        self._until = math.inf
        self.scope = self._scope()  # type: ignore[assignment]
        if self._is_declining():
            return
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        before, self.cycle = self.cycle, self._exchange()
        if before is None or before.response_complete:
            self._start(self.cycle)
        else:
            self.flow.pause_reading()
            self._queue.append(self.cycle)

    def _scope(self) -> Scope:
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": self.parser.get_http_version(),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "root_path": self.root_path,
            "path": self.root_path + (unquote(path) if "%" in path else path),
            "raw_path": self.root_path.encode("ascii") + target.path,
            "query_string": target.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _exchange(self) -> Exchange:
        made = Exchange(
            dict(self.scope), self.transport, self.flow, self.server_state.default_headers, self.on_response_complete
        )
        if self.scope["http_version"] == "1.0":
            made.keep_alive = False
        else:
            made.keep_alive = self.parser.should_keep_alive()
            expected = dict(self.headers).get(b"expect")
            made.asks_to_go_on = expected is not None and expected.lower() == b"100-continue"
        return made

    def _start(self, exchange: Exchange) -> None:
        self._spawn(exchange.run(self.app))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_chunk_header(self) -> None:
        self._bodiless_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._bodiless_bytes = 0
        if isinstance(self.cycle, Exchange) and not self._is_declining() and not self.cycle.response_complete:
            self.cycle.take(body)

    def on_message_complete(self) -> None:
        self._is_read = True
        if isinstance(self.cycle, Exchange) and not self._is_declining() and not self.cycle.response_complete:
            self.cycle.take_end()

    def on_response_complete(self) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._queue:
            self._start(self._queue.popleft())
        elif self._refused is not None:
            self._refuse(self._refused)
        elif self._head_bytes is None:
            self._rest()

    def _rest(self) -> None:
        """Until the next request begins, or for as long as it may take to."""
        self._head_bytes = None
        self._is_idle = True
        self._until = self.loop.time() + self.timeout_keep_alive

    def _should_upgrade(self) -> bool:
        """To a WebSocket only, at its place, without a body, and when no answer is due that frames would overtake."""
        return (
            self.scope["path"] == self.root_path + WEBSOCKETS
            and self.parser.get_method() == b"GET"
            and self.scope["http_version"] != "1.0"
            and BODY.isdisjoint(dict(self.headers))
            and (self.cycle is None or self.cycle.response_complete)
            and super()._should_upgrade()
        )

    def handle_websocket_upgrade(self) -> None:
        """The head of a handshake is whole, so it is taken at once or never."""
        super().handle_websocket_upgrade()
        frames: Any = self.transport.get_protocol()
        if not frames.handshake_initiated:
            message = "the head of the handshake has too many headers, or one that is too long"
            self._refuse(refused("BAD_REQUEST", message))

    def _is_declining(self) -> bool:
        """Whether the client offers a protocol that is not spoken here, such as HTTP/2 in clear text, or not now."""
        return self.parser.should_upgrade() and not self._should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _go_on(self, rest: bytes) -> None:
        """The parser takes what follows a head with an upgrade for the other protocol; a new one gets it without."""
        version = self.scope["http_version"].encode()
        head = [b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)]
        head += [b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def _refuse(self, why: Refused) -> None:
        """What is no request, as the last answer: those to the requests before it come first."""
        if self.transport.is_closing():
            return
        if self._is_behind_requests():
            self._refused = why
            self._stop_looking()
            if self._is_in_body():
                self._queue.pop()
            return
        if not self._is_being_answered():
            self._say(why)
        self.transport.close()

    def _say(self, why: Refused) -> None:
        id = new_id()
        refusal = refusals.answer({"headers": [], "state": {"request_id": id}}, why.problems)
        headers = [*ALWAYS, (b"x-request-id", id.encode()), *refusal.all_headers(), (b"connection", b"close")]
        self.transport.write(head(refusal.status, headers) + refusal.body)

    def _is_behind_requests(self) -> bool:
        """Whether whole requests wait for their answers: of one that is not read to its end, those before it."""
        if self._is_in_body():
            return bool(self._queue)
        return self.cycle is not None and not self.cycle.response_complete

    def _is_being_answered(self) -> bool:
        """Whether a request that is not read to its end has an answer nevertheless, or the beginning of one."""
        return self._is_in_body() and isinstance(self.cycle, Exchange) and self.cycle.has_begun

    def _is_in_body(self) -> bool:
        return self._head_bytes is None and not self._is_read


def too_long_trailers(limit: float) -> Refused:
    return refused("LIMIT_EXCEEDED", f"the trailers of the request are longer than {limit} bytes (max_header_bytes)")
