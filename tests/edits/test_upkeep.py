"""Pruning: what stays readable, what living replays name, and what is unknown afterwards."""

import asyncio
import re
from collections.abc import Callable, Sequence

import pytest

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk, upkeep
from graphql_api.edits.importing import Imported
from graphql_api.edits.upkeep import forget_replays, prune
from graphql_api.storage import upkeep as statements
from graphql_api.storage.engine import Row, Script, Statement, Store, unavailable
from tests.conftest import Clock
from tests.edits.conftest import NEW, Refusal, broken, contents, rename, told

DAY = 86_400_000


async def versions(desk: Desk, caller: Caller, id: str) -> list[int]:
    return [revision.version for revision in await reads.history(desk.store, caller, id, 100, None)]


async def test_every_version_that_was_current_since_the_cut_stays(
    desk: Desk, caller: Caller, flow: Values, clock: Clock
) -> None:
    await rename(desk, caller, flow["id"], "1", "2", "3")
    clock.now += 40 * DAY
    await rename(desk, caller, flow["id"], "4", "5")
    assert await prune(desk, 30 * DAY) == (3, 0)
    assert await versions(desk, caller, flow["id"]) == [5, 4, 3]
    then = await reads.flow_at(desk.store, caller, flow["id"], 3)
    assert then is not None
    assert then["name"] == "3"
    assert await reads.flow_at(desk.store, caller, flow["id"], 2) is None
    assert await prune(desk, 30 * DAY) == (0, 0)


async def test_a_flow_that_rests_keeps_its_newest_version(
    desk: Desk, caller: Caller, flow: Values, clock: Clock
) -> None:
    await rename(desk, caller, flow["id"], "1")
    clock.now += 400 * DAY
    assert await prune(desk, DAY) == (1, 0)
    assert await versions(desk, caller, flow["id"]) == [1]
    saved = await edits.revert_flow(desk, caller, flow["id"], 1)
    assert (saved.changed, saved.flow["name"]) == ((), "1")


async def test_a_reverted_version_that_is_not_kept_is_unknown(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, refusal: Refusal
) -> None:
    await rename(desk, caller, flow["id"], "1")
    clock.now += 400 * DAY
    await prune(desk, DAY)
    assert told(await refusal(edits.revert_flow(desk, caller, flow["id"], 0))) == [("UNKNOWN_VERSION", "toVersion")]


async def test_a_living_replay_keeps_its_version_whatever_the_retention(
    desk: Desk, caller: Caller, flow: Values, clock: Clock
) -> None:
    clock.now += 10 * DAY
    await rename(desk, caller, flow["id"], "1")
    first = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "2"}), Terms(key="k"))
    await rename(desk, caller, flow["id"], "3", "4")
    clock.now += desk.replay_lifetime - 60_000
    assert await prune(desk, 0) == (0, 0)
    again = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "2"}), Terms(key="k"))
    assert again.replayed
    assert again.flow == first.flow


async def test_an_old_tombstone_goes_with_its_history_and_its_id_is_unknown(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, store: Store, refusal: Refusal
) -> None:
    await rename(desk, caller, flow["id"], "1")
    await edits.delete_flow(desk, caller, flow["id"])
    clock.now += 31 * DAY
    stays = (await edits.create_flow(desk, caller, NEW)).flow
    await edits.delete_flow(desk, caller, stays["id"])
    assert await prune(desk, 30 * DAY) == (2, 1)
    flows, revisions, _ = await contents(store)
    assert [row["id"] for row in flows] == [stays["id"]]
    assert {row["flow_id"] for row in revisions} == {stays["id"]}
    for edit in (edits.delete_flow, edits.restore_flow):
        assert told(await refusal(edit(desk, caller, flow["id"]))) == [("NOT_FOUND", "id")]
    assert await reads.flow_at(desk.store, caller, flow["id"], 0) is None
    assert (await edits.restore_flow(desk, caller, stays["id"])).flow["version"] == 2


async def test_a_tombstone_that_a_living_replay_names_stays(
    desk: Desk, caller: Caller, flow: Values, clock: Clock
) -> None:
    await edits.delete_flow(desk, caller, flow["id"])
    clock.now += 100 * DAY
    first = await edits.delete_flow(desk, caller, flow["id"], Terms(key="k"))
    assert await prune(desk, 0) == (1, 0)
    again = await edits.delete_flow(desk, caller, flow["id"], Terms(key="k"))
    assert again.replayed
    assert again.flow == first.flow


