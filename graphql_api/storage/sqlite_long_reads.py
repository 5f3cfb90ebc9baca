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


class ReadConnection(msgspec.Struct, frozen=True):
    """`era` (the object) is the one in which it was opened."""

    connection: aiosqlite.Connection
    deadline: Deadline
    era: object


class LongReads:
    """Connections are kept for the next read, until the file is another one."""

    def __init__(self, path: str, *, timeout: float, patience: float) -> None:
        self._path = path
        self._timeout = timeout
        self._patience = patience
        self._era = object()
        self._all: set[ReadConnection] = set()
        self._idle: list[ReadConnection] = []
        self._ending: set[asyncio.Future[Any]] = set()
        """Of connections that are told to end, when their threads have."""
        self._is_closed = False
        self._slots = Slots(AT_ONCE, "other long statements keep it busy")

    def may_open(self) -> None:
        if self._is_closed:
            raise unavailable("the server is stopping")

    async def read(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        async with self._slots.taken(time.monotonic() + self._patience):
            reader = self._idle.pop() if self._idle else await self._connected()
            try:
                reader.deadline.until = time.monotonic() + self._timeout
                return list(await reader.connection.execute_fetchall(sql, arguments))  # type: ignore[arg-type]
            except asyncio.CancelledError:
                if reader in self._all:
                    await reader.connection.interrupt()
                raise
            finally:
                if reader in self._all and reader.era is self._era:
                    self._idle.append(reader)
                else:
                    await self._let_go(reader)

    @asynccontextmanager
    async def stream(self, sql: str, arguments: Sequence[Any]) -> AsyncIterator[AsyncIterator[Row]]:
        reader = await self._connected()
        try:
            reader.deadline.until = float("inf")
            async with reader.connection.execute(sql, arguments) as cursor:
                yield cursor  # type: ignore[misc]
        finally:
            await self._let_go(reader)

    async def _connected(self) -> ReadConnection:
        self.may_open()
        era = self._era
        address = sqlite_file.address(self._path, "ro")
        try:
            connection = await aiosqlite.connect(address, uri=True, isolation_level=None, timeout=self._patience)
        except RuntimeError:
            raise unavailable("no thread can be started") from None
        reader = ReadConnection(connection, Deadline(), era)
        self._all.add(reader)
        try:
            connection.row_factory = sqlite3.Row
            await connection.set_progress_handler(reader.deadline, sqlite_file.INSTRUCTIONS)
            self.may_open()
        except BaseException:
            await self._let_go(reader)
            raise
        return reader

    async def _let_go(self, reader: ReadConnection) -> None:
        """Once only: to close it twice would wait for ever. It ends also when whoever waits for that leaves."""
        if reader in self._all:
            await asyncio.wait((self._told_to_end(reader),))

    def _told_to_end(self, reader: ReadConnection) -> "asyncio.Future[Any]":
        self._all.remove(reader)
        ending = reader.connection.stop()
        assert ending is not None, "there is an event loop"
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending

    def hang_up(self) -> None:
        """Those that are in use end with their use."""
        self._era = object()
        for reader in self._idle:
            self._told_to_end(reader)
        self._idle.clear()

    async def close(self) -> None:
        """Ends what is being read."""
        self._is_closed = True
        for reader in tuple(self._all):
            reader.deadline.until = 0.0
            self._told_to_end(reader)
        if self._ending:  # a thread that ends later finds no event loop to tell it to
            await asyncio.wait(self._ending)
