"""Computed working hours: a plan answers the same bytes as the general executor, and reads the clock as often."""

from typing import Any

import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import OperationResult, Operations
from graphql_api.web.json import encoded
from tests.conftest import CREATE, Clock, sent

OPERATIONS = {False: Operations(Limits(), compiles=False), True: Operations(Limits())}
HOURS = (
    "query {head} {{ messageFlows {{ nodes {{ settings {{ responseSettings {{ workingHours {{ {hours} }} }} }} }} }} }}"
)
RANGE = {"from": "2026-03-08T00:00:00-05:00", "to": "2026-03-10T00:00:00-04:00"}


async def answered(
    desk: Desk, caller: Caller, document: str, variables: dict[str, Any], *, compiles: bool
) -> OperationResult:
    operations = OPERATIONS[compiles]
    return await operations.carry_out(operations.prepare(document), variables, Context(desk, caller))


@pytest.fixture
async def three(desk: Desk, caller: Caller) -> None:
    """Open in New York from 02:30 to 10:00, always open, and overnight in Berlin."""
    for hours in (
        {"enabled": True, "start": "02:30", "end": "10:00", "timezone": "America/New_York"},
        {},
        {"enabled": True, "start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"},
    ):
        new = sent({**CREATE, "settings": {"responseSettings": {"workingHours": hours}}})
        await edits.create_flow(desk, caller, new, Terms())


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("head", "hours", "variables"),
    [
        ("", "isOpen nextTransition { at opens __typename }", {}),
        ("", "a: isOpen(at: null) isOpen ... { isOpen nextTransition { at } nextTransition { opens } }", {}),
        ("", 'isOpen(at: "2026-03-08T02:30:00-05:00") timezone', {}),
        ("($at: DateTime)", "isOpen(at: $at) b: nextTransition(after: $at) { x: at opens }", {}),
        ("($at: DateTime)", "isOpen(at: $at) b: nextTransition(after: $at) { x: at opens }", {"at": None}),
        ("($at: DateTime)", "isOpen(at: $at) start", {"at": "2026-03-08T02:29:59.999-05:00"}),
        ('($at: DateTime = "2026-03-08T07:00:00Z")', "isOpen(at: $at)", {}),
        ("($from: DateTime!, $to: DateTime!)", "openings(from: $from, to: $to) { from to __typename }", RANGE),
        ("($to: DateTime!)", 'openings(from: "2026-03-08T00:00:00.0009Z", to: $to) { to from }', RANGE),
        ('($from: DateTime = "2026-03-08T00:00:00Z", $to: DateTime!)', "openings(from: $from, to: $to) { to }", RANGE),
        ("($from: DateTime!, $to: DateTime!)", "utcOffsets(from: $from, to: $to) { name from to seconds }", RANGE),
        ("($s: Boolean!)", "isOpen @skip(if: $s) nextTransition @include(if: $s) { at }", {"s": True}),
    ],
)
async def test_a_plan_answers_what_the_general_executor_answers(
    desk: Desk, caller: Caller, clock: Clock, head: str, hours: str, variables: dict[str, Any]
) -> None:
    document = HOURS.format(head=head, hours=hours)
    sent = {name: value for name, value in variables.items() if f"${name}" in head}
    start, answers = clock.now, []
    for compiles in (False, True):
        clock.now = start
        answers.append((await answered(desk, caller, document, sent, compiles=compiles), clock.now))
    (general, after), (plan, after_too) = answers
    assert general.errors == plan.errors == []
    assert encoded(general.data) == encoded(plan.data)
    assert after == after_too
    assert (general.is_compiled, plan.is_compiled) == (False, True)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}, "to lies more than 62 days after from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to lies before from"),
    ],
)
async def test_a_refusal_is_worded_by_the_general_executor(
    desk: Desk, caller: Caller, variables: dict[str, Any], message: str
) -> None:
    document = HOURS.format(head="($from: DateTime!, $to: DateTime!)", hours="openings(from: $from, to: $to) { from }")
    general, plan = [await answered(desk, caller, document, variables, compiles=way) for way in (False, True)]
    assert (general.data, general.errors) == (plan.data, plan.errors)
    assert str(plan.errors[0]["message"]).startswith(message)
    assert plan.errors[0]["path"][:3] == ["messageFlows", "nodes", 0]
    assert not plan.is_compiled


async def test_the_clock_is_not_read_where_there_is_no_flow(desk: Desk, caller: Caller, clock: Clock) -> None:
    before = clock.now
    for compiles in (False, True):
        answer = await answered(desk, caller, HOURS.format(head="", hours="isOpen"), {}, compiles=compiles)
        assert answer.data == {"messageFlows": {"nodes": []}}
    assert clock.now == before


@pytest.mark.usefixtures("three")
async def test_one_statement_reads_the_columns_that_a_plan_needs(desk: Desk, caller: Caller, heard: list[str]) -> None:
    await answered(desk, caller, HOURS.format(head="", hours="isOpen"), {}, compiles=True)
    (statement,) = heard
    chosen = statement.partition("FROM")[0]
    assert chosen.count("response_settings_working_hours_") >= 4
    assert "out_of_hours_message" not in chosen
