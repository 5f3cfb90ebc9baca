"""Transactions of PostgreSQL as they are begun, and the one in which all rows of a statement are read in peace."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from graphql_api.storage.engine import Row, unavailable
from graphql_api.storage.postgres_errors import AWAY, SILENT

WHOLE_STREAM = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"


async def begun(connection: Any, **manner: Any) -> Any:
    """A transaction. Where its beginning is left unanswered nobody knows what goes on: the connection is given up."""
    transaction = connection.transaction(**manner)
    try:
        await transaction.start()
    except BaseException:
        connection.terminate()
        raise
    return transaction


@asynccontextmanager
async def streamed(connection: Any, sql: str, arguments: Sequence[Any]) -> AsyncIterator[AsyncIterator[Row]]:
    """A few rows at a time, as of one moment, however long whoever reads them takes."""
    with _answering():
        transaction = await begun(connection, isolation="repeatable_read", readonly=True)
    try:
        with _answering():
            await connection.execute(WHOLE_STREAM)
        cursor = connection.cursor(sql, *arguments, prefetch=500, timeout=3600)
        async with contextlib.aclosing(_rows(cursor)) as rows:
            yield rows
    finally:
        with contextlib.suppress(*AWAY, asyncpg.PostgresError):
            await transaction.rollback()


async def _rows(cursor: Any) -> AsyncGenerator[Row]:
    with _answering():
        async for row in cursor:
            yield row


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Where nothing is done but ask the database: an error of its connection is no error of whoever reads."""
    try:
        yield
    except SILENT as error:
        raise unavailable("the connection was lost") from error
