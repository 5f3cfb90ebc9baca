"""Places for what may take long: so many at a time, so that others are left something to work with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
