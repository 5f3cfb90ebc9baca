"""The feed: what watchers are told, from where on, in which order, and when they must begin anew."""

import asyncio
import re
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from graphql_api import edits, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.edits.upkeep import prune
from graphql_api.feed import WAITING, Change, Feed, Watcher, past, watcher
from graphql_api.storage import changes
from graphql_api.storage.engine import Row, Script, Statement, Store
from graphql_api.storage.tail import PositionRange, Tail
from tests.conftest import Clock, Noise
from tests.edits.conftest import NEW, new_flow, rename
from tests.rewinding import rename_stream, rewind

DAY = 86_400_000
SOON = 10.0


@pytest.fixture
def feed(store: Store) -> Feed:
    return Feed(store)


@pytest.fixture
async def elsewhere(database_url: str, clock: Clock) -> AsyncIterator[Desk]:
    """Another process's desk, as far as the database can tell."""
    store = storage.opened(database_url)
    yield Desk(store, clock, Noise(), DAY)
    await store.close()


async def taken(watched: Watcher, count: int) -> list[Change]:
    async with asyncio.timeout(SOON):
        return [await anext(watched) for _ in range(count)]


def told(changes: list[Change]) -> list[tuple[str, int]]:
    return [(change.revision.operation, change.revision.version) for change in changes]


async def test_every_kind_of_edit_is_told_in_order(feed: Feed, desk: Desk, caller: Caller) -> None:
    async with feed.watching("ws1") as watched:
        id = await new_flow(desk, caller)
        await rename(desk, caller, id, "1", "1", "2")
        await edits.revert_flow(desk, caller, id, 1)
        await edits.delete_flow(desk, caller, id)
        await edits.restore_flow(desk, caller, id)
        seen = await taken(watched, 6)
    assert told(seen) == [("CREATE", 0), ("UPDATE", 1), ("UPDATE", 2), ("REVERT", 3), ("DELETE", 4), ("RESTORE", 5)]
    assert {(change.workspace, change.revision.flow_id) for change in seen} == {("ws1", id)}
    assert seen[2].revision.changes == {"name": ("1", "2")}
    positions = [change.position for change in seen]
    assert positions == sorted(set(positions))


async def test_an_edit_that_is_refused_or_changes_nothing_is_not_told(feed: Feed, desk: Desk, caller: Caller) -> None:
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched:
        with pytest.raises(Refused):
            await rename(desk, caller, id, "")
        await rename(desk, caller, id, "Sale", "new")
        assert told(await taken(watched, 1)) == [("UPDATE", 1)]


async def test_what_another_process_commits_is_told_soon(feed: Feed, elsewhere: Desk, caller: Caller) -> None:
    async with feed.watching("ws1") as watched:
        id = await new_flow(elsewhere, caller)
        assert [change.revision.flow_id for change in await taken(watched, 1)] == [id]


async def test_watchers_see_their_workspace_or_their_flow_or_everything(feed: Feed, desk: Desk, caller: Caller) -> None:
    foreign = Caller("ws2")
    mine, other = await new_flow(desk, caller), await new_flow(desk, caller)
    async with (
        feed.watching("ws1") as workspace,
        feed.watching("ws1", mine) as flow,
        feed.watching("ws2", mine) as nothing,
        feed.watching(None) as everything,
    ):
        await rename(desk, caller, other, "1")
        theirs = await new_flow(desk, foreign)
        await rename(desk, caller, mine, "1")
        assert [change.revision.flow_id for change in await taken(workspace, 2)] == [other, mine]
        assert [change.revision.flow_id for change in await taken(flow, 1)] == [mine]
        assert [change.revision.flow_id for change in await taken(everything, 3)] == [other, theirs, mine]
        assert nothing.waiting == workspace.waiting == flow.waiting == 0


