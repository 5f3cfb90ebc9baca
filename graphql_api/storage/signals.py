"""Word of commits within this process, from whatever thread it comes, and how long whoever listens waits for it."""

import asyncio
import contextlib
from collections.abc import Iterator


class Bell:
    """Costs next to nothing while nobody listens."""

    def __init__(self) -> None:
        self._listening: tuple[tuple[asyncio.AbstractEventLoop, asyncio.Event], ...] = ()

    def ring(self) -> None:
        for loop, event in self._listening:
            with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits
                loop.call_soon_threadsafe(event.set)

    @contextlib.contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """An event that is set with every ring until it is cleared."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        self._listening += (mine,)
        try:
            yield mine[1]
        finally:
            self._listening = tuple(one for one in self._listening if one is not mine)


async def wait_at_most(seconds: float | None, event: asyncio.Event) -> None:
    """Waits for an event, but not longer; None is for as long as it takes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
