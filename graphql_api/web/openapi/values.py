"""JSON Schemas of single values, read off the checks of the leaves: as requests may hold them, and as answers do."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from graphql_api.domain import checks
from graphql_api.domain.checks import Check, Text
from graphql_api.domain.flow import Leaf
from graphql_api.domain.ids import ID

Json = dict[str, Any]

IDENTIFIER: Json = {"type": "string", "pattern": f"^{ID.pattern}$"}
INSTANT: Json = {"type": "string", "format": "date-time"}
BOOLEAN: Json = {"type": "boolean"}
SECONDS: Json = {"type": "number", "minimum": 0, "maximum": checks.LONGEST_DELAY}
ZONE: Json = {"type": "string", "format": "iana-timezone", "examples": ["UTC", "Europe/Berlin"]}
"""No list of names: it grows with each tzdata, and case does not matter in requests."""

HH_MM = "([01][0-9]|2[0-3]):[0-5][0-9]"
REQUESTED: Mapping[Check, Json] = {
    checks.flag: BOOLEAN,
    checks.opaque_id: IDENTIFIER,
    checks.seconds: SECONDS,
    checks.timezone: ZONE,
    checks.opening_time: {"type": "string", "pattern": f"^{checks.CLOCK.pattern}$", "examples": ["09:00"]},
    checks.closing_time: {"type": "string", "pattern": f"^({checks.CLOCK.pattern}|24:00)$", "examples": ["17:00"]},
}
ANSWERED: Mapping[Check, Json] = {
    **REQUESTED,
    checks.opening_time: {"type": "string", "pattern": f"^{HH_MM}$"},
    checks.closing_time: {"type": "string", "pattern": f"^({HH_MM}|24:00)$"},
}


def ref(name: str) -> Json:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def requested(leaf: Leaf) -> Json:
    """What a request may hold; null only where it resets the leaf."""
    schema = _of(leaf, REQUESTED)
    return {**schema, "type": [schema["type"], "null"]} if leaf.rule.resets else schema


def answered(leaf: Leaf) -> Json:
    """What an answer holds."""
    return _of(leaf, ANSWERED)


def _of(leaf: Leaf, forms: Mapping[Check, Json]) -> Json:
    if issubclass(leaf.kind, Enum):
        return choice(leaf.kind)
    check = leaf.rule.check
    return text(check) if isinstance(check, Text) else forms[check]


def choice(kind: type[Enum]) -> Json:
    """An enum in the REST spelling."""
    return {"type": "string", "enum": [one.value for one in kind]}


def text(check: Text) -> Json:
    shortest = max(check.shortest, 0 if check.blank else 1)
    length = {"minLength": shortest, "maxLength": check.longest} if shortest else {"maxLength": check.longest}
    return {"type": "string", **length, "pattern": _pattern(check)}


def _pattern(check: Text) -> str:
    barred = r"\u0000" if check.line_breaks else rf"\u0000{_escaped(checks.LINE_BREAKS.pattern[1:-1])}"
    if check.blank:
        return f"^[^{barred}]*$"
    return rf"^[^{barred}]*[^\s{barred}][^{barred}]*$"


def _escaped(letters: str) -> str:
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in letters)
