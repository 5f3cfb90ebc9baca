"""An endpoint that is dead is left in peace, and told what it missed when it is sent to again."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from graphql_api import edits
from graphql_api.delivery import courier
from graphql_api.delivery.ledger import Ledger
from graphql_api.delivery.tenure import Tenure
from graphql_api.domain import webhooks as domain
from graphql_api.domain.caller import Caller
from graphql_api.domain.webhooks import Webhook
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import sender, tally, webhooks
from graphql_api.storage.engine import Row, Script
from tests.delivery.conftest import Add, Change, owner, sent_by, soon
from tests.delivery.endpoints import Endpoint, Received, Write, listening, status


async def test_a_dead_endpoint_is_tried_with_one_message_at_a_time_until_it_answers_again(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "PROBE", 0.3)
    endpoint.manner = status(500)
    webhook = await add(endpoint)
    ids = [await change() for _ in range(3 * courier.AT_ONCE)]
    async with sent_by(desk):
        await endpoint.until(lambda: len(endpoint.received) >= courier.AT_ONCE + 2)
        assert len(endpoint.received) <= courier.AT_ONCE + 4, "the dead endpoint is flooded"
        endpoint.manner = status(200)
        await endpoint.until(lambda: len(set(endpoint.changes)) == len(ids))
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)


async def test_an_endpoint_that_ails_is_left_alone_for_a_while_after_each_message_that_fails(
    add: Add, change: Change, endpoint: Endpoint, sending: object, quick: None
) -> None:
    go_on = asyncio.Event()

    async def manner(request: Received, write: Write) -> None:
        await go_on.wait()
        await status(500)(request, write)

    endpoint.manner = manner
    await add(endpoint)
    for _ in range(courier.AT_ONCE):
        await change()
    await endpoint.until(lambda: len(endpoint.received) == courier.AT_ONCE)
    go_on.set()
    await asyncio.sleep(0.5)
    assert len(endpoint.received) == courier.AT_ONCE


async def test_410_parks_at_once_and_resuming_tells_what_happened_meanwhile(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object
) -> None:
    endpoint.manner = status(410)
    webhook = await add(endpoint)
    id = await change()
    assert (await parked(desk, caller, webhook)).parked_because == "it answered 410 Gone"
    await change(id, name="n")
    other = await change()
    endpoint.manner = status(200)
    async with listening() as witness:
        await add(witness)
        last = await change()
        await witness.until(lambda: (last, 0) in witness.changes)
    assert endpoint.changes == [(id, 0)]
    resumed = await office.resume(desk, caller, webhook.id)
    assert (resumed.webhook.parked_at, resumed.has_gap) == (None, False)
    await endpoint.until(lambda: len(endpoint.received) == 5)
    assert sorted(endpoint.changes[1:]) == sorted([(id, 0), (id, 1), (other, 0), (last, 0)])
    assert endpoint.changes.index((id, 1)) > 1


async def parked(desk: Desk, caller: Caller, webhook: Webhook) -> Webhook:
    found = await soon(
        lambda: office.find(desk, caller, webhook.id), lambda found: found is None or found.parked_at is not None
    )
    assert found is not None
    return found


async def test_an_endpoint_that_has_failed_one_message_for_too_long_is_parked_because_of_it(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, quick: None
) -> None:
    """Though it takes others: those behind it in its flow would wait for good."""
    never, other = await change(), await change()

    async def manner(request: Received, write: Write) -> None:
        if request.change[0] != never:
            return await status(200)(request, write)
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: count == 2)  # its own
        await status(400)(request, write)

    endpoint.manner = manner
    webhook = await add(endpoint)
    for name in ("m", "n"):
        for id in (never, other):
            await change(id, name=name)
    async with sent_by(replace(desk, rules=replace(desk.rules, patience=1_000))):
        found = await parked(desk, caller, webhook)
    assert found.parked_because is not None
    assert found.parked_because.startswith(f"it has not taken version 1 of the flow {never} for 0.0002")
    assert {(other, 1), (other, 2), (never, 1)} == set(endpoint.changes)
    assert endpoint.changes.count((never, 1)) >= 2
    assert await office.waiting(desk, caller, webhook.id) == 2


@pytest.mark.parametrize(("is_behind", "place"), [(True, 5), (False, 9)])
async def test_a_webhook_is_parked_once_and_at_the_place_up_to_which_it_was_made_out(
    desk: Desk, caller: Caller, add: Add, endpoint: Endpoint, is_behind: bool, place: int
) -> None:
    """A message that was on its way meanwhile does not park it a second time, further on."""
    webhook = await add(endpoint)

    def script() -> Script[list[int]]:
        yield webhooks.move(webhook.workspace_id, webhook.id, 5, is_behind)
        first = yield webhooks.park(webhook.workspace_id, webhook.id, 9, 1, "")
        again = yield webhooks.park(webhook.workspace_id, webhook.id, 12, 1, "")
        return [row["position"] for row in (*first, *again)]

    assert await desk.store.run(script, together=True) == [place]


async def parked_at_the_first(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint
) -> tuple[Webhook, str]:
    """A webhook whose endpoint has refused the creation of a flow, and the flow; it would answer again."""
    endpoint.manner = status(410)
    webhook = await add(endpoint)
    async with sent_by(desk):
        id = await change()
        await parked(desk, caller, webhook)
    endpoint.manner = status(200)
    return webhook, id


async def pruned(desk: Desk) -> tuple[int, int]:
    """A month later, of all that is older than a day."""
    later = replace(desk, now=lambda: desk.now() + 30 * 86_400_000)
    return await edits.prune(later, 86_400_000)


async def test_who_parks_an_endpoint_says_so_to_whoever_has_read_the_webhooks(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint
) -> None:
    async def edition() -> int:
        (row,) = await desk.store.read(sender.LOOK)
        return int(row["edition"])

    before = await edition()
    await parked_at_the_first(desk, caller, add, change, endpoint)
    assert await edition() == before + 2, "one for the webhook that was added"


async def test_one_that_is_resumed_before_its_sender_has_heard_that_it_is_parked_is_sent_to_again(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note, webhook = Ledger.note, await add(endpoint)

    async def answered_late(notes: Ledger, script: Callable[[Row], Script[bool]]) -> bool:
        is_resumed = False

        def resumed_at_once(row: Row) -> Script[bool]:
            nonlocal is_resumed
            noted = yield from script(row)
            (found,) = yield webhooks.find(webhook.workspace_id, webhook.id)
            if found["parked_at"] is not None:
                is_resumed = True
                yield from office._resume(webhook.workspace_id, webhook.id, desk.now())
            return noted

        noted = await note(notes, resumed_at_once)
        if is_resumed:
            endpoint.manner = status(200)
            async with listening() as witness:  # whoever tells it has read all webhooks since
                await add(witness)
                last = await change()
                await witness.until(lambda: (last, 0) in witness.changes)
        return noted

    monkeypatch.setattr(Ledger, "note", answered_late)
    endpoint.manner = status(410)
    id = await change()
    await endpoint.until(lambda: endpoint.changes.count((id, 0)) == 2)


async def test_what_history_has_lost_is_passed_over_and_noted(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since when it waits nobody knows any more."""
    lags: list[float] = []
    monkeypatch.setattr(tally, "_hearing", [lambda name, lag: lags.append(lag) if name == "webhook_lag" else None])
    webhook, id = await parked_at_the_first(desk, caller, add, change, endpoint)
    await change(id, name="n")
    assert await pruned(desk) == (1, 0)
    await office.resume(desk, caller, webhook.id)
    async with sent_by(desk):
        tried = await soon(lambda: office.attempts(desk, caller, webhook.id, 100), lambda told: len(told) == 3)
    outcomes = [(one.version, one.outcome) for one in tried]
    assert outcomes[2:] == [(0, "GONE")]
    assert {*outcomes[:2]} == {(1, "DELIVERED"), (0, "PRUNED")}, "perhaps in one millisecond, in which none comes first"
    assert endpoint.changes == [(id, 0), (id, 1)]
    assert (len(lags), max(lags) < 600) == (2, True)


