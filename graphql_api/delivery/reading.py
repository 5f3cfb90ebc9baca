"""What is read to deliver messages, a few statements at a time: hundreds of endpoints leave connections to requests."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from graphql_api.storage.engine import Row, Statement

READERS = 4
"""Statements at the same time."""


class Reads(Protocol):
    """A store, as far as it answers."""

    def read(self, statement: Statement) -> Awaitable[Sequence[Row]]: ...


class FewReads:
    def __init__(self, store: Reads) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(READERS)

    async def read(self, statement: Statement) -> Sequence[Row]:
        async with self._turns:
            return await self._store.read(statement)
