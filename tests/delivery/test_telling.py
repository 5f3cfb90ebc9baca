"""What is told of a change is whole, whoever edits the flow while it is read."""

import asyncio
import json
from itertools import zip_longest

import asyncpg
import pytest

from graphql_api.delivery.telling import Teller, message_id
from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.domain.webhooks import Webhook
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import changes, revisions
from graphql_api.storage.engine import Row
from graphql_api.storage.revisions import Revision
from tests.delivery.conftest import EVERYTHING, Add, Change, sent_by, soon
from tests.delivery.endpoints import Endpoint
from tests.rewinding import retell, rewind
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
    rows = await deliveries(desk)
    messages = [(await Teller(desk.store).told(webhook, row)).message for row in rows]
    data = [json.loads(message.body)["data"] for message in messages if message is not None]
    assert [(one["version"], one["description"]) for one in data] == [(0, ""), *((n, str(n)) for n in range(1, 8))]
    assert [one["updatedAt"] for one in data] == [instants.text(row["at"]) for row in rows]
    ahead = {**rows[-1], "version": 8}
    assert (await Teller(desk.store).told(webhook, ahead)).message is None


async def deliveries(desk: Desk) -> list[Row]:
    """As they are made out of the whole history."""
    return [{**row, "changed_at": row["at"]} for row in await desk.store.read(changes.after(0, 100))]


async def test_of_many_changes_that_wait_each_is_read_once(
    desk: Desk, caller: Caller, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside each other by webhooks at different places, also by one that is not told of all of them."""
    webhooks = [(await office.create(desk, caller, "https://example.com/", EVERYTHING)).webhook for _ in range(3)]
    id = await change()
    for number in range(1, 31):
        await change(id, description=str(number))
    rows = await deliveries(desk)
    rounds = zip_longest(
        *([(hook, row) for row in told] for hook, told in zip(webhooks, (rows, rows[9:], rows[::3]), strict=True))
    )
    waiting = [one for together in rounds for one in together if one]
    undone = counted(monkeypatch)
    teller = Teller(desk.store)
    told = [await teller.told(*one) for one in waiting]
    back, onward = 31 + 22 + 31, 2 * 30 + 2 * 21 + 4 * 10  # with the one that each goes on from
    assert len(undone) == back + onward
    undone.clear()
    assert await teller.told(*waiting[-1]) == told[-1]
    assert len(undone) == 1
    assert told == [await Teller(desk.store).told(*one) for one in waiting]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The revisions that are read from now on."""
    counted: list[Row] = []
    made = revisions.revision

    def make(row: Row) -> Revision:
        counted.append(row)
        return made(row)

    monkeypatch.setattr(revisions, "revision", make)
    return counted


async def test_what_is_remembered_of_a_history_that_is_no_more_is_not_gone_on_from(
    desk: Desk, caller: Caller, change: Change, database_url: str
) -> None:
    webhook = (await office.create(desk, caller, "https://example.com/", EVERYTHING)).webhook
    id = await change()
    await change(id, description="lost")
    teller = Teller(desk.store)
    for row in await deliveries(desk):
        await teller.told(webhook, row)
    await change(id, name="n")
    *_, row = await deliveries(desk)
    await retell(database_url, id, 1, "other")
    message = (await teller.told(webhook, row)).message
    assert message is not None
    assert json.loads(message.body)["data"]["description"] == "other"


async def test_after_a_restored_backup_no_message_has_the_id_of_one_that_is_lost(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, database_url: str
) -> None:
    """Though it tells of the same version, at the same place in the stream."""
    webhook = await add(endpoint)
    id = await change()
    (now,) = await desk.store.read(changes.STREAM_NOW)
    async with sent_by(desk):
        await change(id, name="lost")
        await soon(lambda: office.attempts(desk, caller, webhook.id, 10), lambda tried: len(tried) == 2)
    await rewind(database_url, now["top"], version=0)
    await change(id, name="new")
    async with sent_by(desk):
        await endpoint.until(lambda: len(endpoint.received) == 3)
    assert endpoint.changes == [(id, 0), (id, 1), (id, 1)]
    assert len({request.told["id"] for request in endpoint.received}) == 3


async def test_what_waited_before_ids_told_the_time_keeps_its_id() -> None:
    webhook = Webhook("ws1", "whk_1", "https://example.com/", "", EVERYTHING, "mfw_1", 0, 0)
    row = {"position": 5, "flow_id": "f", "version": 2, "changed_at": None}
    assert message_id(webhook, row) == "evt_f1ea594187a1022dbb77f88c72b5fc08"
    assert message_id(webhook, {**row, "changed_at": 1}) != message_id(webhook, {**row, "changed_at": 2})


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("table", ["message_flows", "message_flow_revisions"])
async def test_an_edit_between_the_reading_of_a_flow_and_of_its_history_hides_no_change(
    desk: Desk, caller: Caller, change: Change, database_url: str, table: str
) -> None:
    """Whichever of the two is read last waits until the edit is committed."""
    webhook = (await office.create(desk, caller, "https://example.com/", EVERYTHING)).webhook
    id = await change()
    await change(id, description="one")
    *_, row = await deliveries(desk)
    writer = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        edit = writer.transaction()
        await edit.start()
        await writer.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(Teller(desk.store).told(webhook, row))
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
