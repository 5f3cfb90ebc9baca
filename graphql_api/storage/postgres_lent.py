"""A connection to PostgreSQL for the time of a block, and how it comes to rest when its user was cancelled."""

import asyncio
from collections.abc import Callable
from typing import Any

from graphql_api.storage.postgres_pool import Pool

Meaning = Callable[[BaseException], Exception | None]

RESTING: set[asyncio.Task[None]] = set()
"""Event loops hold their tasks weakly."""


class Lent:
    """A connection for the time of a block; a class, as generators would cost a statement twice as much.

    It is open when the block begins; raises Refused when there is none by the moment `until`. An error that ends the
    block is raised as what `meaning` makes of it, if that is something.
    """

    __slots__ = ("_connection", "_meaning", "_pool", "_until")

    def __init__(self, pool: Pool, until: float, meaning: Meaning | None = None) -> None:
        self._pool = pool
        self._until = until
        self._meaning = meaning

    async def __aenter__(self) -> Any:
        self._connection = self._pool.at_hand() or await self._pool.waited_for(self._until)
        return self._connection

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, asyncio.CancelledError):
            resting = asyncio.create_task(_rest(self._pool, self._connection))
            RESTING.add(resting)
            resting.add_done_callback(RESTING.discard)
        else:
            self._pool.give_back(self._connection)
        if error is not None and self._meaning is not None and (told := self._meaning(error)) is not None:
            raise told from error


async def _rest(pool: Pool, connection: Any) -> None:
    """Gives a connection back as soon as its statement, which is being cancelled, has ended.

    To wait for that takes a task, which the next user may not have.
    """
    try:
        if not connection.is_in_transaction():
            async with asyncio.timeout_at(pool.until()):
                await connection.execute("SELECT 1")
    except Exception:
        connection.terminate()
    finally:
        pool.give_back(connection)
