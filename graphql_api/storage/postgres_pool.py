"""Connections to PostgreSQL: waits a while for a free one, tells a slow database from one that is gone, recovers."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

import asyncpg

from graphql_api.storage.engine import in_task, unavailable

AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""The database cannot be reached now, and may be a moment later."""

BETWEEN_TRIES = 0.05
TICK = 0.25
"""Seconds between two looks at the statements at work."""

SILENCE = 0.75
"""Seconds a statement may say nothing before the database is asked, and that it has to answer."""

TAKEN = "all connections are taken"

log = logging.getLogger("message_flows")


class Pool:
    """Up to `size` connections of one database; connects when it is first used."""

    def __init__(self, dsn: str, *, size: int, timeout: float, patience: float) -> None:
        self._dsn = dsn
        self._size = size
        self._timeout = timeout
        self._patience = patience
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False
        self._in_hand: list[Any] = []
        self._out = 0
        """Connections that are at work, in hand, or being made."""
        self._trouble = TAKEN
        self._heirs: deque[asyncio.Future[Any]] = deque()
        self._at_work: dict[Any, float] = {}
        self._watchman: asyncio.Task[None] | None = None

    def figures(self) -> Mapping[str, float]:
        busy = len(self._at_work)
        return {"connections_busy": busy, "connections_idle": (self._pool.get_size() if self._pool else busy) - busy}

    def until(self) -> float:
        """The moment at which a caller who comes now has waited long enough."""
        return asyncio.get_running_loop().time() + self._patience

    def connection(self, until: float) -> "Lent":
        """For the time of a block; raises Refused when there is none by the moment `until`."""
        return Lent(self, until)

    async def take(self, until: float) -> Any:
        connection = await self._taken(until)
        self._at_work[connection] = asyncio.get_running_loop().time()
        return connection

    async def give_back(self, connection: Any) -> None:
        del self._at_work[connection]
        if self._is_closed or not _is_fit(connection):
            await self._released(connection)
        elif not self._hand_on(connection):
            self._in_hand.append(connection)

    async def _taken(self, until: float) -> Any:
        """One that has just been at work, if there is one: to give it back and to ask for it again costs more."""
        while self._in_hand:
            connection = self._in_hand.pop()
            if _is_fit(connection):
                return connection
            await self._released(connection)
        await in_task()
        if self._out >= self._size:
            connection = await self._inherited(until)
            if connection is not None:
                return connection
        pool = self._pool or await self._opened()
        self._out += 1
        try:
            return await self._acquired(pool, until)
        except BaseException:
            self._out -= 1
            self._hand_on(None)
            raise

    async def _inherited(self, until: float) -> Any:
        """What others have done with, first come, first served; None when another one may be had from the pool."""
        heir = asyncio.get_running_loop().create_future()
        self._heirs.append(heir)
        try:
            async with asyncio.timeout_at(until):
                return await heir
        except BaseException as error:
            if heir.done() and not heir.cancelled() and not self._hand_on(heir.result()) and heir.result() is not None:
                self._in_hand.append(heir.result())
            if isinstance(error, TimeoutError):
                raise unavailable(self._trouble) from None
            raise

    def _hand_on(self, connection: Any) -> bool:
        """To the next who waits, if somebody does."""
        while self._heirs:
            heir = self._heirs.popleft()
            if not heir.done():
                heir.set_result(connection)
                return True
        return False

    async def _released(self, connection: Any) -> None:
        """What was done is done: trouble on the way back to the pool must not cost the answer."""
        pool = self._pool
        with contextlib.suppress(Exception):
            if pool is not None:
                await pool.release(connection, timeout=self._patience)
        self._out -= 1
        self._hand_on(None)

    async def _acquired(self, pool: asyncpg.Pool, until: float) -> Any:
        """A database that is being restarted is waited for like a free connection."""
        try:
            async with asyncio.timeout_at(until):
                while True:
                    try:
                        connection = await pool.acquire()
                        self._trouble = TAKEN
                        return connection
                    except AWAY as error:
                        self._trouble = _reason(error)
                        await asyncio.sleep(BETWEEN_TRIES)
        except TimeoutError:
            raise unavailable(self._trouble) from None
        except asyncpg.PostgresError as error:
            log.error("the database refuses the connection: %s", error)
            raise unavailable("it refuses the connection") from error

    async def _opened(self) -> asyncpg.Pool:
        if self._is_closed:
            raise unavailable("the server is stopping")
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._size,
                    timeout=self._patience,
                    command_timeout=self._timeout + 1,  # the database gives up first, and tells that it did nothing
                    max_inactive_connection_lifetime=300,
                    reset=_nothing_to_reset,
                    server_settings={
                        "application_name": "message-flows",
                        "statement_timeout": str(int(self._timeout * 1000)),
                        "idle_in_transaction_session_timeout": str(int(self._timeout * 1000)),
                    },
                )
                self._watchman = asyncio.create_task(self._watch())
            return self._pool

    async def _watch(self) -> None:
        """Ends what waits for a database that says nothing any more, long before its statements run out of time.

        A database that is only slow answers a new connection; one that is frozen, or behind a broken network, does not.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK)
            while self._in_hand and not self._at_work:  # nothing to do: the pool closes what is idle for long
                await self._released(self._in_hand.pop())
            silent = [one for one, since in self._at_work.items() if since < loop.time() - SILENCE]
            if silent and not await self._answers():
                log.warning("the database says nothing; %d connections are given up", len(silent))
                for connection in silent:
                    if connection in self._at_work:
                        connection.terminate()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE):
                probe = await asyncpg.connect(self._dsn, timeout=SILENCE)
                probe.terminate()
        except (TimeoutError, OSError):
            return False
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            return True  # an answer, such as that there are too many connections
        return True

    async def close(self) -> None:
        self._is_closed = True
        if self._pool is None or self._watchman is None:
            return
        while self._in_hand:
            await self._released(self._in_hand.pop())
        pool, self._pool = self._pool, None
        self._watchman.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watchman
        try:
            async with asyncio.timeout(self._patience):
                await pool.close()
        except (TimeoutError, *AWAY):
            pool.terminate()


class Lent:
    """A connection while it is at work; a class, as generators would cost a statement twice as much."""

    __slots__ = ("_connection", "_pool", "_until")

    def __init__(self, pool: Pool, until: float) -> None:
        self._pool = pool
        self._until = until

    async def __aenter__(self) -> Any:
        self._connection = await self._pool.take(self._until)
        return self._connection

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._pool.give_back(self._connection)


def _is_fit(connection: Any) -> bool:
    try:
        return not (connection.is_closed() or connection.is_in_transaction())
    except asyncpg.InterfaceError:
        return False  # it was closed, and the pool has taken it back


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "it has too many connections"
    return "it cannot be reached"


async def _nothing_to_reset(connection: Any) -> None:
    """No statement of ours leaves anything behind on a connection; transactions end in their own blocks."""
