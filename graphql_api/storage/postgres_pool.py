"""Connections to PostgreSQL: waits a while for a free one, tells a slow database from one that is gone, recovers."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import asyncpg

from graphql_api.domain.errors import Refused
from graphql_api.storage.engine import in_task, unavailable
from graphql_api.storage.postgres_connecting import connected
from graphql_api.storage.postgres_errors import AWAY, reason
from graphql_api.storage.postgres_silence import SILENCE, TICK, in_vain

BETWEEN_TRIES = 0.05

IDLE = 180
"""Seconds after which a connection that nobody needs is closed; some networks forget it after four minutes."""

TAKEN = "all connections are taken"
MUTE = "it takes connections and does not answer"

log = logging.getLogger("message_flows")


class Pool:
    """Up to `size` connections of one database; connects when it is first used.

    asyncpg's own pool lends a proxy, which costs a statement more than all that is done here. Nothing is reset between
    two callers: no statement of ours leaves anything behind on a connection, transactions end in their own blocks, and
    a connection that is left within one is closed.
    """

    def __init__(
        self, dsn: str, *, size: int, timeout: float, patience: float, regained: Callable[[], None] = lambda: None
    ) -> None:
        """`regained` hears of the first connection after a loss: it may lead to another history of the database."""
        self._dsn = dsn
        self._regained = regained
        self._has_lost = False
        self._size = size
        self._timeout = timeout
        self._patience = patience
        self._is_closed = False
        self._out = 0
        """Connections that are idle, at work, or being made."""
        self._idle: dict[Any, float] = {}
        self._at_work: dict[Any, float] = {}
        """Connections, and when they last began to work."""
        self._trouble = TAKEN
        self._in_vain_until = 0.0
        """Before that moment nobody tries to connect: it has just failed, which costs the database a process."""
        self._cause: BaseException | None = None
        self._heirs: deque[asyncio.Future[Any]] = deque()
        self._seekers: dict[asyncio.Future[Any], float] = {}
        """Who has a place and cannot connect, and until when they wait."""
        self._watchman: asyncio.Task[None] | None = None

    def figures(self) -> Mapping[str, float]:
        return {"connections_busy": len(self._at_work), "connections_idle": len(self._idle)}

    def until(self) -> float:
        """The moment at which a caller who comes now has waited long enough; event loops have the same clock."""
        return monotonic() + self._patience

    def trouble(self) -> str:
        """Why whoever has waited long enough has no connection."""
        return MUTE if self._trouble is TAKEN and not self._at_work else self._trouble

    def at_hand(self) -> Any:
        """The one that has been idle for the shortest time; None when none is."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if not connection.is_closed():
                self._at_work[connection] = monotonic()
                return connection
            self._gone(connection)
        return None

    async def waited_for(self, until: float) -> Any:
        await in_task()
        connection = self.at_hand()  # one may have come free meanwhile
        if connection is None and self._out >= self._size:
            connection = await self._inherited(until)
        elif connection is None:
            self._out += 1
        if connection is not None:
            return connection
        try:
            connection = await self._connected(until)
        except BaseException:
            self._leave()
            raise
        if connection in self._at_work:  # it came from others, and has a place of its own
            self._leave()
        else:
            self._at_work[connection] = monotonic()
        return connection

    def give_back(self, connection: Any) -> None:
        since = self._at_work.pop(connection)
        if self._is_closed or connection.is_closed() or connection.is_in_transaction():
            self._gone(connection)
        elif self._seekers:
            seeker = min(self._seekers, key=self._seekers.__getitem__)
            del self._seekers[seeker]
            self._at_work[connection] = monotonic()
            seeker.set_result(connection)
        elif self._heirs and self._hand_on(connection):
            self._at_work[connection] = monotonic()
        else:
            self._idle[connection] = since

    def hang_up_idle(self) -> None:
        self._has_lost = True
        while self._idle:
            self._gone(self._idle.popitem()[0])

    async def _inherited(self, until: float) -> Any:
        """What others have done with, first come, first served; None for the place of one, to connect at."""
        heir = asyncio.get_running_loop().create_future()
        self._heirs.append(heir)
        try:
            async with asyncio.timeout_at(until):
                connection = await heir
        except BaseException as error:
            if heir.done() and not heir.cancelled():  # it came to somebody who has left
                self._leave() if heir.result() is None else self.give_back(heir.result())
            if isinstance(error, TimeoutError):
                raise unavailable(self.trouble()) from self._cause
            raise
        if connection is not None and connection.is_closed():
            self._has_lost = True
            del self._at_work[connection]
            connection.terminate()
            return None
        return connection

    def _hand_on(self, connection: Any) -> bool:
        """To the next who waits, if somebody does."""
        while self._heirs:
            heir = self._heirs.popleft()
            if not heir.done():
                heir.set_result(connection)
                return True
        return False

    def _leave(self) -> None:
        """A place is free."""
        if not self._hand_on(None):
            self._out -= 1

    def _gone(self, connection: Any) -> None:
        self._has_lost = self._has_lost or connection.is_closed()
        connection.terminate()
        self._leave()

    async def _connected(self, until: float) -> Any:
        """A database that is being restarted is waited for like a free connection; one that others have done with is
        taken instead, such as of a database that allows no more of them."""
        if self._is_closed:
            raise unavailable("the server is stopping")
        if self._watchman is None:
            self._watchman = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout_at(until):
                while True:
                    pause = self._in_vain_until - monotonic()
                    if pause > 0:
                        connection = self.at_hand() or await self._passed_on(until, pause)
                    else:
                        connection = await self._tried_to_connect()
                    if connection is not None:
                        return connection
        except TimeoutError:
            raise unavailable(self.trouble()) from self._cause
        except ValueError as error:
            raise unavailable("its address cannot be used") from error
        except asyncpg.PostgresError as error:
            log.error("the database refuses the connection: %s", error)
            raise unavailable("it refuses the connection") from error

    async def _tried_to_connect(self) -> Any:
        """None while the database is away."""
        try:
            connection = await connected(self._dsn, self._timeout)
        except AWAY as error:
            if isinstance(error, ValueError) and not isinstance(error, OSError):
                raise  # an address that can never be used; a certificate that fails is both
            self._trouble, self._cause = reason(error), error.with_traceback(None)
            self._in_vain_until = monotonic() + BETWEEN_TRIES
            return None
        self._trouble, self._cause = TAKEN, None
        if self._has_lost:
            self._has_lost = False
            self._regained()
        return connection

    async def _passed_on(self, until: float, pause: float) -> Any:
        """What others have done with before it is time to try again; who came first has the first one."""
        seeker = asyncio.get_running_loop().create_future()
        self._seekers[seeker] = until
        try:
            await asyncio.wait((seeker,), timeout=pause)
        except BaseException:
            if seeker.done():
                self.give_back(seeker.result())
            raise
        finally:
            self._seekers.pop(seeker, None)
        connection = seeker.result() if seeker.done() else None
        if connection is not None and connection.is_closed():
            self.give_back(connection)
            return None
        return connection

    async def _watch(self) -> None:
        """Ends what waits in vain, long before its statements run out of time."""
        while True:
            await asyncio.sleep(TICK)
            now = monotonic()
            for connection in [one for one, since in self._idle.items() if since < now - IDLE or one.is_closed()]:
                del self._idle[connection]
                self._gone(connection)
            silent = {one: since for one, since in self._at_work.items() if since < now - SILENCE}
            if silent and self._end(await in_vain(self._dsn, silent)):
                self.hang_up_idle()

    def _end(self, those: Mapping[Any, float]) -> bool:
        """Those that are still at work for whom they were; whether there are any."""
        found = [one for one, since in those.items() if self._at_work.get(one) == since]
        for connection in found:
            connection.terminate()
        return bool(found)

    async def close(self) -> None:
        """Waits a while for what is at work."""
        self._is_closed = True
        if self._watchman is None:
            return
        self._watchman.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watchman
        self.hang_up_idle()
        until = self.until()
        with contextlib.suppress(Refused):
            while self._out:
                await self._inherited(until)
                self._out -= 1
        for connection in self._at_work:
            connection.terminate()
        await asyncio.sleep(0)
