"""Heads of requests that came before, known again: what follows from one is found out once.

Clients say the same headers in each request of a kind, and proxies add some that are others each time. Bytes that were
parsed as a head are not parsed again, nor are heads that say the same in all headers that are read; what only depends
on them (`http.of_head`) is remembered with them. Of the key that they show only its digest is kept.
"""

import re
from hashlib import blake2b, sha256

import msgspec
from msgspec.structs import replace
from starlette.types import Scope

from graphql_api.web.bounded_cache import with_room
from graphql_api.web.front import request_id
from graphql_api.web.http import Headers

REMEMBERED = 1_024
LONGEST = 4_096

LONGEST_TARGET = 256
"""Targets of requests whose heads are known are shorter."""

OWN = (b"x-request-id", b"idempotency-key", b"if-match", b"if-none-match")
"""Headers that each request says differently: what is remembered may depend on whether they are there, not on more."""

READ = (
    *(b"accept", b"authorization", b"content-encoding", b"content-length", b"content-type", b"host", b"origin"),
    *(b"x-api-key", b"x-workspace-id"),
    *(b"connection", b"expect", b"proxy-connection", b"transfer-encoding", b"upgrade"),
)
"""All others that a request on the short way, or the parser, is read for."""

NEVER = frozenset({b"transfer-encoding", b"upgrade", b"expect"})
"""Headers that say how the rest is to be read."""

SECRETS = frozenset({b"x-api-key", b"authorization"})

LINES = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+(?:\r\n(?!\Z)|\Z))++")
"""One line for each header, in characters of which no parser makes anything else."""

READ_LINES = re.compile(rb"\n(?i:%b):[^\r]*" % b"|".join(READ))
OWN_LINES = re.compile(rb"\n(?i:(%b)):[\t ]*([^\r]*)" % b"|".join(OWN))


class Head(msgspec.Struct, frozen=True):
    """What follows from the lines of a head after the first one.

    `length` is that of the body that follows them, `digest` of the key that they show; `cors` are lines of the answer,
    `scope` what they add to that of a request; `takes_events`: they would take events, though rather a single answer;
    `request_id`: what they call the request, or we where their name will not do.
    """

    length: int
    digest: bytes
    cors: bytes
    scope: Scope
    takes_events: bool = False
    request_id: str | None = None

    def with_own(self, own: Headers) -> "Head":
        told: Scope = {"headers": [*self.scope["headers"], *own], "named": {**self.scope["named"], **dict(own)}}
        return replace(self, scope={**self.scope, **told, "own": True}, request_id=request_id(told))


class Heads:
    """Those of one process; the oldest is forgotten for a new one."""

    def __init__(self, longest_body: int, root_path: str = "", longest_head: int = 2 * LONGEST) -> None:
        """`longest_head` in bytes as `front.head_size` counts them: a line of four as five, the shortest there is."""
        self._longest_body = longest_body
        self._root_path = root_path
        self._longest = min(LONGEST, (longest_head - len(root_path) - LONGEST_TARGET) * 4 // 5)
        self._by_bytes: dict[bytes, Head] = {}
        self._by_meaning: dict[bytes, Head] = {}

    def get(self, block: bytes) -> Head | None:
        """`block`: the lines of a head after the first."""
        digest = blake2b(block).digest()
        return self._by_bytes.get(digest) or self._meant(block, digest)

    def _meant(self, block: bytes, digest: bytes) -> Head | None:
        read = self._read(block)
        known = read and self._by_meaning.get(read[0])
        if not (read and known):
            return None
        if read[1]:
            return known.with_own(read[1])
        with_room(self._by_bytes, REMEMBERED)[digest] = known
        return known

    def _read(self, block: bytes) -> tuple[bytes, Headers] | None:
        """What all heads that mean the same have in common, and the headers in OWN, each once; None where a parser
        might find something else in it."""
        if len(block) > self._longest or LINES.fullmatch(block) is None:
            return None
        text = b"\n" + block
        own = [(name.lower(), value.rstrip(b"\t ")) for name, value in OWN_LINES.findall(text)]
        names = [name for name, _ in own]
        if len(set(names)) < len(names):
            return None
        return blake2b(b"\n".join([*READ_LINES.findall(text), *names])).digest(), own

    def learn(self, block: bytes, headers: Headers, shown: bytes, cors: bytes, *, takes_events: bool = False) -> None:
        """`headers` are what the parser made of `block`; `shown` is their key."""
        read = self._read(block)
        told = [one for one in headers if one[0] in READ]
        named = dict(told)
        length = named.get(b"content-length", b"0")
        if (
            read is None
            or len(named) < len(told)
            or not NEVER.isdisjoint(named)
            or not (length.isdigit() and int(length) <= self._longest_body)
        ):
            return
        kept = [one for one in told if one[0] not in SECRETS]
        scope = {
            "root_path": self._root_path,
            "query_string": b"",
            "headers": kept,
            "named": dict(kept),
            "facts": {},
        }
        digest = sha256(shown).digest()
        with_room(self._by_meaning, REMEMBERED)[read[0]] = Head(int(length), digest, cors, scope, takes_events)
