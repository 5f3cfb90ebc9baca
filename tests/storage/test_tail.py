"""The end of the stream under transactions that commit out of order or not at all, on a real PostgreSQL."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from graphql_api import storage
from graphql_api.domain.flow import DEFAULTS
from graphql_api.storage import changes, saving
from graphql_api.storage.engine import Script, Store
from graphql_api.storage.revisions import Revision
from graphql_api.storage.tail import Tail
from tests.sampling import sampled
from tests.storage.test_migrations import FLOW

WRITE = """
    WITH saved AS (
        UPDATE message_flows SET version = version + 1 WHERE workspace_id = 'ws1' AND id = $1 RETURNING version
    )
    INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, changes)
    SELECT 'ws1', $1, version, extract(epoch FROM clock_timestamp()) * 1000, 'UPDATE', 'CLI', 'anonymous', '{}'
    FROM saved RETURNING version
"""


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connected(database_url)
    yield connection
    await connection.close()


async def connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def create(store: Store, id: str) -> None:
    row = {**DEFAULTS, **FLOW, "id": id, "version": 0, "created_at": 1, "updated_at": 1}

    def script() -> Script[None]:
        yield saving.create("ws1", row, Revision(id, 0, 1, "CREATE", "CLI", "anonymous", None, None, {}), None)

    await store.run(script)


def seen(rows: Any) -> list[tuple[str, int]]:
    return [(row["flow_id"], row["version"]) for row in rows]


async def test_a_change_waits_for_an_earlier_one_that_is_not_committed(
    store: Store, connection: asyncpg.Connection, database_url: str
) -> None:
    for id in ("a", "b"):
        await create(store, id)
    tail = await Tail.begun(store)
    other = await connected(database_url)
    slow = connection.transaction()
    await slow.start()
    await connection.fetch(WRITE, "a")
    await other.fetch(WRITE, "b")
    for _ in range(3):
        assert (seen(await tail.more()), tail.is_held) == ([], True)
    await slow.commit()
    assert seen(await tail.more()) + seen(await tail.more()) == [("a", 1), ("b", 1)]
    assert not tail.is_held
    await other.close()


async def test_a_change_that_was_taken_back_holds_nobody_longer_than_its_transaction(
    store: Store, connection: asyncpg.Connection, database_url: str
) -> None:
    for id in ("a", "b"):
        await create(store, id)
    tail = await Tail.begun(store)
    other, third = await connected(database_url), await connected(database_url)
    slow = connection.transaction()
    await slow.start()
    await connection.fetch(WRITE, "a")
    await other.fetch(WRITE, "b")
    assert (seen(await tail.more()), tail.is_held) == ([], True)
    # A transaction that begins later, however long it takes, has nothing to do with this gap.
    later = third.transaction()
    await later.start()
    await third.fetch("INSERT INTO message_flow_revisions SELECT * FROM message_flow_revisions LIMIT 0")
    await slow.rollback()
    assert seen(await tail.more()) + seen(await tail.more()) == [("b", 1)]
    await later.rollback()
    await other.close()
    await third.close()


async def test_a_beginning_misses_nothing_of_a_transaction_that_is_open_then(
    store: Store, connection: asyncpg.Connection, database_url: str
) -> None:
    for id in ("a", "b"):
        await create(store, id)
    other = await connected(database_url)
    slow = connection.transaction()
    await slow.start()
    await connection.fetch(WRITE, "a")
    await other.fetch(WRITE, "b")
    beginning = asyncio.create_task(Tail.begun(store))
    tail = await beginning  # gives up waiting and begins before the open transaction
    assert (seen(await tail.more()), tail.is_held) == ([], True)
    assert await tail.known() == [(tail.place + 2, tail.place + 2)]
    await slow.commit()
    assert seen(await tail.more()) + seen(await tail.more()) == [("a", 1), ("b", 1)]
    assert await tail.known() == ()
    await other.close()


async def test_a_beginning_waits_no_longer_where_it_may_not_know_since_when_others_are_at_work(
    store: Store, connection: asyncpg.Connection, database_url: str
) -> None:
    """The role is neither a superuser nor a member of pg_read_all_stats."""
    await create(store, "a")
    role = f"plain_{await connection.fetchval('SELECT current_database()')}"
    everything = f"ALL TABLES IN SCHEMA public TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    await connection.execute(f"CREATE ROLE {role} LOGIN; GRANT ALL ON {everything}")
    plain = storage.opened(database_url.replace("postgres@", f"{role}@"))
    try:
        async with connection.transaction():
            await connection.execute("UPDATE message_flow_revisions SET note = note WHERE false")
            async with asyncio.timeout(10):
                tail = await Tail.begun(plain)
            await create(plain, "b")
        told = [place for _ in range(9) for place in seen(await tail.more())]
        assert told[-1] == ("b", 0)
    finally:
        await plain.close()
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_what_is_pruned_before_it_was_read_is_missed(store: Store) -> None:
    await create(store, "a")
    tail = await Tail.begun(store)
    for id in ("b", "c"):
        await create(store, id)

    def prune() -> Script[None]:
        yield changes.pruned(tail.place + 1)

    await store.run(prune)
    assert seen(await tail.more()) == [("b", 0), ("c", 0)]
    assert tail.has_missed
    await create(store, "d")
    assert seen(await tail.more()) == [("d", 0)]
    assert not tail.has_missed


@pytest.mark.parametrize("seed", range(sampled(4)))
async def test_whatever_commits_when_each_change_is_told_once_and_in_the_order_of_its_flow(
    store: Store, database_url: str, seed: int
) -> None:
    """Single edits, bulks, savepoints and transactions that are taken back, all at once, against two readers."""
    ids = [f"f{number}" for number in range(12)]
    for id in ids:
        await create(store, id)
    first = await Tail.begun(store)
    committed: Counter[tuple[str, int]] = Counter()

    async def writer(chance: random.Random) -> None:
        connection = await connected(database_url)
        for _ in range(40):
            transaction = connection.transaction()
            await transaction.start()
            mine: list[tuple[str, int]] = []
            for id in sorted(chance.sample(ids, chance.choice((1, 1, 1, 5)))):
                inner = connection.transaction()
                await inner.start()
                (row,) = await connection.fetch(WRITE, id)
                if chance.random() < 0.15:
                    await inner.rollback()
                else:
                    await inner.commit()
                    mine.append((id, row["version"]))
                if chance.random() < 0.3:
                    await asyncio.sleep(chance.random() * 0.01)
            if chance.random() < 0.25:
                await transaction.rollback()
            else:
                await transaction.commit()
                committed.update(mine)
        await connection.close()

    async def read(tail: Tail, told: list[tuple[str, int]], end: asyncio.Event) -> None:
        while True:
            is_over = end.is_set()
            rows = await tail.more()
            told += seen(rows)
            if is_over and not rows and not tail.is_held:
                return
            await asyncio.sleep(0)

    end = asyncio.Event()
    told: list[tuple[str, int]] = []
    late: list[tuple[str, int]] = []
    reading = asyncio.create_task(read(first, told, end))
    writing = [asyncio.create_task(writer(random.Random(f"{seed}{number}"))) for number in range(5)]
    await asyncio.sleep(0.05)
    second = await Tail.begun(store)
    reading_too = asyncio.create_task(read(second, late, end))
    await asyncio.gather(*writing)
    end.set()
    await asyncio.gather(reading, reading_too)
    assert Counter(told) == committed
    assert late == told[len(told) - len(late) :]
    for id in ids:
        versions = [version for flow, version in told if flow == id]
        assert versions == sorted(versions)


async def test_where_nobody_tells_since_when_he_writes_no_history_is_looked_through(
    connection: asyncpg.Connection,
) -> None:
    """Of a million revisions none is older than what is not known; to find that out took seconds."""
    plan = await connection.fetch(f"EXPLAIN {changes.BEFORE_WRITERS.shape.postgresql.sql}")
    before, _, _ = "\n".join(line[0] for line in plan).partition(" on message_flow_revisions")
    assert "One-Time Filter" in before