async def test_a_watcher_resumes_after_any_change_also_in_another_process(
    feed: Feed, desk: Desk, elsewhere: Desk, caller: Caller
) -> None:
    async with feed.watching("ws1") as watched:
        id = await new_flow(desk, caller)
        await rename(desk, caller, id, "1", "2", "3")
        await new_flow(desk, Caller("ws2"))
        first = await taken(watched, 4)
    other = Feed(elsewhere.store)
    for place, change in enumerate(first):
        for workspace, flow in (("ws1", id), ("ws1", None), (None, None)):
            async with other.watching(workspace, flow, change.position) as again:
                await rename(desk, caller, id, f"{place}{workspace}{flow}")
                rest = await taken(again, 4 - place)
            versions = [change.revision.version for change in rest if change.workspace == "ws1"]
            assert versions == list(range(place + 1, place + 1 + len(versions)))


async def test_what_many_read_out_of_history_is_made_once(feed: Feed, desk: Desk, caller: Caller) -> None:
    async with feed.watching("ws1") as watched:
        id = await new_flow(desk, caller)
        await rename(desk, caller, id, "1", "2")
        first = await taken(watched, 3)
    async with (
        feed.watching("ws1", None, first[0].position) as one,
        feed.watching("ws1", id, first[0].position) as other,
    ):
        for mine, theirs in zip(await taken(one, 2), await taken(other, 2), strict=True):
            assert mine is theirs


async def test_a_watcher_that_does_not_read_loses_nothing_and_holds_little(
    feed: Feed, desk: Desk, caller: Caller
) -> None:
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as slow, feed.watching("ws1") as quick:
        for number in range(WAITING + 50):
            await rename(desk, caller, id, str(number))
            await taken(quick, 1)
        assert slow.waiting <= WAITING
        seen = await taken(slow, WAITING + 50)
        assert [change.revision.version for change in seen] == list(range(1, WAITING + 51))
        await rename(desk, caller, id, "last")
        assert told(await taken(slow, 1)) == [("UPDATE", WAITING + 51)]


