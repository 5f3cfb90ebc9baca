"""Statements that are sent together on PostgreSQL: in few round trips, and nobody waits long for a neighbour."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import asyncpg
import pytest
import uvloop
from msgspec.structs import replace
from sqlalchemy import literal_column, select

from graphql_api import edits
from graphql_api.config import load
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk, Saved
from graphql_api.edits.importing import Imported
from graphql_api.opening import store_of
from graphql_api.storage import flows, postgres_signals, tally
from graphql_api.storage.batches import SLOW, Batches
from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.postgres import PostgresStore
from tests.conftest import CREATE, WORKSPACE, Clock, Noise, sent
from tests.edits.conftest import contents

LOCK = "SELECT id FROM message_flows WHERE id = $1 FOR UPDATE"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
"""Within a transaction it is answered once, and as it was then ever after."""
BROUGHT = {**DEFAULTS, **sent(CREATE).values, "created_at": None, "updated_at": None}


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Desk]:
    """A desk that waits two seconds."""
    store = PostgresStore(database_url.replace("+asyncpg", ""), patience=2)
    yield Desk(store, Clock(), Noise(), HOUR)
    await store.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("most", [1, 3])
async def test_a_setting_says_how_many_go_together(
    database_url: str, caller: Caller, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[float] = []
    monkeypatch.setattr(tally, "_hearing", [lambda name, size: sizes.append(size) if name == "batch" else None])
    desk = Desk(store_of(load(database_url=database_url, group_size=most)), Clock(), Noise(), HOUR)
    made = await asyncio.gather(*(edits.create_flow(desk, caller, sent(CREATE)) for _ in range(9)))
    await asyncio.gather(*(edits.update_flow(desk, caller, one.flow["id"], delay(1)) for one in made))
    await desk.store.close()
    assert max(sizes, default=1) == most


async def test_the_clock_that_waiting_is_measured_by_is_that_of_event_loops() -> None:
    before, now, after = time.monotonic(), asyncio.get_running_loop().time(), time.monotonic()
    assert before <= now <= after


def test_the_clock_that_waiting_is_measured_by_is_that_of_uvloop() -> None:
    """It counts milliseconds."""

    async def now() -> tuple[float, float, float]:
        return time.monotonic(), asyncio.get_running_loop().time(), time.monotonic()

    before, by_uvloop, after = uvloop.run(now())
    assert before - 0.002 <= by_uvloop <= after + 0.002


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    yield connection
    connection.terminate()


@pytest.fixture
async def looker(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    yield connection
    connection.terminate()


async def waiting(looker: asyncpg.Connection, count: int = 1) -> list[int]:
    """Those that wait for a lock, as soon as so many do."""
    async with asyncio.timeout(20):
        while len(found := await looker.fetch(WAITING)) < count:  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)
    return [row["pid"] for row in found]


def delay(seconds: float) -> Sent:
    return Sent({"response_settings_delay": seconds})


async def test_many_reads_and_writes_of_one_shape_share_round_trips(hasty: Desk, caller: Caller) -> None:
    ids = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(40)]
    saved = await asyncio.gather(*(edits.update_flow(hasty, caller, id, delay(n + 1)) for n, id in enumerate(ids)))
    assert [one.flow["id"] for one in saved] == ids
    assert [one.flow["response_settings_delay"] for one in saved] == list(range(1, 41))
    assert all(one.flow["version"] == 1 for one in saved)
    assert "ordinal" not in saved[0].flow


async def test_a_batch_of_creates_and_one_of_updates_are_a_statement_each(hasty: Desk, caller: Caller) -> None:
    ran: list[str] = []
    hasty.store.heard = ran.append
    made = await asyncio.gather(*(edits.create_flow(hasty, caller, sent({**CREATE, "name": f"{n}"})) for n in range(9)))
    assert [one.flow["name"] for one in made] == [f"{n}" for n in range(9)]
    assert len(ran) == 1
    terms = [Terms(key=f"key {n}", if_versions=frozenset({n % 2})) for n in range(9)]
    ran.clear()
    done = await asyncio.gather(
        *(edits.update_flow(hasty, caller, one.flow["id"], delay(3), terms[n]) for n, one in enumerate(made)),
        return_exceptions=True,
    )
    assert [isinstance(one, Refused) for one in done] == [n % 2 == 1 for n in range(9)]
    assert len(ran) == 5, (
        "one reads the flows, one writes those as expected; the others are looked for, read, looked for"
    )
    again = await asyncio.gather(
        *(edits.update_flow(hasty, caller, made[n].flow["id"], delay(3), terms[n]) for n in (0, 2, 4))
    )
    assert [(one.replayed, one.flow["version"]) for one in again] == [(True, 1)] * 3


async def test_a_key_that_was_used_keeps_none_of_its_neighbours_from_being_written(hasty: Desk, caller: Caller) -> None:
    made = [await edits.create_flow(hasty, caller, sent({**CREATE, "name": f"{n}"})) for n in range(6)]

    async def toggle(*numbers: int) -> list[Saved]:
        return await asyncio.gather(
            *(
                edits.update_flow(hasty, caller, made[n].flow["id"], Sent(toggles=True), Terms(key=f"key {n}"))
                for n in numbers
            )
        )

    await asyncio.gather(*(edits.update_flow(hasty, caller, one.flow["id"], delay(3)) for one in made))
    await toggle(0, 2)
    ran: list[str] = []
    hasty.store.heard = ran.append
    done = await toggle(*range(6))
    assert [one.replayed for one in done] == [True, False, True, False, False, False]
    assert [one.flow["version"] for one in done] == [2] * 6
    assert sum("UPDATE message_flows SET" in sql for sql in ran) == 1


async def test_a_bulk_writes_all_flows_that_change_alike_with_one_statement(hasty: Desk, caller: Caller) -> None:
    made = await asyncio.gather(*(edits.create_flow(hasty, caller, sent({**CREATE, "name": f"{n}"})) for n in range(9)))
    ids = [one.flow["id"] for one in made]
    await edits.update_flow(hasty, caller, ids[4], delay(3))
    ran: list[str] = []
    hasty.store.heard = ran.append
    bulk, _ = await edits.update_flows(hasty, caller, ids, None, Sent({"response_settings_delay": 3, "name": "4"}))
    assert [one.id for one in bulk] == ids
    assert [one.saved and one.saved.flow["version"] for one in bulk] == [1] * 4 + [1] + [1] * 4
    assert [one.saved and one.saved.changed for one in bulk] == [
        () if n == 4 else ("name", "response_settings_delay") for n in range(9)
    ]
    assert len(ran) == 2, "one reads the flows, one writes them"


async def test_an_import_writes_new_flows_with_one_statement(hasty: Desk) -> None:
    ran: list[str] = []
    hasty.store.heard = ran.append
    brought = [Imported(f"f{n}", "ws1", BROUGHT) for n in range(9)]
    assert await edits.import_flows(hasty, Caller(None, source="CLI"), brought) == [True] * 9
    assert len(ran) == 3, "one has them planned anew, one looks for the flows, one writes them"


TEXTS = [
    'quoted " and \\ and /',
    '{"settings": [1, null]}',
    "null",
    "\\u0000 spelt out",
    "\x01\x1f\x7f\t",
    "\u2028\u0085\ufffe\uffff",
    "\U0001f600 e\u0301 \u00e9\u00df",
    "%s $1 {} :name ''; --",
    "x" * 200,
]
DELAYS = [0, 0.1, 1e-7, 5e-324, 86_399.999, 1 / 3, 0.30000000000000004, 12, 86_400]
LONG = ["description", "prompt", "initiation_message", "response_settings_working_hours_out_of_hours_message"]


async def test_what_is_written_together_is_what_is_written_alone(hasty: Desk, caller: Caller) -> None:
    alone, together = (replace(caller, workspace=workspace) for workspace in ("alone", "together"))
    made = [leaves(n, text, delay) for n, (text, delay) in enumerate(zip(TEXTS, DELAYS, strict=True))]
    changes = [Sent({"description": f"{text}!", "is_active": True}) for text in TEXTS]
    terms = [Terms(key=f"key {n}", note=None if n % 3 else "a note") for n in range(len(TEXTS))]

    def change(who: Caller, n: int, saved: Saved) -> Awaitable[Saved]:
        return edits.update_flow(hasty, who, saved.flow["id"], changes[n], terms[n])

    for n, new in enumerate(made):
        await change(alone, n, await edits.create_flow(hasty, alone, new))
    ran: list[str] = []
    hasty.store.heard = ran.append
    created = await asyncio.gather(*(edits.create_flow(hasty, together, new) for new in made))
    await asyncio.gather(*(change(together, n, saved) for n, saved in enumerate(created)))
    assert len(ran) == 3, "one creates, one reads, one writes where the keys are new"
    assert await kept(hasty, "together") == await kept(hasty, "alone")
    assert {row["name"] for row in (await kept(hasty, "together"))[0]} == set(TEXTS)


def leaves(n: int, text: str, delay: float) -> Sent:
    texts = dict.fromkeys(["name", *LONG], text)
    return Sent({**sent(CREATE).values, **texts, "response_settings_delay": delay, "autopilot": n % 2 == 0})


OWN = {"workspace_id", "id", "flow_id", "scope", "target", "created_at", "updated_at", "at", "position", "outcome"}
"""Columns in which the same edit of another flow differs."""


async def kept(desk: Desk, workspace: str) -> list[list[dict[str, Any]]]:
    """Every flow, revision and replay of a workspace."""
    return [
        sorted(
            [
                {name: value for name, value in row.items() if name not in OWN}
                for row in rows
                if row["workspace_id"] == workspace
            ],
            key=repr,
        )
        for rows in await contents(desk.store)
    ]


@pytest.mark.parametrize("locked", "abcd")
async def test_a_row_that_others_lock_holds_up_nobody_but_its_own_edit(
    hasty: Desk, caller: Caller, other: asyncpg.Connection, locked: str
) -> None:
    await edits.import_flows(hasty, caller, [Imported(id, WORKSPACE, BROUGHT) for id in "dbca"])
    async with other.transaction():
        await other.fetch(LOCK, locked)
        changing = {id: asyncio.create_task(edits.update_flow(hasty, caller, id, delay(1))) for id in "bdac"}
        held = changing.pop(locked)
        async with asyncio.timeout(5):
            assert [(await one).flow["version"] for one in changing.values()] == [1] * 3
        assert not held.done()
    assert (await held).flow["version"] == 1


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_nobody_waits_for_any_more_is_not_sent(is_late: bool) -> None:
    """Whoever left, or was told that nothing was written, while others of its shape were under way."""
    go_on, done = asyncio.Event(), []

    async def alone(statement: Statement, until: float | None) -> Sequence[Row]:
        done.append(statement.values["id"])
        await go_on.wait()
        return ()

    async def together(shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float) -> Sequence[Row]:
        done.extend(one["id"] for one in values())
        return ()

    shape, clock = Shape(select(literal_column("1")), single=True), asyncio.get_running_loop().time
    sending = Batches(alone, together, 64, (), lambda: "all are taken")
    under_way = []
    for number, id in enumerate(("first", "second"), 1):
        under_way.append(sending.rows(Statement(shape, {"id": id}), clock() + 10))
        await holds(lambda number=number: len(done) == number)  # type: ignore[misc]
    given_up = sending.rows(Statement(shape, {"id": "given up"}), clock() + (0.05 if is_late else 10))
    if is_late:
        with pytest.raises(Refused, match="nothing was written"):
            await given_up
    else:
        given_up.cancel()
    go_on.set()
    assert await asyncio.gather(*under_way) == [(), ()]
    await sending.close()
    assert done == ["first", "second"]


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("fault", [None, ZeroDivisionError()])
async def test_who_leaves_while_a_batch_is_under_way_takes_nobody_along(size: int, fault: Exception | None) -> None:
    sent, go_on = asyncio.Event(), asyncio.Event()

    async def carried_out() -> Sequence[Row]:
        sent.set()
        await go_on.wait()
        if fault is not None:
            raise fault
        return ()

    async def alone(statement: Statement, until: float | None) -> Sequence[Row]:
        return await carried_out()

    async def together(shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float) -> Sequence[Row]:
        values()
        return await carried_out()

    sending = Batches(alone, together, 64, (), lambda: "all are taken")
    until = asyncio.get_running_loop().time() + 10
    first, *others = [sending.rows(one(str(number)), until) for number in range(size)]
    await sent.wait()
    first.cancel()
    later = sending.rows(one("later"), until)
    closing = asyncio.create_task(sending.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*others, later, return_exceptions=True)
        await closing
    assert answers == [() if fault is None else fault] * size
    assert not sending._queues, "shapes are remembered while somebody waits"


def one(id: str) -> Statement:
    return Statement(ALIKE, {"id": id})


ALIKE = Shape(select(literal_column("1")), single=True)


async def test_of_one_shape_no_more_are_under_way_than_may_be_and_who_waits_longer_is_refused_in_time() -> None:
    go_on = {id: asyncio.Event() for id in "abc"}
    under_way: list[str] = []

    async def alone(statement: Statement, until: float | None) -> Sequence[Row]:
        id = statement.values["id"]
        under_way.append(id)
        await go_on[id].wait()
        under_way.remove(id)
        return ()

    async def together(shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float) -> Sequence[Row]:
        (given,) = values()
        return await alone(one(given["id"]), None)

    sending = Batches(alone, together, 64, (), lambda: "all are taken")
    clock = asyncio.get_running_loop().time
    answers = {"a": sending.rows(one("a"), clock() + 20)}
    await asyncio.sleep(0)
    hasty = sending.rows(one("hasty"), clock())  # before the first one is slow, however busy the machine is
    answers["b"] = sending.rows(one("b"), clock() + 20)
    with pytest.raises(Refused):
        await asyncio.wait_for(hasty, 5)
    await holds(lambda: under_way == ["a", "b"])
    go_on["b"].set()
    await answers["b"]
    answers["c"] = sending.rows(one("c"), clock() + 20)
    await holds(lambda: under_way == ["a", "c"])
    late = [(sending.rows(one(id), until), until) for id, until in (("d", clock() + 0.3), ("e", clock() + 0.6))]
    for refused, until in late:
        with pytest.raises(Refused, match="all are taken; nothing was written"):
            await asyncio.wait_for(refused, 5)
        assert clock() >= until
    assert under_way == ["a", "c"]
    for event in go_on.values():
        event.set()
    await asyncio.gather(*answers.values())
    await sending.close()


async def holds(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(SLOW / 4)


async def test_in_a_batch_that_waits_for_a_connection_each_is_refused_in_its_own_time() -> None:
    go_on = asyncio.Event()
    sent: list[str] = []
    untils: list[float] = []

    async def alone(statement: Statement, until: float | None) -> Sequence[Row]:
        raise AssertionError

    async def together(shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float) -> Sequence[Row]:
        untils.append(until)
        await go_on.wait()
        sent.extend(given["id"] for given in values())
        return ()

    sending, now = Batches(alone, together, 64, (), lambda: "all are taken"), asyncio.get_running_loop().time()
    hasty, patient = sending.rows(one("hasty"), now + 0.1), sending.rows(one("patient"), now + 10)
    with pytest.raises(Refused, match="nothing was written"):
        await asyncio.wait_for(hasty, 5)
    go_on.set()
    assert await patient == ()
    assert (sent, untils) == (["patient"], [now + 10])
    await sending.close()


async def test_what_was_sent_in_time_is_not_refused_however_long_it_takes() -> None:
    """It may have been written."""

    async def alone(statement: Statement, until: float | None) -> Sequence[Row]:
        raise AssertionError

    async def together(shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float) -> Sequence[Row]:
        values()
        await asyncio.sleep(0.2)
        return ()

    sending = Batches(alone, together, 64, (), lambda: "all are taken")
    until = asyncio.get_running_loop().time() + 0.1
    assert await asyncio.gather(*(sending.rows(one(id), until) for id in "ab")) == [(), ()]
    await sending.close()


async def test_others_hear_of_what_was_written_together(
    hasty: Desk, caller: Caller, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_signals, "POLL", 20)
    ids = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(2)]
    listener = PostgresStore(database_url.replace("+asyncpg", ""))
    await asyncio.sleep(0.2)  # word of these has gone out
    async with aclosing(listener.commits()) as commits, asyncio.timeout(10):
        await anext(commits)
        await asyncio.gather(*(edits.update_flow(hasty, caller, id, delay(1)) for id in ids))
        await anext(commits)
    await listener.close()


async def test_a_statement_is_sent_in_the_context_of_no_request() -> None:
    """Else all that one worker sends would be told, and traced, as of the request that began it."""
    request = ContextVar("request", default="none")
    seen = []

    async def alone(statement: Statement, until: float | None) -> Sequence[Row]:
        seen.append(request.get())
        return ()

    async def together(shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float) -> Sequence[Row]:
        raise AssertionError

    request.set("first")
    sending = Batches(alone, together, 64, (), lambda: "all are taken")
    await sending.rows(
        Statement(Shape(select(literal_column("1")), single=True), {}), asyncio.get_running_loop().time() + 10
    )
    await sending.close()
    assert seen == ["none"]


async def test_batches_lock_rows_in_the_order_of_their_ids(hasty: Desk, caller: Caller) -> None:
    """As they are given; how PostgreSQL goes through them is its own affair."""
    given: list[list[str]] = []
    together = hasty.store._together  # type: ignore[attr-defined]

    async def listening(shape: Shape, values: Any, until: float) -> Any:
        def heard() -> Any:
            sent = values()
            given.append([one["id"] for one in sent])
            return sent

        return await together(shape, heard, until)

    hasty.store._batches._together = listening  # type: ignore[attr-defined]
    await edits.import_flows(hasty, caller, [Imported(id, WORKSPACE, BROUGHT) for id in "dbca"])
    await asyncio.gather(*(edits.update_flow(hasty, caller, id, delay(1)) for id in "bdac"))
    assert given[-1] == [*"abcd"]


async def test_a_batch_that_is_stopped_is_made_again_one_by_one(
    hasty: Desk, caller: Caller, other: asyncpg.Connection, looker: asyncpg.Connection
) -> None:
    made = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(9)]
    async with other.transaction():
        await other.execute("LOCK TABLE message_flow_revisions IN SHARE MODE")
        changing = [asyncio.create_task(edits.update_flow(hasty, caller, id, delay(1))) for id in made]
        for pid in await waiting(looker):
            await looker.fetch("SELECT pg_cancel_backend($1)", pid)
        await waiting(looker, 2)
    assert [one.flow["version"] for one in await asyncio.gather(*changing)] == [1] * 9


async def test_edits_of_a_locked_flow_wait_for_each_other_and_keep_nobody_else(
    hasty: Desk, caller: Caller, other: asyncpg.Connection, looker: asyncpg.Connection
) -> None:
    locked, free = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(2)]
    async with other.transaction():
        await other.fetch(LOCK, locked)
        held = [asyncio.create_task(edits.update_flow(hasty, caller, locked, delay(n))) for n in range(1, 13)]
        await waiting(looker)
        for n in (1, 2, 3):
            saved = await asyncio.gather(*(edits.update_flow(hasty, caller, free, delay(3 * n + m)) for m in range(3)))
            assert max(one.flow["version"] for one in saved) == 3 * n
        assert len(await waiting(looker)) == 1
        for refused in (await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED))[0]:
            with pytest.raises(Refused, match="others change the same flow; nothing was written"):
                await refused
    done = [one for one in await asyncio.gather(*held, return_exceptions=True) if isinstance(one, Saved)]
    assert done
    saved_at_last = await edits.update_flow(hasty, caller, locked, delay(99))
    assert saved_at_last.flow["version"] == len(done) + 1, "what was refused was not written later"


async def test_what_waits_for_locked_rows_leaves_others_half_of_the_connections(
    hasty: Desk, caller: Caller, other: asyncpg.Connection, looker: asyncpg.Connection
) -> None:
    locked = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(12)]
    async with other.transaction():
        await other.fetch("SELECT id FROM message_flows FOR UPDATE")
        held = [asyncio.create_task(edits.update_flow(hasty, caller, id, delay(1))) for id in locked]
        await waiting(looker, 5)
        reads = [flows.read(WORKSPACE, id, ["id"]) for id in locked]
        assert all(await asyncio.gather(*map(hasty.store.read, reads)))
        told = await asyncio.gather(*(await asyncio.wait(held, timeout=5))[0], return_exceptions=True)
        assert len(await waiting(looker, 5)) == 5
    assert len(told) == 7
    assert {str(one) for one in told} == {
        "the database is not available: too many others wait for rows that are locked; nothing was written"
    }
    assert sum(isinstance(one, Saved) for one in await asyncio.gather(*held, return_exceptions=True)) == 5