async def test_only_in_its_own_workspace_a_replay_keeps_a_tombstone(desk: Desk, clock: Clock, store: Store) -> None:
    callers = [Caller(f"ws{n}") for n in range(3)]
    flow = {**DEFAULTS, **NEW.values, "created_at": 1, "updated_at": 1}
    await edits.import_flows(desk, Caller(None), [Imported("same", f"ws{n}", flow) for n in range(3)])
    for caller in callers:
        await edits.delete_flow(desk, caller, "same")
    clock.now += 100 * DAY
    await edits.delete_flow(desk, callers[1], "same", Terms(key="k"))
    assert await prune(desk, 0) == (3, 2)
    flows, revisions, _ = await contents(store)
    assert {(row["workspace_id"], row["id"]) for row in flows} == {("ws1", "same")}
    assert {row["workspace_id"] for row in revisions} == {"ws1"}


async def test_replays_which_no_index_finds_are_looked_through_once_for_the_deleted_flows_of_many_steps(
    desk: Desk, caller: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch, heard: list[str]
) -> None:
    monkeypatch.setattr(upkeep, "STEP", 2)
    ids = sorted([str((await edits.create_flow(desk, caller, NEW)).flow["id"]) for _ in range(6)])
    clock.now += 100 * DAY
    assert await looks(desk, heard) == (0, 0)
    for id in (ids[1], ids[4]):
        await edits.delete_flow(desk, caller, id)
    clock.now += 100 * DAY
    assert await looks(desk, heard) == (2, 1)


async def looks(desk: Desk, heard: list[str]) -> tuple[int, int]:
    """How many deleted flows pruning removed, and how often it looked through the replays."""
    heard.clear()
    _, flows = await prune(desk, 0)
    return flows, sum("FROM message_flow_replays" in sql and ".at >" not in sql for sql in heard)


async def test_all_replays_are_looked_through_while_edits_go_on_and_the_newest_ones_again_while_they_wait(
    desk: Desk, caller: Caller, clock: Clock, store: Store, within: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(2)]
    for id in ids:
        await edits.delete_flow(desk, caller, id)
    clock.now += 100 * DAY
    look = store.read

    async def look_and_then_delete(statement: Statement) -> Sequence[Row]:
        rows = await look(statement)
        if statement.shape is statements.named([]).shape:
            await edits.delete_flow(desk, caller, ids[0], Terms(key="k"))
        return rows

    monkeypatch.setattr(store, "read", look_and_then_delete)
    assert await prune(desk, 0) == (2, 1)
    looked = [sql for sql in within if "target" in sql and "FROM message_flow_replays" in sql and "IN (" in sql]
    assert looked
    assert all(".at >" in sql for sql in looked)
    monkeypatch.undo()
    assert (await edits.delete_flow(desk, caller, ids[0], Terms(key="k"))).replayed


async def test_pruning_looks_at_every_flow_of_every_workspace(
    desk: Desk, caller: Caller, flow: Values, clock: Clock
) -> None:
    theirs = Caller("ws0")
    other = (await edits.create_flow(desk, theirs, NEW)).flow
    await rename(desk, caller, flow["id"], "1")
    await rename(desk, theirs, other["id"], "1", "2")
    clock.now += 400 * DAY
    looked: list[int] = []
    assert await prune(desk, DAY, looked.append) == (3, 0)
    assert sum(looked) == 2
    assert (await versions(desk, caller, flow["id"]), await versions(desk, theirs, other["id"])) == ([1], [2])


