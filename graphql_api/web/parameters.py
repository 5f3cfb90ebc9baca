"""The query parameters of the routes, as variables of their operations."""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache, partial
from typing import Any

import msgspec
from starlette.types import Scope

from graphql_api.domain.checks import storable
from graphql_api.domain.errors import refused
from graphql_api.domain.flow import Direction, MessageChannel
from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.domain.instants import parse
from graphql_api.domain.search import Sizes
from graphql_api.domain.search import cursor as read_cursor
from graphql_api.domain.words import offer, printable
from graphql_api.schema.inputs import order_of
from graphql_api.web.http import parameters

Parser = Callable[[str], Any]

ORDERS = {"createdAt": "CREATED_AT", "updatedAt": "UPDATED_AT", "name": "NAME"}


def limit(text: str, longest: int = Sizes().rest_page) -> int:
    """Raises Refused (LIMIT_EXCEEDED) above the longest page; numbers of more digits than that has are all the same."""
    digits = text.lstrip("0") if text.isascii() and text.isdecimal() else ""
    if not digits:
        raise ValueError(f"must be a whole number from 1 to {longest}")
    if int(digits[:9]) > longest:
        raise refused("LIMIT_EXCEEDED", f"the parameter limit is above {longest}, the limit (max_rest_page)")
    return int(digits)


def flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


class Choice(msgspec.Struct, frozen=True):
    """One of the values of an enum, in the REST spelling."""

    kind: type[Enum]

    def __call__(self, text: str) -> str:
        for one in self.kind:
            if one.value == text:
                return str(one.name)
        raise ValueError(f"must be one of {', '.join(str(one.value) for one in self.kind)}")


def agent(text: str) -> str:
    if not is_id(text):
        raise ValueError(f"must be {ID_RULE}")
    return text


def instant(text: str) -> str:
    try:
        parse(text)
    except ValueError:
        escape = "; write the + of an offset as %2B in an address" if " " in text else ""
        raise ValueError(f"must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z{escape}") from None
    return text


def order(text: str) -> dict[str, str]:
    name = text.removeprefix("-")
    if name not in ORDERS:
        raise ValueError(f"must be one of {', '.join(ORDERS)}, with - before it for descending")
    return {"field": ORDERS[name], "direction": "DESC" if text.startswith("-") else "ASC"}


def _hold_to_order(cursor: str, asked: Mapping[str, str] | None) -> None:
    try:
        read_cursor(cursor, order_of(asked))
    except ValueError as error:
        raise refused("BAD_REQUEST", f"the parameter cursor {error}") from None


FILTERS: Mapping[str, Parser] = {
    "direction": Choice(Direction),
    "messageChannel": Choice(MessageChannel),
    "isActive": flag,
    "autopilot": flag,
    "hipaaCompliance": flag,
    "agent": agent,
    "nameContains": storable,
    "updatedSince": instant,
}
OTHERS: Mapping[str, Parser] = {"limit": limit, "cursor": str, "orderBy": order}
KNOWN: Mapping[str, Parser] = {**OTHERS, **FILTERS}
HOURS: Mapping[str, Parser] = {"at": instant, "from": instant, "to": instant}
TAKEN: Mapping[str, Mapping[str, Parser]] = {"ListMessageFlows": KNOWN, "GetWorkingHours": HOURS}
"""By operation; all others take none."""

ELSEWHERE: Mapping[str, str] = {
    "page": "cursor",
    "offset": "cursor",
    "after": "cursor",
    "first": "limit",
    "pagesize": "limit",
    "perpage": "limit",
    "sort": "orderBy",
    "sortby": "orderBy",
}
"""What other interfaces, GraphQL among them, call a parameter of ours."""

HEADERS: Mapping[str, str] = {
    "idempotencykey": "Idempotency-Key",
    "ifversion": "If-Match",
    "ifmatch": "If-Match",
    "ifnonematch": "If-None-Match",
    "workspace": "x-workspace-id",
    "workspaceid": "x-workspace-id",
    "xworkspaceid": "x-workspace-id",
    "apikey": "x-api-key",
    "xapikey": "x-api-key",
}
ARGUMENTS: Mapping[str, str] = {
    "validateonly": "validateOnly",
    "dryrun": "validateOnly",
    "onconflict": "onConflict",
    "note": "note",
    "atversion": "atVersion",
}
"""Of GraphQL alone. All names are looked up in lower case, without hyphens and underscores."""


def query_of(scope: Scope, operation: str, *, suggests: bool) -> Mapping[str, str]:
    """The parameters of a request; raises Refused (BAD_REQUEST) for one that its route does not take.

    `suggests`: says what is known.
    """
    given = parameters(scope) if scope["query_string"] else {}
    known = TAKEN.get(operation, {})
    for name in given:
        if name not in known:
            advice = _advice(name, known) if suggests else ""
            told = printable(name) or '""'
            raise refused("BAD_REQUEST", f"{told} is not a parameter of this route{advice}")
    return given


def _advice(name: str, known: Mapping[str, Parser]) -> str:
    plain = name.lower().replace("-", "").replace("_", "")
    if ELSEWHERE.get(plain) in known:
        return f"; did you mean {ELSEWHERE[plain]}?"
    if plain in HEADERS:
        return f"; send the header {HEADERS[plain]}"
    if plain in ARGUMENTS:
        return f"; only GraphQL has that, as the argument {ARGUMENTS[plain]}"
    return offer(name, known) if known else "; it takes none"


@lru_cache(maxsize=1)
def _known(longest: int) -> Mapping[str, Parser]:
    return {**KNOWN, "limit": partial(limit, longest=longest)}


def list_variables(asked: Mapping[str, str], longest: int, *, suggests: bool = True) -> dict[str, Any]:
    """Raises Refused: BAD_REQUEST for a parameter that is malformed, LIMIT_EXCEEDED above the longest page."""
    values = _values(asked, _known(longest), suggests)
    if "cursor" in values:
        _hold_to_order(values["cursor"], values.get("orderBy"))
    filter = {name: value for name, value in values.items() if name in FILTERS}
    rest = {name: value for name, value in values.items() if name in OTHERS}
    return {"limit": longest, "filter": filter, **rest}


def hours_variables(asked: Mapping[str, str], *, suggests: bool) -> dict[str, Any]:
    """As `list_variables`; openings are asked for by both ends of a range, refused for one."""
    values = _values(asked, HOURS, suggests)
    for given, missing in (("from", "to"), ("to", "from")):
        if given in values and missing not in values:
            raise refused("BAD_REQUEST", f"the parameter {missing} is missing; a range needs from and to")
    return {**values, "ranged": "from" in values}


def _values(asked: Mapping[str, str], known: Mapping[str, Parser], suggests: bool) -> dict[str, Any]:
    return {name: _value(name, text, known, suggests) for name, text in asked.items()}


def _value(name: str, text: str, known: Mapping[str, Parser], suggests: bool) -> Any:
    try:
        return known[name](text)
    except ValueError as error:
        wrong = str(error) if suggests else "has no value that is documented"
        raise refused("BAD_REQUEST", f"the parameter {name} {wrong}") from None
