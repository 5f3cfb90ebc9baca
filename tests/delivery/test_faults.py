"""Nothing is lost, doubled in the database or out of order, whatever fails: endpoints, the database, the sender."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from itertools import cycle, pairwise
from typing import Any, TypeVar, cast

import asyncpg
import pytest
from msgspec.structs import replace

from graphql_api.delivery import courier, ledger, sender
from graphql_api.delivery.ledger import Ledger
from graphql_api.delivery.tenure import Tenure
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage.engine import Row, Script, Store, of_unknown_outcome, unavailable
from graphql_api.storage.sender import LOOK
from tests.delivery.conftest import Add, Change, sent_by, soon
from tests.delivery.endpoints import Endpoint, Received, Write, hang_up, status
from tests.sampling import sampled

T = TypeVar("T")


class Lossy:
    """A database whose connection is lost now and then between a commit and its answer."""

    def __init__(self, store: Store, is_lost: Callable[[], bool]) -> None:
        self._store = store
        self._is_lost = is_lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False) -> T:
        done = await self._store.run(script, together=together)
        if self._is_lost():
            raise of_unknown_outcome("the connection was lost")
        return done


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked again at once."""
    for module in (sender, courier, ledger):
        monkeypatch.setattr(module, "AGAIN", 0.02)


async def test_a_commit_whose_answer_is_lost_is_not_made_a_second_time(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, quick: None, hasty: None
) -> None:
    """Every second answer is, of whatever one sender writes in one tenure."""
    lossy = Lossy(desk.store, cycle((False, True)).__next__)
    webhook = await add(endpoint)
    first = await change()
    async with sent_by(replace(desk, store=cast("Store", lossy))):
        await endpoint.until(lambda: (first, 0) in endpoint.changes)
        ids = [await change() for _ in range(12)]
        await change(first, name="n")
        await endpoint.until(lambda: {(first, 1), *((id, 0) for id in ids)} <= set(endpoint.changes))
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
        last = await change()
        await endpoint.until(lambda: (last, 0) in endpoint.changes)
    told = await office.attempts(desk, caller, webhook.id, 100)
    assert len({(one.message_id, one.attempt) for one in told}) == len(told)


async def test_nothing_is_lost_or_out_of_order_while_the_endpoint_fails_and_the_sender_dies_at_random(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    quick: None,
    hasty: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier, "PROBE", 0.02)
    monkeypatch.setattr(sender, "GRACE", 0)
    chance = random.Random(20261125)
    taken: list[tuple[str, int]] = []

    async def manner(request: Received, write: Write) -> None:
        luck = chance.random()
        if luck < 0.25:
            await status(500)(request, write)
        elif luck < 0.35:
            await hang_up(request, write)
        else:
            taken.append(request.change)  # taken, even where the answer is lost
            await (hang_up if luck < 0.45 else status(200))(request, write)

    endpoint.manner = manner
    webhook = await add(endpoint)
    versions: dict[str, int] = {}
    lossy = replace(desk, store=cast("Store", Lossy(desk.store, lambda: chance.random() < 0.1)))
    for round in range(sampled(10)):
        async with sent_by(lossy):
            for _ in range(8):
                if len(versions) < 4 or chance.random() < 0.1:
                    versions[await change()] = 0
                else:
                    id = chance.choice(list(versions))
                    versions[id] += 1
                    await change(id, description=f"{round} {versions[id]}")
                await asyncio.sleep(chance.random() * 0.02)
    async with sent_by(lossy):
        await endpoint.until(lambda: all(change in taken for change in versions.items()), 60)
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    for id, newest in versions.items():
        seen = [version for flow, version in taken if flow == id]
        assert list(dict.fromkeys(seen)) == list(range(newest + 1))
        assert all(after in (before, before + 1) for before, after in pairwise(seen)), seen


CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'message-flows%'
"""


@pytest.mark.parametrize("database", ["postgresql"])
async def test_nothing_is_lost_when_the_database_hangs_up(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: asyncio.Task[None],
    hasty: None,
    database_url: str,
) -> None:
    webhook = await add(endpoint)
    id = await change()
    other = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        for number in range(1, 6):
            await endpoint.until(lambda number=number: (id, number - 1) in endpoint.changes)  # type: ignore[misc]
            await other.execute(CUT)
            await in_the_end(lambda number=number: change(id, description=str(number)))  # type: ignore[misc]
        await endpoint.until(lambda: (id, 5) in endpoint.changes)
    finally:
        await other.close()
    await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    assert list(dict.fromkeys(endpoint.changes)) == [(id, version) for version in range(6)]
    assert not sending.done()


async def in_the_end(edit: Callable[[], Awaitable[T]]) -> T:
    """What is sent again after a connection was lost; a change to what is there already is none."""
    while True:
        try:
            return await edit()
        except Refused:
            await asyncio.sleep(0.02)


async def test_a_fault_in_what_is_noted_of_one_message_keeps_no_other_from_being_noted(
    desk: Desk, add: Add, endpoint: Endpoint
) -> None:
    await add(endpoint)
    tenure = Tenure(desk.store)
    await tenure.won()
    notes = Ledger(tenure)

    def noted(row: Row) -> Script[bool]:
        yield LOOK
        return bool(row["owner"] == tenure.me)

    def faulty(row: Row) -> Script[bool]:
        yield LOOK
        raise ZeroDivisionError

    try:
        first, fault, last = await asyncio.gather(*map(notes.note, (noted, faulty, noted)), return_exceptions=True)
        assert (first, type(fault), last) == (True, ZeroDivisionError, True)
        assert await notes.note(noted)
    finally:
        await notes.stop()


async def test_what_was_delivered_is_noted_however_often_the_database_refuses_before(
    desk: Desk, add: Add, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "AGAIN", 0)
    await add(endpoint)
    tenure = Tenure(desk.store)
    await tenure.won()
    write, refusals = tenure.write, iter(range(2 * sys.getrecursionlimit()))

    async def refusing(script: Callable[[Row], Script[T]]) -> T:
        if next(refusals, None) is not None:
            raise unavailable("its disk is full")
        return await write(script)

    monkeypatch.setattr(tenure, "write", refusing)
    notes = Ledger(tenure)
    assert await notes.note(noted)
    await notes.stop()


def noted(row: Row) -> Script[bool]:
    yield LOOK
    return True