async def test_the_next_step_of_pruning_begins_where_the_one_before_ended(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By workspace and then by id, whichever ids a workspace has."""
    monkeypatch.setattr(upkeep, "STEP", 2)
    flow = {**DEFAULTS, **NEW.values, "created_at": 1, "updated_at": 1}
    places = [("c", "ws0"), ("d", "ws0"), ("a", "ws1"), ("b", "ws1"), ("e", "ws1")]
    await edits.import_flows(desk, Caller(None), [Imported(*place, flow) for place in places])
    for id, workspace in places:
        await rename(desk, Caller(workspace), id, "1")
    clock.now += 400 * DAY
    assert await prune(desk, DAY) == (5, 0)


async def test_what_is_young_or_living_by_now_stays_whatever_was_looked_at_before(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, store: Store
) -> None:
    """As a flow that is restored, or removed and made anew, while old ones are looked for."""

    def removed(cut: int) -> Callable[[], Script[int]]:
        def script() -> Script[int]:
            revisions = yield statements.forget_revisions("ws1", [(flow["id"], 0)], cut)
            flows = yield statements.forget_flows("ws1", [flow["id"]], cut)
            return len(revisions) + len(flows)

        return script

    begun = clock.now
    clock.now += DAY
    assert await store.run(removed(begun - DAY)) == 0
    await edits.delete_flow(desk, caller, flow["id"])
    assert await store.run(removed(begun - DAY)) == 0
    await edits.restore_flow(desk, caller, flow["id"])
    assert await versions(desk, caller, flow["id"]) == [2, 1, 0]
    assert await store.run(removed(clock.now)) == 1, "the first revision, and not the flow"


async def test_pruning_goes_on_step_by_step(
    desk: Desk, caller: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "STEP", 2)
    ids = [str((await edits.create_flow(desk, caller, NEW)).flow["id"]) for _ in range(5)]
    for id in ids:
        await rename(desk, caller, id, "1")
    clock.now += 400 * DAY
    looked: list[int] = []
    assert await prune(desk, DAY, looked.append) == (5, 0)
    assert looked == [2, 2, 1]
    assert [await versions(desk, caller, id) for id in ids] == [[1]] * 5


async def test_a_step_removes_few_revisions_however_many_a_flow_has(
    desk: Desk, caller: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait for it. What is left by a step that was the last one is still a history without gaps."""
    ids = [str((await edits.create_flow(desk, caller, NEW)).flow["id"]) for _ in range(3)]
    for id in ids:
        await rename(desk, caller, id, "1", "2", "3", "4")
    clock.now += 400 * DAY
    await rename(desk, caller, ids[0], "5")
    steps: list[int] = []
    run = desk.store.run

    async def noted(script: Callable[[], Script[int]], *, together: bool = False) -> int:
        before = [len(await versions(desk, caller, id)) for id in ids]
        told = await run(script, together=together)
        left = [await versions(desk, caller, id) for id in ids]
        assert left == [[*range(one[0], one[-1] - 1, -1)] for one in left]
        steps.append(sum(before) - sum(map(len, left)))
        return told

    monkeypatch.setattr(upkeep, "STEP", 3)
    monkeypatch.setattr(desk.store, "run", noted)
    assert await prune(desk, DAY) == (12, 0)
    assert max(steps) == 3
    assert [await versions(desk, caller, id) for id in ids] == [[5, 4], [4], [4]]


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_pruning_that_breaks_off_leaves_no_gap_of_which_the_stream_does_not_know(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, monkeypatch: pytest.MonkeyPatch, is_deleted: bool
) -> None:
    if is_deleted:
        await edits.delete_flow(desk, caller, flow["id"])
        clock.now += 100 * DAY
        await edits.delete_flow(desk, caller, flow["id"], Terms(key="k"))
        assert await prune(desk, 0) == (1, 0)
    else:
        await rename(desk, caller, flow["id"], "1")
    clock.now += 400 * DAY
    await forget_replays(desk)
    before = await contents(desk.store)
    monkeypatch.setattr("graphql_api.storage.changes.pruned", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await prune(desk, DAY)
    assert await contents(desk.store) == before


async def test_old_replays_go_step_by_step(
    desk: Desk, caller: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch, heard: list[str]
) -> None:
    monkeypatch.setattr(upkeep, "STEP", 2)
    for key in "abcd":
        await edits.create_flow(desk, caller, NEW, Terms(key=key))
    clock.now += desk.replay_lifetime
    since = clock.now
    await edits.create_flow(desk, caller, NEW, Terms(key="e"))
    heard.clear()
    assert await forget_replays(desk) == 4
    assert sum(sql.startswith("DELETE") for sql in heard) == 3
    assert [row["at"] >= since for row in (await contents(desk.store))[2]] == [True]


async def test_a_fault_is_logged_and_does_not_end_the_sweeps(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Exception | None] = [ZeroDivisionError(), unavailable("away"), None]
    swept = asyncio.Event()

    async def sweeping(_: Desk) -> int:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        swept.set()
        return 0

    monkeypatch.setattr(upkeep, "forget_replays", sweeping)
    monkeypatch.setattr(upkeep, "BETWEEN_SWEEPS", 0.001)
    task = asyncio.create_task(upkeep.sweep(desk))
    async with asyncio.timeout(5):
        await swept.wait()
    task.cancel()
    fault, refusal = caplog.records
    assert (fault.levelname, refusal.levelname) == ("ERROR", "WARNING")
    where = r"ZeroDivisionError at upkeep\.py:\d+ > test_upkeep\.py:\d+"
    assert re.fullmatch(f"old replays were not removed: {where}", fault.getMessage())
    assert refusal.getMessage() == f"old replays were not removed: {unavailable('away')}"
