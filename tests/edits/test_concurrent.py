"""Many at once: no update is lost, and versions count the effective edits."""

import asyncio

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import COLUMNS, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk

LEAVES = (
    "description",
    "prompt",
    "initiation_message",
    "name",
    "agent",
    "email_settings_subject_line",
    "email_settings_signature",
    "response_settings_working_hours_out_of_hours_message",
)


async def test_updates_of_different_leaves_all_survive(desk: Desk, caller: Caller, flow: Values) -> None:
    sent = [Sent({leaf: f"v{n}"}) for n, leaf in enumerate(LEAVES)]
    sent += [Sent({"response_settings_delay": 7}), Sent({"is_active": True}), Sent({"security_hipaa_compliance": True})]
    toggles = [Sent(toggles=True)] * (50 - len(sent))
    saved = await asyncio.gather(*(edits.update_flow(desk, caller, flow["id"], one) for one in [*sent, *toggles]))
    assert sorted(one.flow["version"] for one in saved) == list(range(1, 51))
    now = await reads.flow(desk.store, caller, flow["id"], COLUMNS)
    assert now is not None
    expected: dict[str, object] = {leaf: f"v{n}" for n, leaf in enumerate(LEAVES)}
    expected |= {"response_settings_delay": 7, "is_active": True, "security_hipaa_compliance": True}
    assert {column: now[column] for column in expected} == expected
    assert (now["version"], now["autopilot"]) == (50, len(toggles) % 2 == 1)
    history = await reads.history(desk.store, caller, flow["id"], 100, None)
    assert [revision.version for revision in history] == list(range(50, -1, -1))


async def test_one_of_many_guarded_updates_wins(desk: Desk, caller: Caller, flow: Values) -> None:
    guarded = Terms(if_versions=frozenset({0}))
    tried = await asyncio.gather(
        *(edits.update_flow(desk, caller, flow["id"], Sent({"name": f"n{n}"}), guarded) for n in range(12)),
        return_exceptions=True,
    )
    won = [one for one in tried if not isinstance(one, BaseException)]
    lost = [one for one in tried if isinstance(one, Refused)]
    assert (len(won), len(lost)) == (1, 11)
    assert {refused.problems[0].code for refused in lost} == {"VERSION_CONFLICT"}
    assert all(refused.current == won[0].flow for refused in lost)


async def test_merges_of_different_leaves_all_go_through(desk: Desk, caller: Caller, flow: Values) -> None:
    terms = Terms(if_versions=frozenset({0}), merge=True)
    saved = await asyncio.gather(
        *(edits.update_flow(desk, caller, flow["id"], Sent({leaf: "x"}), terms) for leaf in LEAVES)
    )
    assert sorted(one.flow["version"] for one in saved) == list(range(1, 9))
    assert sorted(one.rebased_from is None for one in saved) == [False] * 7 + [True]


async def test_of_many_merges_of_one_leaf_one_goes_through(desk: Desk, caller: Caller, flow: Values) -> None:
    terms = Terms(if_versions=frozenset({0}), merge=True)
    tried = await asyncio.gather(
        *(edits.update_flow(desk, caller, flow["id"], Sent(toggles=True), terms) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Refused) for one in tried) == 7
    now = await reads.flow(desk.store, caller, flow["id"], ["autopilot", "version"])
    assert now == {"autopilot": True, "version": 1}


async def test_bulk_and_single_updates_do_not_lose_each_other(desk: Desk, caller: Caller, flow: Values) -> None:
    toggle = Sent(toggles=True)
    await asyncio.gather(
        *(edits.update_flows(desk, caller, [flow["id"]], None, toggle) for _ in range(6)),
        *(edits.update_flow(desk, caller, flow["id"], toggle) for _ in range(7)),
    )
    now = await reads.flow(desk.store, caller, flow["id"], ["autopilot", "version"])
    assert now == {"autopilot": True, "version": 13}


async def test_a_flow_is_deleted_once_however_many_ask(desk: Desk, caller: Caller, flow: Values) -> None:
    saved = await asyncio.gather(*(edits.delete_flow(desk, caller, flow["id"]) for _ in range(8)))
    assert {one.flow["version"] for one in saved} == {1}
