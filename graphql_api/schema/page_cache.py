"""Lists of flows as they were written last, sent again as long as the database says that their flows are the same.

A flow at a version is what it is for good, since whatever changes one makes a version: so a page needs to be read and
written anew only if the versions on it, or the flows, are others. These are asked for each time, and nothing else is.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from operator import itemgetter
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from graphql_api.schema.connection import FoundPage

STATE = ("version", "updated_at")
"""The columns that tell, with the place and the id that every row of a page has, whether a flow is still the same."""

STATE_OF = itemgetter(*STATE, "place", "place_id")

MOST = 8 * 2**20
"""Bytes of lists that are kept."""

LONGEST = MOST // 32
SECONDS = 60
"""Seconds for which a list is kept at most: so rows that were changed past the server and its versions are seen."""

OVERHEAD = 500
"""Bytes that a page takes besides its lists, and each of its flows."""

States = list[tuple[Any, ...]]


class CachedPage(NamedTuple):
    """A page as it was written: its lists by the names that they have in the answer."""

    states: States
    lists: Mapping[str, msgspec.Raw]

    @property
    def size(self) -> int:
        return sum(map(len, self.lists.values())) + OVERHEAD * (1 + len(self.states))


class PageCache:
    """The pages of one process by what was asked; those that nobody has asked for longest go first."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._pages: dict[Hashable, tuple[float, CachedPage]] = {}
        self._size = 0

    def find(self, asked: Hashable) -> CachedPage | None:
        found = self._pages.pop(asked, None)
        if found is None:
            return None
        if found[0] < monotonic():
            self._size -= found[1].size
            return None
        self._pages[asked] = found
        return found[1]

    def keep(self, asked: Hashable, page: CachedPage) -> None:
        self.forget(asked)
        if page.size > LONGEST:
            return
        self._pages[asked] = monotonic() + self._seconds, page
        self._size += page.size
        while self._size > self._most:
            self.forget(next(iter(self._pages)))

    def forget(self, asked: Hashable) -> None:
        found = self._pages.pop(asked, None)
        if found is not None:
            self._size -= found[1].size


CACHE = PageCache()

Lists = Mapping[str, Callable[[FoundPage], Awaitable[Any]]]
"""By the names that they have in the answer, what makes the lists of a page."""


async def page(
    asked: Hashable, read: Callable[[Sequence[str]], Awaitable[FoundPage]], columns: Sequence[str], lists: Lists
) -> tuple[FoundPage, Mapping[str, msgspec.Raw]]:
    """The page, and its lists as JSON; `columns` are those that the lists are made of, and those of STATE."""
    known = CACHE.find(asked)
    if known is not None:
        found = await read(STATE)
        if states(found) == known.states:
            return found, known.lists
    found = await read(columns)
    written = {name: msgspec.Raw(msgspec.json.encode(await make(found))) for name, make in lists.items()}
    CACHE.keep(asked, CachedPage(states(found), written))
    return found, written


def states(found: FoundPage) -> States:
    return list(map(STATE_OF, found.page.rows))
