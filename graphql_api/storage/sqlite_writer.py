"""The one thread that writes to a SQLite file: many scripts to a commit, each of which can be taken back alone."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from graphql_api.domain.errors import Refused
from graphql_api.storage import sqlite_file, tally
from graphql_api.storage.engine import Row, Script, Several, Statement, drive, unavailable
from graphql_api.storage.recalled import Recalled, recalling
from graphql_api.storage.sqlite_jobs import Job, deliver
from graphql_api.storage.sqlite_turns import WriteTransactions

T = TypeVar("T")

LONG = 0.1
"""Seconds after which no more scripts join a commit: those that are done must not wait for all that are slow."""

EMPTY_ROW: Row = MappingProxyType({})


class Spoilt(Exception):
    """A script has failed after it had written: nothing of its transaction can be kept."""


class Writer:
    """Runs scripts one after another in its thread; an answer leaves only after its commit."""

    def __init__(
        self,
        path: str,
        tell: Callable[[str], None],
        committed: Callable[[], None],
        *,
        synchronous: str,
        batch: int,
        timeout: float,
        patience: float,
    ) -> None:
        """`batch`: most scripts of a commit; `tell` hears every statement before it runs, `committed` every commit
        after it, both in the thread."""
        self._tell = tell
        self._committed = committed
        self._batch = batch
        self._patience = patience
        self._recalled = Recalled()
        self._transactions = WriteTransactions(path, self._recalled.clear, synchronous=synchronous, timeout=timeout)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._fresh: list[Job] = []
        self._waiting: dict[Job, None] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None
        self._is_working = False
        self._closed = False
        # Set in the thread by an error that stays, until whoever else holds connections has let go of them.
        self.is_broken = False

    # On the event loop

    async def run(self, script: Callable[[], Script[T]]) -> T:
        """A caller that is cancelled before its script has begun leaves no trace; after that the script is finished."""
        if self._closed:
            raise unavailable("the server is stopping")
        if not self._is_working:
            self._begin_to_work()
        loop = asyncio.get_running_loop()
        job = Job(script, loop.create_future(), time.monotonic() + self._patience)
        self._fresh.append(job)
        self._waiting[job] = None
        if len(self._fresh) == 1:
            loop.call_soon(self._hand_over)
        if self._watch is None:
            self._watch = loop.call_later(self._patience, self._look)
        try:
            return await job.done  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            job.taken()
            raise
        finally:
            del self._waiting[job]

    def _begin_to_work(self) -> None:
        thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._is_working = True
        try:
            thread.start()
        except RuntimeError:
            self._is_working = False
            raise unavailable("no thread can be started") from None
        self._thread = thread

    def _look(self) -> None:
        """One timer for all that wait, who wait equally long: most are answered before it rings."""
        now = time.monotonic()
        self._watch = None
        for job in self._waiting:
            if job.until > now:
                self._watch = asyncio.get_running_loop().call_later(job.until - now, self._look)
                return
            job.give_up()

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
        if self._watch is not None:
            self._watch.cancel()

    # In the thread

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                self._round(job)
                self._transactions.copy_log(is_idle=self._jobs.empty())
            self._transactions.hang_up()
        finally:
            self._is_working = False

    def _round(self, first: Job) -> None:
        """One commit for the first job and all that wait by then."""
        try:
            connection = self._transactions.begin(first.until)
        except Exception as error:
            self._hang_up(error)
            if first.taken():
                self._fail([first], sqlite_file.refusal(error))
            return
        jobs: list[Job] = []
        try:
            for job in self._jobs_with(first):
                jobs.append(job)
                self._attempt(connection, job)
        except Spoilt:
            self._take_back()
            self._one_by_one(jobs)
        else:
            self._commit(connection, jobs)

    def _jobs_with(self, first: Job) -> Iterator[Job]:
        """The jobs of a commit; those whose callers gave up are left out."""
        until = time.monotonic() + LONG
        if first.taken():
            yield first
        for _ in range(self._batch - 1):
            if self._jobs.empty() or time.monotonic() > until:
                return
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                return
            if job.taken():
                yield job

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> None:
        """Runs a script; one that fails has mostly written nothing by then, else it raises Spoilt.

        A savepoint for each would let the others go on, and all would pay for what hardly ever happens.
        """
        self._transactions.give_time()
        before = connection.total_changes
        try:
            job.outcome = drive(recalling(self._recalled, job.script), partial(self._step, connection))
        except Exception as error:
            job.failure = sqlite_file.refusal(error)
            if connection.total_changes != before or not connection.in_transaction:
                raise Spoilt from error

    def _step(self, connection: sqlite3.Connection, statement: Statement) -> Sequence[Any]:
        """What returns no rows is told with an empty one for each row that it wrote."""
        if isinstance(statement, Several):
            self._recalled.forget_written(statement)
            return [self._step(connection, one) for one in statement.statements]
        values = statement.values
        rows: Sequence[Row] | None = None
        for text in statement.shape.sqlite:
            self._tell(text.sql)
            found = connection.execute(text.sql, text.arguments(values))
            if rows is None:
                rows = found.fetchall() if found.description else (EMPTY_ROW,) * found.rowcount
                if not rows:
                    break
        return rows or ()

    def _one_by_one(self, jobs: list[Job]) -> None:
        """One script has cost the whole transaction: each is run once more, in a commit of its own.

        So is the one that failed, which may have seen what the others wrote; but not one whose caller is gone.
        """
        for job in jobs:
            if job.done.cancelled():
                continue
            job.outcome = job.failure = None
            try:
                connection = self._transactions.begin(job.until)
                self._attempt(connection, job)
            except Spoilt:
                self._take_back()
                deliver([job])
            except Exception as error:
                self._hang_up(error)
                self._fail([job], sqlite_file.refusal(error))
            else:
                self._commit(connection, [job])

    def _hang_up(self, error: Exception) -> None:
        if isinstance(error, Refused):  # before anything was begun
            return
        self._transactions.hang_up()
        self.is_broken |= sqlite_file.stays(error)

    def _take_back(self) -> None:
        try:
            self._transactions.take_back()
        except sqlite3.Error:
            self._transactions.hang_up()

    def _commit(self, connection: sqlite3.Connection, jobs: list[Job]) -> None:
        try:
            self._transactions.commit(connection)
        except (sqlite3.Error, MemoryError) as error:
            self._hang_up(error)
            self._fail(jobs, sqlite_file.refusal_of_commit(error))
            return
        tally.tell("batch", len(jobs))
        deliver(jobs)
        self._committed()

    def _fail(self, jobs: list[Job], failure: Exception) -> None:
        """No commit, no answer: whatever the scripts said, none of it holds."""
        for job in jobs:
            job.failure = failure
        deliver(jobs)
