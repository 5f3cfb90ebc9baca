"""What every request passes first and every answer last: its id, its host, the size of its head, faults."""

import contextlib
import logging
import re
from itertools import chain
from random import getrandbits

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Refused, fault, internal, refused
from graphql_api.web import refusals
from graphql_api.web.cors import Cors
from graphql_api.web.hosts import Hosts
from graphql_api.web.http import Answer, Disconnected, Headers, named
from graphql_api.web.telemetry import WEBSOCKET

REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,128}")
ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
"""Headers of every answer that does not set them itself."""

NAMES = frozenset(dict(ALWAYS))

FAULT = 1011
"""The close code of WebSockets."""

log = logging.getLogger("message_flows")


class Front:
    """Keeps a valid incoming x-request-id or makes one, and sends it with every answer; masks faults."""

    def __init__(self, app: ASGIApp, hosts: Hosts, cors: Cors, head_bytes: int) -> None:
        self._app = app
        self._hosts = hosts
        self._cors = cors
        self.head_bytes = head_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id(scope)
        door = self._http if scope["type"] == "http" else self._websocket
        await door(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        id = scope["state"]["request_id"]
        answer = Outgoing(scope, send, [(b"x-request-id", id.encode()), *self._cors.headers(scope)])
        try:
            self.admit(scope)
            early = self._cors.preflight(scope)
            if early is not None:
                await early.send(answer.send)
                return
            await self._app(as_get(scope), receive, answer.send)
        except Refused as refusal:
            await refusals.answer(scope, refusal.problems).send(answer.send)
        except Disconnected:
            return
        except Exception as error:
            masked = failed(scope, error)
            if not answer.started:
                await masked.send(answer.send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.admit(scope)
            await self._app(scope, receive, send)
        except Refused as refusal:
            await self._deny({**scope, "method": WEBSOCKET}, refusal, send)
        except Exception as error:
            log.error("request %s failed: %s", scope["state"]["request_id"], fault(error))
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": FAULT})

    async def _deny(self, scope: Scope, refusal: Refused, send: Send) -> None:
        """Answers a handshake as a request that is refused."""

        async def denying(message: Message) -> None:
            await send({**message, "type": f"websocket.{message['type']}"})

        state = scope["state"]
        answer = refusals.answer(scope, refusal.problems)
        state["telemetry"].tell(scope, answer.status, 0)
        await answer.send(Outgoing(scope, denying, [(b"x-request-id", state["request_id"].encode())]).send)

    def admit(self, scope: Scope) -> None:
        """Raises Refused for a head that is too long or that calls the server by a wrong name."""
        if head_size(scope) > self.head_bytes:
            raise too_long_a_head(self.head_bytes)
        self._hosts.check(scope)


def failed(scope: Scope, error: Exception) -> Answer:
    return refusals.answer(scope, masked(scope, error).problems)


def masked(scope: Scope, error: Exception) -> Refused:
    id = scope["state"]["request_id"]
    log.error("request %s failed: %s", id, fault(error))
    return internal(id)


class Outgoing:
    """An answer on its way: it gets the headers that all have; to HEAD it ends where its body begins."""

    def __init__(self, scope: Scope, send: Send, more: Headers) -> None:
        self.started = False
        self._send = send
        self._state = scope["state"]
        self._is_head = scope["method"] == "HEAD"
        self._is_over = False
        self._more = more

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._state["status"] = message["status"]
            account = self._state.get("account")
            more = [*self._more, *account.headers()] if account is not None else self._more
            message = {**message, "headers": [*message["headers"], *usual(message["headers"]), *more]}
        elif self._is_head:
            if self._is_over:
                return
            self._is_over = True
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)


def usual(headers: Headers) -> Headers:
    """What an answer with these headers gets besides."""
    given = dict(headers)
    return ALWAYS if given.keys().isdisjoint(NAMES) else [one for one in ALWAYS if one[0] not in given]


def as_get(scope: Scope) -> Scope:
    """HEAD is answered like GET; the body is left out on the way back."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def head_size(scope: Scope) -> int:
    """About the bytes of the head as it was sent: target, names, values and what stands between them."""
    target = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
    return target + 4 * len(scope["headers"]) + sum(map(len, chain.from_iterable(scope["headers"])))


def too_long_a_head(limit: float) -> Refused:
    return refused("LIMIT_EXCEEDED", f"the head of the request is longer than {limit} bytes (max_header_bytes)")


def request_id(scope: Scope) -> str:
    single = named(scope)
    if single is None or b"x-request-id" in single:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                return value.decode()  # type: ignore[no-any-return]
    return new_id()


def new_id() -> str:
    return getrandbits(64).to_bytes(8).hex()  # no secret: it only has to tell requests apart
