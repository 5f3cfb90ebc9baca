"""Statements that are sent together on PostgreSQL: in few round trips, and nobody waits long for a neighbour."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.instants import HOUR
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.storage import changes
from graphql_api.storage.postgres import PostgresStore
from tests.conftest import CREATE, Clock, Noise, sent

LOCK = "SELECT id FROM message_flows WHERE id = $1 FOR UPDATE"


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Desk]:
    """A desk that waits two seconds."""
    store = PostgresStore(database_url.replace("+asyncpg", ""), patience=2)
    yield Desk(store, Clock(), Noise(), HOUR)
    await store.close()


def delay(seconds: float) -> Sent:
    return Sent({"response_settings_delay": seconds})


async def test_many_reads_and_writes_of_one_shape_share_round_trips(hasty: Desk, caller: Caller) -> None:
    ids = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(40)]
    saved = await asyncio.gather(*(edits.update_flow(hasty, caller, id, delay(n + 1)) for n, id in enumerate(ids)))
    assert [one.flow["id"] for one in saved] == ids
    assert [one.flow["response_settings_delay"] for one in saved] == list(range(1, 41))
    assert all(one.flow["version"] == 1 for one in saved)
    assert "ordinal" not in saved[0].flow


async def test_statements_of_no_workspace_share_round_trips_as_well(hasty: Desk) -> None:
    found = await asyncio.gather(*(hasty.store.read(changes.STREAM_NOW) for _ in range(20)))
    assert [row["top"] for (row,) in found] == [0] * 20


async def test_a_batch_that_waits_for_a_locked_row_has_another_one_begin_beside_it(
    hasty: Desk, caller: Caller, database_url: str
) -> None:
    locked, other = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(2)]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.fetch(LOCK, locked)
        held = asyncio.create_task(edits.update_flow(hasty, caller, locked, delay(1)))
        await asyncio.sleep(0.2)
        saved = await asyncio.gather(*(edits.update_flow(hasty, caller, other, delay(n)) for n in (2, 3, 4)))
        assert sorted(one.flow["version"] for one in saved) == [1, 2, 3]
        assert not held.done()
    await connection.close()
    assert (await held).flow["version"] == 1


async def test_a_locked_row_holds_up_others_no_longer_than_their_patience(
    hasty: Desk, caller: Caller, database_url: str
) -> None:
    locked, other = [(await edits.create_flow(hasty, caller, sent(CREATE))).flow["id"] for _ in range(2)]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.fetch(LOCK, locked)
        held = []
        for seconds in (1, 2):  # one after the other, so that each is in a batch of its own
            held.append(asyncio.create_task(edits.update_flow(hasty, caller, locked, delay(seconds))))
            await asyncio.sleep(0.2)
        with pytest.raises(Refused) as refusal:
            async with asyncio.timeout(20):
                await asyncio.gather(*(edits.update_flow(hasty, caller, other, delay(n)) for n in (3, 4, 5)))
        assert refusal.value.problems[0].code == "UNAVAILABLE"
    await connection.close()
    assert sorted(one.flow["version"] for one in await asyncio.gather(*held)) == [1, 2]
    saved = await edits.update_flow(hasty, caller, other, delay(6))
    assert saved.flow["version"] == 1, "what was refused was not written later"
