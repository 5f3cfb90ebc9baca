"""Rows that PostgreSQL gives a few at a time: however slow their reader is, and whatever becomes of the connection."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from bench.torturing.servers import Postgres
from graphql_api.domain.errors import Refused
from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.postgres import PostgresStore
from tests.storage.conftest import dsn
from tests.storage.tally import TALLY

pytestmark = pytest.mark.processes

IDS = Statement(Shape(select(TALLY.c.id)), {})
ROWS = 1_202
"""More than two portions."""

PIDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'message-flows'"


@pytest.fixture
async def other(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn(postgres))
    await connection.execute(f"INSERT INTO tally SELECT 'n' || n, 0, '' FROM generate_series(3, {ROWS}) n")
    yield connection
    await connection.close()


@pytest.fixture
async def store(postgres: Postgres, other: asyncpg.Connection) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(dsn(postgres), size=1, patience=5, timeout=0.5)
    yield store
    await store.close()


async def test_rows_wait_for_whoever_reads_them_and_cost_no_connection(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    await store.read(IDS)
    before = await other.fetch(PIDS)
    async with store.stream(IDS) as rows:
        found = [await anext(rows)]
        await other.execute("DELETE FROM tally; SELECT pg_sleep(1.5)")
        found += [row async for row in rows]
    assert len(found) == ROWS, "as of one moment"
    assert await store.read(IDS) == []
    assert await other.fetch(PIDS) == before


async def test_a_connection_that_is_lost_meanwhile_is_a_refusal(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    async def read_on() -> None:
        async with store.stream(IDS) as rows:
            await anext(rows)
            await other.execute(f"SELECT pg_terminate_backend(pid) FROM ({PIDS}) lost")
            [row async for row in rows]

    with pytest.raises(Refused, match="the connection was lost"):
        await read_on()
    assert len(await store.read(IDS)) == ROWS


@pytest.mark.parametrize("first", ["BEGIN", "SET LOCAL"])
async def test_a_connection_that_is_lost_before_is_a_refusal_too(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    execute = asyncpg.Connection.execute

    async def lost(connection: Any, sql: str, *arguments: Any, **others: Any) -> Any:
        if sql.startswith(first):
            raise ConnectionResetError
        return await execute(connection, sql, *arguments, **others)

    async def begin() -> None:
        async with store.stream(IDS):
            pytest.fail("it has begun")

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "execute", lost)
        with pytest.raises(Refused, match="the connection was lost"):
            await begin()
    assert len(await store.read(IDS)) == ROWS
