"""The end of the stream as it grows: changes in their order, none before an earlier one that may still be committed.

Positions are dense but for gaps. A gap belongs to a transaction that is not seen yet, or was rolled back, or lost its
revisions to pruning. It holds the reader back until all transactions that were open when it was seen are over; what is
then still not there will never be.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic

import msgspec

from graphql_api.storage import changes
from graphql_api.storage.engine import Row, Store

PositionRange = tuple[int, int]
"""The first and the last of some positions without a gap."""

AT_ONCE = 64
"""Rows of a step; a row may hold two long texts."""

PATIENCE = 1.0
"""Seconds that a beginning waits for open transactions, before it begins at a place before theirs."""

BETWEEN_LOOKS = 0.005

CERTAIN = 1.0
"""Seconds for which the history is taken for the one that was read, while nothing new is seen in it."""


class Rewritten(Exception):
    """The history is not the one that was read: a backup, or a standby that missed the last changes, took its place."""

    def __init__(self) -> None:
        super().__init__("the database has another history than before")


class Fence(msgspec.Struct, frozen=True):
    """All positions up to `top` were given out by then, and only the `writers` can still commit some of them."""

    top: int
    writers: frozenset[str]


class Tail:
    """`place`: every change up to it has been read or will never be; `is_held`: a gap stands before the next one.

    `has_missed` is set when changes behind `place` were pruned before they were read.
    """

    def __init__(self, store: Store, place: int, name: str | None = None) -> None:
        """`name` of the stream, None for whichever it is."""
        self.place = place
        self.is_held = False
        self.has_missed = False
        self._store = store
        self._name = name
        self._certain_until = 0.0
        self._fence: Fence | None = None

    @staticmethod
    async def begun(store: Store) -> "Tail":
        """A tail that reads every change that is not committed yet.

        While long transactions are open it may begin with some that already are; `known` tells them apart.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        (now,) = await store.read(changes.STREAM_NOW)
        fence = Fence(max(now["top"], now["pruned"]), await store.writing())
        while fence.writers & await store.writing():
            if loop.time() > until:
                (row,) = await store.read(changes.BEFORE_WRITERS)
                if row["writers"]:
                    return await Tail(store, row["top"], now["name"])._before_first_gap()
            await asyncio.sleep(BETWEEN_LOOKS)
        return Tail(store, fence.top, now["name"])

    async def _before_first_gap(self) -> "Tail":
        """What nothing is missing from is settled, whoever may be writing."""
        runs = await self._runs()
        if runs and runs[0][0] == self.place + 1:
            self.place = runs[0][1]
        return self

    async def known(self) -> Sequence[PositionRange]:
        """What is committed by now of that which is not settled: no news to whoever begins now."""
        return await self._runs() if self.is_held else ()

    async def _runs(self) -> Sequence[PositionRange]:
        return [(row["first"], row["last"]) for row in await self._store.read(changes.beyond(self.place))]

    async def more(self) -> Sequence[Row]:
        """The next changes that are settled; empty when there are none for now. Raises Rewritten."""
        # The writers are asked before the rows: those that are over by then are seen.
        void = self._fence.top if self._fence and not self._fence.writers & await self._store.writing() else 0
        rows = await self._store.read(changes.after(self.place, 1 if self._fence and not void else AT_ONCE))
        if not rows and monotonic() > self._certain_until:
            await self.verify()
        self.has_missed = bool(rows) and rows[0]["pruned"] > self.place
        settled = self._settled(rows, void)
        if settled:
            self.place = settled[-1]["position"]
        self.is_held = len(settled) < len(rows)
        if not self.is_held:
            self._fence = None
        elif self._fence is None or void:
            self._fence = Fence(rows[-1]["position"], await self._store.writing())
        return settled

    async def verify(self) -> None:
        """Raises Rewritten where it can be seen: once the new history is longer than the old one was, it cannot."""
        self._certain_until = monotonic() + CERTAIN
        (now,) = await self._store.read(changes.STREAM_NOW)
        self._name = self._name or now["name"]
        if now["name"] != self._name or max(now["top"], now["pruned"]) < self.place:
            raise Rewritten

    def _settled(self, rows: Sequence[Row], void: int) -> Sequence[Row]:
        """The rows before the first gap that may still be filled."""
        before = self.place
        for index, row in enumerate(rows):
            position = row["position"]
            if position > before + 1 and position > void + 1:
                return rows[:index]
            before = position
        return rows
