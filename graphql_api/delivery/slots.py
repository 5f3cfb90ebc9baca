"""Slots for messages on their way, of which a workspace has its share at most: it can be slow for itself alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class FairSlots:
    """`share` of `all` slots for each workspace; who comes first has the next one."""

    def __init__(self, all: int, share: int) -> None:
        self._all = asyncio.Semaphore(all)
        self._share = share
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def one(self, workspace: str) -> AsyncIterator[None]:
        """Whoever waits for its share holds no slot meanwhile."""
        share = self._shares.setdefault(workspace, asyncio.Semaphore(self._share))
        async with share, self._all:
            yield