async def test_long_changes_wait_for_a_watcher_in_history_but_for_one_mib(
    feed: Feed, desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of those that it reads by pages, which are not longer in the database either."""
    limits: list[int] = []
    between = changes.between

    def read(workspace: str | None, flow_id: str | None, begin: int, end: int, limit: int) -> Statement:
        limits.append(limit)
        return between(workspace, flow_id, begin, end, limit)

    monkeypatch.setattr(changes, "between", read)
    id = await new_flow(desk, caller)
    long = 90_000
    async with feed.watching("ws1") as slow, feed.watching("ws1") as quick:
        for number in range(40):
            await edits.update_flow(desk, caller, id, Sent({"prompt": str(number % 10) * long}))
            await taken(quick, 1)
            assert slow.waiting <= past.MOST // long
        for version in range(1, 41):
            assert [change.revision.version for change in await taken(slow, 1)] == [version]
            assert slow.waiting <= past.MOST // long
        assert limits
        assert max(limits) <= 2 * past.MOST // long
        limits.clear()
        await rename(desk, caller, id, *map(str, range(WAITING + 50)))
        await taken(slow, WAITING + 50)
        assert max(limits) == past.PAGE, "short ones are read many at once"


async def test_a_change_that_is_longer_than_what_may_wait_is_told(
    feed: Feed, desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "MOST", 1)
    monkeypatch.setattr(watcher, "MOST", 1)
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched:
        await rename(desk, caller, id, "1", "2", "3")
        assert told(await taken(watched, 3)) == [("UPDATE", 1), ("UPDATE", 2), ("UPDATE", 3)]


@pytest.mark.parametrize(("ahead", "begun_again"), [(20, 1), (3, 0)])
async def test_watchers_who_catch_up_beside_each_other_read_the_flow_once_each_at_most(
    feed: Feed,
    desk: Desk,
    caller: Caller,
    heard: list[str],
    monkeypatch: pytest.MonkeyPatch,
    ahead: int,
    begun_again: int,
) -> None:
    """From places far apart; or close together, though their pages do not end at the same change."""
    monkeypatch.setattr(watcher, "PAGE", 4)
    monkeypatch.setattr(watcher, "FIRST_PAGE", 4)
    async with feed.watching("ws1") as watched:
        id = await new_flow(desk, caller)
        await rename(desk, caller, id, *map(str, range(1, 41)))
        first, *_ = await taken(watched, 41)
    async with (
        feed.watching("ws1", None, first.position) as one,
        feed.watching("ws1", id, first.position + (ahead if begun_again else 0)) as other,
    ):
        if not begun_again:
            for change in await taken(other, ahead):
                await feed.flow(change)
            del change
        heard.clear()
        for _ in range(40 - ahead):
            for each in (one, other):
                (change,) = await taken(each, 1)
                assert (await feed.flow(change) or {})["name"] == str(change.revision.version)
    assert len([sql for sql in heard if "FROM message_flows \n" in sql]) == 2 * begun_again


async def test_whoever_leaves_takes_the_flow_from_nobody_who_waits_for_it_too(
    feed: Feed, desk: Desk, caller: Caller
) -> None:
    async with feed.watching("ws1") as watched:
        await new_flow(desk, caller)
        (change,) = await taken(watched, 1)
    first, other = (asyncio.create_task(feed.flow(change)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await other or {})["name"] == NEW.values["name"]


async def test_nothing_is_missed_of_what_is_committed_while_a_watcher_begins(
    feed: Feed, desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the reader, who works for others already, has gone on by then."""
    caught_up = feed._caught_up
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as other:

        async def late() -> tuple[int, Sequence[PositionRange]]:
            now = await caught_up()
            await rename(desk, caller, id, "1")
            await taken(other, 1)
            return now

        monkeypatch.setattr(feed, "_caught_up", late)
        async with feed.watching("ws1") as watched:
            assert told(await taken(watched, 1)) == [("UPDATE", 1)]


async def test_the_end_of_a_flow_is_told_to_whoever_resumes_behind_its_last_change(
    feed: Feed, desk: Desk, caller: Caller
) -> None:
    id = await new_flow(desk, caller)
    cursor = await feed.now(caller)
    await edits.delete_flow(desk, caller, id)
    async with feed.seen_by(caller, id, cursor) as watched:
        assert told(await taken(watched, 1)) == [("DELETE", 1)]
    with pytest.raises(Refused, match="there is no message flow"):
        async with feed.seen_by(caller, id, None):
            pass


async def test_a_flow_that_is_deleted_while_a_watcher_begins_is_not_waited_for(
    feed: Feed, desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught_up = feed._caught_up
    id = await new_flow(desk, caller)

    async def late() -> tuple[int, Sequence[PositionRange]]:
        await edits.delete_flow(desk, caller, id)
        return await caught_up()

    monkeypatch.setattr(feed, "_caught_up", late)
    with pytest.raises(Refused, match="there is no message flow"):
        async with feed.seen_by(caller, id, None):
            pass


async def test_many_who_come_back_at_once_leave_connections_to_all_others(feed: Feed, store: Store) -> None:
    reading, most = 0, 0

    class Busy:
        async def read(self, statement: Statement) -> Sequence[Row]:
            nonlocal reading, most
            reading += 1
            most = max(most, reading)
            await asyncio.sleep(0.01)
            reading -= 1
            return await store.read(statement)

    history = past.Past(cast("Store", Busy()))
    last = 2**62  # whatever other tests have pruned
    await asyncio.gather(*(history.page(("ws1", None), last, last + 1, 1) for _ in range(3 * past.READERS)))
    assert most == past.READERS


async def test_a_busy_flow_pushes_no_other_out_of_what_is_remembered(
    feed: Feed, desk: Desk, caller: Caller, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "LATEST", 8)
    async with feed.watching("ws1") as watched:
        quiet, busy = [await new_flow(desk, caller) for _ in range(2)]
        for number in range(3):
            await rename(desk, caller, quiet, str(number))
            await rename(desk, caller, busy, *(f"{number}{n}" for n in range(10)))
        changes = await taken(watched, 2 + 3 * 11)
        heard.clear()
        for change in changes:
            await feed.flow(change)
    assert len([sql for sql in heard if "FROM message_flows \n" in sql]) == 2


async def test_bulk_updates_and_single_ones_at_once_are_told_once_each(feed: Feed, desk: Desk, caller: Caller) -> None:
    ids = [await new_flow(desk, caller) for _ in range(6)]

    async def bulk(number: int) -> None:
        await edits.update_flows(desk, caller, ids, None, Sent({"description": f"bulk {number}"}))

    async with feed.watching("ws1") as watched:
        work = [bulk(number) for number in range(5)]
        work += [rename(desk, caller, id, *(f"{n}" for n in range(5))) for id in ids]
        await asyncio.gather(*work)
        flows = {id: (await desk.store.read(storage.flows.read_whole("ws1", id)))[0]["version"] for id in ids}
        seen = await taken(watched, sum(flows.values()))
    for id, mine in groupby(
        sorted(seen, key=lambda change: change.revision.flow_id), key=lambda change: change.revision.flow_id
    ):
        assert [change.revision.version for change in mine] == list(range(1, flows[id] + 1))


async def test_the_reader_works_only_while_somebody_watches(feed: Feed, desk: Desk, heard: list[str]) -> None:
    async with feed.watching("ws1"):
        assert feed.count == 1
    heard.clear()
    await new_flow(desk, Caller("ws1"))
    await asyncio.sleep(0.2)
    assert not [sql for sql in heard if "position >" in sql]
    assert feed.count == 0


async def test_a_watcher_that_has_left_is_held_by_nobody(feed: Feed, desk: Desk, caller: Caller) -> None:
    async with feed.watching("ws1") as watched:
        async with feed.watching("ws1") as other:
            left = weakref.ref(other)
        del other
        await new_flow(desk, caller)
        await taken(watched, 1)
        assert left() is None


@pytest.mark.parametrize("fault", [RuntimeError("secret"), asyncio.CancelledError()], ids=["fault", "cancelled"])
async def test_a_fault_leaves_nobody_without_a_reader(
    feed: Feed,
    desk: Desk,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: BaseException,
) -> None:
    looks, faults = Tail.more, [fault]

    async def more(tail: Tail) -> Sequence[Row]:
        if faults:
            raise faults.pop()
        return await looks(tail)

    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched:
        monkeypatch.setattr(Tail, "more", more)
        await rename(desk, caller, id, "1", "2")
        assert told(await taken(watched, 2)) == [("UPDATE", 1), ("UPDATE", 2)]
    assert faults == []
    assert f"the reader of changes failed and goes on: {type(fault).__name__}" in caplog.text
    assert "secret" not in caplog.text


async def test_a_reader_that_hears_nothing_looks_by_itself(
    feed: Feed, elsewhere: Desk, desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence() -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(desk.store, "commits", silence)
    monkeypatch.setattr("graphql_api.feed.reader.UNHEARD", 0.05)
    async with feed.watching("ws1") as watched:
        id = await new_flow(elsewhere, caller)
        assert [change.revision.flow_id for change in await taken(watched, 1)] == [id]


# Begun while something is not committed yet


@asynccontextmanager
async def open_edit(database_url: str, id: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """An edit that has its position, and is not committed until what this gives is called."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(EDIT, id)
        yield transaction.commit
    finally:
        await connection.close()


EDIT = """
    WITH saved AS (
        UPDATE message_flows SET version = version + 1 WHERE workspace_id = 'ws1' AND id = $1 RETURNING version
    )
    INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, changes)
    SELECT 'ws1', $1, version, 0, 'UPDATE', 'CLI', 'anonymous', '{}' FROM saved
"""


@pytest.fixture
def clock() -> Clock:
    """Right, as PostgreSQL tells by its own since when something is open."""
    return Clock(time.time_ns() // 1_000_000)


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_watcher_is_told_what_was_open_when_it_came_and_nothing_that_was_committed(
    feed: Feed, desk: Desk, caller: Caller, database_url: str, is_first: bool
) -> None:
    slow, other = await new_flow(desk, caller), await new_flow(desk, caller)
    async with AsyncExitStack() as earlier:
        if not is_first:  # the reader is at work, and held back, when the next one comes
            await earlier.enter_async_context(feed.watching("ws1"))
        async with open_edit(database_url, slow) as commit:
            await rename(desk, caller, other, "1", "2")
            async with feed.watching("ws1") as watched, feed.watching("ws1", other) as of_other:
                await rename(desk, caller, other, "3")
                await commit()
                seen = await taken(watched, 2)
                assert [(change.revision.flow_id, change.revision.version) for change in seen] == [
                    (slow, 1),
                    (other, 3),
                ]
                assert [change.revision.version for change in await taken(of_other, 1)] == [3]
                await rename(desk, caller, other, "4")
                assert told(await taken(watched, 1)) == [("UPDATE", 4)]


@pytest.mark.parametrize("database", ["postgresql"])
async def test_what_is_open_keeps_nobody_from_beginning_though_all_before_is_pruned(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock, database_url: str
) -> None:
    clock.now -= 40 * DAY
    await edits.delete_flow(desk, caller, await new_flow(desk, caller))
    clock.now += 40 * DAY
    assert await prune(desk, 30 * DAY) == (1, 1)
    slow = await new_flow(desk, caller)
    async with open_edit(database_url, slow) as commit, feed.watching("ws1") as watched:
        await commit()
        assert told(await taken(watched, 1)) == [("UPDATE", 1)]


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("is_watched", [True, False])
async def test_the_cursor_of_now_stands_before_whatever_is_open(
    feed: Feed, desk: Desk, caller: Caller, database_url: str, is_watched: bool
) -> None:
    slow, other = await new_flow(desk, caller), await new_flow(desk, caller)
    async with AsyncExitStack() as watchers, open_edit(database_url, slow) as commit:
        if is_watched:
            await watchers.enter_async_context(feed.watching("ws1"))
        await rename(desk, caller, other, "1")
        cursor = await feed.now(caller)
        await commit()
        assert feed.count == is_watched
        async with feed.seen_by(caller, None, cursor) as watched:
            seen = [("", 0)]
            while seen[-1] != (other, 1):  # a place further back is right as well
                (change,) = await taken(watched, 1)
                seen.append((change.revision.flow_id, change.revision.version))
    assert seen[-2:] == [(slow, 1), (other, 1)]


# Beyond what is kept


async def refused_code(feed: Feed, after: int) -> str:
    with pytest.raises(Refused) as refusal:
        async with feed.watching("ws1", None, after):
            pass
    return refusal.value.problems[0].code


async def test_a_place_before_what_is_pruned_must_begin_anew(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock
) -> None:
    async with feed.watching("ws1") as watched:
        id = await new_flow(desk, caller)
        await rename(desk, caller, id, "1", "2")
        clock.now += 40 * DAY
        await rename(desk, caller, id, "3")
        seen = await taken(watched, 4)
    assert await prune(desk, 30 * DAY) == (2, 0)
    assert await refused_code(feed, seen[0].position) == "RESYNC_REQUIRED"
    async with feed.watching("ws1", None, seen[1].position) as again:
        assert told(await taken(again, 2)) == [("UPDATE", 2), ("UPDATE", 3)]


async def test_a_place_beyond_the_newest_change_is_another_history(feed: Feed, desk: Desk, caller: Caller) -> None:
    async with feed.watching("ws1") as watched:
        await new_flow(desk, caller)
        (newest,) = await taken(watched, 1)
    async with feed.watching("ws1", None, newest.position) as watched:
        assert watched.position == newest.position
    assert await refused_code(feed, newest.position + 1) == "RESYNC_REQUIRED"


async def test_the_newest_place_is_none_of_another_history_though_all_is_pruned(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock
) -> None:
    async with feed.watching("ws1") as watched:
        await edits.delete_flow(desk, caller, await new_flow(desk, caller))
        newest = (await taken(watched, 2))[-1].position
    clock.now += 40 * DAY
    assert await prune(desk, 30 * DAY) == (1, 1)
    async with feed.watching("ws1", None, newest) as again:
        await new_flow(desk, caller)
        assert told(await taken(again, 1)) == [("CREATE", 0)]
    assert await refused_code(feed, newest + 9) == "RESYNC_REQUIRED"


async def test_a_watcher_whose_unread_changes_are_pruned_must_begin_anew(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock
) -> None:
    id = await new_flow(desk, caller)
    (now,) = await desk.store.read(changes.STREAM_NOW)
    await rename(desk, caller, id, "1", "2")
    async with feed.watching("ws1", None, now["top"]) as slow:
        clock.now += 40 * DAY
        await prune(desk, 30 * DAY)
        with pytest.raises(Refused, match="no longer kept"):
            await taken(slow, 1)


async def test_what_is_pruned_before_the_reader_has_seen_it_is_a_gap_to_every_watcher(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, may_look = Tail.more, asyncio.Event()

    async def more(tail: Tail) -> Sequence[Row]:
        await may_look.wait()
        return await looks(tail)

    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched:
        monkeypatch.setattr(Tail, "more", more)
        await rename(desk, caller, id, "1", "2", "3")
        clock.now += 40 * DAY
        assert await prune(desk, 30 * DAY) == (3, 0)
        may_look.set()
        with pytest.raises(Refused, match="no longer kept"):
            await taken(watched, 1)


async def test_a_place_that_was_pruned_stays_so_whatever_is_pruned_afterwards(
    store: Store, desk: Desk, caller: Caller
) -> None:
    def script(position: int) -> Script[None]:
        yield changes.pruned(position)

    for _ in range(2):
        await new_flow(desk, caller)
    (now,) = await store.read(changes.STREAM_NOW)
    for position in (now["top"], now["top"] - 1):
        await store.run(partial(script, position))
    (then,) = await store.read(changes.STREAM_NOW)
    assert then["pruned"] == now["top"]


async def test_an_idle_watcher_need_not_begin_anew_after_pruning(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock
) -> None:
    other = await new_flow(desk, Caller("ws2"))
    async with feed.watching("ws1") as idle, feed.watching("ws2") as busy:
        await rename(desk, Caller("ws2"), other, "1", "2")
        await taken(busy, 2)
        clock.now += 40 * DAY
        await prune(desk, 30 * DAY)
        id = await new_flow(desk, caller)
        assert [change.revision.flow_id for change in await taken(idle, 1)] == [id]


async def test_no_position_is_given_twice_also_when_the_newest_were_pruned(
    feed: Feed, desk: Desk, caller: Caller, clock: Clock
) -> None:
    async with feed.watching("ws1") as watched:
        id = await new_flow(desk, caller)
        await edits.delete_flow(desk, caller, id)
        before = await taken(watched, 2)
        clock.now += 40 * DAY
        assert await prune(desk, 30 * DAY) == (1, 1)
        await new_flow(desk, caller)
        (change,) = await taken(watched, 1)
    assert change.position > before[-1].position


async def test_watchers_of_a_history_that_is_no_more_must_begin_anew(
    feed: Feed, desk: Desk, elsewhere: Desk, caller: Caller, database_url: str
) -> None:
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched, feed.watching(None) as of_all:
        await rename(desk, caller, id, "1", "2", "3")
        first, *_, newest = await taken(watched, 3)
        assert (await feed.flow(newest) or {})["name"] == "3"
        await rewind(database_url, first.position)
        for one in (watched, of_all):  # of which one has not taken what it was told before
            with pytest.raises(Refused) as refusal:
                await taken(one, 1)
            assert refusal.value.problems[0].code == "RESYNC_REQUIRED"
        async with feed.watching("ws1") as anew:
            await edits.update_flow(elsewhere, caller, id, Sent({"prompt": "new"}))
            (change,) = await taken(anew, 1)
            flow = await feed.flow(change) or {}
            assert (change.position, flow["name"], flow["prompt"]) == (first.position + 1, "as it was", "new")


async def test_a_flow_is_not_told_as_it_was_in_a_history_that_was_lost_while_nobody_watched(
    feed: Feed, desk: Desk, elsewhere: Desk, caller: Caller, database_url: str
) -> None:
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched:
        await rename(desk, caller, id, "1", "2")
        first, newest = await taken(watched, 2)
        assert (await feed.flow(newest) or {})["name"] == "2"
    await rewind(database_url, first.position)
    async with feed.watching("ws1") as watched:
        await edits.update_flow(elsewhere, caller, id, Sent({"prompt": "new"}))
        (change,) = await taken(watched, 1)
        flow = await feed.flow(change) or {}
    assert (flow["version"], flow["name"], flow["prompt"]) == (3, "as it was", "new")


async def test_what_is_changed_past_the_server_is_told_within_a_minute(
    feed: Feed, desk: Desk, elsewhere: Desk, caller: Caller, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told_name(prompt: str) -> str:
        await edits.update_flow(elsewhere, caller, id, Sent({"prompt": prompt}))
        (change,) = await taken(watched, 1)
        return str((await feed.flow(change) or {})["name"])

    began = time.monotonic()
    id = await new_flow(desk, caller)
    async with feed.watching("ws1") as watched:
        assert await told_name("1") == "Sale"
        (now,) = await desk.store.read(changes.STREAM_NOW)
        await rewind(database_url, now["top"])  # whose history is whole, but for the name
        for seconds in (30, 55):
            monkeypatch.setattr("graphql_api.feed.past.monotonic", lambda at=began + seconds: at)
            assert await told_name(str(seconds)) == "Sale"
        monkeypatch.setattr("graphql_api.feed.past.monotonic", lambda: time.monotonic() + 60)
        assert await told_name("60") == "as it was"


async def test_cursors_from_before_a_restored_backup_are_refused_when_its_stream_is_renamed_as_documented(
    feed: Feed, desk: Desk, caller: Caller, database_url: str
) -> None:
    page = (Path(__file__).parents[1] / "docs" / "operations.md").read_text("utf-8")
    of_sqlite, of_postgresql = re.findall(r'"(UPDATE message_flow_stream .*)"', page)
    id = await new_flow(desk, caller)
    (kept,) = await desk.store.read(changes.STREAM_NOW)
    await rename(desk, caller, id, "lost")
    cursor = await feed.now(caller)
    await rewind(database_url, kept["top"], version=0)
    await rename_stream(database_url, of_sqlite if database_url.startswith("sqlite") else of_postgresql)
    await rename(desk, caller, id, "1", "2")
    with pytest.raises(Refused, match="the cursor belongs to another history"):
        async with feed.seen_by(caller, None, cursor):
            pass
    async with feed.seen_by(caller, None, await feed.now(caller)) as watched:
        await rename(desk, caller, id, "3")
        assert told(await taken(watched, 1)) == [("UPDATE", 3)]


async def test_a_stream_of_another_name_is_another_history(
    feed: Feed, desk: Desk, caller: Caller, database_url: str
) -> None:
    async with feed.watching("ws1") as watched:
        await new_flow(desk, caller)
        await taken(watched, 1)
        await rename_stream(database_url)
        with pytest.raises(Refused, match="the cursor belongs to another history"):
            await taken(watched, 1)
