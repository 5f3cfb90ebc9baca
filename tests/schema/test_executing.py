"""What the general executor is held to: the scope of each mutation, and objects full of members that nobody knows."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.schema.context import Context
from graphql_api.schema.executing import MOST_UNKNOWN
from graphql_api.schema.limits import Limits
from graphql_api.schema.mutations import SCOPES
from graphql_api.schema.operations import Operations
from graphql_api.schema.prepared import GRAPHQL
from graphql_api.schema.shown import NOT_FITTING, Rejected
from tests.conftest import Execute

OPERATIONS = Operations(Limits())
FLOW = '{name: "n", direction: INBOUND, agent: "a", prompt: "p", initiationMessage: "i", messageChannel: SMS}'
ID = 'id: "x"'
ARGUMENTS = {
    "createMessageFlow": f"input: {FLOW}",
    "updateMessageFlow": 'id: "x", input: {}',
    "updateMessageFlows": 'ids: ["x"], input: {}',
    "revertMessageFlow": 'id: "x", toVersion: 0',
    "createWebhook": 'input: {url: "https://example.com/", events: [FLOW_UPDATED]}',
}
"""Of mutations that take more than an id."""


def test_every_mutation_has_its_scope() -> None:
    assert GRAPHQL.mutation_type is not None
    assert SCOPES.keys() == GRAPHQL.mutation_type.fields.keys()


@pytest.mark.parametrize("name", SCOPES)
async def test_a_mutation_needs_the_scope_that_is_known_of_it_and_no_other(
    desk: Desk, caller: Caller, name: str
) -> None:
    text = f"mutation {{one: {name}({ARGUMENTS.get(name, ID)}) {{__typename}}}}"
    operation = OPERATIONS.prepare(text)

    async def errors(scopes: frozenset[str]) -> list[str]:
        answer = await OPERATIONS.carry_out(operation, {}, Context(desk, replace(caller, scopes=scopes)))
        return [error["extensions"]["code"] for error in answer.errors]

    assert await errors(frozenset({SCOPES[name]})) == []
    assert await errors(caller.scopes - {SCOPES[name]}) == ["FORBIDDEN"]


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_every_mutation_of_flows_takes_a_key(desk: Desk, caller: Caller, compiles: bool) -> None:
    operations = Operations(Limits(), compiles=compiles)

    async def told(name: str, arguments: str, selected: str = "errors {code}") -> Any:
        text = f'mutation {{{name}({arguments}, idempotencyKey: "k") {{replayed {selected}}}}}'
        answer = await operations.carry_out(operations.prepare(text), {}, Context(desk, caller))
        assert answer.data is not None
        return msgspec.to_builtins(answer.data[name])

    async def twice(name: str, arguments: str) -> None:
        again = [(await told(name, arguments)) for _ in range(2)]
        assert again == [{"replayed": replayed, "errors": []} for replayed in (False, True)]

    await twice("createMessageFlow", f"input: {FLOW}")
    created = await told("createMessageFlow", f"input: {FLOW}", "messageFlow {id}")
    id = f'id: "{created["messageFlow"]["id"]}"'
    await twice("updateMessageFlow", f"{id}, input: {{toggleAutopilot: true}}")
    await twice("updateMessageFlows", f'ids: ["{created["messageFlow"]["id"]}"], input: {{toggleAutopilot: true}}')
    await twice("revertMessageFlow", f"{id}, toVersion: 1")
    await twice("deleteMessageFlow", id)
    await twice("restoreMessageFlow", id)


UPDATE = "mutation ($i: UpdateMessageFlowInput!) {updateMessageFlow(id: 1, input: $i) {errors {code}}}"


def unknown(count: int) -> dict[str, Any]:
    return {f"m{number}": number for number in range(count)}


def within(place: str, members: dict[str, Any]) -> dict[str, Any]:
    for block in reversed(place.split(".")[1:]):
        members = {block: members}
    return members


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("", "UpdateMessageFlowInput"),
        (".settings", "MessageFlowSettingsInput"),
        (".settings.responseSettings.workingHours", "WorkingHoursInput"),
    ],
)
async def test_of_many_unknown_members_a_few_are_named_once(execute: Execute, place: str, kind: str) -> None:
    told = await execute(UPDATE, i=within(place, {"name" if not place else "m0": "x", **unknown(5_000)}))
    [error] = told["errors"]
    at = f" at {place}" if place else ""
    names = ", ".join(f"'m{number}'" for number in range(MOST_UNKNOWN))
    assert error["message"] == (
        f"Variable '$i' has invalid value{at}: Expected value of type '{kind}' not to include unknown fields {names}"
        " and 4990 more."
    )
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert error["locations"] == [{"line": 1, "column": 11}]


async def test_few_unknown_members_are_told_one_by_one_and_nothing_of_the_others(execute: Execute) -> None:
    told = await execute(UPDATE, i={"nam": "x", "isActive": None, **unknown(MOST_UNKNOWN - 1)})
    expected = (
        "Variable '$i' has invalid value: Expected value of type 'UpdateMessageFlowInput' not to include unknown field"
    )
    assert [error["message"] for error in told["errors"]] == [
        f"{expected} 'nam'. Did you mean 'name'?",
        *(f"{expected} 'm{number}'." for number in range(MOST_UNKNOWN - 1)),
    ]


async def test_hints_that_are_off_name_no_type(desk: Desk, caller: Caller) -> None:
    tacit = Operations(Limits(), suggestions=False)
    with pytest.raises(Rejected) as rejected:
        await tacit.carry_out(tacit.prepare(UPDATE), {"i": unknown(500)}, Context(desk, caller))
    assert [error["message"] for error in rejected.value.errors] == [NOT_FITTING]
