"""Word of commits among processes on one PostgreSQL: each hears of the others', soon, once, and whatever is lost."""

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import asyncpg
import pytest

from bench.torturing.servers import Postgres
from graphql_api.storage import postgres_signals
from graphql_api.storage.postgres import PostgresStore
from graphql_api.storage.postgres_signals import CHANNEL
from tests.storage.conftest import dsn
from tests.storage.tally import count

pytestmark = pytest.mark.processes

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'message-flows listener'"
SOON = 10


@pytest.fixture(autouse=True)
def _nobody_looks_by_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_signals, "POLL", 60)


@pytest.fixture
async def process(postgres: Postgres) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(dsn(postgres), patience=SOON)
    yield store
    await store.close()


another = process


@pytest.fixture
async def beside(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn(postgres))
    yield connection
    await connection.close()


@pytest.fixture
async def words(beside: asyncpg.Connection) -> list[str]:
    """What is said on the channel."""
    said = list[str]()
    await beside.add_listener(CHANNEL, lambda _, __, ___, who: said.append(str(who)))
    return said


@asynccontextmanager
async def hearing(store: PostgresStore) -> AsyncIterator[AsyncGenerator[None]]:
    """Has looked once, and waits for word."""
    async with aclosing(store.commits()) as commits, asyncio.timeout(SOON):
        await anext(commits)
        yield commits


async def hears_within(commits: AsyncGenerator[None], seconds: float) -> bool:
    """Asked last: a generator that is cancelled is over."""
    try:
        async with asyncio.timeout(seconds):
            await anext(commits)
    except TimeoutError:
        return False
    return True


async def listeners(beside: asyncpg.Connection, count: int) -> list[int]:
    """As soon as there are so many."""
    async with asyncio.timeout(SOON):
        while len(found := await beside.fetch(LISTENERS)) != count:
            await beside.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.02)
    return [row["pid"] for row in found]


async def test_another_process_hears_of_each_commit(process: PostgresStore, another: PostgresStore) -> None:
    async with hearing(another) as commits:
        for _ in range(3):
            await process.run(count)
            await anext(commits)
            await asyncio.sleep(0.1)


async def test_whoever_commits_hears_of_it_once(process: PostgresStore) -> None:
    async with hearing(process) as commits:
        await process.run(count)
        await anext(commits)
        assert not await hears_within(commits, 0.5)


async def test_however_many_commits_there_are_others_are_told_a_few_times(
    process: PostgresStore, words: list[str]
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(60):
        await process.run(count)
    await asyncio.sleep(0.2)
    assert 1 <= len(words) <= 2 + (loop.time() - began) / postgres_signals.APART
    assert len(words) < 60
    assert len({*words}) == 1
    told = len(words)
    await asyncio.sleep(0.3)
    assert len(words) == told, "nothing has happened since"


async def test_processes_are_told_apart(process: PostgresStore, another: PostgresStore, words: list[str]) -> None:
    await process.run(count)
    await another.run(count)
    await asyncio.sleep(0.3)
    assert len(words) == len({*words}) == 2


async def test_the_last_word_is_said_before_a_process_ends(
    process: PostgresStore, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_signals, "APART", 60)
    await process.run(count)
    await asyncio.sleep(0.3)
    await process.run(count)
    async with asyncio.timeout(SOON) as patience:
        await process.close()
    assert not patience.expired()
    await asyncio.sleep(0.3)
    assert len(words) == 2


async def test_a_word_that_cannot_be_said_is_no_fault(process: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))

    async def lost(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(asyncpg.Connection, "execute", lost)
    await process.run(count)
    await asyncio.sleep(0.2)
    gc.collect()
    await process.close()
    assert faults == []


async def test_a_listener_that_is_lost_looks_at_once_and_listens_again(
    process: PostgresStore, another: PostgresStore, beside: asyncpg.Connection
) -> None:
    async with hearing(another) as commits:
        (lost,) = await listeners(beside, 1)
        await beside.execute("SELECT pg_terminate_backend($1)", lost)
        await anext(commits)  # something may have been said meanwhile
        listening = asyncio.ensure_future(anext(commits))
        (found,) = await listeners(beside, 1)
        assert found != lost
        await process.run(count)
        await listening


async def test_a_listener_that_ends_leaves_no_connection(process: PostgresStore, beside: asyncpg.Connection) -> None:
    async with hearing(process):
        await listeners(beside, 1)
    await listeners(beside, 0)


async def test_a_commit_of_which_nobody_could_tell_is_looked_for(
    process: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_signals, "POLL", 0.2)
    async with hearing(process) as commits:
        await anext(commits)


async def test_who_cannot_listen_looks_by_himself_and_leaves_no_connection(
    process: PostgresStore, beside: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(postgres_signals, "POLL", 1)
    monkeypatch.setattr(asyncpg.Connection, "add_listener", fails)
    async with hearing(process) as commits:
        await anext(commits)
        await listeners(beside, 0)


async def test_while_the_database_is_away_listeners_look_again_and_again(
    process: PostgresStore, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_signals, "POLL", 0.2)
    async with hearing(process) as commits:
        await process.run(count)
        await asyncio.to_thread(postgres.stop)
        for _ in range(4):
            await anext(commits)
