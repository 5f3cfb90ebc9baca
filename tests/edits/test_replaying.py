"""Idempotency keys: the same request is carried out once, and its first answer told again before any other check."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import structs

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.search import Filter
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk, Saved
from graphql_api.edits.desk import fingerprint
from graphql_api.edits.upkeep import forget_replays
from graphql_api.storage.engine import Script, Statement, Store
from tests.conftest import Clock
from tests.edits.conftest import NEW, Refusal, contents, told

KEYED = Terms(key="k1")
TOGGLE = Sent(toggles=True)


async def counted(store: Store) -> list[int]:
    """How many flows, revisions and replays there are."""
    return [len(rows) for rows in await contents(store)]


async def test_a_resent_toggle_flips_once(desk: Desk, caller: Caller, flow: Values, store: Store) -> None:
    first = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    before = await contents(store)
    again = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    assert await contents(store) == before
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.changed, again.rebased_from) == (("autopilot",), None)
    assert again.flow == first.flow


async def test_the_first_answer_holds_the_flow_as_it_was_then(desk: Desk, caller: Caller, flow: Values) -> None:
    first = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), KEYED)
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "M", "response_settings_delay": 2}))
    await edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_delay": 0.5}))
    again = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), KEYED)
    assert again == Saved(first.flow, ("name",), True)


async def test_a_replay_comes_before_the_version_guard(desk: Desk, caller: Caller, flow: Values) -> None:
    guarded = Terms(key="k", if_versions=frozenset({0}))
    first = await edits.update_flow(desk, caller, flow["id"], TOGGLE, guarded)
    again = await edits.update_flow(desk, caller, flow["id"], TOGGLE, guarded)
    assert again.replayed
    assert again.flow == first.flow


async def test_a_replay_comes_before_the_question_whether_the_flow_exists(
    desk: Desk, caller: Caller, flow: Values
) -> None:
    first = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    await edits.delete_flow(desk, caller, flow["id"])
    again = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    assert again.replayed
    assert (again.flow["version"], again.flow["autopilot"]) == (first.flow["version"], True)


async def test_a_merge_tells_again_where_it_was_carried_over_from(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    terms = Terms(key="k", if_versions=frozenset({0}), merge=True)
    for replayed in (False, True):
        saved = await edits.update_flow(desk, caller, flow["id"], TOGGLE, terms)
        assert (saved.rebased_from, saved.replayed, saved.flow["version"]) == (0, replayed, 2)
        await edits.update_flow(desk, caller, flow["id"], Sent({"description": str(replayed)}))


async def test_a_keyed_update_that_changed_nothing_is_told_again(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    first = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "Sale"}), KEYED)
    assert await counted(store) == [1, 1, 1]
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    again = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "Sale"}), KEYED)
    assert (again.replayed, again.changed, again.flow["version"], again.flow["name"]) == (True, (), 0, "Sale")
    assert first.changed == ()


async def test_a_keyed_create_makes_one_flow(desk: Desk, caller: Caller, store: Store) -> None:
    first = await edits.create_flow(desk, caller, NEW, KEYED)
    again = await edits.create_flow(desk, caller, NEW, KEYED)
    assert await counted(store) == [1, 1, 1]
    assert again.flow == {**first.flow, "deleted_at": None}
    assert (again.replayed, again.changed) == (True, first.changed)


Edit = Callable[[Desk, Caller, str], Awaitable[Saved]]


async def revert(desk: Desk, caller: Caller, id: str) -> Saved:
    return await edits.revert_flow(desk, caller, id, 0, KEYED)


async def delete(desk: Desk, caller: Caller, id: str) -> Saved:
    return await edits.delete_flow(desk, caller, id, KEYED)


async def restore(desk: Desk, caller: Caller, id: str) -> Saved:
    return await edits.restore_flow(desk, caller, id, KEYED)


async def test_keyed_revert_delete_and_restore_are_carried_out_once(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    for edit, version in ((revert, 2), (delete, 3), (restore, 4)):
        first = await edit(desk, caller, flow["id"])
        again = await edit(desk, caller, flow["id"])
        assert (first.flow["version"], first.replayed) == (version, False)
        assert (again.flow["version"], again.replayed, again.changed) == (version, True, first.changed)
    # A late resend of the delete does not delete the flow that was restored since.
    late = await delete(desk, caller, flow["id"])
    assert (late.replayed, late.flow["version"]) == (True, 3)
    saved = await edits.update_flow(desk, caller, flow["id"], Sent())
    assert saved.flow["version"] == 4


async def test_a_repeated_delete_under_a_key_is_told_again(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.delete_flow(desk, caller, flow["id"])
    first = await delete(desk, caller, flow["id"])
    await edits.restore_flow(desk, caller, flow["id"])
    again = await delete(desk, caller, flow["id"])
    assert (first.replayed, again.replayed, again.flow["version"]) == (False, True, 1)


@pytest.mark.parametrize(
    ("sent", "terms"),
    [
        (Sent({"name": "M"}), KEYED),
        (Sent({"name": None}), KEYED),
        (Sent({"name": "N"}, toggles=True), KEYED),
        (Sent({"name": "N"}, ("settings",)), KEYED),
        (Sent({"name": "N"}), Terms(key="k1", if_versions=frozenset({0}))),
        (Sent({"name": "N"}), Terms(key="k1", note="why")),
        (Sent({"name": "N"}), Terms(key="k1", if_versions=frozenset({0}), merge=True)),
    ],
)
async def test_another_request_under_the_same_key_is_refused(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, sent: Sent, terms: Terms
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), KEYED)
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], sent, terms))
    assert told(refused) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_to_merge_is_another_request_than_to_be_refused(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    guarded = Terms(key="k1", if_versions=frozenset({0}))
    await edits.update_flow(desk, caller, flow["id"], TOGGLE, guarded)
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], TOGGLE, structs.replace(guarded, merge=True)))
    assert told(refused) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_a_key_counts_for_one_workspace_caller_operation_and_flow(
    desk: Desk, caller: Caller, flow: Values
) -> None:
    other = (await edits.create_flow(desk, caller, NEW, KEYED)).flow
    foreign = Caller("ws2")
    theirs = (await edits.create_flow(desk, foreign, NEW, KEYED)).flow
    someone = Caller("ws1", actor="someone")
    for who, id in ((caller, flow["id"]), (caller, other["id"]), (foreign, theirs["id"]), (someone, flow["id"])):
        assert not (await edits.update_flow(desk, who, id, TOGGLE, KEYED)).replayed
    assert not (await edits.delete_flow(desk, caller, flow["id"], KEYED)).replayed


async def test_a_refusal_is_not_recorded(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    guarded = Terms(key="k", if_versions=frozenset({1}))
    assert told(await refusal(edits.update_flow(desk, caller, flow["id"], TOGGLE, guarded))) == [
        ("VERSION_CONFLICT", "ifVersion")
    ]
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    saved = await edits.update_flow(desk, caller, flow["id"], TOGGLE, guarded)
    assert (saved.replayed, saved.flow["version"]) == (False, 2)


async def test_a_key_is_free_again_after_its_lifetime(desk: Desk, caller: Caller, flow: Values, clock: Clock) -> None:
    first = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    clock.step = 0
    clock.now = first.flow["updated_at"] + desk.replay_lifetime - 1
    assert (await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)).replayed
    clock.now += 1
    later = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    assert (later.replayed, later.flow["version"], later.flow["autopilot"]) == (False, 2, False)
    assert (await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)).replayed


async def test_two_that_find_the_key_expired_run_once(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, store: Store
) -> None:
    await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    clock.now += 2 * desk.replay_lifetime
    saved = await asyncio.gather(
        *(edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED) for _ in range(8)), return_exceptions=False
    )
    assert sorted(one.replayed for one in saved) == [False] + [True] * 7
    assert {one.flow["version"] for one in saved} == {2}
    assert await counted(store) == [1, 3, 1]


async def test_old_replays_are_removed_and_young_ones_stay(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, store: Store
) -> None:
    for key in ("old1", "old2"):
        await edits.update_flow(desk, caller, flow["id"], TOGGLE, Terms(key=key))
    clock.now += desk.replay_lifetime
    since = clock.now
    await edits.update_flow(desk, caller, flow["id"], TOGGLE, Terms(key="young"))
    assert await forget_replays(desk) == 2
    assert [row["at"] >= since for row in (await contents(store))[2]] == [True]
    assert await forget_replays(desk) == 0


async def test_two_at_once_run_once(desk: Desk, caller: Caller, flow: Values, store: Store) -> None:
    saved = await asyncio.gather(*(edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED) for _ in range(16)))
    assert sorted(one.replayed for one in saved) == [False] + [True] * 15
    assert all(one.flow == saved[0].flow for one in saved)
    assert await counted(store) == [1, 2, 1]


async def test_two_creates_at_once_make_one_flow(desk: Desk, caller: Caller, store: Store) -> None:
    saved = await asyncio.gather(*(edits.create_flow(desk, caller, NEW, KEYED) for _ in range(8)))
    assert sorted(one.replayed for one in saved) == [False] + [True] * 7
    assert len({one.flow["id"] for one in saved}) == 1
    assert await counted(store) == [1, 1, 1]


async def test_two_that_change_nothing_at_once_are_kept_once(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    saved = await asyncio.gather(*(edits.update_flow(desk, caller, flow["id"], Sent(), KEYED) for _ in range(8)))
    assert sorted(one.replayed for one in saved) == [False] + [True] * 7
    assert await counted(store) == [1, 1, 1]


class Hasty:
    """A store on which whoever asks for a first answer looks just before it is committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read

    async def run(self, script: Callable[[], Script[Any]], **manner: Any) -> Any:
        return await self._store.run(lambda: self._early(script()), **manner)

    def _early(self, script: Script[Any]) -> Script[Any]:
        next(script)
        statement = script.send(())
        try:
            while True:
                statement = script.send((yield statement))
        except StopIteration as end:
            return end.value


