"""The short way of a request that says nothing unusual, past the rooms that would only wave it through.

Its head is known (`heads`), its body is there, its key was read a moment ago, its points are at hand: then all that the
long way asks has the same answer as the last time, or is asked here. Whatever is not so goes the long way before
anything has been done, and finds the words there. Tests hold that both ways answer alike.
"""

import contextlib
from collections.abc import Coroutine, Mapping
from hashlib import sha256
from re import Match
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Refused
from graphql_api.schema.context import Seen
from graphql_api.web.auth import Keyring, token
from graphql_api.web.cors import Cors
from graphql_api.web.front import ALWAYS, Front, failed, new_id, usual
from graphql_api.web.heads import LONGEST_TARGET, Head, Heads
from graphql_api.web.health import Ready
from graphql_api.web.http import Answer, Headers, lines, of_head
from graphql_api.web.metrics import GATHERED
from graphql_api.web.telemetry import GONE, Telemetry
from graphql_api.web.throttle import Account, Throttle, payer

USUAL = lines(ALWAYS)
PLAIN = b"content-type: %b\r\ncontent-length: %d\r\n"

Written = tuple[int, bytes]
"""The status of an answer, and all of it that follows the status line and the headers that the connection adds."""


class Door(Protocol):
    async def answer(self, scope: Scope, receive: Receive) -> Answer: ...

    def takes(self, scope: Scope) -> bool:
        """Whether a request with this method and this head is answered by `answer`."""


class Rooms(NamedTuple):
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
    def __init__(self, rooms: Rooms, doors: Mapping[str, Door], prefix: str, below: Door) -> None:
        """`doors` by whole paths; `prefix` and the `below` that takes what begins with it."""
        self.heads = Heads()
        self._rooms = rooms
        self._doors = doors
        self._prefix = prefix
        self._below = below
        self._admits, self._cors = self._is_admitted, self._cors_lines  # the same objects for all, as facts need them

    def learn(self, block: bytes, headers: Headers) -> None:
        """Keeps a head that the parser has read; a key that it shows wrongly is for the long way to refuse."""
        with contextlib.suppress(Refused):
            shown = token({"headers": headers, "query_string": b""})
            self.heads.learn(block, headers, sha256(shown).digest())

    def enter(
        self, line: Match[bytes], head: Head, body: bytes, client: Any, root: str
    ) -> Coroutine[Any, Any, Written] | None:
        """What makes the answer; None for a request that goes the long way."""
        method, target = line.groups()
        path = target.decode()
        door = self._below if path.startswith(self._prefix) else self._doors.get(path)
        rooms = self._rooms
        key = rooms.keyring and rooms.keyring.known(head.facts["digest"])
        if door is None or rooms.ready.is_stopping or (key is None and rooms.keyring):
            return None
        state: dict[str, Any] = {"request_id": new_id(), "asker": key, "seen": Seen(), "charge": None}
        scope = {
            **head.scope,
            "method": method.decode(),
            "path": root + path,
            "raw_path": root.encode() + target,
            "root_path": root,
            "client": client,
            "state": state,
            "whole": body,
        }
        if not (of_head(scope, self._admits) and door.takes(scope)):
            return None
        account = None
        if rooms.throttle is not None:
            account = Account(rooms.throttle, payer(scope), state)
            if not account.has_paid(1):
                return None
            state["charge"] = account.charge
        return self._answered(door, scope, account)

    async def _answered(self, door: Door, scope: Scope, account: Account | None) -> Written:
        state = scope["state"]
        GATHERED.in_flight += 1
        began = perf_counter()
        try:
            try:
                answer = await door.answer(scope, nothing_more)
            except Exception as error:
                answer = failed(scope, error)
            state["status"] = answer.status
            return self._written(scope, answer, account)
        finally:
            GATHERED.in_flight -= 1
            self._rooms.telemetry.tell(scope, state.get("status", GONE), perf_counter() - began)

    def _written(self, scope: Scope, answer: Answer, account: Account | None) -> Written:
        """As the long way sends it, with the headers in the same order."""
        is_plain = not answer.headers and answer.media is not None
        return answer.status, b"%b%bx-request-id: %b\r\n%b%b\r\n%b" % (
            PLAIN % (answer.media, len(answer.body)) if is_plain else lines(answer.all_headers()),
            lines(usual(answer.headers)) if answer.headers else USUAL,
            scope["state"]["request_id"].encode(),
            of_head(scope, self._cors),
            account.lines() if account else b"",
            answer.body,
        )

    def _is_admitted(self, scope: Scope) -> bool:
        """The target is taken to be as long as it may be on this way."""
        try:
            self._rooms.front.admit({**scope, "raw_path": b" " * LONGEST_TARGET})
        except Refused:
            return False
        return True

    def _cors_lines(self, scope: Scope) -> bytes:
        return lines(self._rooms.cors.headers(scope))


async def nothing_more() -> Message:
    raise AssertionError("the whole body is there")
