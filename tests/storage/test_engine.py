"""What every store promises to scripts."""

import asyncio
import gc
import sqlite3
import weakref
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import literal_column, make_url, select

from graphql_api import storage
from graphql_api.domain.errors import Refused
from graphql_api.storage import postgres_signals
from graphql_api.storage.engine import Shape, Statement, Store
from tests.storage.tally import DDL, ROWS, TOTAL, both, count, failing, read


@pytest.fixture
def tally_url(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if database == "sqlite":
        with closing(sqlite3.connect(tmp_path / "tally.db")) as connection:
            connection.executescript(f"PRAGMA journal_mode = WAL; {DDL}; {ROWS}")
        return f"sqlite+aiosqlite:///{tmp_path / 'tally.db'}"
    url = str(request.getfixturevalue("empty_postgres"))
    asyncio.run(_made(url))
    return url


async def _made(url: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(f"{DDL}; {ROWS}")
    await connection.close()


@pytest.fixture
async def store(tally_url: str) -> AsyncIterator[Store]:
    store = storage.opened(tally_url, patience=10)
    yield store
    await store.close()


async def test_no_count_is_lost_among_many_at_once(store: Store) -> None:
    told = await asyncio.gather(*(store.run(count) for _ in range(60)))
    assert sorted(told) == list(range(1, 61))
    assert (await store.read(read("a")))[0]["count"] == 60


async def test_together_locks_and_single_edits_lose_nothing_either(store: Store) -> None:
    bulks = [store.run(lambda: both("a", "b"), together=True) for _ in range(10)]
    await asyncio.gather(*bulks, *(store.run(lambda: count("b")) for _ in range(10)))
    assert (await store.read(TOTAL))[0]["total"] == 30


async def test_those_who_wait_for_one_another_in_a_circle_both_get_through(store: Store) -> None:
    there = [store.run(lambda: both("a", "b"), together=True) for _ in range(2)]
    back = [store.run(lambda: both("b", "a"), together=True) for _ in range(2)]
    await asyncio.gather(*there, *back)
    assert (await store.read(TOTAL))[0]["total"] == 8


async def test_a_script_that_fails_takes_back_what_it_wrote(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        await store.run(failing, together=True)
    assert (await store.read(TOTAL))[0]["total"] == 0


async def test_an_error_of_whoever_reads_a_stream_stays_what_it_is(store: Store) -> None:
    async def read_on() -> None:
        async with store.stream(TOTAL) as rows:
            async for _ in rows:
                raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await read_on()
    assert [row["total"] for row in await store.read(TOTAL)] == [0]


@pytest.mark.parametrize("together", [False, True])
async def test_who_listens_hears_of_a_commit_at_once(
    store: Store, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_signals, "POLL", 20)
    async with aclosing(store.commits()) as commits, asyncio.timeout(10):
        await anext(commits)
        await store.run(count, together=together)
        await anext(commits)


async def test_a_store_that_is_closed_refuses(store: Store) -> None:
    await store.run(count)
    await store.close()
    with pytest.raises(Refused, match="the server is stopping; nothing was written"):
        await store.run(count)


async def test_a_store_that_is_closed_is_kept_by_nothing(tally_url: str) -> None:
    store = storage.opened(tally_url, patience=10)
    await store.run(count)
    await store.read(Statement(Shape(select(literal_column("1")), single=True), {}))
    await store.close()
    kept = weakref.ref(store)
    del store
    await asyncio.sleep(0)
    gc.collect()
    assert kept() is None


def test_the_ssl_of_a_url_reaches_the_driver_by_its_own_name() -> None:
    url = make_url("postgresql+asyncpg://u:p%40ss@host/name?ssl=require&application_name=x")
    assert storage.dsn(url) == "postgresql://u:p%40ss@host/name?application_name=x&sslmode=require"
