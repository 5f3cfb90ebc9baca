"""Heads of requests that came before, known again by their bytes: what follows from one is found out once.

Clients say the same headers in each request of a kind. Bytes that were parsed as a head are not parsed again, and what
only depends on them (`http.of_head`) is remembered with them; of the key that they show only its digest is kept.
"""

from hashlib import blake2b, sha256

import msgspec
from starlette.types import Scope

from graphql_api.web.bounded_cache import with_room
from graphql_api.web.http import Headers

REMEMBERED = 1_024
LONGEST = 4_096

CHANGING = frozenset({b"x-request-id", b"idempotency-key", b"traceparent", b"transfer-encoding", b"upgrade", b"expect"})
"""Headers that another request would say differently, or that say how the rest is to be read."""

SECRETS = frozenset({b"x-api-key", b"authorization"})


class Head(msgspec.Struct, frozen=True):
    """What follows from the lines of a head after the first one.

    `length` is that of the body that follows them, `digest` of the key that they show; `cors` are lines of the answer,
    `scope` what they add to that of a request; `takes_events`: they would take events, though rather a single answer.
    """

    length: int
    digest: bytes
    cors: bytes
    scope: Scope
    takes_events: bool = False


class Heads:
    """Those of one process; the oldest is forgotten for a new one."""

    def __init__(self, longest_body: int, root_path: str = "") -> None:
        self._longest_body = longest_body
        self._root_path = root_path
        self._known: dict[bytes, Head] = {}

    def get(self, block: bytes) -> Head | None:
        return self._known.get(blake2b(block).digest())

    def learn(self, block: bytes, headers: Headers, shown: bytes, cors: bytes, *, takes_events: bool = False) -> None:
        """`headers` are what the parser made of `block`, the lines of a head after the first; `shown` is their key."""
        length = dict(headers).get(b"content-length", b"0")
        if not (is_plain(block, headers) and int(length) <= self._longest_body):
            return
        scope = {"type": "http", "root_path": self._root_path, "query_string": b"", **without_secrets(headers)}
        digest, scope = sha256(shown).digest(), {**scope, "facts": {}}
        with_room(self._known, REMEMBERED)[blake2b(block).digest()] = Head(
            int(length), digest, cors, scope, takes_events
        )


def without_secrets(headers: Headers) -> Scope:
    told = [one for one in headers if one[0] not in SECRETS]
    return {"headers": told, "named": dict(told)}


def is_plain(block: bytes, headers: Headers) -> bool:
    """Whether the block is one line for each header, no name stands twice, and the body is as long as they say."""
    named = dict(headers)
    return (
        len(block) <= LONGEST
        and len(named) == len(headers) == block.count(b"\r\n") + 1 == block.count(b"\n") + 1
        and CHANGING.isdisjoint(named)
        and _is_number(named.get(b"content-length", b"0"))
    )


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) < 10
