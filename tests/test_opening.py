"""What servers and commands are opened with."""

import asyncio
import gc
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from sqlalchemy import text

from graphql_api import config, opening
from graphql_api.__main__ import NEVER_WHILE_STARTING
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk
from graphql_api.opening import at_desk, store_of
from graphql_api.storage.engine import Script, Shape, Statement, Store

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT max(i) FROM n"
HELD = 1.4
"""Seconds for which somebody else holds what is waited for: less than a server waits by itself."""


@asynccontextmanager
async def opened(url: str, **settings: Any) -> AsyncIterator[Store]:
    store = store_of(config.load(database_url=url, **settings))
    try:
        yield store
    finally:
        await store.close()


def one(sql: str) -> Statement:
    return Statement(Shape(text(sql)), {})


async def test_a_statement_has_as_long_as_its_setting_says(database_url: str) -> None:
    async with opened(database_url, statement_timeout=0.1) as store, asyncio.timeout(5):
        with pytest.raises(Refused, match="statement_timeout"):
            await store.read(one(ENDLESS))


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_a_change_is_as_safe_as_its_setting_says(database_url: str, synchronous: str, level: int) -> None:
    def script() -> Script[int]:
        (row,) = yield one("PRAGMA synchronous")
        return int(row["synchronous"])

    async with opened(database_url, sqlite_synchronous=synchronous) as store:
        assert await store.run(script) == level


@pytest.mark.parametrize("database", ["sqlite"])
async def test_an_edit_waits_for_another_process_as_long_as_its_setting_says(database_url: str) -> None:
    def script() -> Script[None]:
        yield one("DELETE FROM api_keys")

    other = sqlite3.connect(database_url.partition("///")[2], isolation_level=None)
    async with opened(database_url, acquire_timeout=0.05) as store:
        with closing(other):
            other.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(HELD, other.rollback)
            with pytest.raises(Refused, match=r"keeps? it (busy|locked)"):
                await store.run(script)


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize(("connections", "patience", "is_refused"), [(1, 1, True), (4, 20, False)])
async def test_there_are_as_many_connections_as_their_setting_says(
    database_url: str, connections: int, patience: float, is_refused: bool
) -> None:
    """And who finds none that is free waits as long as its setting says; transactions of several flows have half."""

    def script() -> Script[None]:
        yield one(f"SELECT pg_sleep({HELD})")

    async with opened(database_url, pool_size=connections, acquire_timeout=patience) as store:
        await store.read(one("SELECT 1"))
        told = await asyncio.gather(*(store.run(script, together=True) for _ in range(2)), return_exceptions=True)
        assert [type(one) for one in told if one] == [Refused] * is_refused


def test_ids_of_one_millisecond_tell_which_was_drawn_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.urandom", bytes)  # also where chance adds nothing
    noise = opening.Noise()
    drawn = [noise() for _ in range(1_000)]
    assert drawn == sorted({*drawn})
    assert {len(one) for one in drawn} == {8}


def test_a_command_looks_for_the_cycles_that_its_work_leaves_behind(database_url: str) -> None:
    """Though it did not while it was started: an import would keep 100 MB of them."""
    threshold, handlers = gc.get_threshold(), [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    async def work(_: Desk) -> int:
        return gc.get_threshold()[0]

    gc.set_threshold(NEVER_WHILE_STARTING)
    try:
        assert at_desk(config.load(database_url=database_url), work) == opening.CYCLES
    finally:
        gc.set_threshold(*threshold)
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGTERM, handlers[1])
