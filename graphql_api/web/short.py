"""The short way of a request that says nothing unusual, past the rooms that would only wave it through.

Its head is known (`heads`), its body is there, its key was read a moment ago, its points are at hand: then all that the
long way asks has the same answer as the last time, or is asked here. Whatever is not so goes the long way before
anything has been done, and finds the words there. Tests hold that both ways answer alike.
"""

import contextlib
from collections.abc import Coroutine
from time import perf_counter
from typing import Any, Protocol

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Refused
from graphql_api.schema.context import Seen
from graphql_api.web.auth import Keyring, token
from graphql_api.web.cors import Cors
from graphql_api.web.front import ALWAYS, Front, failed, new_id, usual
from graphql_api.web.graphql import asks_for_events, may_go_on, takes_events
from graphql_api.web.heads import Head, Heads
from graphql_api.web.health import Ready
from graphql_api.web.http import Answer, Headers, lines
from graphql_api.web.routes import PREFIX, RouteMatch, plain
from graphql_api.web.telemetry import GONE, Telemetry
from graphql_api.web.throttle import Account, Throttle, payer

UNUSUAL = b"%b%bx-request-id: %b\r\n%b%b\r\n%b"
PLAIN = b"%%bcontent-type: %%b\r\ncontent-length: %%d\r\n%bx-request-id: %%b\r\n%%b%%b\r\n%%b" % lines(ALWAYS)

WrittenAnswer = tuple[int, bytes]
"""The status of an answer, and all of it that follows the status line and the headers that the connection adds."""


class Door(Protocol):
    async def answer(self, scope: Scope, receive: Receive) -> Answer: ...


class Dispatch(msgspec.Struct, frozen=True):
    """Where a first line leads: a door, the form of the path, and for REST the route with the id in the path."""

    door: Door
    method: str
    form: str
    found: RouteMatch | None = None


class DispatchTable(dict[bytes, Dispatch | None]):
    """Where first lines lead: that of GraphQL is kept, those of REST are read; None for what goes the long way."""

    def __init__(self, graphql: Door, rest: Door) -> None:
        super().__init__({b"POST /graphql HTTP/1.1": Dispatch(graphql, "POST", "/graphql")})
        self._rest = rest

    def __missing__(self, line: bytes) -> Dispatch | None:
        found = plain(line)
        if found is None:
            return None
        route = found[0]
        return Dispatch(self._rest, route.method, PREFIX + route.path, found)


class Middleware(msgspec.Struct, frozen=True):
    """Those that a request passes on the long way, and that are asked here instead."""

    ready: Ready
    telemetry: Telemetry
    front: Front
    cors: Cors
    keyring: Keyring | None
    throttle: Throttle | None


class Application:
    """The long way, as ASGI has it, and beside it the short one for connections that know of it."""

    def __init__(self, long: ASGIApp, short: "Short") -> None:
        self.short = short
        self._long = long

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._long(scope, receive, send)


class Short:
    def __init__(self, middleware: Middleware, graphql: Door, rest: Door, longest_body: int, root_path: str) -> None:
        self.heads = Heads(longest_body, root_path, middleware.front.head_bytes)
        self._middleware = middleware
        self._table = DispatchTable(graphql, rest)

    def learn(self, line: bytes, block: bytes, headers: Headers) -> None:
        """Keeps a head that the parser has read, unless it is refused or asks for events: those go the long way."""
        scope = {"path": "", "query_string": b"", "headers": headers}
        with contextlib.suppress(Refused):
            self._middleware.front.admit(scope)
            if self._table[line] and not asks_for_events(scope):
                cors = lines(self._middleware.cors.headers(scope))
                self.heads.learn(block, headers, token(scope), cors, takes_events=takes_events(scope))

    def enter(self, line: bytes, head: Head, body: bytes, client: Any) -> Coroutine[Any, Any, WrittenAnswer] | None:
        """What makes the answer; None for a request that goes the long way."""
        middleware = self._middleware
        dispatch = self._table[line]
        if dispatch is None or head.length != len(body) or middleware.ready.is_stopping:
            return None
        if head.takes_events and may_go_on(body):
            return None
        key = account = None
        if middleware.keyring is not None and (key := middleware.keyring.known(head.digest)) is None:
            return None
        state: dict[str, Any] = {
            "request_id": head.request_id or new_id(),
            "asker": key,
            "seen": Seen(),
            "account": None,
        }
        if middleware.throttle is not None:
            account = state["account"] = middleware.throttle.paid(payer(key, client))
            if account is None:
                return None
        scope = {**head.scope, "method": dispatch.method, "found": dispatch.found, "state": state, "whole": body}
        return self._answered(dispatch, head, scope, account)

    async def _answered(self, dispatch: Dispatch, head: Head, scope: Scope, account: Account | None) -> WrittenAnswer:
        began, status = perf_counter(), GONE
        try:
            try:
                answer = await dispatch.door.answer(scope, nothing_more)
            except Exception as error:
                answer = failed(scope, error)
            status = answer.status
            points = account.lines() if account else b""
            return status, written(answer, scope["state"]["request_id"], head.cors, points)
        finally:
            self._middleware.telemetry.tell(scope, status, perf_counter() - began, dispatch.form)


def written(answer: Answer, id: str, cors: bytes, points: bytes) -> bytes:
    """As the long way sends it, with the headers in the same order."""
    own = answer.headers
    if answer.media is None or (own and usual(own) is not ALWAYS):
        return UNUSUAL % (lines(answer.all_headers()), lines(usual(own)), id.encode(), cors, points, answer.body)
    before = lines(own) if own else b""
    return PLAIN % (before, answer.media, len(answer.body), id.encode(), cors, points, answer.body)


async def nothing_more() -> Message:
    raise AssertionError("the whole body is there")
