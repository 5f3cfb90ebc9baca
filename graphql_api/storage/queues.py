"""Slots for what may take long: so many at a time, so that others are left something to work with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from weakref import WeakValueDictionary

from graphql_api.storage.engine import in_task, unavailable


class Slots:
    """First come, first served; who gets none in time is refused (UNAVAILABLE) with `trouble`."""

    def __init__(self, count: int, trouble: str) -> None:
        self._slots = asyncio.Semaphore(count)
        self._trouble = trouble

    @asynccontextmanager
    async def taken(self, until: float) -> AsyncIterator[None]:
        """One of them for the time of a block; `until` is a moment of the event loop."""
        await in_task()
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise unavailable(self._trouble) from None
        try:
            yield
        finally:
            self._slots.release()


class Queues:
    """One slot for each of the names that somebody waits for; none is needed for "", which names nothing."""

    def __init__(self, trouble: str) -> None:
        self._slots: WeakValueDictionary[str, Slots] = WeakValueDictionary()
        self._trouble = trouble

    def taken(self, name: str, until: float) -> AbstractAsyncContextManager[None]:
        if not name:
            return nullcontext()
        slots = self._slots.get(name)
        if slots is None:
            slots = self._slots[name] = Slots(1, self._trouble)
        return slots.taken(until)
