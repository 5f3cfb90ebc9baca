"""Statements that know both databases, the scripts that yield them, and the store that runs them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache, cached_property
from importlib import import_module
from operator import itemgetter
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from graphql_api.domain.errors import Problem, Refused, refused
from graphql_api.storage.many import for_each

T = TypeVar("T")
Row = Mapping[str, Any]
Script = Generator["Statement", Sequence[Row], T]
"""An edit that yields its statements and is sent their rows; it can be run again from the start."""

FlowKey = tuple[str, str]
"""Workspace and id."""

Execute = Callable[["Statement"], Awaitable[Sequence[Row]]]
"""Carries out one statement of a script."""


class Raced(Exception):
    """Somebody else wrote first: what the script has read is no longer so; run it again."""


class CompiledSql:
    """SQL of one database, the names of its parameters in their order, and those that are always the same."""

    def __init__(self, sql: str, names: tuple[str, ...], constants: Mapping[str, Any]) -> None:
        self.sql = sql
        self._constants = constants
        self._chosen = itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
        self.arguments: Callable[[Mapping[str, Any]], tuple[Any, ...]]
        self.arguments = self._with_constants if constants else self._chosen

    def _with_constants(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return self._chosen({**self._constants, **values})


class Shape:
    """One form of a statement, compiled once for each database.

    On SQLite the steps run one after another until one gives no row; PostgreSQL may be given them as one statement.
    A shape with `locks` reads rows that the script is about to write; `single` ones answer at most one row, so that
    many of them can be sent together: a query as it is, what writes as the statement that `many` makes.
    """

    def __init__(
        self,
        *steps: Executable,
        postgresql: Executable | None = None,
        many: Callable[[], Executable] | None = None,
        locks: bool = False,
        single: bool = False,
    ) -> None:
        self._steps = steps
        self._whole = postgresql
        self._many = many
        self.locks = locks
        self.single = single
        self.writes = any(isinstance(step, UpdateBase) for step in steps)

    @cached_property
    def sqlite(self) -> tuple[CompiledSql, ...]:
        return tuple(compiled(step, "sqlite.aiosqlite") for step in self._steps)

    @cached_property
    def postgresql(self) -> CompiledSql:
        return compiled(self._steps[0] if self._whole is None else self._whole, "postgresql.asyncpg")

    @cached_property
    def batched(self) -> CompiledSql:
        """The same for PostgreSQL and many values, whose rows tell by their ordinal which of them they answer."""
        query: Any = self._steps[0]
        return compiled(for_each(query) if self._many is None else self._many(), "postgresql.asyncpg")


@cache
def dialect(name: str) -> Dialect:
    """Imported when it is first needed: a server speaks one of them only."""
    return import_module(f"sqlalchemy.dialects.{name}").dialect()  # type: ignore[no-any-return]


def compiled(statement: Executable, name: str) -> CompiledSql:
    made = statement.compile(dialect=dialect(name))  # type: ignore[attr-defined]
    assert isinstance(made, SQLCompiler)
    constants = {name: value for name, value in made.params.items() if value is not None}
    return CompiledSql(str(made), tuple(made.positiontup or ()), constants)


class Statement(msgspec.Struct, frozen=True):
    """A shape with the values of this time.

    `scans` tells that it, together with those that follow it, may read many rows to answer few. `recalls` names
    (workspace and id) the flow that it reads and that may be recalled instead, or that it writes under the guard of its
    version; then `after` is the flow as it leaves it. `rechecked`: it mostly finds nothing, and the write that follows
    is made only where that is still so.
    """

    shape: Shape
    values: Mapping[str, Any]
    scans: bool = False
    recalls: FlowKey | None = None
    after: Mapping[str, Any] | None = None
    rechecked: bool = False


class Several(Statement, frozen=True):
    """Statements of one `single` shape, to be carried out in their order; answered by a list of what answers each."""

    statements: Sequence[Statement] = ()


class Store(Protocol):
    """One database. Every method raises Refused(UNAVAILABLE) while the database cannot be reached or is too slow."""

    heard: Callable[[str], None] | None
    """Told the SQL of every statement before it runs."""

    def read(self, statement: Statement) -> Awaitable[Sequence[Row]]:
        """The rows of one statement outside any transaction."""

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False, flow: str = "") -> T:
        """Runs a script and commits; `together` puts all its statements into one transaction on every database.

        `flow` names the one that it changes, if it is one that is there.
        """

    def stream(self, statement: Statement) -> AbstractAsyncContextManager[AsyncIterator[Row]]:
        """The rows of one statement, a few at a time, as of one moment."""

    def commits(self) -> AsyncGenerator[None]:
        """Says so when something may have been committed, by whatever process: soon after, and at least each second."""

    async def writing(self) -> frozenset[str]:
        """The open transactions that may have written history; what all others wrote is seen by every later read."""

    def figures(self) -> Mapping[str, float]:
        """What an operator watches: `wal_bytes`, or `connections_busy` and `connections_idle`."""

    async def close(self) -> None: ...


def script_of(statement: Statement) -> Script[Sequence[Row]]:
    """The script of one statement."""
    return (yield statement)


def drive(script: Script[T], execute: Callable[[Statement], Sequence[Row]]) -> T:
    """Runs a script to its end with statements that answer at once."""
    rows: Any = None
    try:
        while True:
            rows = execute(script.send(rows))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        script.close()


async def drive_waiting(script: Script[T], execute: Execute) -> T:
    """The same with statements that are waited for."""
    rows: Any = None
    try:
        while True:
            rows = await execute(script.send(rows))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        script.close()


async def in_task() -> None:
    """For what needs to stand in a task, such as asyncio's timeouts: a connection begins requests without one, and
    goes on in one as soon as they wait."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)


def unavailable(why: str) -> Exception:
    return refused("UNAVAILABLE", f"the database is not available: {why}; nothing was written")


def of_unknown_outcome(why: str) -> Exception:
    """For a change that was sent and never answered: it may have been carried out or not."""
    advice = "read the flow, or send the request again if it had an idempotency key"
    return refused(
        "UNAVAILABLE", f"the database is not available: {why}; whether the change was made is unknown: {advice}"
    )


class NoTables(Refused):
    """The database answers, but a table or a column that a statement names is not there."""

    def __init__(self) -> None:
        why = "its tables are not those of this version; run message-flows migrate"
        super().__init__(Problem("UNAVAILABLE", f"the database is not available: {why}; nothing was written"))
