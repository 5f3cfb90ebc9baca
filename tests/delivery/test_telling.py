"""What is told of a change is whole, whoever edits the flow while it is read."""

import asyncio
import json

import asyncpg
import pytest

from graphql_api.delivery import telling
from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import changes, revisions
from tests.delivery.conftest import EVERYTHING, Change
from tests.storage.test_tail import WRITE

WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_a_change_far_below_the_flow_is_told_as_it_was(
    desk: Desk, caller: Caller, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "STEP", 2)
    webhook = (await office.create(desk, caller, "https://example.com/", EVERYTHING)).webhook
    id = await change()
    for number in range(1, 8):
        await change(id, description=str(number))
    rows = await desk.store.read(changes.after(0, 10))
    messages = [(await telling.told(desk.store, webhook, row)).message for row in rows]
    data = [json.loads(message.body)["data"] for message in messages if message is not None]
    assert [(one["version"], one["description"]) for one in data] == [(0, ""), *((n, str(n)) for n in range(1, 8))]
    assert [one["updatedAt"] for one in data] == [instants.text(row["at"]) for row in rows]
    ahead = {**rows[-1], "version": 8}
    assert (await telling.told(desk.store, webhook, ahead)).message is None


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("table", ["message_flows", "message_flow_revisions"])
async def test_an_edit_between_the_reading_of_a_flow_and_of_its_history_hides_no_change(
    desk: Desk, caller: Caller, change: Change, database_url: str, table: str
) -> None:
    """Whichever of the two is read last waits until the edit is committed."""
    webhook = (await office.create(desk, caller, "https://example.com/", EVERYTHING)).webhook
    id = await change()
    await change(id, description="one")
    *_, row = await desk.store.read(changes.after(0, 10))
    writer = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        edit = writer.transaction()
        await edit.start()
        await writer.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(telling.told(desk.store, webhook, row))
        while not await writer.fetchval(WAITING):  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)
        await writer.fetch(WRITE, id)
        await edit.commit()
        message = (await reading).message
    finally:
        await writer.close()
    assert message is not None
    data = json.loads(message.body)["data"]
    assert (data["version"], data["description"], data["changedFields"]) == (1, "one", ["description"])
