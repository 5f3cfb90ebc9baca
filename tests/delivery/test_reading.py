"""Many endpoints that have much before them leave connections to requests, and make no message before it can leave."""

import asyncio
from collections.abc import Sequence

import pytest

from graphql_api.delivery import reading, sender
from graphql_api.delivery.telling import Notice, Teller
from graphql_api.domain.webhooks import Webhook
from graphql_api.edits import Desk
from graphql_api.storage.engine import Row, Statement, Store
from tests.delivery.conftest import Add, Change, sent_by
from tests.delivery.endpoints import Endpoint, silence


async def test_a_few_statements_are_read_at_a_time(
    desk: Desk, store: Store, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READERS", 2)
    read, under_way, most = store.read, 0, 0

    async def counted(statement: Statement) -> Sequence[Row]:
        nonlocal under_way, most
        is_asked_for_a_message = {"webhook", "flow_id", "id"} & statement.values.keys()
        under_way += bool(is_asked_for_a_message)
        most = max(most, under_way)
        try:
            await asyncio.sleep(0)
            return await read(statement)
        finally:
            under_way -= bool(is_asked_for_a_message)

    for _ in range(4):
        await add(endpoint)
    for _ in range(5):
        await change()
    monkeypatch.setattr(store, "read", counted)
    async with sent_by(desk):
        await endpoint.until(lambda: len(endpoint.received) == 20)
    assert most == 2


async def test_a_message_is_made_when_it_has_a_slot(
    desk: Desk, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SLOTS", (3, 3))
    tell, made = Teller.told, []

    async def told(teller: Teller, webhook: Webhook, delivery: Row) -> Notice:
        made.append(delivery["position"])
        return await tell(teller, webhook, delivery)

    monkeypatch.setattr(Teller, "told", told)
    endpoint.manner = silence
    for _ in range(2):
        await add(endpoint)
    for _ in range(5):
        await change()
    async with sent_by(desk):
        await endpoint.until(lambda: len(endpoint.received) == 3)
        await asyncio.sleep(0.1)
        assert len(made) == 3
