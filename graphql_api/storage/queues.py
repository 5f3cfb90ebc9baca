"""Places for what may take long: so many at a time, so that others are left something to work with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from weakref import WeakValueDictionary

from graphql_api.storage.engine import in_task, unavailable


class Places:
    """First come, first served; who gets none in time is refused (UNAVAILABLE) with `trouble`."""

    def __init__(self, count: int, trouble: str) -> None:
        self._places = asyncio.Semaphore(count)
        self._trouble = trouble

    @asynccontextmanager
    async def taken(self, until: float) -> AsyncIterator[None]:
        """One of them for the time of a block; `until` is a moment of the event loop."""
        await in_task()
        try:
            async with asyncio.timeout_at(until):
                await self._places.acquire()
        except TimeoutError:
            raise unavailable(self._trouble) from None
        try:
            yield
        finally:
            self._places.release()


class Queues:
    """One place for each of the names that somebody waits for; none is needed for "", which names nothing."""

    def __init__(self, trouble: str) -> None:
        self._places: WeakValueDictionary[str, Places] = WeakValueDictionary()
        self._trouble = trouble

    def taken(self, name: str, until: float) -> AbstractAsyncContextManager[None]:
        if not name:
            return nullcontext()
        places = self._places.get(name)
        if places is None:
            places = self._places[name] = Places(1, self._trouble)
        return places.taken(until)
