"""Statements that are sent together on PostgreSQL: in few round trips, and nobody waits long for a neighbour."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import asyncpg
import pytest
import uvloop
from msgspec.structs import replace

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk, Saved
from graphql_api.edits.importing import Imported
from graphql_api.storage.postgres import PostgresStore
from tests.conftest import CREATE, WORKSPACE, Clock, Noise, sent
from tests.edits.conftest import contents

LOCK = "SELECT id FROM message_flows WHERE id = $1 FOR UPDATE"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
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


async def test_the_clock_that_waiting_is_measured_by_is_that_of_event_loops() -> None:
    assert asyncio.get_running_loop().time() == pytest.approx(time.monotonic(), abs=0.1)


def test_the_clock_that_waiting_is_measured_by_is_that_of_uvloop() -> None:
    async def now() -> float:
        return asyncio.get_running_loop().time()

    assert uvloop.run(now()) == pytest.approx(time.monotonic(), abs=0.1)


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
    assert len(ran) == 3, "one looks for the keys, one reads the flows, one writes those that are still as expected"
    again = await asyncio.gather(
        *(edits.update_flow(hasty, caller, made[n].flow["id"], delay(3), terms[n]) for n in (0, 2, 4))
    )
    assert [(one.replayed, one.flow["version"]) for one in again] == [(True, 1)] * 3


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
    assert len(ran) == 2, "one looks for them, one writes them"


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
    assert len(ran) == 4, "one creates, one looks for the keys, one reads, one writes"
    assert await kept(hasty, "together") == await kept(hasty, "alone")
    assert {row["name"] for row in (await kept(hasty, "together"))[0]} == set(TEXTS)


def leaves(n: int, text: str, delay: float) -> Sent:
    texts = dict.fromkeys(["name", *LONG], text)
    return Sent({**sent(CREATE).values, **texts, "response_settings_delay": delay, "autopilot": n % 2 == 0})


OWN = {"workspace_id", "id", "flow_id", "target", "created_at", "updated_at", "at", "position", "outcome"}
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


@pytest.mark.parametrize(("locked", "free"), [("a", ["b", "c", "d"]), ("c", ["d"]), ("d", [])])
async def test_a_batch_locks_flows_in_the_order_of_their_ids_wherever_they_lie(
    hasty: Desk, caller: Caller, database_url: str, locked: str, free: list[str]
) -> None:
    await edits.import_flows(hasty, caller, [Imported(id, WORKSPACE, BROUGHT) for id in "dbca"])
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.fetch(LOCK, locked)
        changing = asyncio.gather(*(edits.update_flow(hasty, caller, id, delay(1)) for id in "bdac"))
        async with asyncio.timeout(20):
            while not await connection.fetch(WAITING):  # noqa: ASYNC110 (nobody tells of it)
                await asyncio.sleep(0.01)
        rows = await connection.fetch("SELECT id FROM message_flows ORDER BY id FOR UPDATE SKIP LOCKED")
        assert [row["id"] for row in rows] == [locked, *free]
    await connection.close()
    assert [one.flow["version"] for one in await changing] == [1] * 4


async def test_a_batch_that_waits_for_a_locked_row_has_another_one_begin_beside_it(
    hasty: Desk, caller: Caller, database_url: str
) -> None:
    locked, other = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(2)]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.fetch(LOCK, locked)
        held = asyncio.create_task(edits.update_flow(hasty, caller, locked, delay(1)))
        await asyncio.sleep(0.2)
        saved = await asyncio.gather(*(edits.update_flow(hasty, caller, other, delay(n)) for n in (2, 3, 4)))
        assert sorted(one.flow["version"] for one in saved) == [1, 2, 3]
        assert not held.done()
    await connection.close()
    assert (await held).flow["version"] == 1


async def test_a_locked_row_holds_up_others_no_longer_than_their_patience(
    hasty: Desk, caller: Caller, database_url: str
) -> None:
    locked, other = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(2)]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.fetch(LOCK, locked)
        held = []
        for seconds in (1, 2):  # one after the other, so that each is in a batch of its own
            held.append(asyncio.create_task(edits.update_flow(hasty, caller, locked, delay(seconds))))
            await asyncio.sleep(0.2)
        with pytest.raises(Refused) as refusal:
            async with asyncio.timeout(20):
                await asyncio.gather(*(edits.update_flow(hasty, caller, other, delay(n)) for n in (3, 4, 5)))
        assert refusal.value.problems[0].code == "UNAVAILABLE"
    await connection.close()
    assert sorted(one.flow["version"] for one in await asyncio.gather(*held)) == [1, 2]
    saved = await edits.update_flow(hasty, caller, other, delay(6))
    assert saved.flow["version"] == 1, "what was refused was not written later"
