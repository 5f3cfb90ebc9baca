"""Flows that have been read and wait in a temporary file until the whole import is known to be right."""

import sqlite3
import threading
from collections.abc import Iterator
from types import TracebackType

import msgspec

from graphql_api.domain.errors import refused
from graphql_api.edits.importing import Imported

WAITING = "SELECT line, workspace, id, brought FROM flows WHERE brought IS NOT NULL ORDER BY place"


class Stopped(Exception):
    """The import was given up while its flows were being written."""


class StagedFlows:
    """Holds any number of flows without holding them in memory, in the order in which they came, each id once."""

    def __init__(self) -> None:
        # SQLite keeps a database without a name in a temporary file, which goes when it is closed.
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(
            "CREATE TABLE flows (place INTEGER PRIMARY KEY, line INTEGER, workspace TEXT, id TEXT, brought BLOB,"
            " UNIQUE (workspace, id))"
        )
        self._rows.execute("BEGIN")
        self._is_closed = False
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> "StagedFlows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is given up may still be read by the thread that writes, which hears of it with the next flow."""
        with self._one_at_a_time:
            self._is_closed = True
            self._rows.close()
        if isinstance(error, sqlite3.Error):  # of this file alone: the database has sentences of its own
            where = "SQLITE_TMPDIR or TMPDIR names its folder"
            raise refused("UNAVAILABLE", f"the flows do not go into a temporary file ({where}): {error}") from None

    def add(self, line: int, flow: Imported) -> int | None:
        """Takes a flow in, or tells the line that the same id came from before."""
        place = (flow.workspace, flow.id)
        values = (line, *place, msgspec.msgpack.encode(flow.brought))
        adding = "INSERT INTO flows (line, workspace, id, brought) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        if self._rows.execute(adding, values).rowcount:
            return None
        return int(self._rows.execute("SELECT line FROM flows WHERE workspace = ? AND id = ?", place).fetchone()[0])

    def send_away(self, flow: Imported) -> None:
        """The flow is not to be written; its id stays taken."""
        self._rows.execute("UPDATE flows SET brought = NULL WHERE workspace = ? AND id = ?", (flow.workspace, flow.id))

    def __iter__(self) -> Iterator[Imported]:
        return (flow for _, flow in self.lines())

    def lines(self) -> Iterator[tuple[int, Imported]]:
        """From the first; raises Stopped as soon as the import is given up."""
        rows: Iterator[tuple[int, str, str, bytes]] | None = None
        while True:
            with self._one_at_a_time:
                if self._is_closed:
                    raise Stopped
                rows = rows or self._rows.execute(WAITING)
                row = next(rows, None)
            if row is None:
                return
            line, workspace, id, brought = row
            yield line, Imported(id, workspace, msgspec.msgpack.decode(brought))
