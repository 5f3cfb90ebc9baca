"""MERGE: a change carried over newer ones that touch other leaves."""

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.edits.upkeep import prune
from graphql_api.storage.engine import Store
from tests.conftest import Clock
from tests.edits.conftest import Refusal, contents, told

DELAY = "response_settings_delay"


def since(version: int) -> Terms:
    return Terms(if_versions=frozenset({version}), merge=True)


async def test_disjoint_leaves_are_applied_on_top(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    await edits.update_flow(desk, caller, flow["id"], Sent({"email_settings_signature": "S"}))
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({DELAY: 9, "description": "d"}), since(0))
    assert saved.rebased_from == 0
    assert saved.changed == ("description", DELAY)
    assert (saved.flow["version"], saved.flow["name"], saved.flow["email_settings_signature"]) == (3, "N", "S")


async def test_only_what_changed_since_the_seen_version_counts(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    await edits.update_flow(desk, caller, flow["id"], Sent({DELAY: 1}))
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "M"}), since(1))
    assert (saved.rebased_from, saved.flow["name"], saved.flow["version"]) == (1, "M", 3)


async def test_what_changes_nothing_tells_where_it_was_carried_over_from_too(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({DELAY: 1}))
    before = await contents(store)
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"name": flow["name"]}), since(0))
    assert (saved.rebased_from, saved.changed, saved.flow["version"]) == (0, (), 1)
    assert await contents(store) == before


async def test_nothing_in_between_is_no_rebase(desk: Desk, caller: Caller, flow: Values) -> None:
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), since(0))
    assert (saved.rebased_from, saved.flow["version"]) == (None, 1)


async def test_each_leaf_that_both_changed_is_an_error_of_its_own(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({DELAY: 1, "name": "N"}))
    current = (await edits.update_flow(desk, caller, flow["id"], Sent({"prompt": "q"}))).flow
    sent = Sent({"name": "M", DELAY: 2, "description": "d"})
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], sent, since(0)))
    assert [(problem.code, problem.message, problem.path) for problem in refused.problems] == [
        ("VERSION_CONFLICT", "name was changed since version 0", ("name",)),
        (
            "VERSION_CONFLICT",
            "settings.responseSettings.delay was changed since version 0",
            ("settings", "responseSettings", "delay"),
        ),
    ]
    assert refused.current == current


async def test_overlap_is_refused_even_where_the_values_agree(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), since(0)))
    assert told(refused) == [("VERSION_CONFLICT", "name")]


async def test_a_leaf_that_is_refused_overlaps_like_any_other(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N", "prompt": "q"}))
    for sent, overlap in (
        (Sent({"name": " ", "prompt": "r", DELAY: -1}), ["name", "prompt"]),
        (Sent({"name": None}), ["name"]),
    ):
        refused = await refusal(edits.update_flow(desk, caller, flow["id"], sent, since(0)))
        assert told(refused) == [("VERSION_CONFLICT", path) for path in overlap]
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({DELAY: -1}), since(0)))
    assert told(refused) == [("OUT_OF_RANGE", "settings.responseSettings.delay")]


async def test_a_toggle_counts_as_autopilot(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent(toggles=True))
    for sent in (Sent(toggles=True), Sent({"autopilot": False})):
        refused = await refusal(edits.update_flow(desk, caller, flow["id"], sent, since(0)))
        assert told(refused) == [("VERSION_CONFLICT", "autopilot")]
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), since(0))
    toggled = await edits.update_flow(desk, caller, flow["id"], Sent(toggles=True), since(1))
    assert (saved.rebased_from, toggled.rebased_from, toggled.flow["autopilot"]) == (0, 1, False)


async def test_a_leaf_that_was_changed_and_changed_back_was_changed(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    for name in ("N", "Sale"):
        await edits.update_flow(desk, caller, flow["id"], Sent({"name": name}))
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "M"}), since(0)))
    assert told(refused) == [("VERSION_CONFLICT", "name")]


async def test_delete_and_restore_in_between_touch_no_leaf(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.delete_flow(desk, caller, flow["id"])
    await edits.restore_flow(desk, caller, flow["id"])
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), since(0))
    assert (saved.rebased_from, saved.flow["version"]) == (0, 3)


async def test_history_that_is_not_kept_any_more_is_a_conflict(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, refusal: Refusal
) -> None:
    for delay in (1, 2, 3):
        await edits.update_flow(desk, caller, flow["id"], Sent({DELAY: delay}))
    clock.now += 2 * desk.replay_lifetime
    assert await prune(desk, 0) == (3, 0)
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), since(0)))
    assert told(refused) == [("VERSION_CONFLICT", "ifVersion")]
    assert refused.current is not None
    assert refused.current["version"] == 3


async def test_a_version_ahead_of_the_flow_is_a_conflict(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), since(1)))
    assert told(refused) == [("VERSION_CONFLICT", "ifVersion")]
    assert refused.current == {**flow, "deleted_at": None}


async def test_merge_needs_one_seen_version(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    for versions in (None, frozenset({0, 1}), frozenset[int]()):
        terms = Terms(if_versions=versions, merge=True)
        refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), terms))
        assert told(refused) == [("REQUIRED", "ifVersion")]


async def test_rules_hold_on_the_merged_whole(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_working_hours_start": "12:00"}))
    sent = Sent({"response_settings_working_hours_end": "12:00"})
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], sent, since(0)))
    assert told(refused) == [("EMPTY_WINDOW", "settings.responseSettings.workingHours")]


async def test_a_trial_run_of_a_merge_writes_nothing(desk: Desk, caller: Caller, flow: Values, store: Store) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    before = await contents(store)
    terms = Terms(if_versions=frozenset({0}), merge=True, validate_only=True)
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({DELAY: 4}), terms)
    assert await contents(store) == before
    assert (saved.rebased_from, saved.flow["version"], saved.flow[DELAY]) == (0, 2, 4)
