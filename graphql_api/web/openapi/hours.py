"""The answer about working hours: what its operation selects of WorkingHours, as JSON Schemas of the GraphQL types."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
)

from graphql_api.schema.prepared import GRAPHQL
from graphql_api.web.openapi.bodies import fields
from graphql_api.web.openapi.values import BOOLEAN, INSTANT, Json, ref

ABOVE = ("settings", "responseSettings", "workingHours")
NAME = "OpeningHours"
SCALARS: Mapping[str, Json] = {"Boolean": BOOLEAN, "DateTime": INSTANT}
EXAMPLE: Json = {
    "isOpen": True,
    "nextTransition": {"at": "2026-05-05T04:00:00Z", "opens": False},
    "openings": [
        {"from": "2026-05-03T22:00:00Z", "to": "2026-05-04T04:00:00Z"},
        {"from": "2026-05-04T20:00:00Z", "to": "2026-05-04T22:00:00Z"},
    ],
}
"""Of a flow that is open from 22:00 to 06:00 in Berlin, asked with the example of each parameter."""


def answer(root: FieldNode) -> dict[str, Json]:
    """The schemas of the answer, its own under `NAME`, from the root field of the operation."""
    found, kind = root, GRAPHQL.type_map["MessageFlow"]
    for name in ABOVE:
        assert isinstance(kind, GraphQLObjectType)
        found = next(field for field in fields(found.selection_set) if field.name.value == name)
        kind = get_named_type(kind.fields[name].type)
    assert isinstance(kind, GraphQLObjectType)
    return dict(_schemas(NAME, "Whether a flow is open, when that changes, and when it is open.", kind, found))


def _schemas(name: str, told: str | None, kind: GraphQLObjectType, node: FieldNode) -> Iterator[tuple[str, Json]]:
    """What stands under a condition in the operation is not always answered, so it is not required."""
    selected = list(fields(node.selection_set))
    properties = {}
    for field in selected:
        of = kind.fields[field.name.value]
        properties[field.name.value] = {"description": of.description, **_value(of.type)}
        inner = get_named_type(of.type)
        if isinstance(inner, GraphQLObjectType):
            yield from _schemas(inner.name, inner.description, inner, field)
    required = [field.name.value for field in selected if not field.directives]
    closed: Json = {"type": "object", "description": told, "additionalProperties": False}
    yield name, {**closed, "required": required, "properties": properties}


def _value(kind: GraphQLOutputType | Any) -> Json:
    if isinstance(kind, GraphQLNonNull):
        return _present(kind.of_type)
    return {"anyOf": [_present(kind), {"type": "null"}]}


def _present(kind: Any) -> Json:
    if isinstance(kind, GraphQLList):
        return {"type": "array", "items": _value(kind.of_type)}
    if isinstance(kind, GraphQLObjectType):
        return ref(kind.name)
    return SCALARS[kind.name]
