"""What the schema tells of itself."""

from typing import Any

from graphql import GraphQLInputObjectType

from graphql_api.schema.prepared import GRAPHQL
from tests.conftest import Execute


def types(told: Any) -> list[dict[str, Any]]:
    """All types in an answer, at any depth."""
    inner = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    return [
        *([told] if isinstance(told, dict) and "isOneOf" in told else []),
        *(t for one in inner for t in types(one)),
    ]


async def test_what_takes_one_of_its_members_is_told_of_every_type_and_null_of_what_has_none(execute: Execute) -> None:
    told = await execute(
        """{ __schema { types { ...Is inputFields { type { ...Is } } fields { type { ...Is } args { type { ...Is } } } }
        } }
        fragment Is on __Type { kind isOneOf ofType { kind isOneOf ofType { kind isOneOf } } }"""
    )
    assert "errors" not in told
    answers = {(one["kind"], one["isOneOf"]) for one in types(told)}
    inputs = [kind for kind in GRAPHQL.type_map.values() if isinstance(kind, GraphQLInputObjectType)]
    assert not any(kind.is_one_of for kind in inputs)
    assert {is_one_of for kind, is_one_of in answers if kind == "INPUT_OBJECT"} == {False}
    assert {is_one_of for kind, is_one_of in answers if kind != "INPUT_OBJECT"} == {None}
    assert {"LIST", "NON_NULL", "OBJECT", "ENUM", "SCALAR"} < {kind for kind, _ in answers}
