"""Subscriptions over a PostgreSQL that is stopped in the middle of its work and started again."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from bench.torturing.servers import Postgres
from graphql_api import storage
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from tests.conftest import Clock, Noise
from tests.edits.conftest import new_flow, rename
from tests.restarting import own_postgres
from tests.web.live import connected, served, streaming
from tests.web.test_subscriptions import DAY

pytestmark = pytest.mark.processes


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with own_postgres() as postgres:
        yield postgres


@pytest.fixture
async def desk(postgres: Postgres) -> AsyncIterator[Desk]:
    store = storage.opened(postgres.url)
    yield Desk(store, Clock(), Noise(), DAY)
    await store.close()


@pytest.fixture
async def elsewhere(postgres: Postgres) -> AsyncIterator[Desk]:
    """Of another process, as far as PostgreSQL can tell."""
    store = storage.opened(postgres.url)
    yield Desk(store, Clock(), Noise(), DAY)
    await store.close()


async def test_who_watches_misses_nothing_and_hears_nothing_twice(
    postgres: Postgres, desk: Desk, elsewhere: Desk, caller: Caller
) -> None:
    id = await new_flow(desk, caller)
    async with served(desk) as at, streaming(at, id=id) as events, connected(at) as socket:
        begun = await events.place()
        await socket.begin()
        await socket.subscribe("1", id=id, after=begun)
        await rename(elsewhere, caller, id, "before")
        assert (await socket.change())["version"] == 1
        await asyncio.to_thread(postgres.stop)
        async with httpx2.AsyncClient(trust_env=False, headers={"x-workspace-id": "ws1"}) as client:
            away = await client.post(f"http://{at}/graphql", json={"query": "{ changeCursor }"})
            assert away.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            async with connected(at) as other:
                await other.begin()
                await other.subscribe("1", id=id)
                assert (await other.hear())["payload"][0]["extensions"]["code"] == "UNAVAILABLE"
            async with streaming(at, id=id, headers={"last-event-id": begun}) as late:
                with pytest.raises(EOFError):  # after `complete` EventSource would not come again
                    await late.hear()
        await asyncio.to_thread(postgres.start)
        await rename(elsewhere, caller, id, "two", "three")
        await rename(desk, caller, id, "four")
        assert [(await socket.change())["version"] for _ in range(3)] == [2, 3, 4]
        told = [(await events.hear())[2]["data"]["messageFlowChanged"]["version"] for _ in range(4)]
        assert told == [1, 2, 3, 4]
        await rename(elsewhere, caller, id, "five")
        assert (await socket.change())["version"] == 5
