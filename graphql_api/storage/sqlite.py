"""SQLite: short reads on the event loop, long ones aside in threads, all writing in one thread."""

import os
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from graphql_api.domain.errors import Refused
from graphql_api.storage import sqlite_file
from graphql_api.storage.engine import Row, Script, Statement
from graphql_api.storage.signals import Bell, wait_at_most
from graphql_api.storage.sqlite_file import FileId
from graphql_api.storage.sqlite_long_reads import LongReads
from graphql_api.storage.sqlite_short_reads import ShortReads
from graphql_api.storage.sqlite_writer import Writer

T = TypeVar("T")

LOOK = 1.0
"""Seconds between two looks whether the file is still the same."""

GLANCE = 0.05
"""Seconds between two looks whether another process has committed, while somebody waits for it."""


class SqliteStore:
    """One database file; see `engine.Store`.

    Acknowledged means on disk with synchronous FULL (the default); with NORMAL a power cut may take the last commits.
    """

    def __init__(
        self, path: str, *, synchronous: str = "FULL", batch: int = 64, timeout: float = 10.0, patience: float = 1.5
    ) -> None:
        """`batch`: edits that are committed, and reads that are made, together; `timeout`: seconds a statement may run;
        `patience`: seconds to wait for other processes that write."""
        self.heard: Callable[[str], None] | None = None
        self._path = path
        self._file: FileId = (0, 0)
        self._looked = 0.0
        self._long_reads = LongReads(path, timeout=timeout, patience=patience)
        self._short_reads = ShortReads(path, self._long_reads.may_open, batch)
        self._bell = Bell()
        self._writer = Writer(
            path,
            self._tell,
            self._bell.ring,
            synchronous=synchronous,
            batch=batch,
            timeout=timeout,
            patience=patience,
        )

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False, flow: str = "") -> T:
        """Every script is one transaction here, `together` or not."""
        try:
            return await self._writer.run(script)
        except (Refused, sqlite3.Error):
            if self._writer.is_broken:
                self._writer.is_broken = False
                self._open_anew()
            raise

    async def read(self, statement: Statement) -> Sequence[Row]:
        (text,) = statement.shape.sqlite
        self._tell(text.sql)
        arguments = text.arguments(statement.values)
        try:
            self._look()
            if statement.scans:
                return await self._long_reads.read(text.sql, arguments)
            try:
                return await self._short_reads.rows(text.sql, arguments)
            except sqlite3.OperationalError as error:
                if sqlite_file.kind(error) not in (sqlite_file.BUSY, sqlite_file.INTERRUPTED):
                    raise
                return await self._long_reads.read(text.sql, arguments)
        except sqlite3.Error as error:
            self._heed(error)
            raise sqlite_file.refusal(error) from error

    @asynccontextmanager
    async def stream(self, statement: Statement) -> AsyncIterator[AsyncIterator[Row]]:
        (text,) = statement.shape.sqlite
        self._tell(text.sql)
        try:
            self._look()
            async with self._long_reads.stream(text.sql, text.arguments(statement.values)) as rows:
                yield rows
        except sqlite3.Error as error:
            raise sqlite_file.refusal(error) from error

    async def commits(self) -> AsyncGenerator[None]:
        seen = None
        with self._bell.heard() as rung:
            while True:
                await wait_at_most(GLANCE, rung)
                if rung.is_set() or seen is None or seen != self._version():
                    rung.clear()
                    seen = self._version()
                    yield

    def _version(self) -> int:
        """Changes with every commit of any other connection, also of our own writer; 0 while it cannot be told."""
        try:
            self._look()
            return int(self._short_reads.now("PRAGMA data_version")[0]["data_version"])
        except sqlite3.Error as error:
            self._heed(error)
            return 0
        except Refused:
            return 0

    async def writing(self) -> frozenset[str]:
        """Nobody writes beside anybody else: positions are given in the order of commits."""
        return frozenset()

    def _look(self) -> None:
        """A file that took the place of the one that was opened is opened anew; raises Refused when there is none."""
        now = time.monotonic()
        if now >= self._looked + LOOK:
            file = sqlite_file.file_at(self._path)
            if file != self._file:
                self._hang_up()
                self._file = file
            self._looked = now

    def _heed(self, error: sqlite3.Error) -> None:
        if sqlite_file.stays(error):
            self._open_anew()

    def _open_anew(self) -> None:
        """The next look takes even the same file for another one; connections that are in use end with their use."""
        self._file, self._looked = (0, 0), 0.0
        self._hang_up()

    def _hang_up(self) -> None:
        self._short_reads.hang_up()
        self._long_reads.hang_up()

    def _tell(self, sql: str) -> None:
        if self.heard is not None:
            self.heard(sql)

    def figures(self) -> Mapping[str, float]:
        try:
            return {"wal_bytes": os.stat(sqlite_file.log_of(self._path)).st_size}
        except OSError:
            return {"wal_bytes": 0}

    async def close(self) -> None:
        """Ends reads and finishes the scripts that wait.

        The writer is the last one out: who closes the file last and may write copies the log into it.
        """
        self._hang_up()
        await self._long_reads.close()
        await self._writer.close()
