"""Word of commits among the processes on one PostgreSQL: NOTIFY after commits, LISTEN where somebody waits."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg

from graphql_api.domain.errors import Refused
from graphql_api.storage.postgres_errors import AWAY
from graphql_api.storage.postgres_lent import Lent
from graphql_api.storage.postgres_pool import Pool
from graphql_api.storage.signals import Bell, wait_at_most

CHANNEL = "message_flows"
APART = 0.02
"""Seconds between two words to other processes, however many commits there are."""

POLL = 1.0
"""Seconds after which a listener looks without being told: a process may have been killed after its commit."""

NOT_NOW = (TimeoutError, Refused, asyncpg.PostgresError, *AWAY)


class Signals:
    """NOTIFY within an edit's transaction would make all edits commit one after another: it follows, unawaited."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._bell = Bell()
        self._me = secrets.token_hex(8)
        self._is_news = False
        self._telling: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Something was committed: this process hears of it now, the others a moment later."""
        self._is_news = True
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())
        self._bell.ring()

    async def _tell(self) -> None:
        try:
            while self._is_news:
                self._is_news = False
                await self._notify()
                await asyncio.sleep(APART)
        finally:
            self._telling = None

    async def _notify(self) -> None:
        with contextlib.suppress(*NOT_NOW):  # listeners look by themselves
            async with Lent(self._pool, self._pool.until()) as connection:
                await connection.execute(f"NOTIFY {CHANNEL}, '{self._me}'")

    async def heard(self) -> AsyncGenerator[None]:
        """See `Store.commits`."""
        connection = None
        with self._bell.heard() as rung:
            try:
                while True:
                    if connection is None or connection.is_closed():
                        connection = await self._listening(rung)
                    rung.clear()
                    yield
                    await wait_at_most(POLL, rung)
            finally:
                if connection is not None:
                    connection.terminate()
                    await asyncio.sleep(0)

    async def _listening(self, rung: asyncio.Event) -> Any:
        """A connection that hears of the others' commits; None when there is none to be had now."""

        def hear(connection: object, pid: int, channel: str, teller: object) -> None:
            if teller != self._me:
                rung.set()

        connection = None
        try:
            settings = {"application_name": "message-flows listener"}
            connection = await asyncpg.connect(self._dsn, timeout=POLL, command_timeout=POLL, server_settings=settings)
            connection.add_termination_listener(lambda _: rung.set())
            await connection.add_listener(CHANNEL, hear)
        except BaseException as error:
            if connection is not None:
                connection.terminate()
            if isinstance(error, NOT_NOW):
                return None
            raise
        return connection

    async def close(self) -> None:
        """The last word is still said."""
        if self._telling is not None:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling
        if self._is_news:
            self._is_news = False
            await self._notify()
