"""What is told of variables that do not fit: their values are in JSON, as they were sent."""

from typing import Any

import pytest

from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.schema.as_sent import LONGEST_TEXT, MOST_MEMBERS
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.schema.shown import Rejected

UPDATE = "mutation ($v: UpdateMessageFlowInput!) {updateMessageFlow(id: 1, input: $v) {errors {code}}}"
FILTER = "query ($v: MessageFlowFilter) {messageFlows(filter: $v) {totalCount}}"
READ = "query ($v: ID!) {messageFlow(id: $v) {id}}"
WATCH = "subscription ($v: ID) {messageFlowChanged(id: $v) {version}}"
COSTLY = """query ($v: ID, $n: Int = 100) {
  messageFlows(first: $n, filter: {agent: $v}) {nodes {revisions(first: $n) {nodes {changes {path}}}}}}"""
DEFAULT = "query ($v: ID = 1) {messageFlow(id: $v) {id}}"


async def told(desk: Desk, text: str, value: Any, *, compiles: bool = True) -> list[str]:
    return await told_of(desk, text, {"v": value}, compiles=compiles)


async def told_of(desk: Desk, text: str, variables: dict[str, Any], *, compiles: bool) -> list[str]:
    operations = Operations(Limits(), compiles=compiles)
    operation = operations.prepare(text)
    carry_out: Any = operations.begin if operation.goes_on else operations.carry_out
    try:
        answer = await carry_out(operation, variables, Context(desk, Caller("ws1")))
    except Rejected as rejected:
        return [error["message"] for error in rejected.errors]
    return [error["message"] for error in answer.errors]


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
@pytest.mark.parametrize(
    ("text", "value", "message"),
    [
        (READ, None, ": Expected value of non-null type 'ID!' not to be null."),
        (READ, True, ": ID cannot represent value: true"),
        (READ, 1.5, ": ID cannot represent value: 1.5"),
        (READ, {"a": None}, ': ID cannot represent value: {"a": null}'),
        (READ, [], ": ID cannot represent value: []"),
        (READ, {}, ": ID cannot represent value: {}"),
        (WATCH, [False, "é"], ': ID cannot represent value: [false, "é"]'),
        (COSTLY, [False], ": ID cannot represent value: [false]"),
        (UPDATE, None, ": Expected value of non-null type 'UpdateMessageFlowInput!' not to be null."),
        (UPDATE, "x", ": Expected value of type 'UpdateMessageFlowInput' to be an object, found: \"x\"."),
        (UPDATE, {"isActive": "it's"}, ' at .isActive: Boolean cannot represent a non boolean value: "it\'s"'),
        (UPDATE, {"direction": True}, " at .direction: Enum 'Direction' cannot represent non-string value: true."),
        (
            UPDATE,
            {"name": ["\n\u202e\ud800"]},
            ' at .name: String cannot represent a non string value: ["\\n\\u202e\\ud800"]',
        ),
        (FILTER, {"ids": ["a", None]}, " at .ids[1]: Expected value of non-null type 'ID!' not to be null."),
        (FILTER, {"ids": ["a", {"b": True}]}, ' at .ids[1]: ID cannot represent value: {"b": true}'),
        (FILTER, {"ids": True}, " at .ids: ID cannot represent value: true"),
    ],
)
async def test_a_value_is_told_as_it_was_sent(desk: Desk, text: str, value: Any, message: str, compiles: bool) -> None:
    [error] = await told(desk, text, value, compiles=compiles)
    assert error == f"Variable '$v' has invalid value{message}"


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
@pytest.mark.parametrize(("text", "kind"), [(READ, "ID!"), (UPDATE, "UpdateMessageFlowInput!")])
async def test_what_was_not_sent_is_told_by_its_name(desk: Desk, text: str, kind: str, compiles: bool) -> None:
    [error] = await told_of(desk, text, {}, compiles=compiles)
    assert error == f"Variable '$v' has invalid value: Expected a value of non-null type '{kind}' to be provided."


async def test_null_where_a_default_would_stand_is_told_in_the_word_of_json(desk: Desk) -> None:
    [error] = await told(desk, DEFAULT, None)
    assert error == (
        "Argument 'id' has invalid value: Expected variable '$v' provided to non-null type 'ID!' not to be null."
    )


async def test_of_a_large_value_a_part_is_told(desk: Desk) -> None:
    deep: Any = {"a": {"b": {"c": 1}}, "d": [[], [1]]}
    assert await told(desk, READ, deep) == [_of_id('{"a": {"b": {…}}, "d": [[], […]]}')]
    assert await told(desk, READ, list(range(MOST_MEMBERS))) == [_of_id("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]")]
    assert await told(desk, READ, list(range(5_000))) == [_of_id("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]")]
    assert await told(desk, READ, ["x" * LONGEST_TEXT, "x" * 5_000]) == [
        _of_id(f'["{"x" * LONGEST_TEXT}", "{"x" * LONGEST_TEXT}…"]')
    ]


def _of_id(value: str) -> str:
    return f"Variable '$v' has invalid value: ID cannot represent value: {value}"
