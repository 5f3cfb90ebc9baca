"""A desk whose messages may reach this machine, endpoints, and a sender at work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from graphql_api import edits, opening
from graphql_api.delivery import tenure
from graphql_api.delivery.posting import Poster
from graphql_api.delivery.sender import send
from graphql_api.domain import addresses, webhooks
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.domain.webhooks import Rules, Webhook
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import sender
from tests.delivery.endpoints import Endpoint, listening
from tests.edits.conftest import NEW

T = TypeVar("T")

HERE = addresses.networks(["127.0.0.0/8"])
EVERYTHING = tuple(webhooks.OPERATIONS)

Add = Callable[..., Awaitable[Webhook]]
Change = Callable[..., Awaitable[str]]


@pytest.fixture
async def desk(desk: Desk) -> AsyncIterator[Desk]:
    """By the clock of the machine, so that what is to be tried again is tried again."""
    post = Poster(HERE, 60)
    yield replace(desk, now=opening.clock, rules=Rules(HERE), post=post)
    await post.close()


async def owner(desk: Desk) -> str | None:
    """Who sends."""
    (row,) = await desk.store.read(sender.LOOK)
    return row["owner"]  # type: ignore[no-any-return]


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with listening() as endpoint:
        yield endpoint


@pytest.fixture
def add(desk: Desk, caller: Caller) -> Add:
    async def add(endpoint: Endpoint, *events: str) -> Webhook:
        return (await office.create(desk, caller, endpoint.url, events or EVERYTHING)).webhook

    return add


@pytest.fixture
def change(desk: Desk, caller: Caller) -> Change:
    """Changes a flow by its name, or makes a new one; answers its id."""

    async def change(id: str | None = None, **leaves: Any) -> str:
        if id is None:
            return str((await edits.create_flow(desk, caller, NEW)).flow["id"])
        await edits.update_flow(desk, caller, id, Sent(leaves))
        return id

    return change


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may send looks often whether there is something to send."""
    monkeypatch.setattr(tenure, "LOOK", 0.02)
    monkeypatch.setattr(tenure, "IDLE_LOOK", 0.02)


@pytest.fixture
async def sending(desk: Desk) -> AsyncIterator[asyncio.Task[None]]:
    async with sent_by(desk) as task:
        yield task


@asynccontextmanager
async def sent_by(desk: Desk) -> AsyncIterator[asyncio.Task[None]]:
    """A sender at work, which is told to stop at the end."""
    task = asyncio.create_task(send(desk))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def soon(ask: Callable[[], Awaitable[T]], is_so: Callable[[T], object]) -> T:
    """The first answer that is so."""
    async with asyncio.timeout(20):
        while not is_so(answer := await ask()):  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.02)
    return answer


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another at once."""
    monkeypatch.setattr(webhooks, "RETRIES", (0.05,))
