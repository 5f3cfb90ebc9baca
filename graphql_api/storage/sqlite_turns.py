"""The connection that writes to a SQLite file: its turns among other processes that write, its deadlines, its log."""

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable

from graphql_api.storage import sqlite_file
from graphql_api.storage.engine import unavailable
from graphql_api.storage.sqlite_file import Deadline, FileId

WAL_TO_COPY = 4 * 2**20  # bytes of the log that are copied into the database file when no script waits
WAL_TO_COPY_NOW = 16 * 2**20  # … even when scripts wait
WAL_BOUND = 64 * 2**20  # … and from which on the log is also cut as soon as no reader needs it
STEP = (0.0001, 0.0006)  # seconds between two tries to begin while another process writes
COURTESY = 0.002  # seconds that other processes are left to begin, longer than a step of theirs
OTHERS_LATELY = 0.2  # seconds for which other processes that wrote are expected to write again


class WriteTransactions:
    """Transactions, one after another, of one thread."""

    def __init__(self, path: str, changed: Callable[[], None], *, synchronous: str, timeout: float) -> None:
        """`changed` hears, before a transaction is used, that others may have written since the last one."""
        self._path = path
        self._changed = changed
        self._synchronous = synchronous
        self._timeout = timeout
        self._open: sqlite3.Connection | None = None
        self._file: FileId = (0, 0)
        self._log = ""
        self._log_file: FileId | None = None
        self._deadline = Deadline()
        self._data_version = 0
        self._others_until = 0.0
        self._not_before = 0.0

    def begin(self, until: float) -> sqlite3.Connection:
        """A transaction that may write; waits for other processes until a moment, and raises sqlite3.Error then.

        In short, uneven steps: SQLite's own steps grow, so that who waits longest is served last. A process that
        has just committed steps back when others have written lately, so that they come in turn.
        """
        if self._not_before:
            time.sleep(max(0.0, self._not_before - time.monotonic()))
            self._not_before = 0.0
        while True:
            try:
                connection = self._connection()
                self._take_all_time()
                connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if sqlite_file.kind(error) != sqlite_file.BUSY or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(*STEP))
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            self._data_version = version
            self._others_until = time.monotonic() + OTHERS_LATELY
            self._changed()
        return connection

    def _take_all_time(self) -> None:
        """What begins or ends a transaction is mostly done when it is interrupted: it would be told as refused."""
        self._deadline.until = float("inf")

    def give_time(self) -> None:
        """What runs from now on has the whole time that a statement may take."""
        self._deadline.until = time.monotonic() + self._timeout

    def commit(self, connection: sqlite3.Connection) -> None:
        self._take_all_time()
        connection.execute("COMMIT")
        if self._others_until and (now := time.monotonic()) < self._others_until:
            self._not_before = now + COURTESY

    def _connection(self) -> sqlite3.Connection:
        """A file that took the place of the one that was opened is opened anew: nothing is written to the old one.

        One whose log was taken away is not: SQLite would share what it knows of the old log with the new connection.
        The last one to be closed copies what is in the old log; nothing is added to it that a crash would take away.
        """
        file = sqlite_file.file_at(self._path)
        if self._open is not None and self._file == file:
            if sqlite_file.found(self._log) != self._log_file:
                raise unavailable("its log was taken away, restart the server")
            return self._open
        self.hang_up()
        connection = sqlite_file.connect(self._path, "rw")
        try:
            self._deadline = Deadline(connection)
            self.give_time()
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_TO_COPY}")
            (self._data_version,) = connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        self._open, self._file, self._log = connection, file, sqlite_file.log_of(self._path)
        self._log_file = sqlite_file.found(self._log)
        self._changed()
        return connection

    def take_back(self) -> None:
        """What is not committed; the connection stays."""
        assert self._open is not None
        self._take_all_time()
        if self._open.in_transaction:
            self._open.execute("ROLLBACK")
        self._changed()

    def hang_up(self) -> None:
        """Takes back what is not committed."""
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None

    def copy_log(self, *, is_idle: bool) -> None:
        """Copies the log into the database file, so that the log starts again from its beginning.

        A reader that holds on to an old state of the database, such as an export, keeps the log from starting again
        for as long as it reads; statements of the server end after `timeout`.
        """
        try:
            if self._open is None or (size := os.stat(self._log).st_size) <= WAL_TO_COPY:
                return
            if size > WAL_TO_COPY_NOW or is_idle:
                self.give_time()
                mode = "TRUNCATE" if size > WAL_BOUND else "PASSIVE"
                self._open.execute(f"PRAGMA wal_checkpoint({mode})")
        except (OSError, sqlite3.Error):
            return  # the next round tries again