async def test_no_guard_refuses_what_the_same_request_has_just_done(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    hasty = structs.replace(desk, store=Hasty(store))
    for version, merge in enumerate((False, True), 1):
        terms = Terms(key=f"k{version}", if_versions=frozenset({version - 1}), merge=merge)
        first = await edits.update_flow(desk, caller, flow["id"], TOGGLE, terms)
        twin = await edits.update_flow(hasty, caller, flow["id"], TOGGLE, terms)
        assert (twin.replayed, twin.changed, twin.flow["version"]) == (True, first.changed, version)
    await delete(desk, caller, flow["id"])
    await restore(desk, caller, flow["id"])
    assert (await restore(hasty, caller, flow["id"])).replayed
    assert await counted(store) == [1, 5, 4]


async def test_nor_is_a_filter_refused_that_matches_nothing_since(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    asked = Filter(autopilot=False), Sent({"autopilot": True}), KEYED
    first, _ = await edits.update_flows(desk, caller, None, *asked)
    twin, replayed = await edits.update_flows(structs.replace(desk, store=Hasty(store)), caller, None, *asked)
    assert replayed
    assert [(one.id, one.saved and one.saved.changed) for one in twin] == [(flow["id"], ("autopilot",))]
    assert len(first) == 1
    assert await counted(store) == [1, 2, 1]


async def test_the_past_is_read_outside_the_transaction(desk: Desk, caller: Caller, flow: Values, store: Store) -> None:
    first = await edits.update_flow(desk, caller, flow["id"], TOGGLE, KEYED)
    bulk, _ = await edits.update_flows(desk, caller, [flow["id"]], None, TOGGLE, KEYED)
    within: list[Statement] = []

    class Watched(Hasty):
        def _early(self, script: Script[Any]) -> Script[Any]:
            rows: Any = None
            try:
                while True:
                    within.append(script.send(rows))
                    rows = yield within[-1]
            except StopIteration as end:
                return end.value

    watched = structs.replace(desk, store=Watched(store))
    again = await edits.update_flow(watched, caller, flow["id"], TOGGLE, KEYED)
    assert (again.replayed, again.flow) == (True, first.flow)
    results, replayed = await edits.update_flows(watched, caller, [flow["id"]], None, TOGGLE, KEYED)
    assert (replayed, results[0].saved and results[0].saved.flow) == (True, bulk[0].saved and bulk[0].saved.flow)
    assert within
    assert not any("message_flow_revisions" in statement.shape.sqlite[0].sql for statement in within)


HOURS = "response_settings_working_hours"
SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({f"{HOURS}_start": "8:00"}, {f"{HOURS}_start": "08:00"}),
    ({f"{HOURS}_timezone": "europe/berlin"}, {f"{HOURS}_timezone": "Europe/Berlin"}),
    ({"description": None}, {"description": ""}),
    ({"response_settings_delay": None}, {"response_settings_delay": 0.0}),
    ({f"{HOURS}_enabled": None}, {f"{HOURS}_enabled": False}),
]


@pytest.mark.parametrize(("one", "other"), [*SAME, *((other, one) for one, other in SAME)])
async def test_what_means_the_same_is_the_same_request(
    desk: Desk, caller: Caller, flow: Values, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not (await edits.update_flow(desk, caller, flow["id"], Sent(one), KEYED)).replayed
    assert (await edits.update_flow(desk, caller, flow["id"], Sent(other), KEYED)).replayed


def test_what_is_spelt_as_it_is_kept_has_the_fingerprint_that_it_always_had() -> None:
    values = {"name": "n", f"{HOURS}_start": "08:00", "response_settings_delay": 2.0, "direction": "INBOUND"}
    assert fingerprint(Sent(values, toggles=True)) == (
        "3dd184269586f6ea47a57965e5590f4d656041059c87757eac9d394de74bd660"
    )


async def test_two_bulk_updates_at_once_run_once(desk: Desk, caller: Caller, flow: Values, store: Store) -> None:
    told = await asyncio.gather(
        *(edits.update_flows(desk, caller, [flow["id"]], None, TOGGLE, KEYED) for _ in range(6))
    )
    assert sorted(replayed for _, replayed in told) == [False] + [True] * 5
    assert await counted(store) == [1, 2, 1]


@pytest.mark.parametrize("key", ["k", "k" * 255, " ", "~!@# key"])
async def test_a_key_is_up_to_255_printable_characters(desk: Desk, caller: Caller, flow: Values, key: str) -> None:
    await edits.update_flow(desk, caller, flow["id"], TOGGLE, Terms(key=key))
    assert (await edits.update_flow(desk, caller, flow["id"], TOGGLE, Terms(key=key))).replayed


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "BLANK"),
        ("k" * 256, "TOO_LONG"),
        ("a\nb", "INVALID_CHARACTER"),
        ("a\0", "INVALID_CHARACTER"),
        ("a\x7f", "INVALID_CHARACTER"),
        ("schlüssel", "INVALID_CHARACTER"),
        ("\ud800", "INVALID_CHARACTER"),
        ("k\n", "INVALID_CHARACTER"),
    ],
)
async def test_any_other_key_is_refused_by_every_edit(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, key: str, code: str
) -> None:
    terms = Terms(key=key)
    for edit in (
        edits.create_flow(desk, caller, NEW, terms),
        edits.update_flow(desk, caller, flow["id"], TOGGLE, terms),
        edits.update_flows(desk, caller, [flow["id"]], None, TOGGLE, terms),
        edits.update_flows(desk, caller, None, Filter(is_active=False), TOGGLE, terms),
        edits.revert_flow(desk, caller, flow["id"], 0, terms),
        edits.delete_flow(desk, caller, flow["id"], terms),
        edits.restore_flow(desk, caller, flow["id"], terms),
    ):
        assert told(await refusal(edit)) == [(code, "idempotencyKey")]


async def test_a_trial_run_takes_no_key(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    terms = Terms(key="k", validate_only=True)
    for edit in (
        edits.update_flow(desk, caller, flow["id"], TOGGLE, terms),
        edits.update_flows(desk, caller, [flow["id"]], None, TOGGLE, terms),
    ):
        assert told(await refusal(edit)) == [("CONFLICTING_FIELDS", "validateOnly")]
