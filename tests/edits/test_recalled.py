"""Flows that a process wrote may have been changed by others since: no edit takes what is recalled for what is."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from graphql_api import edits, reads, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import COLUMNS, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits import Desk, Saved
from graphql_api.storage import flows, replays, tally
from graphql_api.storage.abreast import AT_ONCE
from graphql_api.storage.engine import Raced, Script
from graphql_api.storage.neighbours import LOOK
from graphql_api.storage.recalled import LONGEST, OVERHEAD, PAUSE, TRUST, Recalled, recalling
from graphql_api.storage.revisions import COLUMN_OF
from tests.edits.conftest import NEW, contents, told
from tests.sampling import sampled
from tests.storage.tally import count_recalled, read
from tests.storage.test_neighbours import travelled

ROUNDS = sampled(600)
"""For each database."""

Change = Callable[[], Awaitable[Saved]]


told_or_not = pytest.mark.parametrize(
    ("database", "neighbours"),
    [("sqlite", False), ("postgresql", False), ("postgresql", True)],
    indirect=["neighbours"],
)
"""Whether the other process tells what it writes; on SQLite none does."""


@pytest.fixture
async def other(desk: Desk, database_url: str, neighbours: Path | None) -> AsyncIterator[Desk]:
    """Another process on the same database."""
    store = storage.opened(database_url, neighbours=neighbours)
    yield replace(desk, store=store)
    await store.close()


@pytest.fixture
async def id(desk: Desk, caller: Caller, flow: Values) -> str:
    """A flow at version 1, as this process wrote it."""
    return str((await edits.update_flow(desk, caller, flow["id"], Sent({"name": "Mine"}))).flow["id"])


async def now(desk: Desk, caller: Caller, id: str) -> Values:
    found = await reads.flow(desk.store, caller, id, COLUMNS)
    assert found is not None
    return found


async def test_the_next_edit_of_a_flow_need_not_read_it(desk: Desk, caller: Caller, id: str, heard: list[str]) -> None:
    heard.clear()
    saved = await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))
    assert not [sql for sql in heard if sql.startswith("SELECT")]
    assert {column: saved.flow[column] for column in COLUMNS} == await now(desk, caller, id)
    assert (saved.flow["version"], saved.flow["name"], saved.flow["prompt"]) == (2, "Mine", "q")
    [revision] = await reads.history(desk.store, caller, id, 1, None)
    assert revision.changes == {"prompt": ("p", "q")}


async def test_a_key_is_looked_for_by_the_write_alone(desk: Desk, caller: Caller, id: str, heard: list[str]) -> None:
    heard.clear()
    for number in range(3):
        await edits.update_flow(desk, caller, id, Sent({"prompt": f"q{number}"}), Terms(key=f"k{number}"))
    assert not [sql for sql in heard if sql.startswith("SELECT")]
    assert len([sql for sql in heard if "UPDATE message_flows SET" in sql]) == 3


async def test_requests_that_are_sent_again_keep_nobody_from_beginning_on_a_guess(
    desk: Desk, caller: Caller, id: str, heard: list[str]
) -> None:
    first = await edits.update_flow(desk, caller, id, Sent(toggles=True), Terms(key="k"))
    await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))
    for _ in range(TRUST + 1):
        again = await edits.update_flow(desk, caller, id, Sent(toggles=True), Terms(key="k"))
        assert (again.replayed, again.flow) == (True, first.flow)
        await edits.update_flow(desk, caller, id, Sent({"prompt": f"{_}"}))  # recalled anew
    heard.clear()
    await edits.update_flow(desk, caller, id, Sent({"prompt": "r"}), Terms(key="another"))
    assert not [sql for sql in heard if sql.startswith("SELECT")]


async def test_nor_do_keyed_requests_that_change_nothing(desk: Desk, caller: Caller, id: str, heard: list[str]) -> None:
    for number in range(TRUST + 1):
        await edits.update_flow(desk, caller, id, Sent({"name": "Mine"}), Terms(key=f"k{number}"))
    heard.clear()
    await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))
    assert not [sql for sql in heard if sql.startswith("SELECT")]


@pytest.mark.parametrize("others", [0, 1, AT_ONCE])
async def test_a_flow_that_a_bulk_wrote_is_not_guessed(
    desk: Desk, caller: Caller, id: str, heard: list[str], others: int
) -> None:
    ids = [*[(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(others)], id]
    await edits.update_flows(desk, caller, ids, None, Sent({"name": "All"}))
    heard.clear()
    saved = await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))
    assert (saved.flow["version"], saved.flow["name"], saved.flow["prompt"]) == (3, "All", "q")
    assert len([sql for sql in heard if "UPDATE message_flows SET" in sql]) == 1, "none that could only fail"


async def test_an_edit_is_merged_into_what_another_process_wrote(
    desk: Desk, other: Desk, caller: Caller, id: str
) -> None:
    await edits.update_flow(other, caller, id, Sent({"name": "Theirs", "agent": "b"}))
    saved = await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))
    assert [saved.flow[column] for column in ("name", "agent", "prompt", "version")] == ["Theirs", "b", "q", 3]
    assert {column: saved.flow[column] for column in COLUMNS} == await now(desk, caller, id)


@pytest.mark.parametrize("terms", [NO_TERMS, Terms(key="k1")])
async def test_what_would_change_nothing_here_may_change_what_another_wrote(
    desk: Desk, other: Desk, caller: Caller, id: str, terms: Terms
) -> None:
    await edits.update_flow(other, caller, id, Sent({"name": "Theirs"}))
    saved = await edits.update_flow(desk, caller, id, Sent({"name": "Mine"}), terms)
    assert (saved.changed, saved.flow["version"]) == (("name",), 3)
    assert (await now(desk, caller, id))["name"] == "Mine"
    if terms.key:
        again = await edits.update_flow(desk, caller, id, Sent({"name": "Mine"}), terms)
        assert (again.replayed, again.changed, again.flow) == (True, ("name",), saved.flow)


async def test_a_guard_is_held_to_what_the_database_says(desk: Desk, other: Desk, caller: Caller, id: str) -> None:
    theirs = await edits.update_flow(other, caller, id, Sent({"name": "Theirs"}))
    with pytest.raises(Refused) as caught:
        await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}), Terms(if_versions=frozenset({1})))
    assert told(caught.value) == [("VERSION_CONFLICT", "ifVersion")]
    assert caught.value.current == theirs.flow
    saved = await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}), Terms(if_versions=frozenset({2})))
    assert saved.flow["version"] == 3


async def test_a_conflict_is_counted_once(
    desk: Desk, other: Desk, caller: Caller, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(tally, "_hearing", [lambda name, _: counted.append(name)])
    await edits.update_flow(other, caller, id, Sent({"name": "Theirs"}))
    with pytest.raises(Refused):
        await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}), Terms(if_versions=frozenset({1})))
    assert counted.count("conflicts") == 1


@told_or_not
async def test_leaves_are_checked_together_with_what_another_process_wrote(
    desk: Desk, other: Desk, caller: Caller, id: str
) -> None:
    hours = "response_settings_working_hours_"
    day = {f"{hours}enabled": True, f"{hours}start": "09:00", f"{hours}end": "17:00"}
    await edits.update_flow(desk, caller, id, Sent(day))
    await edits.update_flow(other, caller, id, Sent({f"{hours}end": "10:00"}))
    before = await contents(desk.store)
    with pytest.raises(Refused) as caught:
        await edits.update_flow(desk, caller, id, Sent({f"{hours}start": "10:00"}))
    assert [code for code, _ in told(caught.value)] == ["EMPTY_WINDOW"]
    assert await contents(desk.store) == before
    assert (await edits.update_flow(desk, caller, id, Sent({f"{hours}start": "17:00"}))).flow["version"] == 4


@told_or_not
async def test_a_flow_that_another_process_deleted_is_gone_until_it_is_restored(
    desk: Desk, other: Desk, caller: Caller, id: str
) -> None:
    await edits.delete_flow(other, caller, id)
    with pytest.raises(Refused) as caught:
        await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))
    assert told(caught.value) == [("NOT_FOUND", "id")]
    await edits.restore_flow(other, caller, id)
    assert (await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}))).flow["version"] == 4


@pytest.mark.parametrize("is_keyed", [False, True])
async def test_where_others_write_the_same_flows_few_edits_begin_on_a_guess(
    desk: Desk, other: Desk, caller: Caller, id: str, heard: list[str], database: str, is_keyed: bool
) -> None:
    """SQLite tells before a transaction that others have written, so that no guess is wrong there."""
    for number in range(TRUST + PAUSE):
        terms = Terms(key=f"k{number}") if is_keyed else NO_TERMS
        await edits.update_flow(other, caller, id, Sent({"name": f"Theirs {number}"}))
        await edits.update_flow(desk, caller, id, Sent({"name": f"Mine {number}"}), terms)
    wrong = sum("UPDATE message_flows SET" in sql for sql in heard) - TRUST - PAUSE
    assert wrong == (0 if database == "sqlite" else TRUST // 2 + 1)
    heard.clear()
    for number in range(PAUSE):
        await edits.update_flow(desk, caller, id, Sent({"name": f"Alone {number}"}))
    read = sum(sql.startswith("SELECT") for sql in heard)
    assert (read == 0) if database == "sqlite" else (0 < read <= PAUSE // 2)


async def test_where_others_write_them_seldom_all_edits_begin_on_a_guess(
    desk: Desk, other: Desk, caller: Caller, id: str, heard: list[str], database: str
) -> None:
    for number in range(TRUST):
        await edits.update_flow(other, caller, id, Sent({"name": f"Theirs {number}"}))
        for prompt in "abc":
            await edits.update_flow(desk, caller, id, Sent({"prompt": f"{prompt}{number}"}))
    wrong = sum("UPDATE message_flows SET" in sql for sql in heard) - 3 * TRUST
    assert wrong == (0 if database == "sqlite" else TRUST)


@pytest.mark.parametrize(("database", "neighbours"), [("postgresql", True)], indirect=["neighbours"])
async def test_neighbours_write_the_same_flows_in_turns_and_read_none(
    desk: Desk, other: Desk, caller: Caller, id: str, heard: list[str]
) -> None:
    await edits.update_flow(other, caller, id, Sent({"name": "Theirs"}))
    await asyncio.sleep(LOOK)
    await edits.update_flow(desk, caller, id, Sent({"name": "Mine"}))
    heard.clear()
    other.store.heard = heard.append
    for number in range(TRUST + PAUSE):
        await travelled()
        theirs = await edits.update_flow(other, caller, id, Sent({"name": f"Theirs {number}"}))
        await travelled()
        mine = await edits.update_flow(desk, caller, id, Sent({"prompt": f"Mine {number}"}))
        assert (mine.flow["name"], mine.flow["version"]) == (theirs.flow["name"], theirs.flow["version"] + 1)
    assert not [sql for sql in heard if sql.startswith("SELECT")]
    assert sum("UPDATE message_flows SET" in sql for sql in heard) == 2 * (TRUST + PAUSE)


async def test_a_flow_of_another_workspace_is_not_recalled(desk: Desk, caller: Caller, id: str) -> None:
    with pytest.raises(Refused) as caught:
        await edits.update_flow(desk, Caller("ws2"), id, Sent({"prompt": "q"}))
    assert told(caught.value) == [("NOT_FOUND", "id")]
    assert (await now(desk, caller, id))["version"] == 1


@told_or_not
async def test_whoever_edits_each_answer_is_the_flow_as_it_was_written_and_history_has_no_gap(
    desk: Desk, other: Desk, caller: Caller
) -> None:
    dice = random.Random(20261126)
    ids = [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(3)]
    written: dict[tuple[str, int], Values] = {}
    for number in range(ROUNDS):
        id = dice.choice(ids)
        desk_of_this_time = dice.choice([desk, desk, desk, desk, other])
        version = (await anew(other, caller, id))["version"]
        try:
            saved = await edit(desk_of_this_time, caller, dice, id)
        except Refused as refusal:
            current = refusal.current
        else:
            current = None if saved.replayed else saved.flow
            if saved.changed and not saved.replayed:
                assert saved.flow["version"] == version + 1, f"round {number}"
                written[id, saved.flow["version"]] = saved.flow
        assert current is None or current == await anew(other, caller, id), f"round {number}"
    for id in ids:
        await holds_together(other, caller, id, written)


async def edit(desk: Desk, caller: Caller, dice: random.Random, id: str) -> Saved:
    seen = (await reads.history(desk.store, caller, id, 1, None))[0].version - dice.choice([0, 0, 1])
    terms = dice.choice(
        [
            NO_TERMS,
            NO_TERMS,
            Terms(key=f"k{dice.randrange(40)}"),
            Terms(if_versions=frozenset({seen})) if seen >= 0 else NO_TERMS,
            Terms(if_versions=frozenset({seen}), merge=True) if seen >= 0 else NO_TERMS,
        ]
    )
    leaf, value = dice.choice(
        [("name", dice.choice("abc")), ("prompt", dice.choice("pq")), ("agent", dice.choice("ab"))]
    )
    sent = dice.choice([Sent({leaf: value}), Sent({leaf: value}), Sent(toggles=True)])
    changes: list[Change] = [
        *[lambda: edits.update_flow(desk, caller, id, sent, terms)] * 6,
        lambda: edits.revert_flow(desk, caller, id, max(0, seen - 2)),
        lambda: edits.delete_flow(desk, caller, id),
        lambda: edits.restore_flow(desk, caller, id),
        lambda: edits.restore_flow(desk, caller, id),
    ]
    return await dice.choice(changes)()


async def anew(desk: Desk, caller: Caller, id: str) -> Values:
    """The whole flow as the database has it."""
    rows: dict[str, dict[str, Any]] = {row["id"]: row for row in (await contents(desk.store))[0]}
    found = {column: rows[id][column] for column in (*COLUMNS, "deleted_at")}
    return flows.values(found)


async def holds_together(desk: Desk, caller: Caller, id: str, written: dict[tuple[str, int], Values]) -> None:
    """Each revision begins where the one before it ended, and what was answered is what was kept."""
    history = (await reads.history(desk.store, caller, id, 10_000, None))[::-1]
    assert [revision.version for revision in history] == list(range(len(history)))
    state: dict[str, Any] = {}
    for revision in history:
        for path, (before, after) in revision.changes.items():
            assert state.get(COLUMN_OF[path], before) == before
            state[COLUMN_OF[path]] = after
        answered = written.get((id, revision.version))
        if answered is not None:
            assert {column: answered[column] for column in state} == state


ROW = {"name": "n", "version": 1}
SIZE = OVERHEAD + len(msgspec.msgpack.encode(["n", 1]))


def test_the_flow_that_was_written_longest_ago_is_forgotten_first() -> None:
    recalled = Recalled(most=2 * SIZE)
    for name in "aba":
        recalled.keep(("ws1", name), ROW)
    recalled.keep(("ws1", "c"), {"name": "m", "version": 2})
    assert [recalled.row(("ws1", name)) for name in "abc"] == [ROW, None, {"name": "m", "version": 2}]
    assert recalled.row(("ws2", "a")) is None
    recalled.forget(("ws1", "a"))
    recalled.keep(("ws1", "b"), ROW)
    assert [recalled.row(("ws1", name)) is not None for name in "abc"] == [False, True, True]
    recalled.clear()
    for name in "ab":
        recalled.keep(("ws1", name), ROW)
    assert [recalled.row(("ws1", name)) is not None for name in "abc"] == [True, True, False]


def test_a_long_flow_is_not_recalled_nor_what_it_was_before() -> None:
    recalled = Recalled()
    recalled.keep(("ws1", "a"), ROW)
    recalled.keep(("ws1", "a"), {"name": "n" * LONGEST, "version": 2})
    assert recalled.row(("ws1", "a")) is None


def test_a_flow_is_recalled_for_a_while_at_most() -> None:
    recalled = Recalled(seconds=-1)
    recalled.keep(("ws1", "a"), ROW)
    assert recalled.row(("ws1", "a")) is None


def test_what_a_neighbour_tells_is_recalled_like_the_rest() -> None:
    mine, theirs = Recalled(), Recalled(most=2 * SIZE)
    mine.tell = lambda flow, packed: theirs.hear(monotonic(), flow, packed)
    mine.keep(("ws1", "a"), ROW)
    assert theirs.row(("ws1", "a")) is None  # who has not written knows no columns
    theirs.keep(("ws1", "b"), ROW)
    for version in (2, 3, 4):
        mine.keep(("ws1", "a"), {"name": "m", "version": version})
    assert theirs.row(("ws1", "a")) == {"name": "m", "version": 4}
    assert theirs.row(("ws1", "b")) == ROW
    assert mine.row(("ws1", "b")) is None


def test_what_was_told_before_all_was_forgotten_is_not_recalled() -> None:
    recalled, told = Recalled(), []
    recalled.tell = lambda flow, packed: told.append((monotonic(), flow, packed))
    recalled.keep(("ws1", "a"), ROW)
    recalled.clear()
    recalled.hear(*told[0])
    assert recalled.row(("ws1", "a")) is None
    recalled.hear(monotonic(), *told[0][1:])
    assert recalled.row(("ws1", "a")) == ROW


def test_who_was_wrong_too_often_tells_nobody_and_listens_to_nobody_for_a_while() -> None:
    recalled, told = Recalled(), []
    recalled.tell = lambda flow, packed: told.append(packed)
    recalled.keep(("ws1", "a"), ROW)
    for _ in range(2 * TRUST):
        recalled.was(right=True)
    recalled.forget(("ws1", "a"))
    for _ in range(TRUST // 2 + 1):
        recalled.was(right=False)
    for _ in range(PAUSE - 1):
        assert recalled.row(("ws1", "a")) is None
        assert recalled.guess(read("a")) is None
    recalled.hear(monotonic(), ("ws1", "a"), told[0])
    recalled.keep(("ws1", "b"), ROW)
    assert len(told) == 1
    assert recalled.row(("ws1", "a")) is None
    assert [recalled.row(("ws1", name)) for name in "ab"] == [None, None]
    recalled.hear(monotonic(), ("ws1", "a"), told[0])
    assert recalled.row(("ws1", "a")) == ROW


def test_who_is_right_twice_as_often_as_wrong_goes_on_guessing() -> None:
    recalled = Recalled()
    recalled.keep(("ws1", "a"), ROW)
    for _ in range(TRUST):
        for right in (False, True, True):
            recalled.was(right)
            assert recalled.row(("ws1", "a")) == ROW


def test_while_a_flow_is_written_nobody_begins_on_what_it_was() -> None:
    place, recalled = ("ws1", "a"), Recalled()
    recalled.keep(place, {"count": 1, "version": 1})
    script = recalling(recalled, count_recalled)
    statement = next(script)
    after = {"count": 2, "version": 2}
    assert (statement.after, recalled.row(place)) == (after, None)
    with pytest.raises(StopIteration) as end:
        script.send([{"count": 2}])
    assert (end.value.value, recalled.row(place)) == (2, after)


def test_who_has_read_the_flow_is_not_begun_again_where_another_was_faster() -> None:
    script = recalling(Recalled(), count_recalled)
    next(script)
    assert script.send([{"count": 1, "version": 1}]).after is not None
    with pytest.raises(Raced):
        script.send([])


@pytest.mark.parametrize("key", [None, "k"])
def test_what_the_database_refuses_is_no_guess(key: str | None) -> None:
    """An edit that has waited for it is not begun once more."""
    recalled, place, begun = Recalled(), ("ws1", "a"), []
    recalled.keep(place, {"count": 1, "version": 1})

    def keyed() -> Script[int]:
        begun.append(key)
        if key is not None:
            assert (yield replays.find("ws1", key, rechecked=True)) == ()
        else:
            yield from count_recalled()
        yield read("b")
        raise AssertionError

    script = recalling(recalled, keyed)
    asked = next(script)
    while asked.values.get("id") != "b":
        asked = script.send([{"count": 2}])
    with pytest.raises(ZeroDivisionError):
        script.throw(ZeroDivisionError)
    assert len(begun) == 1
