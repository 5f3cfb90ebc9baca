"""PostgreSQL: a script reads, then writes with one guarded statement; one that loses a race runs again under locks."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import asyncpg

from graphql_api.storage import changes
from graphql_api.storage.batches import Batches
from graphql_api.storage.engine import Row, Script, Several, Shape, Statement, drive_waiting, unavailable
from graphql_api.storage.many import as_given, by_place
from graphql_api.storage.neighbours import Neighbours
from graphql_api.storage.postgres_errors import AWAY, RACES, SILENT, WRONG, Lost, lost, meaning, too_slow
from graphql_api.storage.postgres_lent import Lent
from graphql_api.storage.postgres_pool import Pool
from graphql_api.storage.postgres_signals import Signals
from graphql_api.storage.postgres_stream import begun, streamed
from graphql_api.storage.queues import Queues, Slots
from graphql_api.storage.recalled import Recalled, recalling

T = TypeVar("T")

TRIES = 10


class PostgresStore:
    """One database; see `engine.Store`."""

    def __init__(
        self,
        dsn: str,
        *,
        size: int = 10,
        timeout: float = 10.0,
        patience: float = 1.5,
        batch: int = 64,
        neighbours: Path | None = None,
    ) -> None:
        """`size`: connections; `timeout`: seconds a statement may run; `patience`: seconds to wait for a connection;
        `batch`: statements that are sent together when they wait at the same moment, 1 for none; `neighbours`: folder
        in which the processes of one server tell each other what they wrote."""
        self.heard: Callable[[str], None] | None = None
        self._timeout = timeout
        self._recalled = Recalled()
        self._neighbours = Neighbours(neighbours, self._recalled.hear) if neighbours else None
        if self._neighbours is not None:
            self._recalled.tell = self._neighbours.tell
        self._pool = Pool(dsn, size=size, timeout=timeout, patience=patience, regained=self._recalled.clear)
        self._queues = Queues("others change the same flow")
        self._turns = Slots(max(1, size // 2), "too many others wait for rows that are locked")
        self._aside = Slots(max(1, size * 2 // 3), "other long statements keep it busy")
        self._signals = Signals(dsn, self._pool)
        again = (Lost, *RACES, *WRONG)
        self._batches = Batches(self._alone, self._together, batch, again, self._pool.trouble) if batch > 1 else None

    def read(self, statement: Statement) -> Awaitable[Sequence[Row]]:
        return self._apart(statement, self._pool.until())

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False, flow: str = "") -> T:
        """Once without locks, as most edits meet nobody; after a lost race in its turn, on one connection.

        Only there it waits for locks: those of one flow one after another, all together with half of the connections.
        """
        until = self._pool.until()
        is_alone = not together
        while True:
            try:
                if is_alone:
                    try:
                        edit = recalling(self._recalled, script)
                        return await drive_waiting(edit, partial(self._apart, until=until))
                    except RACES:
                        is_alone, until = False, self._pool.until()
                async with (
                    self._queues.taken(flow, until),
                    self._turns.taken(until),
                    Lent(self._pool, until, self._meaning) as connection,
                ):
                    return await self._in_turn(script, connection)
            except Lost:  # the next connection is waited for until the same moment
                continue

    async def _in_turn(self, script: Callable[[], Script[T]], connection: Any) -> T:
        for _ in range(TRIES):
            with contextlib.suppress(*RACES):
                return await self._in_transaction(script(), connection)
        raise unavailable("too many others change the same flow")

    async def _in_transaction(self, script: Script[T], connection: Any) -> T:
        try:
            transaction = await begun(connection)
        except SILENT as error:
            raise lost(error, may_have_written=False) from error
        try:
            done = await drive_waiting(script, lambda statement: self._step(connection, statement, locks=True))
        except BaseException:
            with contextlib.suppress(*AWAY, asyncpg.PostgresError):
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except SILENT as error:
            raise lost(error, may_have_written=True) from error
        self._signals.tell()
        return done

    def _apart(self, statement: Statement, until: float) -> Awaitable[Sequence[Row]]:
        """A statement outside a transaction, with others of its shape if it may be.

        Those that may take long leave a third of the connections to all others.
        """
        if statement.scans:
            return self._scanned(statement, until)
        if self._batches is not None and statement.shape.single and not isinstance(statement, Several):
            return self._batches.rows(statement, until)
        return self._alone(statement, until)

    async def _scanned(self, statement: Statement, until: float) -> Sequence[Row]:
        async with self._aside.taken(until):
            return await self._alone(statement, until)

    def _meaning(self, error: BaseException) -> Exception | None:
        return meaning(error, self._timeout)

    def _meaning_of_many(self, error: BaseException) -> Exception | None:
        return None if isinstance(error, WRONG) else self._meaning(error)

    async def _alone(self, statement: Statement, until: float | None = None) -> Sequence[Row]:
        """A read whose connection is lost, or that stands in the way of others, is made again."""
        until = until or self._pool.until()
        while True:
            try:
                async with Lent(self._pool, until, self._meaning) as connection:
                    rows = await self._step(connection, statement, locks=False)
                break
            except (Lost, *RACES):
                if statement.shape.writes:
                    raise
                if monotonic() >= until:  # which the pool does not look at where a connection is at hand
                    raise unavailable("the statement was broken off again and again") from None
        if statement.shape.writes:
            self._signals.tell()
        return rows

    async def _together(
        self, shape: Shape, values: Callable[[], Sequence[Mapping[str, Any]]], until: float
    ) -> Sequence[Row]:
        """One implicit transaction; all or nothing of it is done."""
        async with Lent(self._pool, until, self._meaning_of_many) as connection:
            given = values()
            if not given:
                return ()
            began = monotonic()
            try:
                rows = await self._fetched(connection, shape.batched.sql, shape.writes, as_given(given))
            except asyncpg.QueryCanceledError as error:
                if monotonic() < began + self._timeout:
                    raise
                raise too_slow(self._timeout) from error  # nobody stopped it: one by one they would take as long
        if shape.writes:
            self._signals.tell()
        return rows

    async def _step(self, connection: Any, statement: Statement, *, locks: bool) -> Sequence[Any]:
        """With `locks` a transaction is open, so that nothing is changed before its commit."""
        shape = statement.shape
        may_have_written = shape.writes and not locks
        if locks:
            self._recalled.forget_written(statement)
        if isinstance(statement, Several):
            given = as_given(one.values for one in statement.statements)
            rows = await self._fetched(connection, shape.batched.sql, may_have_written, given)
            return by_place(rows, len(statement.statements))
        text = shape.postgresql
        sql = f"{text.sql} FOR UPDATE" if locks and shape.locks else text.sql
        return await self._fetched(connection, sql, may_have_written, *text.arguments(statement.values))

    async def _fetched(self, connection: Any, sql: str, may_have_written: bool, *arguments: Any) -> Sequence[Row]:
        self._tell(sql)
        try:
            return await connection.fetch(sql, *arguments)  # type: ignore[no-any-return]
        except SILENT as error:
            if not isinstance(error, ValueError):
                connection.terminate()  # else an answer that comes late, or never, would be the next caller's trouble
            raise lost(error, may_have_written) from error
        except asyncpg.ReadOnlySQLTransactionError:
            connection.terminate()  # it stays so, as may the idle ones; a new one may lead to where changes are taken
            self._pool.hang_up_idle()
            raise

    @asynccontextmanager
    async def stream(self, statement: Statement) -> AsyncIterator[AsyncIterator[Row]]:
        text = statement.shape.postgresql
        self._tell(text.sql)
        async with (
            Lent(self._pool, self._pool.until(), self._meaning) as connection,
            streamed(connection, text.sql, text.arguments(statement.values)) as rows,
        ):
            yield rows

    def _tell(self, sql: str) -> None:
        if self.heard is not None:
            self.heard(sql)

    def commits(self) -> AsyncGenerator[None]:
        return self._signals.heard()

    async def writing(self) -> frozenset[str]:
        return frozenset(row["name"] for row in await self._alone(changes.WRITERS))

    def figures(self) -> Mapping[str, float]:
        return self._pool.figures()

    async def close(self) -> None:
        if self._neighbours is not None:
            self._neighbours.close()
        await self._signals.close()
        await self._pool.close()
        if self._batches is not None:
            await self._batches.close()
