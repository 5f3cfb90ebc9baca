"""What a mutation selects is held to its rules before anything is written, whoever carries it out."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type
from msgspec.structs import replace

from graphql_api import edits
from graphql_api.domain import cursors
from graphql_api.domain.caller import Caller
from graphql_api.domain.search import NEWEST_FIRST, Filter, Span
from graphql_api.edits import Desk
from graphql_api.reads import page
from graphql_api.schema.context import Context
from graphql_api.schema.field_checks import FIELD_CHECKS
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.schema.prepared import GRAPHQL
from graphql_api.schema.shown import Rejected
from tests.edits.conftest import NEW
from tests.schema.test_executing import FLOW

FREE = {"WorkingHours.isOpen", "WorkingHours.nextTransition"}
"""They take any instant."""

YEAR = 'from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z"'
BACKWARDS = 'from: "2026-02-01T00:00:00Z", to: "2026-01-01T00:00:00Z"'


def hours(field: str) -> str:
    return f"settings {{responseSettings {{workingHours {{{field}}}}}}}"


REFUSED = {
    "first 101": "revisions(first: 101) {nodes {version}}",
    "first -5": "again: revisions(first: -5) {nodes {version}}",
    "first by a variable": "... on MessageFlow {revisions(first: $n) {edges {cursor}}}",
    "no cursor": "...Older",
    "a cursor of another flow": "revisions(after: $after) {nodes {version}}",
    "a year of openings": hours(f"openings({YEAR}) {{from}}"),
    "offsets backwards": hours(f"utcOffsets({BACKWARDS}) {{name}}"),
    "null for what is needed": hours('openings(from: "2026-01-01T00:00:00Z", to: $to) {from}'),
    "null for a switch": "version @skip(if: $off)",
}
MUTATIONS = {
    "create": f"createMessageFlow(input: {FLOW}) {{messageFlow {{$}} errors {{code}}}}",
    "update": "updateMessageFlow(id: $id, input: {toggleAutopilot: true}) {messageFlow {$}}",
    "bulk": "updateMessageFlows(ids: [$id], input: {toggleAutopilot: true}) {results {messageFlow {$}}}",
    "bulk by filter": "updateMessageFlows(filter: {autopilot: false}, input: {autopilot: true})"
    " {results {messageFlow {$}}}",
    "revert": "revertMessageFlow(id: $id, toVersion: 0) {messageFlow {$}}",
    "second": "deleteMessageFlow(id: $id) {replayed} restoreMessageFlow(id: $id) {messageFlow {$}}",
}
VARIABLES = {
    "id": "$id: ID!",
    "n": "$n: Int = 0",
    "after": "$after: String",
    "to": '$to: DateTime = "2026-01-02T00:00:00Z"',
    "off": "$off: Boolean = false",
}
OLDER = "fragment Older on MessageFlow {revisions(first: 2, after: $after) {nodes {version}}}"


def document(mutation: str, selection: str) -> str:
    text = mutation.replace("$}", selection + "}")
    fragment = OLDER if "...Older" in text else ""
    declared = ", ".join(kind for name, kind in VARIABLES.items() if f"${name}" in text + fragment)
    return f"mutation {f'({declared})' if declared else ''} {{{text}}} {fragment}"


async def written(desk: Desk, caller: Caller) -> list[tuple[str, int]]:
    found = await page(desk.store, caller, ("id", "version"), Filter(), NEWEST_FIRST, Span(10))
    return [(flow["id"], flow["version"]) for flow in found.flows()]


@pytest.mark.parametrize("compiles", [True, False])
@pytest.mark.parametrize("selection", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
async def test_what_is_selected_is_refused_before_anything_is_written(
    desk: Desk, caller: Caller, mutation: str, selection: str, compiles: bool
) -> None:
    id = (await edits.create_flow(desk, caller, NEW)).flow["id"]
    await edits.update_flow(desk, caller, id, replace(NEW, values={"name": "Other"}))
    before = await written(desk, caller)
    operations = Operations(Limits(cost=100_000), compiles=compiles)
    text = document(mutation, selection)
    foreign = "x" if "...Older" in text else cursors.encoded(b"another:0")
    sent = {"id": id, "after": foreign, "to": None, "off": None}
    operation = operations.prepare(text)
    with pytest.raises(Rejected) as rejected:
        await operations.carry_out(operation, sent, Context(desk, caller))
    [error] = rejected.value.errors
    assert error["extensions"]["code"] == ("LIMIT_EXCEEDED" if "101" in selection else "BAD_REQUEST")
    assert error["locations"]
    assert await written(desk, caller) == before


@pytest.mark.parametrize("ids", ["[$id]", "[$id, $id]"])
async def test_a_cursor_of_the_flow_itself_goes_on(desk: Desk, caller: Caller, ids: str) -> None:
    id = (await edits.create_flow(desk, caller, NEW)).flow["id"]
    text = (
        f"mutation ($id: ID!, $after: String) {{updateMessageFlows(ids: {ids}, input: {{toggleAutopilot: true}})"
        " {results {messageFlow {revisions(after: $after) {nodes {version}}}}}}"
    )
    operations = Operations(Limits())
    sent = {"id": id, "after": cursors.encoded(f"{id}:1".encode())}
    work = operations.carry_out(operations.prepare(text), sent, Context(desk, caller))
    if ids == "[$id]":
        [result] = (await work).data["updateMessageFlows"]["results"]  # type: ignore[index]
        assert result == {"messageFlow": {"revisions": {"nodes": [{"version": 0}]}}}
    else:
        with pytest.raises(Rejected, match="after is not a cursor of this flow's revisions"):
            await work


async def test_who_may_not_see_the_history_writes_nothing_to_see_it(desk: Desk, caller: Caller) -> None:
    writer = replace(caller, scopes=caller.scopes - {"history:read"})
    operations = Operations(Limits())
    text = f"mutation {{createMessageFlow(input: {FLOW}) {{messageFlow {{id revisions {{nodes {{version}}}}}}}}}}"
    with pytest.raises(Rejected) as rejected:
        await operations.carry_out(operations.prepare(text), {}, Context(desk, writer))
    [error] = rejected.value.errors
    assert (error["message"], error["extensions"]) == ("this key lacks the scope history:read", {"code": "FORBIDDEN"})
    assert await written(desk, caller) == []
    less = text.replace(" {messageFlow {id ", " {messageFlow {id version @skip(if: false) ").replace(
        "revisions", "revisions @include(if: false)"
    )
    assert not (await operations.carry_out(operations.prepare(less), {}, Context(desk, writer))).errors


def test_every_field_that_takes_arguments_below_a_mutation_has_its_rule_or_takes_all() -> None:
    assert GRAPHQL.mutation_type is not None
    assert GRAPHQL.subscription_type is not None
    found = set[str]()
    for root in (GRAPHQL.mutation_type, GRAPHQL.subscription_type):
        for field in root.fields.values():
            found.update(arguments_below(field.type, ()))
    assert found == FIELD_CHECKS.keys() | FREE


def arguments_below(type: Any, above: tuple[Any, ...]) -> Iterator[str]:
    kind = get_named_type(type)
    assert not is_abstract_type(kind)  # the walk knows objects only
    assert kind not in above  # and trusts that it comes to an end
    if isinstance(kind, GraphQLObjectType):
        for name, field in kind.fields.items():
            if field.args:
                yield f"{kind.name}.{name}"
            yield from arguments_below(field.type, (*above, kind))
