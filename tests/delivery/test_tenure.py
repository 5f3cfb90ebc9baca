"""One process of all that share a database sends, and another one takes over when it is gone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar, cast

import pytest
from msgspec.structs import replace

from graphql_api import storage
from graphql_api.delivery import tenure
from graphql_api.delivery.sender import GRACE
from graphql_api.delivery.tenure import Deposed, Tenure
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import sender
from graphql_api.storage.engine import Row, Script, Statement, Store, unavailable
from tests.delivery.conftest import Add, Change, owner, sent_by, soon
from tests.delivery.endpoints import Endpoint
from tests.storage.tally import SLEEP

T = TypeVar("T")


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Store]:
    """The store of another process."""
    store = storage.opened(database_url)
    yield store
    await store.close()


def nothing(row: Row) -> Script[int]:
    yield sender.LOOK
    return int(row["beat"])


def test_another_process_takes_over_within_10_seconds_and_never_from_one_that_is_sure() -> None:
    assert tenure.BEAT < tenure.SURE < tenure.SILENCE
    assert tenure.BEAT + GRACE < tenure.SILENCE
    assert tenure.SILENCE + 2 * tenure.LOOK < 10


async def test_of_two_senders_one_sends(desk: Desk, other: Store, add: Add, change: Change, endpoint: Endpoint) -> None:
    await add(endpoint)
    async with sent_by(desk), sent_by(replace(desk, store=other)):
        ids = [await change() for _ in range(20)]
        await endpoint.until(lambda: {id for id, _ in endpoint.changes} == set(ids))
    assert Counter(endpoint.changes) == {(id, 0): 1 for id in ids}


async def test_one_that_stops_lays_down_its_tenure_and_the_next_goes_on_at_once(
    desk: Desk, other: Store, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenure, "SILENCE", 3_600)
    await add(endpoint)
    async with sent_by(desk):
        first = await change()
        await endpoint.until(lambda: endpoint.changes == [(first, 0)])
    assert await owner(desk) is None
    second = await change()
    async with sent_by(replace(desk, store=other)):
        await endpoint.until(lambda: endpoint.changes == [(first, 0), (second, 0)])


async def test_one_that_is_stopped_while_it_takes_over_lays_down_what_it_has_taken(
    desk: Desk, add: Add, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(endpoint)
    taken = asyncio.Event()
    run = desk.store.run

    async def answered_late(script: Callable[[], Script[T]], **how: Any) -> T:
        outcome = await run(script, **how)
        taken.set()
        await asyncio.sleep(0.05)
        return outcome

    monkeypatch.setattr(desk.store, "run", answered_late)
    waiting = asyncio.create_task(Tenure(desk.store).won())
    await taken.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await owner(desk) is None


async def test_one_that_is_stopped_while_it_lays_down_its_tenure_does_so_all_the_same(
    desk: Desk, caller: Caller, add: Add, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does by itself when there is nothing more to send for."""
    ends, go_on = asyncio.Event(), asyncio.Event()
    lay_down = Tenure.lay_down

    async def late(mine: Tenure) -> None:
        ends.set()
        await go_on.wait()
        await lay_down(mine)

    monkeypatch.setattr(Tenure, "lay_down", late)
    webhook = await add(endpoint)
    async with sent_by(desk):
        await soon(lambda: owner(desk), bool)
        await office.remove(desk, caller, webhook.id)
        await ends.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    assert await owner(desk) is None


@pytest.mark.parametrize("database", ["postgresql"])
async def test_nobody_takes_over_while_the_owner_writes(desk: Desk, other: Store, add: Add, endpoint: Endpoint) -> None:
    await add(endpoint)
    mine, theirs = Tenure(desk.store), Tenure(other)
    await mine.won()
    (seen,) = await desk.store.read(sender.LOOK)
    desk.store.heard = None  # a statement that sleeps is of no workspace
    writes = asyncio.Event()
    done: list[str] = []

    def slow(row: Row) -> Script[None]:
        writes.set()
        yield Statement(SLEEP, {"seconds": 0.3})

    async def write() -> None:
        await mine.write(slow)
        done.append("written")

    async def take() -> None:
        await writes.wait()
        assert await theirs._took(seen["beat"])
        done.append("taken")

    await asyncio.gather(write(), take())
    assert done == ["written", "taken"]


async def test_why_nothing_is_sent_is_said_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = 0

    class Away:
        async def read(self, statement: Statement) -> Sequence[Row]:
            nonlocal looks
            looks += 1
            raise unavailable("it cannot be reached")

    async def looked() -> int:
        return looks

    monkeypatch.setattr("graphql_api.delivery.sender.AGAIN", 0.01)
    async with sent_by(replace(desk, store=cast("Store", Away()))):
        await soon(looked, lambda times: times > 3)
    assert caplog.text.count("webhooks are not sent from here for now: the database is not available") == 1


async def test_each_time_that_the_database_is_away_for_longer_than_its_owner_can_be_sure_it_is_said(
    desk: Desk,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_away = False

    class Leaving:
        def __getattr__(self, name: str) -> Any:
            return getattr(desk.store, name)

        async def read(self, statement: Statement) -> Sequence[Row]:
            if is_away:
                raise unavailable("it cannot be reached")
            return await desk.store.read(statement)

    async def said() -> int:
        return caplog.text.count("webhooks are not sent from here for now: the database is not available")

    monkeypatch.setattr("graphql_api.delivery.sender.AGAIN", 0.01)
    monkeypatch.setattr(tenure, "SURE", 0.3)
    monkeypatch.setattr(tenure, "BEAT", 0.1)
    await add(endpoint)
    async with sent_by(replace(desk, store=cast("Store", Leaving()))):
        for times in range(1, 3):
            id = await change()
            await endpoint.until(lambda id=id: (id, 0) in endpoint.changes)  # type: ignore[misc]
            is_away = True
            await soon(said, lambda found, times=times: found == times)  # type: ignore[misc]
            is_away = False


async def test_one_that_says_nothing_for_a_while_is_deposed_and_writes_nothing_more(
    desk: Desk, other: Store, add: Add, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(endpoint)
    first, second = Tenure(desk.store), Tenure(other)
    await first.won()
    waiting = asyncio.create_task(second.won())
    for _ in range(5):
        await asyncio.sleep(0.05)
        await first.renew(7)
    await first.renew(3)
    assert not waiting.done(), "its beat goes on"
    assert await first.write(nothing) >= 5
    monkeypatch.setattr(tenure, "SILENCE", 0.1)
    await asyncio.wait_for(waiting, 10)
    with pytest.raises(Deposed):
        await first.write(nothing)
    with pytest.raises(Deposed):
        await first.renew(8)
    (row,) = await desk.store.read(sender.LOOK)
    assert (row["owner"], row["position"]) == (second.me, 7)
    await first.lay_down()
    assert await second.write(nothing), "what is not its own it does not lay down"


async def test_nobody_sends_while_there_is_no_webhook(desk: Desk, change: Change, heard: list[str]) -> None:
    """Changes are not even looked at."""
    async with sent_by(desk) as task:
        await change()
        heard.clear()
        await asyncio.sleep(0.2)
        assert not task.done()
    asked = [statement.shape for statement in (sender.LOOK, sender.PARKED)]
    assert set(heard) <= {text.sql for shape in asked for text in (*shape.sqlite, shape.postgresql)}
