"""PostgreSQL: a pool of asyncpg connections; a script that loses a race runs again, at last under a row lock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from graphql_api.storage.engine import Raced, Row, Script, Statement, unavailable

T = TypeVar("T")

OPTIMISTIC_TRIES = 3
TRIES = 12
AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
)
RACES = (asyncpg.UniqueViolationError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


class PostgresStore:
    """One database; see `engine.Store`."""

    def __init__(self, dsn: str, *, size: int = 10, timeout: float = 10.0, patience: float = 1.5) -> None:
        """`size`: connections; `timeout`: seconds a statement may run; `patience`: seconds to wait for a connection."""
        self.heard: Callable[[str], None] | None = None
        self._dsn = dsn
        self._size = size
        self._timeout = timeout
        self._patience = patience
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def read(self, statement: Statement) -> Sequence[Row]:
        async with self._connection() as connection:
            return await self._step(connection, statement)

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False) -> T:
        for attempt in range(TRIES):
            locks = attempt >= OPTIMISTIC_TRIES
            try:
                async with (
                    self._connection() as connection,
                    connection.transaction() if together or locks else contextlib.nullcontext(),
                ):
                    return await self._drive(script(), connection, locks or together)
            except (Raced, *RACES):
                continue
        raise unavailable("too many others change the same flow")

    async def _drive(self, script: Script[T], connection: Any, locks: bool) -> T:
        try:
            statement = next(script)
            while True:
                statement = script.send(await self._step(connection, statement, locks))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            script.close()

    async def _step(self, connection: Any, statement: Statement, locks: bool = False) -> Sequence[Row]:
        text = statement.shape.postgresql
        sql = f"{text.sql} FOR UPDATE" if locks and statement.shape.locks else text.sql
        if self.heard is not None:
            self.heard(sql)
        return await connection.fetch(sql, *text.arguments(statement.values))  # type: ignore[no-any-return]

    @asynccontextmanager
    async def stream(self, statement: Statement) -> AsyncIterator[AsyncIterator[Row]]:
        text = statement.shape.postgresql
        if self.heard is not None:
            self.heard(text.sql)
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection.cursor(text.sql, *text.arguments(statement.values), prefetch=500, timeout=3600)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            pool = self._pool or await self._opened()
            async with asyncio.timeout(self._patience) as waiting:
                connection = await pool.acquire()
                waiting.reschedule(None)
        except TimeoutError:
            raise unavailable(f"no connection within {self._patience:g} s") from None
        except AWAY as error:
            raise unavailable("it cannot be reached") from error
        try:
            yield connection
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise unavailable(f"the statement took longer than {self._timeout:g} s") from None
        except AWAY as error:
            raise unavailable("the connection was lost") from error
        finally:
            with contextlib.suppress(*AWAY, TimeoutError):
                await asyncio.shield(pool.release(connection, timeout=self._patience))

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._size,
                    timeout=self._patience,
                    command_timeout=self._timeout,
                    max_inactive_connection_lifetime=300,
                    reset=_nothing_to_reset,
                    server_settings={
                        "application_name": "message-flows",
                        "statement_timeout": str(int(self._timeout * 1000)),
                        "idle_in_transaction_session_timeout": str(int(self._timeout * 1000)),
                    },
                )
            return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                async with asyncio.timeout(self._patience):
                    await pool.close()
            except (TimeoutError, *AWAY):
                pool.terminate()


def _nothing_to_reset(connection: Any) -> Awaitable[None]:
    """No statement of ours leaves anything behind on a connection; transactions end in their own blocks."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
