"""The same update of many flows: one transaction, each flow all or nothing, one result a flow."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.patch import Sent
from graphql_api.domain.search import Filter, Sizes
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk, Result, many
from graphql_api.edits.upkeep import prune
from graphql_api.storage import pages, revisions
from graphql_api.storage.engine import Row, Statement, Store
from graphql_api.storage.revisions import Revision
from tests.conftest import Clock
from tests.edits.conftest import NEW, Refusal, contents, told

START = "response_settings_working_hours_start"
KEYED = Terms(key="bulk")


@pytest.fixture
async def ids(desk: Desk, caller: Caller) -> list[str]:
    """Three flows; the working hours of the second one end at noon."""
    made = [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(3)]
    await edits.update_flow(desk, caller, made[1], Sent({"response_settings_working_hours_end": "12:00"}))
    return made


def outline(results: tuple[Result, ...]) -> list[tuple[str, int | None, tuple[str, ...], list[str]]]:
    """Id, version, changed columns and codes of each result."""
    return [
        (
            result.id,
            result.saved.flow["version"] if result.saved else None,
            result.saved.changed if result.saved else (),
            [problem.code for problem in result.problems],
        )
        for result in results
    ]


async def test_each_flow_has_its_result_in_the_order_asked(desk: Desk, caller: Caller, ids: list[str]) -> None:
    asked = [ids[2], "unknown", ids[0]]
    results, replayed = await edits.update_flows(desk, caller, asked, None, Sent({"name": "N"}, toggles=True))
    assert not replayed
    assert outline(results) == [
        (ids[2], 1, ("name", "autopilot"), []),
        ("unknown", None, (), ["NOT_FOUND"]),
        (ids[0], 1, ("name", "autopilot"), []),
    ]
    untouched = await reads.flow(desk.store, caller, ids[1], ["name", "version"])
    assert untouched == {"name": "Sale", "version": 1}


async def test_a_flow_that_is_refused_leaves_the_others_written(desk: Desk, caller: Caller, ids: list[str]) -> None:
    results, _ = await edits.update_flows(desk, caller, ids, None, Sent({START: "12:00", "name": "N"}))
    assert outline(results) == [
        (ids[0], 1, ("name", START), []),
        (ids[1], None, (), ["EMPTY_WINDOW"]),
        (ids[2], 1, ("name", START), []),
    ]
    assert await reads.flow(desk.store, caller, ids[1], ["name", START]) == {"name": "Sale", START: "09:00"}


async def test_a_flow_that_changes_nothing_keeps_its_version(desk: Desk, caller: Caller, ids: list[str]) -> None:
    await edits.update_flow(desk, caller, ids[0], Sent({"name": "N"}))
    results, _ = await edits.update_flows(desk, caller, ids[:2], None, Sent({"name": "N"}))
    assert outline(results) == [(ids[0], 1, (), []), (ids[1], 2, ("name",), [])]


async def test_a_filter_chooses_by_id_and_passes_over_deleted_and_foreign_flows(
    desk: Desk, caller: Caller, ids: list[str]
) -> None:
    await edits.create_flow(desk, Caller("ws2"), NEW)
    await edits.delete_flow(desk, caller, ids[0])
    results, _ = await edits.update_flows(desk, caller, None, Filter(agent="a"), Sent({"agent": "b"}))
    assert outline(results) == [(ids[1], 2, ("agent",), []), (ids[2], 1, ("agent",), [])]


async def test_a_deleted_and_a_foreign_flow_are_not_found(desk: Desk, caller: Caller, ids: list[str]) -> None:
    theirs = (await edits.create_flow(desk, Caller("ws2"), NEW)).flow["id"]
    await edits.delete_flow(desk, caller, ids[0])
    results, _ = await edits.update_flows(desk, caller, [ids[0], theirs], None, Sent({"name": "N"}))
    assert outline(results) == [(ids[0], None, (), ["NOT_FOUND"]), (theirs, None, (), ["NOT_FOUND"])]


@pytest.mark.parametrize(
    ("ids", "filter", "problem"),
    [
        (None, None, ("CONFLICTING_FIELDS", "ids")),
        (["a"], Filter(is_active=True), ("CONFLICTING_FIELDS", "ids")),
        ([], None, ("OUT_OF_RANGE", "ids")),
        ([f"f{n}" for n in range(1_001)], None, ("OUT_OF_RANGE", "ids")),
        (["a", "b", "a"], None, ("CONFLICTING_FIELDS", "ids")),
        (["a", "b c"], None, ("INVALID_ID", "ids")),
        (["\ud800"], None, ("INVALID_ID", "ids")),
        (None, Filter(), ("REQUIRED", "filter")),
        (None, Filter(name_contains=""), ("REQUIRED", "filter")),
        (None, Filter(agent=""), ("INVALID_ID", "filter.agent")),
        (None, Filter(agent="nobody"), ("NOT_FOUND", "filter")),
        (None, Filter(ids=()), ("NOT_FOUND", "filter")),
        (None, Filter(ids=("a\0",)), ("INVALID_ID", "filter.ids")),
        (None, Filter(agent="\ud800"), ("INVALID_ID", "filter.agent")),
        (None, Filter(name_contains="\0"), ("INVALID_CHARACTER", "filter.nameContains")),
    ],
)
async def test_a_choice_that_is_none_is_refused(
    desk: Desk,
    caller: Caller,
    refusal: Refusal,
    ids: list[str] | None,
    filter: Filter | None,
    problem: tuple[str, str],
) -> None:
    await edits.create_flow(desk, caller, NEW)
    for terms in (Terms(), KEYED):
        edit = edits.update_flows(desk, caller, ids, filter, Sent({"name": "N"}), terms)
        assert told(await refusal(edit)) == [problem]


async def test_leaves_that_are_wrong_in_themselves_refuse_the_whole(
    desk: Desk, caller: Caller, ids: list[str], refusal: Refusal
) -> None:
    edit = edits.update_flows(desk, caller, ids, None, Sent({"name": None, "agent": ""}, ("settings",)))
    assert told(await refusal(edit)) == [
        ("NULL_NOT_ALLOWED", "settings"),
        ("NULL_NOT_ALLOWED", "name"),
        ("INVALID_ID", "agent"),
    ]


async def test_as_many_flows_at_once_as_the_setting_says_and_no_more(
    desk: Desk, caller: Caller, refusal: Refusal
) -> None:
    thousand = [f"f{n}" for n in range(1_000)]
    results, _ = await edits.update_flows(desk, caller, thousand, None, Sent({"name": "N"}))
    assert len(results) == 1_000
    desk = structs.replace(desk, sizes=Sizes(batch=2))
    for _ in range(2):
        await edits.create_flow(desk, caller, NEW)
    results, _ = await edits.update_flows(desk, caller, None, Filter(agent="a"), Sent({"name": "N"}))
    assert len(results) == 2
    await edits.create_flow(desk, caller, NEW)
    edit = edits.update_flows(desk, caller, None, Filter(agent="a"), Sent({"name": "M"}))
    assert told(await refusal(edit)) == [("OUT_OF_RANGE", "filter")]


async def test_what_a_filter_matches_is_found_before_the_transaction_and_asked_again_within(
    desk: Desk, caller: Caller, ids: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, named = store.read, Filter(agent="a", name_contains="sale")

    async def meanwhile(statement: Statement) -> Sequence[Row]:
        """What is found is no longer so by the time that it is changed."""
        rows = await read(statement)
        monkeypatch.undo()
        assert [dict(row) for row in rows] == [{"id": id} for id in ids]
        await edits.update_flow(desk, caller, ids[0], Sent({"name": "N"}))
        return rows

    monkeypatch.setattr(store, "read", meanwhile)
    results, _ = await edits.update_flows(desk, caller, None, named, Sent({"is_active": True}))
    assert outline(results) == [(ids[1], 2, ("is_active",), []), (ids[2], 1, ("is_active",), [])]


async def test_a_filter_that_matches_too_many_is_refused_though_the_first_of_them_go_meanwhile(
    desk: Desk, caller: Caller, ids: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = store.read

    async def meanwhile(statement: Statement) -> Sequence[Row]:
        rows = await read(statement)
        await edits.delete_flow(desk, caller, ids[0])
        return rows

    desk = structs.replace(desk, sizes=Sizes(batch=1))
    monkeypatch.setattr(store, "read", meanwhile)
    with pytest.raises(Refused) as refused:
        await edits.update_flows(desk, caller, None, Filter(agent="a"), Sent({"name": "N"}))
    monkeypatch.undo()
    assert told(refused.value) == [("OUT_OF_RANGE", "filter")]
    assert [flow["name"] for flow in (await contents(store))[0]] == ["Sale"] * 3


async def test_a_trial_run_tells_each_result_and_writes_nothing(
    desk: Desk, caller: Caller, ids: list[str], store: Store
) -> None:
    before = await contents(store)
    terms = Terms(validate_only=True)
    results, _ = await edits.update_flows(desk, caller, [*ids, "unknown"], None, Sent({START: "12:00"}), terms)
    assert await contents(store) == before
    assert outline(results) == [
        (ids[0], 1, (START,), []),
        (ids[1], None, (), ["EMPTY_WINDOW"]),
        (ids[2], 1, (START,), []),
        ("unknown", None, (), ["NOT_FOUND"]),
    ]


async def test_a_trial_run_begins_no_transaction(
    desk: Desk, caller: Caller, ids: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(type(store), "run")
    trial, sent = Terms(validate_only=True), Sent({"name": "N"})
    results, _ = await edits.update_flows(desk, caller, None, Filter(agent="a"), sent, trial)
    assert outline(results) == [(ids[0], 1, ("name",), []), (ids[1], 2, ("name",), []), (ids[2], 1, ("name",), [])]
    assert (await edits.update_flow(desk, caller, ids[0], sent, trial)).changed == ("name",)


async def test_every_revision_of_a_bulk_tells_its_note(desk: Desk, caller: Caller, ids: list[str]) -> None:
    await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), Terms(note="campaign"))
    for id in ids:
        newest = (await reads.history(desk.store, caller, id, 1, None))[0]
        assert (newest.operation, newest.note, dict(newest.changes)) == ("UPDATE", "campaign", {"name": ("Sale", "N")})


# Replays


async def test_a_resent_bulk_is_carried_out_once_and_told_again_with_its_errors(
    desk: Desk, caller: Caller, ids: list[str], store: Store
) -> None:
    asked = [*ids, "unknown"]
    sent = Sent({START: "12:00", "response_settings_delay": 0.5}, toggles=True)
    first, _ = await edits.update_flows(desk, caller, asked, None, sent, KEYED)
    await edits.update_flow(desk, caller, ids[0], Sent({"name": "later", "response_settings_delay": 3}))
    await edits.delete_flow(desk, caller, ids[2])
    before = await contents(store)
    again, replayed = await edits.update_flows(desk, caller, asked, None, sent, KEYED)
    assert replayed
    assert await contents(store) == before
    assert outline(again) == outline(first)
    assert [one.problems for one in again] == [one.problems for one in first]
    for then, now in zip(first, again, strict=True):
        if then.saved is not None and now.saved is not None:
            assert {**now.saved.flow, "deleted_at": None} == then.saved.flow


async def test_a_bulk_that_is_refused_for_every_flow_is_not_recorded(
    desk: Desk, caller: Caller, ids: list[str], store: Store
) -> None:
    await edits.delete_flow(desk, caller, ids[0])
    before = await contents(store)
    refused, _ = await edits.update_flows(desk, caller, ids[:1], None, Sent({"name": "N"}), KEYED)
    assert outline(refused) == [(ids[0], None, (), ["NOT_FOUND"])]
    assert await contents(store) == before
    await edits.restore_flow(desk, caller, ids[0])
    first, replayed = await edits.update_flows(desk, caller, ids[:1], None, Sent({"name": "N"}), KEYED)
    assert (outline(first), replayed) == ([(ids[0], 3, ("name",), [])], False)
    again, replayed = await edits.update_flows(desk, caller, ids[:1], None, Sent({"name": "N"}), KEYED)
    assert (outline(again), replayed) == (outline(first), True)


async def test_a_resent_filter_is_not_asked_again(
    desk: Desk, caller: Caller, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent({"agent": "b"})
    first, _ = await edits.update_flows(desk, caller, None, Filter(agent="a"), sent, KEYED)
    monkeypatch.delattr(pages, "matching")
    again, replayed = await edits.update_flows(desk, caller, None, Filter(agent="a"), sent, KEYED)
    assert replayed
    assert (
        outline(again)
        == outline(first)
        == [(ids[0], 1, ("agent",), []), (ids[1], 2, ("agent",), []), (ids[2], 1, ("agent",), [])]
    )


async def test_a_filter_under_a_key_is_asked_outside_the_transaction_also_when_the_key_was_used_long_ago(
    desk: Desk, caller: Caller, ids: list[str], store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, found = store.read, list[Sequence[Row]]()

    async def watched(statement: Statement) -> Sequence[Row]:
        found.append(await read(statement))
        return found[-1]

    monkeypatch.setattr(store, "read", watched)
    for name in ("M", "N"):
        asked = None, Filter(agent="a"), Sent({"name": name}), KEYED
        _, replayed = await edits.update_flows(desk, caller, *asked)
        assert not replayed
        assert [row["id"] for row in found[-1]] == ids
        clock.now += desk.replay_lifetime


async def test_a_trial_run_and_a_replay_of_a_few_flows_are_no_long_reads(
    desk: Desk, caller: Caller, ids: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ids, None, Sent({"name": "N"})
    await edits.update_flows(desk, caller, *asked, KEYED)
    read, long = store.read, list[bool]()

    async def watched(statement: Statement) -> Sequence[Row]:
        long.append(statement.scans)
        return await read(statement)

    monkeypatch.setattr(store, "read", watched)
    await edits.update_flows(desk, caller, *asked, Terms(validate_only=True))
    assert long == [False]
    _, replayed = await edits.update_flows(desk, caller, *asked, KEYED)
    assert replayed
    assert long == [False] * 3


async def test_another_choice_under_the_same_key_is_refused(
    desk: Desk, caller: Caller, ids: list[str], refusal: Refusal
) -> None:
    await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    for chosen, filter in ((ids[:2], None), (ids[::-1], None), (None, Filter(ids=tuple(ids)))):
        edit = edits.update_flows(desk, caller, chosen, filter, Sent({"name": "N"}), KEYED)
        assert told(await refusal(edit)) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_a_replay_reads_each_flow_from_its_own_version_on(
    desk: Desk, caller: Caller, ids: list[str], heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for delay in range(1, 31):
        await edits.update_flow(desk, caller, ids[0], Sent({"response_settings_delay": delay}))
    first, _ = await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    read: list[str] = []
    revision = revisions.revision

    def watched(row: Row) -> Revision:
        read.append(row["flow_id"])
        return revision(row)

    monkeypatch.setattr(revisions, "revision", watched)
    heard.clear()
    again, _ = await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    assert outline(again) == outline(first)
    assert sorted(read) == sorted(ids)
    assert len(heard) == 3


async def test_a_replay_reads_few_revisions_at_once(
    desk: Desk, caller: Caller, ids: list[str], heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    for delay in range(1, 5):
        for id in ids[:2]:
            await edits.update_flow(desk, caller, id, Sent({"response_settings_delay": delay, "name": str(delay)}))
    monkeypatch.setattr(revisions, "STEP", 5)
    heard.clear()
    again, replayed = await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    assert replayed
    assert outline(again) == outline(first)
    assert [one.saved.flow["name"] for one in again if one.saved] == ["N"] * 3
    assert len(heard) == 4


async def test_a_replay_reads_few_flows_at_once_and_holds_a_text_that_all_were_given_once(
    desk: Desk, caller: Caller, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2 * many.AT_ONCE + 1):
        await edits.create_flow(desk, caller, NEW)
    made = [row["id"] for row in (await contents(store))[0]]
    asked = made, None, Sent({"prompt": "q" * 1_000}), KEYED
    first, _ = await edits.update_flows(desk, caller, *asked)
    read, answered = store.read, list[int]()

    async def counted(statement: Statement) -> Sequence[Row]:
        rows = await read(statement)
        answered.append(len(rows))
        return rows

    monkeypatch.setattr(store, "read", counted)
    again, replayed = await edits.update_flows(desk, caller, *asked)
    assert replayed
    assert outline(again) == outline(first)
    assert answered == [many.AT_ONCE] * 4 + [1, 1]
    assert len({id(one.saved.flow["prompt"]) for one in again if one.saved}) == 1


@pytest.mark.parametrize("count", [1, 2])
async def test_a_replay_that_names_versions_which_are_not_kept_says_so_of_each(
    desk: Desk, caller: Caller, ids: list[str], clock: Clock, count: int
) -> None:
    """As when replays were kept for a shorter time while history was pruned."""
    await edits.update_flows(desk, caller, ids[:count], None, Sent({"name": "N"}), KEYED)
    await edits.update_flow(desk, caller, ids[0], Sent({"name": "later"}))
    clock.now += 3_600_000
    await prune(structs.replace(desk, replay_lifetime=1), 0)
    again, replayed = await edits.update_flows(desk, caller, ids[:count], None, Sent({"name": "N"}), KEYED)
    assert replayed
    expected = [(ids[0], None, (), ["UNKNOWN_VERSION"]), (ids[1], 2, ("name",), [])]
    assert outline(again) == expected[:count]


async def test_a_replay_outlives_pruning(desk: Desk, caller: Caller, ids: list[str], clock: Clock) -> None:
    clock.now += 3 * desk.replay_lifetime
    first, _ = await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    for id in ids:
        await edits.update_flow(desk, caller, id, Sent({"name": "later"}))
    await edits.delete_flow(desk, caller, ids[0])
    clock.now += desk.replay_lifetime - 100_000
    revisions, tombstones = await prune(desk, 0)
    assert (revisions, tombstones) == (1, 0)
    again, replayed = await edits.update_flows(desk, caller, ids, None, Sent({"name": "N"}), KEYED)
    assert replayed
    assert outline(again) == outline(first)
