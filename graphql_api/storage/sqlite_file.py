"""A SQLite database file: how it is opened, whether it is still the same one, and what its errors mean."""

import os
import sqlite3
import time

from graphql_api.domain.errors import Refused
from graphql_api.storage.engine import NoTables, of_unknown_outcome, unavailable

PAGE_CACHE = "PRAGMA cache_size = -8192"  # KiB
STATEMENTS_KEPT = 512
INSTRUCTIONS = 20_000
"""Steps of SQLite's virtual machine between two looks at the clock; less than a millisecond."""

FileId = tuple[int, int]
"""Device and number of a file: another one when something else took its place."""

BUSY = sqlite3.SQLITE_BUSY
INTERRUPTED = sqlite3.SQLITE_INTERRUPT

WHY = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps it locked",
    sqlite3.SQLITE_PROTOCOL: "other processes keep it locked",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_IOERR: "its disk reports an error",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_READONLY: "its file may only be read",
    sqlite3.SQLITE_PERM: "its file may not be used",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is not a SQLite database",
    sqlite3.SQLITE_NOMEM: "memory is short",
    sqlite3.SQLITE_INTERRUPT: "the statement took too long (statement_timeout)",
}
PASSING = {
    0,  # what Python's module itself found wrong
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CONSTRAINT,
}
OTHER_TABLES = ("no such column", "has no column named")


class Deadline:
    """Ends statements that run too long, as the progress handler of a connection."""

    def __init__(self, connection: sqlite3.Connection | None = None) -> None:
        self.until = 0.0
        if connection is not None:
            connection.set_progress_handler(self, INSTRUCTIONS)

    def __call__(self) -> bool:
        return time.monotonic() > self.until


def connect(path: str, mode: str) -> sqlite3.Connection:
    """Never waits for a lock; `mode` is `ro` or `rw`."""
    connection = sqlite3.connect(
        address(path, mode),
        uri=True,
        isolation_level=None,
        timeout=0,
        check_same_thread=False,
        cached_statements=STATEMENTS_KEPT,
    )
    connection.row_factory = sqlite3.Row
    try:
        connection.execute(PAGE_CACHE)
    except sqlite3.Error:  # of a file that is none of SQLite's
        connection.close()
        raise
    return connection


def address(path: str, mode: str) -> str:
    """With these modes a missing file is an error, not an empty database."""
    return f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode={mode}"


def file_at(path: str) -> FileId:
    try:
        found = os.stat(path)
    except OSError as error:
        raise unavailable("its file is gone") from error
    return found.st_dev, found.st_ino


def found(path: str) -> FileId | None:
    try:
        return file_at(path)
    except Refused:
        return None


def log_of(path: str) -> str:
    """The log lies beside the file itself, also when `path` is a link to it."""
    return f"{os.path.realpath(path)}-wal"


def kind(error: sqlite3.Error) -> int:
    """The primary error code; 0 for what Python's module itself found wrong."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def stays(error: Exception) -> bool:
    """Whether connections may go on failing like this when the cause is gone: by what they remember of the file, or by
    what SQLite shares among those of a process until the last of them is closed."""
    return isinstance(error, sqlite3.Error) and kind(error) not in PASSING


def refusal(error: Exception) -> Exception:
    """An error of the database as a refusal; any other error, which is a fault of ours, as it is."""
    if isinstance(error, Refused) or not isinstance(error, sqlite3.Error):
        return error
    if "no such table" in str(error):
        return NoTables()
    why = WHY.get(kind(error))
    if why is None and any(words in str(error) for words in OTHER_TABLES):
        return NoTables()
    return error if why is None else unavailable(why)


def refusal_of_commit(error: sqlite3.Error | MemoryError) -> Exception:
    """A COMMIT that fails after its last frame has been written is taken back here, but not in the log.

    After a crash it may be found there. What fails by then is to sync the log or to enlarge its index, which takes disk
    or memory; a frame that was not written (IOERR_WRITE, FULL) was none.
    """
    if isinstance(error, MemoryError):  # so the module tells SQLITE_NOMEM
        return of_unknown_outcome(WHY[sqlite3.SQLITE_NOMEM])
    if kind(error) == sqlite3.SQLITE_IOERR and error.sqlite_errorcode != sqlite3.SQLITE_IOERR_WRITE:
        return of_unknown_outcome(WHY[sqlite3.SQLITE_IOERR])
    return refusal(error)
