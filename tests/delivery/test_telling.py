"""What is told of a change is whole, whoever edits the flow while it is read."""

import asyncio
import json

import asyncpg
import pytest

from graphql_api.delivery.telling import told
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import changes
from tests.delivery.conftest import EVERYTHING, Change
from tests.storage.test_tail import WRITE


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
        telling = asyncio.create_task(told(desk.store, webhook, row))
        while not await writer.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await writer.fetch(WRITE, id)
        await edit.commit()
        message = (await telling).message
    finally:
        await writer.close()
    assert message is not None
    data = json.loads(message.body)["data"]
    assert (data["version"], data["description"], data["changedFields"]) == (1, "one", ["description"])
