"""The query parameters of the list route, as variables of its operation."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql_api.domain.caller import is_id
from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.flow import Direction, MessageChannel
from graphql_api.domain.instants import parse
from graphql_api.web.http import printable

LONGEST_PAGE = 1_000
ORDERS = {"createdAt": "CREATED_AT", "updatedAt": "UPDATED_AT", "name": "NAME"}


def limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LONGEST_PAGE):
        raise ValueError(f"must be a whole number from 1 to {LONGEST_PAGE}")
    return int(text)


def flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of an enum, in the REST spelling."""

    kind: type[Enum]

    def __call__(self, text: str) -> str:
        for one in self.kind:
            if one.value == text:
                return str(one.name)
        raise ValueError(f"must be one of {', '.join(str(one.value) for one in self.kind)}")


def agent(text: str) -> str:
    if not is_id(text):
        raise ValueError("must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -")
    return text


def since(text: str) -> str:
    try:
        parse(text)
    except ValueError:
        raise ValueError("must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z") from None
    return text


def order(text: str) -> dict[str, str]:
    name = text.removeprefix("-")
    if name not in ORDERS:
        raise ValueError(f"must be one of {', '.join(ORDERS)}, with - before it for descending")
    return {"field": ORDERS[name], "direction": "DESC" if text.startswith("-") else "ASC"}


FILTERS: Mapping[str, Callable[[str], Any]] = {
    "direction": Choice(Direction),
    "messageChannel": Choice(MessageChannel),
    "isActive": flag,
    "autopilot": flag,
    "hipaaCompliance": flag,
    "agent": agent,
    "nameContains": str,
    "updatedSince": since,
}
OTHERS: Mapping[str, Callable[[str], Any]] = {"limit": limit, "cursor": str, "orderBy": order}
KNOWN = {**OTHERS, **FILTERS}


def list_variables(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Raises Refused (BAD_REQUEST) for a parameter that is unknown, malformed, or there twice."""
    values: dict[str, Any] = {}
    for name, text in asked:
        if name not in KNOWN:
            raise _unknown(name)
        if name in values:
            raise refused("BAD_REQUEST", f"the parameter {name} is given more than once")
        try:
            values[name] = KNOWN[name](text)
        except ValueError as error:
            raise refused("BAD_REQUEST", f"the parameter {name} {error}") from None
    filter = {name: value for name, value in values.items() if name in FILTERS}
    rest = {name: value for name, value in values.items() if name in OTHERS}
    return {"limit": LONGEST_PAGE, "filter": filter, **rest}


def _unknown(name: str) -> Refused:
    near = difflib.get_close_matches(name[:64], KNOWN, 1, 0.5)
    offer = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(KNOWN)}"
    return refused("BAD_REQUEST", f"{printable(name)} is not a parameter of this route{offer}")
