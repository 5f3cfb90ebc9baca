"""Which process sends: the one whose beat goes on; no clock is compared with that of another machine."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, TypeVar

from graphql_api.storage import sender, tally
from graphql_api.storage.engine import Row, Script, Statement, Store, script_of

BEAT = 2.0
"""Seconds between two signs of life."""
SILENCE = 6.0
"""Seconds without one, by the clock of who looks, after which the next process takes over."""
SURE = 5.0
"""Seconds after its last sign of life for which the owner can be sure that nobody has taken over."""
LOOK = 1.0
"""Seconds between two looks of those who wait."""
IDLE_LOOK = 3.0
"""… while there is no webhook to send for."""


T = TypeVar("T")

log = logging.getLogger("message_flows")


class Deposed(Exception):
    """Another process sends now."""


class Tenure:
    """The right to send, for as long as it is renewed."""

    def __init__(self, store: Store) -> None:
        self.me = secrets.token_hex(8)
        self._store = store
        self._renewed_at = 0.0
        self._turn = asyncio.Lock()

    @property
    def is_sure(self) -> bool:
        return monotonic() < self._renewed_at + SURE

    @property
    def next_beat(self) -> float:
        """Seconds until it has to be renewed."""
        return max(0.0, self._renewed_at + BEAT - monotonic())

    async def won(self) -> None:
        """Waits until there is something to send and nobody else who does."""
        seen: tuple[str | None, int] | None = None
        since = monotonic()
        edition: int | None = None
        while True:
            (row,) = await self._store.read(sender.LOOK)
            found = (row["owner"], row["beat"])
            if found != seen:
                seen, since = found, monotonic()
            is_free = row["owner"] is None or monotonic() - since >= SILENCE
            if row["has_work"] and is_free and await self._took(row["beat"]):
                return
            edition = await self._tell_parked(row, edition)
            await asyncio.sleep(LOOK if row["has_work"] else IDLE_LOOK)

    async def _took(self, beat: int) -> bool:
        """Who is told to stop meanwhile lays down what may just have become its own."""
        try:
            return await to_its_end(self._wrote(sender.take(self.me, beat)))
        except asyncio.CancelledError:
            await self.lay_down()
            raise

    async def _tell_parked(self, row: Row, told: int | None) -> int | None:
        """Who sends tells how many; while there is nothing to send for, everybody does. Answers the edition told of."""
        if row["has_work"]:
            tally.tell("webhooks_parked", 0)
            return None
        if row["edition"] != told:
            await tell_parked(self._store)
        return row["edition"]  # type: ignore[no-any-return]

    async def renew(self, position: int) -> None:
        """Raises Deposed."""
        if not await self._wrote(sender.beat(self.me, position)):
            raise Deposed

    async def lay_down(self) -> None:
        """The next process need not wait; what is not its own stays as it is.

        Where that fails it is said and not raised: it must not take the place of a cancellation.
        """
        try:
            await self._wrote(sender.lay_down(self.me))
        except Exception as why:
            log.warning("the right to send was not laid down: %s", str(why) or type(why).__name__)

    async def _wrote(self, statement: Statement) -> bool:
        began = monotonic()
        is_mine = bool(await self._store.run(lambda: script_of(statement)))
        if is_mine:
            self._renewed_at = began
        return is_mine

    async def write(self, script: Callable[[Row], Script[T]]) -> T:
        """What only the owner writes, told the row of the sender: nobody takes over before it is committed.

        Raises Deposed. One at a time: they would wait for that row, each with a connection that requests need.
        """
        async with self._turn:
            return await self._store.run(lambda: self._held(script), together=True)

    def _held(self, script: Callable[[Row], Script[T]]) -> Script[T]:
        rows = yield sender.hold(self.me)
        if not rows:
            raise Deposed
        return (yield from script(rows[0]))


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Also when whoever waits is told to stop meanwhile, which is raised when the work is done, whatever it came to."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


async def tell_parked(store: Store) -> None:
    """How many webhooks are parked goes into the metrics."""
    (row,) = await store.read(sender.PARKED)
    tally.tell("webhooks_parked", row["total"])
