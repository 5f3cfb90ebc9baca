"""Webhooks over a PostgreSQL that is stopped in the middle of their work and started again."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from bench.torturing.servers import Postgres
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from tests.delivery.conftest import Add, Change, soon
from tests.delivery.endpoints import Endpoint, Received, Write, status
from tests.delivery.test_faults import in_the_end
from tests.restarting import own_postgres

pytestmark = pytest.mark.processes


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with own_postgres() as postgres:
        yield postgres


@pytest.fixture
def patience() -> float:
    """Less than the database is away."""
    return 1.5


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    return postgres.url


async def test_every_change_is_told_in_the_order_of_its_flow(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: asyncio.Task[None],
    postgres: Postgres,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Messages are on their way and others wait when it stops; what was taken meanwhile cannot be noted at once."""
    answers = asyncio.Event()

    async def manner(request: Received, write: Write) -> None:
        await answers.wait()
        await status(200)(request, write)

    webhook = await add(endpoint)
    ids = [await change() for _ in range(3)]
    await endpoint.until(lambda: {(id, 0) for id in ids} <= set(endpoint.changes))
    endpoint.manner = manner
    for name in ("on its way", "waits"):
        for id in ids:
            await change(id, name=name)
    await endpoint.until(lambda: {(id, 1) for id in ids} <= set(endpoint.changes))

    await asyncio.to_thread(postgres.stop)
    answers.set()
    with pytest.raises(Refused, match="not available"):
        await change(ids[0], name="refused")
    await asyncio.to_thread(postgres.start)
    for id in ids:
        await in_the_end(lambda id=id: change(id, name="afterwards"))  # type: ignore[misc]
    await endpoint.until(lambda: {(id, 3) for id in ids} <= set(endpoint.changes), 60)
    await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)

    named = {request.change: request.told["data"]["name"] for request in endpoint.received}
    for id in ids:
        seen = [version for flow, version in endpoint.changes if flow == id]
        assert list(dict.fromkeys(seen)) == [0, 1, 2, 3]
        assert seen == sorted(seen)
        assert [named[id, version] for version in range(1, 4)] == ["on its way", "waits", "afterwards"]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert not sending.done()
