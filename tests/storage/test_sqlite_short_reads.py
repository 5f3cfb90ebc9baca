"""SQLite: reads of the same moment share a transaction, and nothing else."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from graphql_api.domain.errors import Refused
from graphql_api.storage import sqlite_short_reads
from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.sqlite import SqliteStore
from tests.storage.conftest import plain
from tests.storage.tally import TOTAL, count, read

NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT max(i) AS most FROM n"
)
SLOW = Statement(Shape(text(NUMBERS)), {})
WRONG = Statement(Shape(text("SELECT abs(-9223372036854775807 - 1) AS most")), {})


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(path), patience=10)
    yield store
    await store.close()


async def at_once(store: SqliteStore, *statements: Statement) -> list[Any]:
    return await asyncio.gather(*map(store.read, statements), return_exceptions=True)


async def test_reads_of_one_moment_share_a_transaction(store: SqliteStore, traced: list[str]) -> None:
    rows = await at_once(store, read("a"), TOTAL, read("b"), read("nobody"))
    counted = [{"count": 0, "version": 0}]
    assert [[dict(row) for row in one] for one in rows] == [counted, [{"total": 0}], counted, []]
    assert (traced[-6], traced[-1]) == ("BEGIN", "COMMIT")
    assert all(sql.startswith("SELECT") for sql in traced[-5:-1])


async def test_a_read_by_itself_has_no_transaction(store: SqliteStore, traced: list[str]) -> None:
    await store.read(TOTAL)
    assert "BEGIN" not in traced


async def test_what_is_committed_behind_reads_is_seen_by_the_next(store: SqliteStore, path: Path) -> None:
    for total in range(3):
        for rows in await at_once(store, TOTAL, TOTAL):
            assert rows[0]["total"] == total
        if total == 0:
            await store.run(count)
        else:
            with closing(plain(path)) as other:
                other.execute("UPDATE tally SET count = count + 1 WHERE id = 'b'")


async def test_a_read_sees_what_was_acknowledged_before_it_came(store: SqliteStore) -> None:
    earlier = asyncio.ensure_future(store.read(TOTAL))
    assert await store.run(count) == 1
    assert (await store.read(TOTAL))[0]["total"] == 1
    assert (await earlier)[0]["total"] in (0, 1)


async def test_no_read_fails_or_waits_for_its_neighbour(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_short_reads, "LONGEST_INLINE", 0.005)
    slow, wrong, first, last = (asyncio.ensure_future(store.read(one)) for one in (SLOW, WRONG, TOTAL, read("a")))
    assert (await first)[0]["total"] == (await last)[0]["count"] == 0
    assert not slow.done(), "it goes on aside"
    with pytest.raises(sqlite3.Error, match="integer overflow"):
        await wrong
    assert (await slow)[0]["most"] == 1_000_000


async def test_a_caller_who_leaves_takes_nobody_along(store: SqliteStore, traced: list[str]) -> None:
    leaves, stays = (asyncio.create_task(asyncio.wait_for(store.read(one), 10)) for one in (read("a"), TOTAL))
    await asyncio.sleep(0)
    leaves.cancel()
    assert (await stays)[0]["total"] == 0
    assert leaves.cancelled()
    assert sum(sql.startswith("SELECT") for sql in traced) == 1


@pytest.mark.parametrize(("batch", "transactions"), [(1, 0), (4, 3), (64, 1)])
async def test_no_more_reads_than_may_be_are_made_before_others_have_their_turn(
    path: Path, traced: list[str], batch: int, transactions: int
) -> None:
    store = SqliteStore(str(path), batch=batch)
    assert [rows[0]["total"] for rows in await at_once(store, *[TOTAL] * 12)] == [0] * 12
    assert traced.count("BEGIN") == traced.count("COMMIT") == transactions
    await store.close()


@pytest.mark.parametrize(("batch", "seconds", "at_once"), [(2, 60, 2), (64, 0, 1)], ids=["reads", "time"])
async def test_others_are_read_when_the_answers_to_these_have_been_written(
    path: Path, traced: list[str], monkeypatch: pytest.MonkeyPatch, batch: int, seconds: float, at_once: int
) -> None:
    """Rows of all that wait would be held at the same time, and hold up the event loop as long as all of them take."""
    monkeypatch.setattr(sqlite_short_reads, "LONGEST_INLINE", seconds)
    store = SqliteStore(str(path), batch=batch)

    async def answer() -> None:
        await store.read(TOTAL)
        traced.append("answer")

    await asyncio.gather(*(answer() for _ in range(4)))
    told = [sql if sql == "answer" else "read" for sql in traced if sql == "answer" or sql.startswith("SELECT")]
    assert told == (["read"] * at_once + ["answer"] * at_once) * (4 // at_once)
    await store.close()


async def test_all_that_wait_are_refused_when_the_file_cannot_be_opened(store: SqliteStore, path: Path) -> None:
    os.unlink(path)
    for refusal in await at_once(store, TOTAL, TOTAL, read("a")):
        assert isinstance(refusal, Refused)
        assert "its file is gone; nothing was written" in str(refusal)


async def test_nobody_waits_for_ever_where_memory_is_short(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*args: Any, **more: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(sqlite3, "connect", short)
    async with asyncio.timeout(10):
        assert [type(one) for one in await at_once(store, TOTAL, TOTAL)] == [MemoryError] * 2
    monkeypatch.undo()
    assert (await store.read(TOTAL))[0]["total"] == 0


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), MemoryError()])
async def test_a_connection_that_cannot_leave_its_transaction_is_given_up(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Stuck(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                raise error
            return super().execute(sql, *arguments)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **{**more, "factory": Stuck}))
    assert [rows[0]["total"] for rows in await at_once(store, TOTAL, TOTAL)] == [0, 0]
    monkeypatch.undo()
    assert await store.run(count) == 1
    assert [rows[0]["total"] for rows in await at_once(store, TOTAL, TOTAL)] == [1, 1]
