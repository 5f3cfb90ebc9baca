"""Connections and places of the pool: none is lost, doubled, or kept from whoever waits for one."""

import asyncio

import asyncpg
import pytest

from bench.torturing.servers import Postgres
from graphql_api.storage import postgres_pool
from graphql_api.storage.postgres_lent import Lent
from graphql_api.storage.postgres_pool import Pool
from graphql_api.storage.postgres_silence import Silent
from tests.storage.conftest import dsn

pytestmark = pytest.mark.processes


async def test_idle_connections_that_are_lost_are_lent_to_nobody(postgres: Postgres) -> None:
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5)
    async with Lent(pool, pool.until()) as connection:
        pass
    connection.terminate()
    async with Lent(pool, pool.until()) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


@pytest.mark.parametrize("is_lost", [False, True])
async def test_what_comes_free_for_somebody_who_has_just_left_stays_in_the_pool(
    postgres: Postgres, is_lost: bool
) -> None:
    """A connection, or the place of one that was lost."""
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5)
    connection = await pool.waited_for(pool.until())
    next_one = asyncio.create_task(pool.waited_for(pool.until()))
    await asyncio.sleep(0.05)
    if is_lost:
        connection.terminate()
    pool.give_back(connection)
    next_one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await next_one
    async with asyncio.timeout(4), Lent(pool, pool.until()) as last:
        assert (last is connection) is not is_lost
    await pool.close()


async def test_so_does_what_came_for_somebody_who_could_not_connect_and_left(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "BETWEEN_TRIES", 5)
    pool = Pool(dsn(postgres), size=2, timeout=5, patience=5)
    connection = await pool.waited_for(pool.until())
    monkeypatch.setattr(postgres_pool, "connected", too_many)
    next_one = asyncio.create_task(pool.waited_for(pool.until()))
    await asyncio.sleep(0.05)
    pool.give_back(connection)
    next_one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await next_one
    assert pool.at_hand() is connection
    pool.give_back(connection)
    await pool.close()


async def test_one_that_is_lost_on_its_way_to_its_next_user_is_replaced(postgres: Postgres) -> None:
    losses: list[None] = []
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5, regained=lambda: losses.append(None))
    connection = await pool.waited_for(pool.until())
    next_one = asyncio.create_task(pool.waited_for(pool.until()))
    await asyncio.sleep(0.05)
    pool.give_back(connection)
    connection.terminate()
    assert await (await next_one).fetchval("SELECT 1") == 1
    assert len(losses) == 1
    pool.give_back(await next_one)
    assert pool.figures() == {"connections_busy": 0, "connections_idle": 1}
    await pool.close()


async def test_who_is_told_of_losses_hears_of_connections_that_were_hung_up_as_well(postgres: Postgres) -> None:
    """The next one may lead to another history."""
    losses: list[None] = []
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5, regained=lambda: losses.append(None))
    for _ in range(2):
        async with Lent(pool, pool.until()):
            pass
        assert losses == []
    pool.hang_up_idle()
    async with Lent(pool, pool.until()):
        assert len(losses) == 1
    await pool.close()


async def test_who_cannot_connect_is_given_what_comes_free_first_come_first_served(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "BETWEEN_TRIES", 1.5)
    pool = Pool(dsn(postgres), size=4, timeout=5, patience=9)
    connection = await pool.waited_for(pool.until())
    with monkeypatch.context() as full:
        full.setattr(postgres_pool, "connected", too_many)
        now = pool.until()
        last, first = (asyncio.create_task(pool.waited_for(until)) for until in (now + 1, now))
        await asyncio.sleep(0.05)
        pool.give_back(connection)
        async with asyncio.timeout(1):
            assert await first is connection
        assert not last.done()
    pool.give_back(connection)
    connection.terminate()
    assert await (await last).fetchval("SELECT 1") == 1
    pool.give_back(await last)
    assert pool.figures() == {"connections_busy": 0, "connections_idle": 1}
    await pool.close()


async def too_many(*_: object) -> None:
    raise asyncpg.TooManyConnectionsError


async def test_what_came_free_while_its_next_user_tried_to_connect_is_taken(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of the two places that it had then one is free again."""
    pool = Pool(dsn(postgres), size=2, timeout=5, patience=3)
    tries, go_on = asyncio.Event(), asyncio.Event()

    async def in_vain(*_: object) -> None:
        tries.set()
        await go_on.wait()
        await too_many()

    connection = await pool.waited_for(pool.until())
    with monkeypatch.context() as full:
        full.setattr(postgres_pool, "connected", in_vain)
        next_one = asyncio.create_task(pool.waited_for(pool.until()))
        await tries.wait()
        pool.give_back(connection)
        go_on.set()
        assert await next_one is connection
    pool.give_back(connection)
    async with Lent(pool, pool.until()) as one, Lent(pool, pool.until()) as other:
        assert one is not other
    await pool.close()


async def test_a_connection_that_serves_somebody_else_by_now_is_not_given_up(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether nothing more can come on one takes a while to find out."""
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5)
    connection = await pool.waited_for(pool.until())
    is_found = asyncio.Event()

    async def found_late(_: str, silent: Silent) -> Silent:
        pool.give_back(connection)
        assert pool.at_hand() is connection
        monkeypatch.undo()
        is_found.set()
        return silent

    monkeypatch.setattr(postgres_pool, "SILENCE", 0)
    monkeypatch.setattr(postgres_pool, "in_vain", found_late)
    await is_found.wait()
    assert await connection.fetchval("SELECT 1") == 1
    pool.give_back(connection)
    await pool.close()
