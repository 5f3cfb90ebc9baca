"""What a leaf's value may be: each check answers the value as it is kept, or raises what is wrong with it."""

import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

from graphql_api.domain import zones
from graphql_api.domain.ids import ID_RULE, is_id

Check = Callable[[Any], Any]

LONGEST_DELAY = 86_400
CLOCK = re.compile("([01]?[0-9]|2[0-3]):([0-5][0-9])")
LINE_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
SURROGATES = re.compile("[\ud800-\udfff]")


class Wrong(ValueError):
    """A value that a leaf does not take: `code` of `domain.errors` and a sentence without the leaf's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Text(msgspec.Struct, frozen=True):
    """Text as sent, in Unicode code points; NUL and lone surrogates are refused everywhere."""

    longest: int
    blank: bool = True
    shortest: int = 0
    line_breaks: bool = True

    def __call__(self, value: str) -> str:
        if len(value) > self.longest:
            raise Wrong("TOO_LONG", f"has {len(value)} characters; at most {self.longest} are allowed")
        storable(value)
        if len(value) < self.shortest or (not self.blank and not value.strip()):
            raise Wrong("BLANK", "must not be blank" if not self.blank else "must not be empty")
        if not self.line_breaks and LINE_BREAKS.search(value):
            raise Wrong("INVALID_CHARACTER", "must be a single line without line breaks")
        return value


def storable(value: str) -> str:
    """Refuses what PostgreSQL cannot keep."""
    if "\0" in value:
        raise Wrong("INVALID_CHARACTER", "must not contain the character NUL (U+0000)")
    if not value.isascii() and SURROGATES.search(value):
        raise Wrong("INVALID_CHARACTER", "must not contain a lone surrogate (U+D800 to U+DFFF)")
    return value


def opaque_id(value: str) -> str:
    if not is_id(value):
        raise Wrong("INVALID_ID", f"must be {ID_RULE}")
    return value


def flag(value: bool) -> bool:
    return value


def choice(value: str) -> str:
    """Enum values are checked by each door, in its own spelling."""
    return value


def seconds(value: float) -> float:
    """A delay; a whole number of seconds is kept as an int, so that it prints as one."""
    if 0 <= value <= LONGEST_DELAY:
        return whole(value)
    if not math.isfinite(value):
        raise Wrong("OUT_OF_RANGE", "must be a finite number")
    raise Wrong("OUT_OF_RANGE", f"must be between 0 and {LONGEST_DELAY} seconds")


def whole(value: float) -> float:
    return int(value) if value == int(value) else value


def opening_time(value: str) -> str:
    match = CLOCK.fullmatch(value)
    if match is None:
        raise Wrong("INVALID_TIME", "must be a time of day HH:MM from 00:00 to 23:59, such as 09:00")
    return f"{match[1]:0>2}:{match[2]}"


def closing_time(value: str) -> str:
    if value == "24:00":
        return value
    try:
        return opening_time(value)
    except Wrong:
        raise Wrong(
            "INVALID_TIME", "must be a time of day HH:MM from 00:00 to 23:59, or 24:00 for the end of the day"
        ) from None


def timezone(value: str) -> str:
    name = zones.canonical(value)
    if name is not None:
        return name
    near = zones.nearest(value)
    offer = f"; near names: {', '.join(near)}" if near else ", such as Europe/Berlin or UTC"
    raise Wrong("INVALID_TIMEZONE", f"must be a name of the IANA time zone database{offer}")
