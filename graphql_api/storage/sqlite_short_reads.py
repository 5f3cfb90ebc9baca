"""Short reads of a SQLite file, on the event loop: those of the same moment one after another, in one transaction.

So the file is locked and let go once for all of them, and each stage of many requests finds in the processor's caches
what the one before has left there: a read in the middle of every request made it a fifth dearer.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from graphql_api.storage import sqlite_file
from graphql_api.storage.engine import Row
from graphql_api.storage.sqlite_file import Deadline

LONGEST_INLINE = 0.05
"""Seconds that a read may hold up the event loop; those behind it are begun later when together they took as long."""


class PendingRead(msgspec.Struct, eq=False):
    sql: str
    arguments: Sequence[Any]
    rows: asyncio.Future[Sequence[Row]]


class ShortReads:
    """One connection, made when it is first needed."""

    def __init__(self, path: str, may_open: Callable[[], None], most: int) -> None:
        """`may_open` raises Refused where no connection may be made any more; `most`: reads of one transaction."""
        self._path = path
        self._most = most
        self._may_open = may_open
        self._open: sqlite3.Connection | None = None
        self._deadline = Deadline()
        self._waiting: deque[PendingRead] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def rows(self, sql: str, arguments: Sequence[Any]) -> "asyncio.Future[Sequence[Row]]":
        """Read when all that has come in this moment has been heard; ends in Refused or in sqlite3.Error."""
        if not self._waiting:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._read)
        assert self._loop is not None
        rows: asyncio.Future[Sequence[Row]] = self._loop.create_future()
        self._waiting.append(PendingRead(sql, arguments, rows))
        return rows

    def now(self, sql: str) -> Sequence[Row]:
        connection = self._connection()
        self._deadline.until = time.monotonic() + LONGEST_INLINE
        return connection.execute(sql).fetchall()

    def _read(self) -> None:
        """As many as may be, and as there is time for; the others when the answers to these have been written."""
        number = min(self._most, len(self._waiting))
        try:
            connection = self._connection()
            if number > 1:
                connection.execute("BEGIN")
        except Exception as error:
            self._fail(error)
            return
        now = time.monotonic()
        until = now + LONGEST_INLINE
        for _ in range(number):
            self._deadline.until = now + LONGEST_INLINE
            one = self._waiting.popleft()
            if not one.rows.done():
                try:
                    one.rows.set_result(connection.execute(one.sql, one.arguments).fetchall())
                except Exception as error:
                    one.rows.set_exception(error)
            now = time.monotonic()
            if now >= until:
                break
        self._end(connection)
        if self._waiting and self._loop is not None:
            self._loop.call_soon(self._read)

    def _fail(self, error: Exception) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            if not one.rows.done():
                one.rows.set_exception(error)

    def _end(self, connection: sqlite3.Connection) -> None:
        """A connection that stayed in its transaction would never see a later change."""
        try:
            if connection.in_transaction:
                connection.execute("COMMIT")
        except (sqlite3.Error, MemoryError):
            self.hang_up()

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._may_open()
            self._open = sqlite_file.connect(self._path, "ro")
            self._deadline = Deadline(self._open)
        return self._open

    def hang_up(self) -> None:
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None
