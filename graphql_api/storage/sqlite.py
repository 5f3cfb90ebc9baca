"""SQLite: reads beside the event loop's work, one writer thread that puts many scripts into one commit."""

import asyncio
import contextlib
import os
import queue
import random
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiosqlite

from graphql_api.storage.engine import Row, Script, Statement, drive, unavailable

T = TypeVar("T")

SCRIPTS_A_COMMIT = 128
WAL_TO_CHECKPOINT = 4 * 2**20  # bytes after which the log is copied into the database file
WAL_BOUND = 64 * 2**20  # bytes after which writers wait for that
PAGE_CACHE = "PRAGMA cache_size = -16384"  # KiB


@dataclass(slots=True)
class Job:
    script: Callable[[], Script[Any]]
    done: asyncio.Future[Any]
    outcome: Any = None
    failure: BaseException | None = None

    def deliver(self) -> None:
        if self.done.done():
            return
        if self.failure is None:
            self.done.set_result(self.outcome)
        else:
            self.done.set_exception(self.failure)


class SqliteStore:
    """One database file; see `engine.Store`.

    Acknowledged means on disk with synchronous FULL (the default); with NORMAL a power cut may take the last commits.
    """

    def __init__(self, path: str, *, synchronous: str = "FULL", timeout: float = 10.0, patience: float = 1.5) -> None:
        """`timeout`: seconds a statement may run; `patience`: seconds to wait for other processes that write."""
        self.heard: Callable[[str], None] | None = None
        self._path = path
        self._synchronous = synchronous
        self._timeout = timeout
        self._patience = patience
        self._deadline = 0.0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._reader: sqlite3.Connection | None = None
        self._scanner: aiosqlite.Connection | None = None
        self._opening = asyncio.Lock()
        self._writer: threading.Thread | None = None

    # Reading

    async def read(self, statement: Statement) -> Sequence[Row]:
        (text,) = statement.shape.sqlite
        self._tell(text.sql)
        arguments = text.arguments(statement.values)
        try:
            if statement.scans:
                return await self._scan(text.sql, arguments)
            self._deadline = time.monotonic() + self._timeout
            return self._reading().execute(text.sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise unavailable(str(error)) from error

    def _reading(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = sqlite3.connect(self._address("ro"), uri=True, isolation_level=None, timeout=self._patience)
            self._prepare(self._reader)
            self._reader.set_progress_handler(lambda: time.monotonic() > self._deadline, 20_000)
        return self._reader

    async def _scan(self, sql: str, arguments: list[Any]) -> Sequence[Row]:
        """What may take long runs in a thread of its own, so that the event loop goes on."""
        connection = await self._scanning()
        try:
            async with asyncio.timeout(self._timeout):
                return list(await connection.execute_fetchall(sql, arguments))  # type: ignore[arg-type]
        except TimeoutError:
            await connection.interrupt()
            raise unavailable(f"the statement took longer than {self._timeout:g} s") from None

    async def _scanning(self) -> aiosqlite.Connection:
        async with self._opening:
            if self._scanner is None:
                self._scanner = await self._connect_async()
            return self._scanner

    async def _connect_async(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(
            self._address("ro"), uri=True, isolation_level=None, timeout=self._patience
        )
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA query_only = ON")
        return connection

    @asynccontextmanager
    async def stream(self, statement: Statement) -> AsyncIterator[AsyncIterator[Row]]:
        (text,) = statement.shape.sqlite
        self._tell(text.sql)
        connection = await self._connect_async()
        try:
            async with connection.execute(text.sql, text.arguments(statement.values)) as cursor:
                yield cursor  # type: ignore[misc]
        finally:
            await connection.close()

    # Writing

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False) -> T:
        """Every script is one transaction here, `together` or not."""
        job = Job(script, asyncio.get_running_loop().create_future())
        if self._writer is None:
            self._writer = threading.Thread(
                target=self._write, args=(asyncio.get_running_loop(),), name="sqlite-writer", daemon=True
            )
            self._writer.start()
        self._jobs.put(job)
        return await job.done  # type: ignore[no-any-return]

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        connection: sqlite3.Connection | None = None
        while (first := self._jobs.get()) is not None:
            jobs = [first]
            try:
                if connection is None:
                    connection = self._writing()
                self._commit(connection, jobs)
            except BaseException as error:
                _fail(jobs, error)
                _close(connection)
                connection = None
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(_deliver, jobs)
            if connection is not None:
                self._checkpoint(connection)
        _close(connection)

    def _commit(self, connection: sqlite3.Connection, jobs: list[Job]) -> None:
        """One transaction for the first job and all that wait by now, each under its savepoint."""
        self._begin(connection)
        try:
            self._attempt(connection, jobs[0])
            while len(jobs) < SCRIPTS_A_COMMIT and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    self._jobs.put(None)
                    break
                jobs.append(job)
                self._attempt(connection, job)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Waits for other processes in short, uneven steps: SQLite's own steps grow and starve under load."""
        until = time.monotonic() + self._patience
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.0002, 0.002))

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> None:
        connection.execute("SAVEPOINT script")
        try:
            job.outcome = drive(job.script(), lambda statement: self._step(connection, statement))
        except sqlite3.IntegrityError as error:
            _undo(connection, job, error)
        except sqlite3.Error:
            raise
        except Exception as error:
            _undo(connection, job, error)
        connection.execute("RELEASE script")

    def _step(self, connection: sqlite3.Connection, statement: Statement) -> Sequence[Row]:
        rows: Sequence[Row] | None = None
        for text in statement.shape.sqlite:
            self._tell(text.sql)
            found = connection.execute(text.sql, text.arguments(statement.values)).fetchall()
            if rows is None:
                rows = found
                if not rows:
                    break
        return rows or ()

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Copies the log into the file when it is long, while nobody waits; past the bound it makes readers yield."""
        try:
            size = os.stat(f"{self._path}-wal").st_size
            if size > WAL_BOUND:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            elif size > WAL_TO_CHECKPOINT and self._jobs.empty():
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except (OSError, sqlite3.Error):
            return

    # Connections

    def _writing(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._address("rw"), uri=True, isolation_level=None, timeout=0, check_same_thread=False
        )
        self._prepare(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_TO_CHECKPOINT}")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute(PAGE_CACHE)

    def _address(self, mode: str) -> str:
        """A missing file is an error, not an empty database."""
        return f"file:{sqlite3_path(self._path)}?mode={mode}"

    def _tell(self, sql: str) -> None:
        if self.heard is not None:
            self.heard(sql)

    async def close(self) -> None:
        """Finishes the scripts that wait, then closes."""
        if self._writer is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._scanner is not None:
            await self._scanner.close()
            self._scanner = None


def sqlite3_path(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _deliver(jobs: list[Job]) -> None:
    for job in jobs:
        job.deliver()


def _fail(jobs: list[Job], error: BaseException) -> None:
    """No commit, no answer: whatever the scripts said, none of it holds."""
    failure = unavailable(str(error)) if isinstance(error, sqlite3.Error) else error
    for job in jobs:
        job.failure = failure


def _undo(connection: sqlite3.Connection, job: Job, error: Exception) -> None:
    connection.execute("ROLLBACK TO script")
    job.failure = error


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
