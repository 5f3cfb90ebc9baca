"""Heads of requests that came before, known again by their bytes: what follows from one is found out once.

Clients say the same headers in each request of a kind. Bytes that were parsed as a head are not parsed again, and what
only depends on them (`http.of_head`) is remembered with them; of the key that they show only its digest is kept.
"""

import re
from hashlib import sha256
from typing import Any

from starlette.types import Scope

from graphql_api.web.http import Headers

REMEMBERED = 1_024
LONGEST = 4_096

LONGEST_TARGET = 256
LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z0-9/_.-]{0,%d}) HTTP/1\.1" % (LONGEST_TARGET - 1))
"""The first line of a request that says nothing unusual: neither a query nor anything that is to be decoded."""

CHANGING = frozenset({b"x-request-id", b"transfer-encoding", b"upgrade", b"expect"})
"""Headers that another request would say differently, or that say how the rest is to be read."""

SECRETS = frozenset({b"x-api-key", b"authorization"})


def parted(data: bytes) -> tuple[re.Match[bytes] | None, bytes, bytes]:
    """The first line of a request, the other lines of its head, and its body; no line if there is more to it."""
    head, end, body = data.partition(b"\r\n\r\n")
    line, _, block = head.partition(b"\r\n")
    return LINE.fullmatch(line) if end else None, block, body


class Head:
    """The headers of a request, the length of the body that follows them, and what follows from them alone."""

    __slots__ = ("facts", "length", "scope")

    def __init__(self, headers: Headers, length: int, digest: bytes) -> None:
        """`digest`: of the key that the headers show."""
        self.length = length
        self.facts: dict[Any, Any] = {"digest": digest}
        told = [one for one in headers if one[0] not in SECRETS]
        self.scope: Scope = {
            "type": "http",
            "query_string": b"",
            "headers": told,
            "named": dict(told),
            "facts": self.facts,
        }


class Heads:
    """Those of one process; the oldest is forgotten for a new one."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def get(self, block: bytes) -> Head | None:
        return self._known.get(sha256(block).digest())

    def learn(self, block: bytes, headers: Headers, digest: bytes) -> None:
        """`headers` are what the parser made of `block`, the lines of a head after the first one."""
        if not is_plain(block, headers):
            return
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[sha256(block).digest()] = Head(headers, int(dict(headers).get(b"content-length", 0)), digest)


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
