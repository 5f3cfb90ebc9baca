"""Points that a minute has given out, counted for all processes together in Redis by the library limits."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any

from limits.errors import StorageError
from limits.storage import storage_from_string

from graphql_api.web.throttle import WINDOW

PATIENCE = 0.25
"""Seconds that Redis may take to answer."""

PAUSE = 5.0
"""Seconds for which a Redis that failed is left alone; nobody is refused meanwhile."""

log = logging.getLogger("message_flows")


class SharedCounts:
    """Counts of all processes, in Redis."""

    def __init__(self, url: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._storage: Any = storage_from_string(
            f"async+{url}",
            implementation="redispy",
            wrap_exceptions=True,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
        )
        self._elapsed = elapsed
        self._resume = -math.inf

    async def add(self, who: str, window: int, points: int) -> int | None:
        if self._elapsed() < self._resume:
            return None
        await asyncio.sleep(0)  # redis needs a task, in which a request stands only when it has waited (see `turn`)
        try:
            return int(await self._storage.incr(f"message-flows/{window}/{who}", WINDOW, amount=points))
        except StorageError as error:
            self._resume = self._elapsed() + PAUSE
            log.warning(
                "no rate limits for %g s: Redis does not answer (%s)", PAUSE, type(error.storage_error).__name__
            )
            return None

    async def close(self) -> None:
        await self._storage.bridge.storage.aclose()
