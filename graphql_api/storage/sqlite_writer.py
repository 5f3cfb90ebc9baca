"""The one thread that writes to a SQLite file: many scripts to a commit, each under its own savepoint."""

import asyncio
import contextlib
import os
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from graphql_api.storage import sqlite_file, tally
from graphql_api.storage.engine import Row, Script, Statement, drive, of_unknown_outcome, unavailable
from graphql_api.storage.sqlite_file import Deadline, File

T = TypeVar("T")

SCRIPTS_A_COMMIT = 128
WAL_TO_COPY = 4 * 2**20  # bytes of the log that are copied into the database file when no script waits
WAL_TO_COPY_NOW = 16 * 2**20  # … even when scripts wait
WAL_BOUND = 64 * 2**20  # … and from which on the log is also cut as soon as no reader needs it
STEP = (0.0001, 0.0006)  # seconds between two tries to begin while another process writes
COURTESY = 0.002  # seconds that other processes are left to begin, longer than a step of theirs
OTHERS_LATELY = 0.2  # seconds for which other processes that wrote are expected to write again


class Job(msgspec.Struct, eq=False):
    """A script and who waits for it; whoever takes the claim first decides: it is run, or its caller gives up."""

    script: Callable[[], Script[Any]]
    done: asyncio.Future[Any]
    until: float
    claim: threading.Lock = msgspec.field(default_factory=threading.Lock)
    outcome: Any = None
    failure: Exception | None = None

    def taken(self) -> bool:
        return self.claim.acquire(blocking=False)

    def give_up(self) -> None:
        if self.taken() and not self.done.done():
            self.done.set_exception(unavailable("other changes keep it busy"))

    def deliver(self) -> None:
        if self.done.done():  # its caller is gone
            return
        if self.failure is None:
            self.done.set_result(self.outcome)
        else:
            self.done.set_exception(self.failure)