async def test_what_was_made_and_pruned_while_it_was_parked_is_told_as_a_gap(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint
) -> None:
    webhook, id = await parked_at_the_first(desk, caller, add, change, endpoint)
    for name in ("m", "n", "o"):
        await change(id, name=name)
    assert await pruned(desk) == (3, 0)
    assert (await office.resume(desk, caller, webhook.id)).has_gap
    assert not (await office.resume(desk, caller, webhook.id)).has_gap
    async with sent_by(desk):
        tried = await soon(lambda: office.attempts(desk, caller, webhook.id, 100), lambda told: len(told) == 4)
    assert sorted(
        (one.event, one.flow_id, one.version, one.outcome) for one in tried if one.event == "webhook.gap"
    ) == [("webhook.gap", None, None, "PRUNED")]
    assert endpoint.changes == [(id, 0), (id, 3)]


async def test_what_waits_for_its_next_attempt_is_sent_as_soon_as_the_endpoint_recovers(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(domain, "RETRIES", (3_600,))
    monkeypatch.setattr(courier, "PROBE", 0.05)
    endpoint.manner = status(500)
    webhook = await add(endpoint)
    failed = {(await change(), 0) for _ in range(courier.AILING)}
    await soon(lambda: office.attempts(desk, caller, webhook.id, 10), lambda told: len(told) == courier.AILING)
    endpoint.manner = status(200)
    last = (await change(), 0)
    await endpoint.until(
        lambda: last in endpoint.changes and set(endpoint.changes[courier.AILING :]) == {*failed, last}
    )
    await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)


async def test_flows_that_fail_now_and_then_do_not_make_an_endpoint_ail(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each message that is taken shows that it is well."""
    monkeypatch.setattr(domain, "RETRIES", (3_600,))
    monkeypatch.setattr(courier, "PROBE", 3_600)
    webhook = await add(endpoint)
    outcomes: list[str] = []

    async def tried() -> list[str]:
        return sorted(one.outcome for one in await office.attempts(desk, caller, webhook.id, 100))

    for code, outcome in [(500, "REJECTED"), (200, "DELIVERED")] * courier.AILING:
        endpoint.manner = status(code)
        outcomes.append(outcome)
        await change()
        await soon(tried, lambda told: told == sorted(outcomes))


async def test_what_is_parked_is_counted_also_while_there_is_nothing_to_send_for(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one that begins afterwards too, and no more by one that waits while another sends."""
    told: list[float] = []

    def hear(name: str, amount: float) -> None:
        if name == "webhooks_parked":
            told.append(amount)

    async def last() -> float | None:
        return told[-1] if told else None

    monkeypatch.setattr(tally, "_hearing", [hear])
    await parked_at_the_first(desk, caller, add, change, endpoint)
    async with sent_by(desk):
        await soon(last, lambda total: total == 1)
        async with listening() as witness:
            other = await add(witness)
            await soon(lambda: owner(desk), bool)
            await office.remove(desk, caller, other.id)
            await soon(lambda: owner(desk), lambda name: name is None)
        assert told[-1] == 1
    await add(endpoint)
    await Tenure(desk.store).won()
    async with sent_by(desk):
        await soon(last, lambda total: total == 0)
