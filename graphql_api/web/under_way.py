"""What has begun on a WebSocket and is carried out to its end, whether or not anybody waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

UNDER_WAY: set[asyncio.Task[Any]] = set()
"""The event loop itself would not keep them."""

T = TypeVar("T")


def under_way(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    task = asyncio.create_task(work)
    UNDER_WAY.add(task)
    task.add_done_callback(_settle)
    return task


async def settled(patience: float, over: asyncio.Future[None]) -> None:
    """Returns when nothing is under way any more, when it is over, or after so many seconds."""
    if UNDER_WAY:
        everything = asyncio.gather(*UNDER_WAY, return_exceptions=True)
        await asyncio.wait((everything, over), timeout=patience, return_when=asyncio.FIRST_COMPLETED)


def _settle(task: asyncio.Task[Any]) -> None:
    UNDER_WAY.discard(task)
    if not task.cancelled():
        task.exception()  # told to whoever still waits
