"""Versions as entity tags: ETag, If-Match and If-None-Match of RFC 9110."""

import re

from graphql_api.domain.errors import refused

TAG = re.compile(r'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*')
BETWEEN = re.compile(r"[ \t,]*")
"""Elements of a list that are empty count for nothing (RFC 9110, 5.6.1)."""

VERSION = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def tag(version: int) -> bytes:
    return b'"%d"' % version


def if_match(value: str | None) -> frozenset[int] | None:
    """The versions that are listed; None without a guard; tags that cannot match are left out."""
    if value is None or value.strip(" \t") == "*":
        return None
    return frozenset(int(opaque) for weak, opaque in _tags("If-Match", value) if not weak and VERSION.fullmatch(opaque))


def lists_weakly(value: str | None, version: int) -> bool:
    """Whether If-Match has this version as a weak tag, which it never matches."""
    return value is not None and value.strip(" \t") != "*" and ("W/", str(version)) in _tags("If-Match", value)


def none_match(value: str | None, version: int) -> bool:
    """Whether If-None-Match says that the caller has this version."""
    if value is None:
        return False
    if value.strip(" \t") == "*":
        return True
    return any(opaque == str(version) for _, opaque in _tags("If-None-Match", value))


def _tags(name: str, value: str) -> list[tuple[str, str]]:
    tags = []
    position = _after_between(value, 0)
    while match := TAG.match(value, position):
        tags.append((match[1] or "", match[2]))
        if value[match.end() : match.end() + 1] not in ("", ","):
            break
        position = _after_between(value, match.end())
        if position == len(value):
            return tags
    raise refused("BAD_REQUEST", f'{name} must be * or a list of entity tags, such as "7" or "6", "7"')


def _after_between(value: str, position: int) -> int:
    match = BETWEEN.match(value, position)
    return match.end() if match else position
