"""Runs the migrations on SQLite or PostgreSQL; one at a time, whoever else asks."""

import asyncio
import sqlite3
import time

import asyncpg
from alembic import context
from alembic.util import CommandError
from sqlalchemy import URL, Connection, create_engine, event, make_url, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from graphql_api.storage import dsn
from graphql_api.storage.tables import METADATA

LOCK = 7_203_557_611
"""Key of the advisory lock on PostgreSQL; any number that nothing else in the database uses."""

PATIENCE = 30.0
"""Seconds to wait for a connection on PostgreSQL, and for another process that writes on SQLite."""


def migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
        on_version_apply=_note,
    )
    with context.begin_transaction():
        context.run_migrations()


def _note(*, step, **_):  # type: ignore[no-untyped-def]
    """For whoever asks which revisions were run; none were while another process ran them."""
    context.config.attributes["run"].append(step.up_revision_id)


def on_sqlite(url: URL) -> None:
    """Without aiosqlite: of a file that cannot be opened its thread might tell an event loop that is closed by then."""
    chosen = url.set(drivername="sqlite")
    engine = create_engine(chosen, poolclass=pool.NullPool, connect_args={"timeout": PATIENCE})
    event.listen(engine, "connect", _begin_by_hand)
    event.listen(engine, "begin", _begin_immediate)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()


async def on_postgresql(url: URL) -> None:
    # Whoever has waited for the lock must see what was committed meanwhile, whatever the default of the role.
    settings = {"default_transaction_isolation": "read committed"}

    async def connect() -> asyncpg.Connection:
        try:
            return await asyncpg.connect(dsn(url), timeout=PATIENCE, server_settings=settings)
        except OSError:  # also a certificate that fails, which is a ValueError too
            raise
        except ValueError as error:
            raise CommandError(f"the address of the database cannot be used: {error}") from None

    engine = create_async_engine(url.set(query={}), poolclass=pool.NullPool, async_creator=connect)
    async with engine.begin() as connection:
        encoding = await connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":  # lengths are counted in characters, which any may be
            raise CommandError(f"the database keeps text as {encoding}; make one with ENCODING 'UTF8'")
        await connection.run_sync(migrate)
    await engine.dispose()


def _begin_by_hand(connection, record):  # type: ignore[no-untyped-def]
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    _write_ahead(cursor)
    cursor.close()


def _write_ahead(cursor):  # type: ignore[no-untyped-def]
    """SQLite does not wait for others when it changes the journal mode; the mode stays with the file."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def main() -> None:
    given = context.config.get_main_option("sqlalchemy.url")
    assert given is not None
    url = make_url(given)
    if url.get_backend_name() == "sqlite":
        on_sqlite(url)
    else:
        asyncio.run(on_postgresql(url))


main()
