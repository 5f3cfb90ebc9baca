"""Long reads of a SQLite file, each on a connection with a thread of its own."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
import msgspec

from graphql_api.storage import sqlite_file
from graphql_api.storage.engine import Row, unavailable
from graphql_api.storage.queues import Slots
from graphql_api.storage.sqlite_file import Deadline

AT_ONCE = 4
"""Reads at the same time; streams come on top."""


class Aside(msgspec.Struct, frozen=True):
    """`era` (the object) is the one in which it was opened."""

    connection: aiosqlite.Connection
    deadline: Deadline
    era: object


class Asides:
    """Connections are kept for the next read, until the file is another one."""

    def __init__(self, path: str, *, timeout: float, patience: float) -> None:
        self._path = path
        self._timeout = timeout
        self._patience = patience
        self._era = object()
        self._all: set[Aside] = set()
        self._idle: list[Aside] = []
        self._ending: set[asyncio.Future[Any]] = set()
        """Of connections that are told to end, when their threads have."""
        self._is_closed = False
        self._slots = Slots(AT_ONCE, "other long statements keep it busy")

    def may_open(self) -> None:
        if self._is_closed:
            raise unavailable("the server is stopping")

    async def read(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        async with self._slots.taken(time.monotonic() + self._patience):
            aside = self._idle.pop() if self._idle else await self._connected()
            try:
                aside.deadline.until = time.monotonic() + self._timeout
                return list(await aside.connection.execute_fetchall(sql, arguments))  # type: ignore[arg-type]
            except asyncio.CancelledError:
                if aside in self._all:
                    await aside.connection.interrupt()
                raise
            finally:
                if aside in self._all and aside.era is self._era:
                    self._idle.append(aside)
                else:
                    await self._let_go(aside)

    @asynccontextmanager
    async def stream(self, sql: str, arguments: Sequence[Any]) -> AsyncIterator[AsyncIterator[Row]]:
        aside = await self._connected()
        try:
            aside.deadline.until = float("inf")
            async with aside.connection.execute(sql, arguments) as cursor:
                yield cursor  # type: ignore[misc]
        finally:
            await self._let_go(aside)

    async def _connected(self) -> Aside:
        self.may_open()
        era = self._era
        address = sqlite_file.address(self._path, "ro")
        try:
            connection = await aiosqlite.connect(address, uri=True, isolation_level=None, timeout=self._patience)
        except RuntimeError:
            raise unavailable("no thread can be started") from None
        aside = Aside(connection, Deadline(), era)
        self._all.add(aside)
        try:
            connection.row_factory = sqlite3.Row
            await connection.set_progress_handler(aside.deadline, sqlite_file.INSTRUCTIONS)
            self.may_open()
        except BaseException:
            await self._let_go(aside)
            raise
        return aside

    async def _let_go(self, aside: Aside) -> None:
        """Once only: to close it twice would wait for ever. It ends also when whoever waits for that leaves."""
        if aside in self._all:
            await asyncio.wait((self._told_to_end(aside),))

    def _told_to_end(self, aside: Aside) -> "asyncio.Future[Any]":
        self._all.remove(aside)
        ending = aside.connection.stop()
        assert ending is not None, "there is an event loop"
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending

    def hang_up(self) -> None:
        """Those that are in use end with their use."""
        self._era = object()
        for aside in self._idle:
            self._told_to_end(aside)
        self._idle.clear()

    async def close(self) -> None:
        """Ends what is being read."""
        self._is_closed = True
        for aside in tuple(self._all):
            aside.deadline.until = 0.0
            self._told_to_end(aside)
        if self._ending:  # a thread that ends later finds no event loop to tell it to
            await asyncio.wait(self._ending)
