"""Statements of the same shape that wait at the same moment go to PostgreSQL together, in one round trip."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import Context
from itertools import chain
from typing import Any

import msgspec

from graphql_api.storage import tally
from graphql_api.storage.engine import Row, Shape, Statement, unavailable
from graphql_api.storage.many import by_place

AT_ONCE = 2
SLOW = 0.02
"""Batches of one shape that are under way at the same time, the second only when the first has taken so many seconds:
one after the other they are larger, which costs less, but one that waits for a lock must not hold up all the others."""

IDLE = 8
"""Tasks that wait for the next batch."""

Fetch = Callable[[Statement, float | None], Awaitable[Sequence[Row]]]
"""Carries out one statement; waits for a connection until a moment of the event loop, None for its usual patience."""

FetchMany = Callable[[Shape, Callable[[], Sequence[Mapping[str, Any]]], float], Awaitable[Sequence[Row]]]
"""As `Fetch` for the values of many, for which it asks when it has a connection; rows have their ordinals."""


class PendingStatement(msgspec.Struct, eq=False):
    """A statement that has not been sent: until it is taken its caller may give it up, and nothing is done."""

    statement: Statement
    until: float
    rows: asyncio.Future[Sequence[Row]]
    is_taken: bool = False

    def taken(self) -> bool:
        self.is_taken = True
        return not self.rows.done()


class StatementQueue(msgspec.Struct, eq=False):
    """Who waits for statements of one shape, and how many batches of it are under way."""

    shape: Shape
    waiting: deque[PendingStatement] = msgspec.field(default_factory=deque)
    under_way: int = 0
    slow_from: float = math.inf
    batches: list[list[PendingStatement]] = msgspec.field(default_factory=list)

    def unsent(self) -> Iterator[PendingStatement]:
        """Those in a batch too, which may still wait for a connection."""
        for one in chain(self.waiting, *self.batches):
            if not (one.is_taken or one.rows.done()):
                yield one


class Batches:
    """`together` carries out many statements of one shape in one transaction; `alone` one that has no company.

    Of a batch that fails each statement is carried out once more by itself: nobody fails for a neighbour.
    """

    def __init__(
        self,
        alone: Fetch,
        together: FetchMany,
        most: int,
        again: tuple[type[BaseException], ...],
        trouble: Callable[[], str],
    ) -> None:
        """`most`: statements of a batch; `again`: errors after which nothing of the batch has been done; `trouble`:
        why no connection was to be had."""
        self._alone = alone
        self._together = together
        self._most = most
        self._again = again
        self._trouble = trouble
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: dict[Shape, StatementQueue] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[StatementQueue]] = []
        self._is_closed = False
        self._watch: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def rows(self, statement: Statement, until: float) -> "asyncio.Future[Sequence[Row]]":
        """At most one row: only such shapes may be batched. Refused when it has not been sent by `until`."""
        queue = self._queues.get(statement.shape)
        if queue is None:
            queue = self._queues[statement.shape] = StatementQueue(statement.shape)
        loop = self._loop  # asking for the one that runs asks the kernel for the process as well
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        rows: asyncio.Future[Sequence[Row]] = loop.create_future()
        queue.waiting.append(PendingStatement(statement, until, rows))
        if not queue.under_way:
            self._begin(queue)
        elif queue.slow_from < self._rings_at and queue.under_way < AT_ONCE:
            self._set_watch(queue.slow_from, loop)
        if until < self._rings_at:
            self._set_watch(until, loop)
        return rows

    def _begin(self, queue: StatementQueue) -> None:
        queue.under_way += 1
        if self._idle:
            self._idle.pop().set_result(queue)
            return
        worker = asyncio.create_task(self._work(queue), context=Context())  # it outlives the request that begins it
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def close(self) -> None:
        """Waits for what is under way."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._set_watch(math.inf, asyncio.get_running_loop())

    def _set_watch(self, moment: float, loop: asyncio.AbstractEventLoop) -> None:
        """A timer of uvloop that is over cannot tell its moment, so that it is kept beside it."""
        if self._watch is not None:
            self._watch.cancel()
        self._rings_at = moment
        self._watch = None if moment == math.inf else loop.call_at(moment, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all that wait, set to the next moment for one of them: most are answered before it rings."""
        now = loop.time()
        moments = []
        for queue in self._queues.values():
            for one in queue.unsent():
                if one.until > now:
                    moments.append(one.until)
                else:
                    one.rows.set_exception(unavailable(self._trouble()))
            if queue.waiting and queue.under_way < AT_ONCE:
                if queue.slow_from > now:
                    moments.append(queue.slow_from)
                else:
                    self._begin(queue)
        self._set_watch(min(moments, default=math.inf), loop)

    async def _work(self, queue: StatementQueue) -> None:
        """Batches of one queue until nobody waits in it, then of another one: a task for each would cost more."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                while queue.waiting:
                    queue.slow_from = loop.time() + SLOW
                    if len(queue.waiting) == 1:
                        one = queue.waiting.popleft()
                        await self._one(one, one.until)
                    else:
                        await self._carry_out(queue)
            finally:
                queue.under_way -= 1
                if not queue.waiting and not queue.under_way:
                    self._queues.pop(queue.shape, None)
            if self._is_closed or len(self._idle) >= IDLE:
                return
            turn: asyncio.Future[StatementQueue] = loop.create_future()
            self._idle.append(turn)
            queue = await turn

    async def _carry_out(self, queue: StatementQueue) -> None:
        batch = [queue.waiting.popleft() for _ in range(min(self._most, len(queue.waiting)))]
        sent: list[PendingStatement] = []

        def values() -> Sequence[Mapping[str, Any]]:
            sent.extend(one for one in batch if one.taken())
            tally.tell("batch", len(sent))
            return [one.statement.values for one in sent]

        queue.batches.append(batch)
        try:
            if queue.shape.writes:
                batch.sort(key=_key)
            found = await self._together(queue.shape, values, max(one.until for one in batch))
        except self._again:
            await asyncio.gather(*(self._one(one, None) for one in batch))
        except Exception as error:
            for one in batch:
                _fail(one, error)
        else:
            for one, rows in zip(sent, by_place(found, len(sent)), strict=True):
                if not one.rows.done():
                    one.rows.set_result(rows)
        finally:
            queue.batches.remove(batch)

    async def _one(self, one: PendingStatement, until: float | None) -> None:
        if not one.taken():
            return
        tally.tell("batch", 1)
        try:
            rows = await self._alone(one.statement, until)
        except Exception as error:
            _fail(one, error)
        else:
            if not one.rows.done():
                one.rows.set_result(rows)


def _key(one: PendingStatement) -> tuple[str, str]:
    """Batches lock rows in one order, so that two of them never wait for each other."""
    values = one.statement.values
    return values["workspace"], values.get("id", "")


def _fail(one: PendingStatement, error: Exception) -> None:
    if not one.rows.done():
        one.rows.set_exception(error)
