"""Parameters and headers: what stands around the bodies."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql_api.domain.checks import storable
from graphql_api.domain.example import EXAMPLE, WORKSPACE
from graphql_api.domain.search import Sizes
from graphql_api.domain.terms import LONGEST_KEY
from graphql_api.web import etags, parameters
from graphql_api.web.openapi.values import BOOLEAN, IDENTIFIER, INSTANT, Json, choice
from graphql_api.web.parameters import ORDERS, Choice

TAG = '(W/)?"[!#-~]*"'
TAGS = {"type": "string", "pattern": f"^([*]|{TAG}(, *{TAG})*)$"}
"""A little narrower than the door, which takes Latin-1 and blanks as well."""

KEY = {
    "type": "string",
    # Blanks at the ends are no part of a header's value.
    "pattern": rf"^[!-~]([ -~]{{0,{LONGEST_KEY - 2}}}[!-~])?$",
}
STORABLE = {"type": "string", "pattern": r"^[^\u0000]*$"}
ETAG = {"type": "string", "pattern": f'^"({etags.VERSION.pattern})"$'}


def _parameter(name: str, place: str, told: str, schema: Json, example: Any) -> Json:
    shown = {} if example is None else {"example": example}
    required = {"required": True} if name in ("id", "x-workspace-id") else {}
    return {"name": name, "in": place, **required, "description": told, "schema": schema, **shown}


HEADERS: Mapping[str, Json] = {
    "Workspace": _parameter("x-workspace-id", "header", "The workspace whose flows are meant.", IDENTIFIER, WORKSPACE),
    "Id": _parameter("id", "path", "Id of the flow.", IDENTIFIER, EXAMPLE["_id"]),
    "IdempotencyKey": _parameter(
        "Idempotency-Key",
        "header",
        "The same request under the same key is carried out once; sent again within 24 hours (a setting) it gets the "
        "first answer again. Without a key a proxy or an HTTP library that resends a PUT can make a toggle flip back.",
        KEY,
        "3f0c8a52-toggle",
    ),
    "IfMatch": _parameter(
        "If-Match",
        "header",
        "Entity tags, one of which the flow must have; `*` is no guard. No match: 412 and nothing is written.",
        TAGS,
        '"7"',
    ),
    "IfNoneMatch": _parameter(
        "If-None-Match", "header", "Entity tags that the caller has; a match is answered with 304.", TAGS, '"7"'
    ),
}

USUAL = Sizes()
READERS: Mapping[Callable[[str], Any], Json] = {
    parameters.limit: {"type": "integer", "minimum": 1, "maximum": USUAL.rest_page, "default": USUAL.rest_page},
    parameters.flag: BOOLEAN,
    parameters.agent: IDENTIFIER,
    parameters.instant: INSTANT,
    parameters.order: {"type": "string", "enum": [f"{sign}{name}" for name in ORDERS for sign in ("", "-")]},
    str: STORABLE,
    storable: STORABLE,
}

MEANINGS = {
    "limit": "How many flows at most; a server may have another maximum (`max_rest_page`).",
    "cursor": "Where to go on: taken from the Link header of the page before, together with its other parameters.",
    "orderBy": "What to order by, `-` before it for descending; newest first when absent.",
    "direction": "Only flows of this direction.",
    "messageChannel": "Only flows of this channel.",
    "isActive": "Only flows that are in use, or that are not.",
    "autopilot": "Only flows on autopilot, or not on it.",
    "hipaaCompliance": "Only flows that require HIPAA compliance, or that do not.",
    "agent": "Only flows of this agent.",
    "nameContains": "Only flows with this text within the name, without regard to case; `%` and `_` are themselves.",
    "updatedSince": "Only flows changed at this instant or later.",
    "at": "The instant that isOpen is about and that nextTransition is later than; now when absent.",
    "from": "The instant at which the range of openings starts; together with `to`.",
    "to": "The instant just after that range, not before `from` and at most 62 days after; together with `from`.",
}


SHOWN = {"at": "2026-05-04T23:30:00+02:00", "from": "2026-05-04T00:00:00+02:00", "to": "2026-05-05T00:00:00+02:00"}


def query(operation: str) -> list[Json]:
    """The query parameters of an operation; fails for one that has no meaning or no schema here."""
    return [
        _parameter(name, "query", MEANINGS[name], _read(reader), SHOWN.get(name))
        for name, reader in parameters.TAKEN.get(operation, {}).items()
    ]


def _read(reader: Callable[[str], Any]) -> Json:
    return choice(reader.kind) if isinstance(reader, Choice) else READERS[reader]


def _header(told: str, schema: Json, example: Any = None) -> Json:
    return {"description": told, "schema": schema, **({} if example is None else {"example": example})}


ANSWERED: Mapping[str, Json] = {
    "ETag": _header("The flow's version, as a strong entity tag.", ETAG, '"7"'),
    "Location": _header("Path of the new flow.", {"type": "string"}, "/v1/api/message-flows/6740a1c0a1b2c3d4e5f60718"),
    "Link": _header(
        'The next page, `rel="next"`, relative to the address of this one; absent on the last.',
        {"type": "string"},
        '</v1/api/message-flows?limit=100&cursor=…>; rel="next"',
    ),
    "X-Changed-Fields": _header(
        "Paths of the leaves that changed, separated by a comma and a blank; empty when nothing did.",
        {"type": "string"},
        "autopilot, settings.responseSettings.delay",
    ),
    "Idempotency-Replayed": _header(
        "There, and `true`, when this is the first answer to the same Idempotency-Key, told again.",
        {"type": "string", "const": "true"},
    ),
    "X-Request-Id": _header(
        "Names this request in the log; a valid one that was sent is kept.",
        {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,128}$"},
        "4bf92f3577b34da6",
    ),
    "RateLimit": _header(
        "Where points are limited: how many are left (`r`), and in how many seconds there are all again (`t`).",
        {"type": "string", "pattern": '^"points";r=[0-9]+;t=[0-9]+$'},
        '"points";r=59989;t=41',
    ),
    "RateLimit-Policy": _header(
        "Where points are limited: how many there are (`q`) in how many seconds (`w`).",
        {"type": "string", "pattern": '^"points";q=[0-9]+;w=[0-9]+$'},
        '"points";q=60000;w=60',
    ),
    "Retry-After": _header("Seconds to wait before sending the request again.", {"type": "integer", "minimum": 0}, 1),
    "WWW-Authenticate": _header(
        "How a key may be sent, where not in x-api-key.", {"type": "string"}, 'Bearer realm="message-flows"'
    ),
}


OF_ANY = ("X-Request-Id", "RateLimit", "RateLimit-Policy")


def headers(*names: str) -> dict[str, Json]:
    """References to headers of an answer, with those that any answer may have."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *OF_ANY)}
