"""Points that a minute has given out, counted for all processes together in Redis by the library limits."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any

from limits.errors import StorageError
from limits.storage import storage_from_string
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, ResponseError

from graphql_api.web.throttle import WINDOW

PATIENCE = 0.25
"""Seconds that Redis may take to answer once; where a connection has to be opened it is asked several times."""

LONGEST = 1.0
"""Seconds that a request may wait for Redis in all."""

CONNECTIONS = 20
"""Most of a process to Redis, which takes one request after the other anyway."""

LONGEST_REASON = 120

RETRY: Any = {"retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))}
"""Redis closes connections when it is restarted, and idle ones where it is set to: each is opened once more."""

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
            **RETRY,
        )
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._elapsed = elapsed
        self._resume = -math.inf

    async def add(self, who: str, window: int, points: int) -> int | None:
        if self._is_left_alone():
            return None
        await asyncio.sleep(0)  # redis needs a task, in which a request stands only when it has waited (see `turn`)
        try:
            async with asyncio.timeout(LONGEST), self._connections:
                if self._is_left_alone():
                    return None
                return int(await self._storage.incr(f"message-flows/{window}/{who}", WINDOW, amount=points))
        except StorageError as error:
            self._leave_alone(error.storage_error)
        except (TimeoutError, ValueError, TypeError) as error:  # or something answers that is no Redis
            self._leave_alone(error)
        return None

    def _is_left_alone(self) -> bool:
        return self._elapsed() < self._resume

    def _leave_alone(self, why: Exception) -> None:
        """Told once for all who asked it at the same time."""
        if not self._is_left_alone():
            self._resume = self._elapsed() + PAUSE
            log.warning("no rate limits for %g s: %s", PAUSE, _reason(why))

    async def close(self) -> None:
        await self._storage.bridge.storage.aclose()


def _reason(why: Exception) -> str:
    """In the words of Redis: that it is full, only a replica, or wants another password."""
    did = "count" if isinstance(why, ResponseError | AuthenticationError) else "answer"
    words = str(why).partition(" script: ")[0][:LONGEST_REASON]
    return f"Redis does not {did} ({type(why).__name__}{words and ': '}{words})"
