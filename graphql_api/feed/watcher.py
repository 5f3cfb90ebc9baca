"""What one watcher sees: out of history until it has caught up, then as it is committed."""

import asyncio
from collections import deque
from collections.abc import Sequence

from graphql_api.domain.errors import Refused
from graphql_api.feed.past import MOST, PAGE, Past, Topic
from graphql_api.storage.changes import Change
from graphql_api.storage.tail import PositionRange

WAITING = 256
"""Changes that wait in memory for one watcher; one that has more before it reads them from history instead."""

FIRST_PAGE = 8
"""Changes of the first page: only who has seen that they are short reads more of them at once."""

WINDOW = 50_000
"""Positions of the stream that one statement may go through for a watcher of few flows."""


class Watcher:
    """What one watcher sees, as an async iterator that only ends with an error.

    `position` is that of the last change given out, or where the watcher began; `waiting` tells how many are at hand.
    Raises Refused (RESYNC_REQUIRED) when changes that it has not seen are pruned. While the database is away it waits.
    """

    def __init__(
        self, past: Past, topic: Topic, position: int, settled: int, known: Sequence[PositionRange] = ()
    ) -> None:
        """Changes that are `known` were committed before the watcher came, though behind its position."""
        self.position = position
        self._known = deque(known)
        self._past = past
        self._topic = topic
        self._behind = settled  # up to here changes are read from history, not taken from `_fresh`
        self._page: deque[Change] = deque()
        self._at_once = FIRST_PAGE
        self._size = 0  # of those in `_fresh`
        self._fresh: deque[Change] = deque()
        self._news = asyncio.Event()
        self._end: Refused | None = None

    def __aiter__(self) -> "Watcher":
        return self

    async def __anext__(self) -> Change:
        while True:
            if self._end is not None:
                raise self._end
            if self._page:
                change = self._page.popleft()
            elif self.position < self._behind:
                await self._read()
                continue
            elif self._fresh:
                change = self._fresh.popleft()
                self._size -= change.size
            else:
                self._news.clear()
                await self._news.wait()
                continue
            if change.position > self.position:
                self.position = change.position
                if not self._is_known(change.position):
                    return change

    def _is_known(self, position: int) -> bool:
        while self._known and self._known[0][1] < position:
            self._known.popleft()
        return bool(self._known) and self._known[0][0] <= position

    @property
    def waiting(self) -> int:
        return len(self._page) + len(self._fresh)

    async def _read(self) -> None:
        """The next page out of history."""
        end = min(self._behind, self.position + WINDOW)
        page = await self._past.page(self._topic, self.position, end, self._at_once)
        self._page.extend(page)
        self._at_once = min(PAGE, 2 * len(page) or PAGE)
        if not page:
            self.position = end

    def end(self, why: Refused) -> None:
        """Nothing that it has not given out is told any more."""
        self._end = why
        self._news.set()

    def offer(self, change: Change) -> None:
        is_full = len(self._fresh) >= WAITING or self._size + change.size > MOST
        if self._fresh and is_full:
            self.fall_behind(self._fresh[0].position - 1, change.position)
        else:
            self._fresh.append(change)
            self._size += change.size
        self._news.set()

    def fall_behind(self, seen: int, settled: int) -> None:
        """From now on changes up to `settled` are read from history; the watcher has seen all up to `seen`."""
        if self._fresh:
            seen = min(seen, self._fresh[0].position - 1)
            self._fresh.clear()
            self._size = 0
        if self.position >= self._behind:
            self.position = max(self.position, seen)
        self._behind = settled
        self._news.set()
