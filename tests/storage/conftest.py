"""A SQLite file with a table that counts, and a PostgreSQL of their own, which tests may stop and kill."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from bench.torturing.servers import Postgres
from graphql_api.storage import sqlite_file
from tests import shared
from tests.storage.tally import DDL, ROWS


def plain(path: Path) -> sqlite3.Connection:
    """A connection of somebody else."""
    return sqlite3.connect(path, isolation_level=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tally.db"
    with closing(plain(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; {DDL}; {ROWS}")
    return path


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that SQLite itself was given."""
    told: list[str] = []
    connect = sqlite_file.connect

    def listening(path: str, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.set_trace_callback(told.append)
        return connection

    monkeypatch.setattr(sqlite_file, "connect", listening)
    return told


@pytest.fixture(scope="module")
def private_postgres() -> Iterator[Postgres]:
    postgres = Postgres(shared.part("own"))
    try:
        yield postgres
    finally:
        postgres.start()
        postgres.close()


def dsn(postgres: Postgres) -> str:
    return postgres.url.replace("+asyncpg", "")


@pytest.fixture
def postgres(private_postgres: Postgres) -> Postgres:
    """Runs, and has the tally with nothing counted."""
    private_postgres.start()

    async def made() -> None:
        connection = await asyncpg.connect(dsn(private_postgres))
        await connection.execute(f"DROP TABLE IF EXISTS tally; {DDL}; {ROWS}")
        await connection.close()

    asyncio.run(made())
    return private_postgres
