"""Rules that are looked through once find what the rules of the specification find."""

import pytest
from graphql import ExecutableDefinitionsRule, NoSchemaIntrospectionCustomRule, parse, specified_rules, validate

from graphql_api.schema.prepared import GRAPHQL
from graphql_api.schema.rules import NO_INTROSPECTION, RULES, looked_through

WRONG = [
    "type A { a: Int }",
    'query A { messageFlow(id: "a") { id } } query A { messageFlow(id: "b") { id } }',
    "{ __typename } { __typename }",
    "{ ...F } fragment F on Query { ...F }",
    "{ ...Unknown } fragment Unused on Nobody { id } fragment Unused on Query { id }",
    "query ($a: Nobody, $a: Int!, $b: MessageFlow) { node(id: $a) { id } messageFlow(id: $c) { id } }",
    '{ messageFlow(id: "a", id: "b", nobody: 1) { id { id } settings } messageFlows }',
    '{ a: messageFlow(id: "a") { id } a: messageFlow(id: "b") { id ... on Query { __typename } } }',
    "query @skip(if: true) { __typename @include @include(if: 1) @nobody }",
    'mutation { updateMessageFlow(input: {name: 1, name: "a", nobody: {}}) { errors { code } } }',
    "subscription { messageFlowChanged { cursor } other: messageFlowChanged { cursor } }",
    "{ __schema { types { name } } }",
    '{ node(id: "a") { ... on MessageFlow { name } ... on WorkingHours { start } } }',
]


@pytest.mark.parametrize("text", WRONG)
def test_each_rule_finds_the_same_also_when_it_was_looked_through(text: str) -> None:
    document = parse(text)
    found = validate(GRAPHQL, document, [*specified_rules, NoSchemaIntrospectionCustomRule])
    assert found
    for _ in range(2):
        assert validate(GRAPHQL, document, [*RULES, NO_INTROSPECTION]) == found


def test_a_rule_is_looked_through_once_for_each_kind_of_node() -> None:
    looks: list[str] = []

    class Looked(ExecutableDefinitionsRule):
        def __getattribute__(self, name: str) -> object:
            if name.startswith("enter_") and name != "enter_leave_map":
                looks.append(name)
            return super().__getattribute__(name)

    rule = looked_through(Looked)
    document = parse('{ messageFlow(id: "a") { id name } }')
    validate(GRAPHQL, document, [rule])
    assert len(looks) > 5
    looks.clear()
    validate(GRAPHQL, document, [rule])
    assert len(looks) <= 2