class Writer:
    """Runs scripts one after another in its thread; an answer leaves only after its commit."""

    def __init__(
        self,
        path: str,
        tell: Callable[[str], None],
        committed: Callable[[], None],
        *,
        synchronous: str,
        timeout: float,
        patience: float,
    ) -> None:
        """`tell` hears every statement before it runs, `committed` every commit after it, both in the thread."""
        self._path = path
        self._tell = tell
        self._committed = committed
        self._synchronous = synchronous
        self._timeout = timeout
        self._patience = patience
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._fresh: list[Job] = []
        self._thread: threading.Thread | None = None
        self._closed = False
        self._open: sqlite3.Connection | None = None
        self._file: File = (0, 0)
        self._deadline = Deadline()
        self._data_version = 0
        self._others_until = 0.0
        self._not_before = 0.0

    # On the event loop

    async def run(self, script: Callable[[], Script[T]]) -> T:
        """A caller that is cancelled before its script has begun leaves no trace; after that the script is finished."""
        if self._closed:
            raise unavailable("the server is stopping")
        loop = asyncio.get_running_loop()
        job = Job(script, loop.create_future(), time.monotonic() + self._patience)
        self._fresh.append(job)
        if len(self._fresh) == 1:
            loop.call_soon(self._hand_over)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
            self._thread.start()
        impatience = loop.call_later(self._patience, job.give_up)
        try:
            return await job.done  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            job.taken()
            raise
        finally:
            impatience.cancel()

    def _hand_over(self) -> None:
        """All that came in one turn of the event loop at once: the thread wakes once, and commits them together."""
        for job in self._fresh:
            self._jobs.put(job)
        self._fresh.clear()

    async def close(self) -> None:
        """Finishes the scripts that wait, then closes."""
        self._closed = True
        self._hand_over()
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    # In the thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._round(job)
            self._checkpoint()
        self._hang_up()

    def _round(self, first: Job) -> None:
        """One commit for the first job and all that wait by then."""
        try:
            connection = self._begun(first)
        except Exception as error:
            if first.taken():
                self._fail([first], error)
            return
        jobs: list[Job] = []
        try:
            for job in self._waiting(first):
                jobs.append(job)
                self._attempt(connection, job)
        except sqlite3.Error:
            self._hang_up()
            self._one_by_one(jobs)
        else:
            self._commit(connection, jobs)

    def _waiting(self, first: Job) -> Iterator[Job]:
        """The jobs of a commit; those whose callers gave up are left out."""
        if first.taken():
            yield first
        for _ in range(SCRIPTS_A_COMMIT - 1):
            if self._jobs.empty():
                return
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                return
            if job.taken():
                yield job

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> None:
        """A script that fails takes back its own savepoint; raises sqlite3.Error when all others are lost with it."""
        connection.execute("SAVEPOINT script")
        self._deadline.until = time.monotonic() + self._timeout
        try:
            job.outcome = drive(job.script(), lambda statement: self._step(connection, statement))
        except Exception as error:
            job.failure = sqlite_file.refusal(error)
            self._deadline.until = time.monotonic() + self._timeout
            connection.execute("ROLLBACK TO script")
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

    def _one_by_one(self, jobs: list[Job]) -> None:
        """One script has cost the whole transaction: each is run once more, in a commit of its own."""
        for job in jobs:
            job.outcome = job.failure = None
            try:
                connection = self._begun(job)
                self._attempt(connection, job)
            except Exception as error:
                self._hang_up()
                self._fail([job], job.failure or error)
            else:
                self._commit(connection, [job])

    def _commit(self, connection: sqlite3.Connection, jobs: list[Job]) -> None:
        try:
            self._deadline.until = time.monotonic() + self._timeout
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._hang_up()
            self._fail(jobs, error)
            return
        if time.monotonic() < self._others_until:
            self._not_before = time.monotonic() + COURTESY
        tally.tell("batch", len(jobs))
        _deliver(jobs)
        self._committed()

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        """No commit, no answer: whatever the scripts said, none of it holds."""
        is_unknown = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_FSYNC
        failure = of_unknown_outcome("its disk reports an error") if is_unknown else sqlite_file.refusal(error)
        for job in jobs:
            job.failure = failure
        _deliver(jobs)

    # Transactions among processes

    def _begun(self, job: Job) -> sqlite3.Connection:
        """A transaction that may write; waits for other processes as long as the caller of the job does.

        In short, uneven steps: SQLite's own steps grow, so that who waits longest is served last. A process that
        has just committed steps back when others have written lately, so that they come in turn.
        """
        time.sleep(max(0.0, self._not_before - time.monotonic()))
        while True:
            try:
                connection = self._connection()
                connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if sqlite_file.kind(error) != sqlite_file.BUSY or time.monotonic() > job.until:
                    raise
            time.sleep(random.uniform(*STEP))
        self._look_out_for_others(connection)
        return connection

    def _look_out_for_others(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            self._data_version = version
            self._others_until = time.monotonic() + OTHERS_LATELY

    def _connection(self) -> sqlite3.Connection:
        """A file that took the place of the one that was opened is opened anew: nothing is written to the old one."""
        file = sqlite_file.file_at(self._path)
        if self._open is not None and self._file == file:
            return self._open
        self._hang_up()
        connection = sqlite_file.connect(self._path, "rw")
        try:
            self._deadline = Deadline(connection)
            self._deadline.until = time.monotonic() + self._timeout
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_TO_COPY}")
            (self._data_version,) = connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        self._open, self._file = connection, file
        return connection

    def _hang_up(self) -> None:
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None

    def _checkpoint(self) -> None:
        """Copies the log into the database file, so that the log starts again from its beginning.

        A reader that holds on to an old state of the database, such as an export, keeps the log from starting again
        for as long as it reads; statements of the server end after `timeout`.
        """
        try:
            size = os.stat(f"{self._path}-wal").st_size
            if self._open is None or size <= WAL_TO_COPY:
                return
            if size > WAL_TO_COPY_NOW or self._jobs.empty():
                self._deadline.until = time.monotonic() + self._timeout
                mode = "TRUNCATE" if size > WAL_BOUND else "PASSIVE"
                self._open.execute(f"PRAGMA wal_checkpoint({mode})")
        except (OSError, sqlite3.Error):
            return  # the next round tries again


def _deliver(jobs: list[Job]) -> None:
    for loop in {job.done.get_loop() for job in jobs}:
        theirs = [job for job in jobs if job.done.get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits
            loop.call_soon_threadsafe(_deliver_on_loop, theirs)


def _deliver_on_loop(jobs: list[Job]) -> None:
    for job in jobs:
        job.deliver()
