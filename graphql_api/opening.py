"""The database and the desk that the settings ask for."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from graphql_api import storage
from graphql_api.config import Config
from graphql_api.delivery.posting import Poster
from graphql_api.domain import addresses
from graphql_api.domain.errors import Refused
from graphql_api.domain.instants import HOUR
from graphql_api.domain.search import Sizes
from graphql_api.domain.webhooks import Rules
from graphql_api.edits.desk import Desk
from graphql_api.storage.engine import Store

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a command waits for the database."""

CYCLES = 10_000
"""New objects between two looks for cycles, which the work leaves behind: an import some for each flow."""

AS_LONG_AS_IT_TAKES = 7 * 86_400.0


def clock() -> int:
    return time.time_ns() // 1_000_000


class Noise:
    """Eight random bytes a call, each time more than before: so ids tell the order of flows of one millisecond."""

    def __init__(self) -> None:
        self._last = int.from_bytes(os.urandom(8))

    def __call__(self) -> bytes:
        self._last = (self._last + 1 + int.from_bytes(os.urandom(5))) % 2**64
        return self._last.to_bytes(8)


def store_of(settings: Config, neighbours: Path | None = None) -> Store:
    """The store of a server, where nobody waits for long; one of several processes tells its `neighbours`."""
    return storage.opened(
        settings.database_url,
        synchronous=settings.sqlite_synchronous,
        pool_size=settings.pool_size,
        batch=settings.group_size,
        timeout=settings.statement_timeout,
        patience=settings.acquire_timeout,
        neighbours=neighbours,
    )


def patient_store_of(settings: Config) -> Store:
    """The store of a command, which may have one transaction for a million flows."""
    return storage.opened(
        settings.database_url,
        synchronous=settings.sqlite_synchronous,
        pool_size=2,
        timeout=AS_LONG_AS_IT_TAKES,
        patience=PATIENCE,
    )


def desk_of(settings: Config, store: Store) -> Desk:
    networks = addresses.networks(settings.webhook_networks)
    rules = Rules(networks, settings.max_webhooks, int(settings.webhook_patience_hours * HOUR))
    post = Poster(networks, settings.webhook_timeout)
    sizes = Sizes(settings.max_page, settings.max_rest_page, settings.max_batch)
    return Desk(store, clock, Noise(), int(settings.replay_hours * HOUR), rules, post, sizes)


@contextmanager
def explained(settings: Config, *, making: bool = False) -> Iterator[None]:
    """Where the database is not available and the path of its file tells why, the operator is told so by Unfit.

    `making`: tables are made or brought up to date.
    """
    from graphql_api.sentences import Unfit  # and with it what only commands need

    try:
        yield
    except Refused as refusal:
        is_away = refusal.problems[0].code == "UNAVAILABLE"
        why = storage.obstacle(settings.database_url, making=making) if is_away else None
        if why is None:
            raise
        raise Unfit(why) from None


def at_desk(settings: Config, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Works on a database whose tables are those of this version."""
    from graphql_api.storage import migrations

    gc.set_threshold(CYCLES)

    async def run() -> T:
        desk = desk_of(settings, patient_store_of(settings))
        try:
            await migrations.require_current(desk.store)
            return await work(desk)
        finally:
            await desk.post.close()
            await desk.store.close()

    # asyncio would wait for the next await, which never comes while standard input is being read.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _end)
    with explained(settings):
        return asyncio.run(run())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end(number: int, _: object) -> None:
    """In order, so that no draft of a file is left; with the code by which shells tell of a signal."""
    raise SystemExit(128 + number)
