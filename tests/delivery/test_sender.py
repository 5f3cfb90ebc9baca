"""Every committed change reaches every endpoint that asks for it, at least once, each flow in its order."""

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from graphql_api import edits, reads
from graphql_api.delivery import courier, sender, tenure
from graphql_api.delivery.telling import Teller
from graphql_api.delivery.tenure import Tenure
from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.domain.webhooks import Webhook
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.storage import changes, deliveries, tail, webhooks
from graphql_api.storage.engine import Row, Script, Statement, Store
from graphql_api.storage.sender import LOOK, NEXT_EDITION
from graphql_api.storage.tail import Tail
from graphql_api.web import lines, metrics
from tests.conftest import WORKSPACE
from tests.delivery.conftest import Add, Change, sent_by, soon
from tests.delivery.endpoints import Endpoint, Received, Write, hang_up, listening, silence, status
from tests.docs.blocks import blocks
from tests.edits.conftest import NEW
from tests.rewinding import rewind

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


async def test_a_flow_is_told_from_its_creation_to_its_end(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object
) -> None:
    webhook = await add(endpoint)
    id = await change()
    await change(id, prompt="é", description="more")
    await edits.delete_flow(desk, caller, id)
    await edits.restore_flow(desk, caller, id)
    await edits.revert_flow(desk, caller, id, 0)
    await endpoint.until(lambda: len(endpoint.received) == 5)
    told = [request.told for request in endpoint.received]
    assert [one["event"] for one in told] == [
        "flow.created",
        "flow.updated",
        "flow.deleted",
        "flow.created",
        "flow.updated",
    ]
    assert [one["data"].get("operation") for one in told] == ["CREATE", "UPDATE", None, "RESTORE", "REVERT"]
    assert len({one["id"] for one in told}) == 5
    assert told[2]["data"] == {"_id": id, "workspaceId": WORKSPACE, "version": 2}
    revisions = [await instant(desk, caller, id, version) for version in range(5)]
    assert [one["createdAt"] for one in told] == [instants.text(at) for at in revisions]
    updated = told[1]["data"]
    assert updated == {
        "_id": id,
        "workspaceId": WORKSPACE,
        "name": "Sale",
        "direction": "inbound",
        "description": "more",
        "agent": "a",
        "settings": {
            "responseSettings": {
                "delay": 0,
                "workingHours": {
                    "enabled": False,
                    "start": "09:00",
                    "end": "17:00",
                    "timezone": "UTC",
                    "outOfHoursMessage": "",
                },
            },
            "security": {"hipaaCompliance": False},
            "emailSettings": {"subjectLine": "", "signature": ""},
        },
        "prompt": "é",
        "isActive": False,
        "autopilot": False,
        "messageChannel": "SMS",
        "createdAt": instants.text(revisions[0]),
        "updatedAt": instants.text(revisions[1]),
        "initiationMessage": "i",
        "version": 1,
        "changedFields": ["description", "prompt"],
        "operation": "UPDATE",
    }
    for request in endpoint.received:
        assert_signed(request, webhook.secret)


async def instant(desk: Desk, caller: Caller, id: str, version: int) -> int:
    revision = await reads.revision(desk.store, caller, id, version)
    assert revision is not None
    return revision.at


def assert_signed(request: Received, *secrets: str) -> None:
    """As docs/webhooks.md tells receivers to check it."""
    told, headers = request.told, request.headers
    (program,) = [block for block in blocks(PAGE.read_text("utf-8")) if block.kind == "python"]
    documented: dict[str, Any] = {}
    exec(program.text, documented)
    signature = headers["x-message-flows-signature"]
    assert signature.count("v1=") == len(secrets)
    for secret in secrets:
        assert documented["is_genuine"](secret, signature, request.body, time.time())
        assert not documented["is_genuine"](secret, signature, request.body, time.time() + 301)
    assert headers["x-message-flows-event"] == told["event"]
    assert headers["x-message-flows-delivery"] == told["id"]
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("message-flows/")


async def test_an_endpoint_is_told_of_what_it_asks_for_in_its_workspace(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object
) -> None:
    await change()
    async with listening() as foreign:
        await add(endpoint, "flow.deleted")
        await office.create(desk, Caller("theirs"), foreign.url, ["flow.created"])
        id = await change()
        await change(id, name="n")
        await edits.delete_flow(desk, caller, id)
        await endpoint.until(lambda: endpoint.changes == [(id, 2)])
        assert foreign.received == []


async def test_what_fails_is_tried_again_and_holds_back_its_flow_and_no_other(
    add: Add, change: Change, endpoint: Endpoint, sending: object, quick: None
) -> None:
    broken = asyncio.Event()
    first = ""

    async def manner(request: Received, write: Write) -> None:
        is_broken = request.change[0] == first and not broken.is_set()
        await status(500 if is_broken else 200)(request, write)

    endpoint.manner = manner
    await add(endpoint)
    first = await change()
    await change(first, name="n1")
    await change(first, name="n2")
    other = await change()
    await change(other, name="n")
    await endpoint.until(lambda: {(other, 0), (other, 1)} <= set(endpoint.changes))
    await endpoint.until(lambda: endpoint.changes.count((first, 0)) >= 3)
    assert {version for id, version in endpoint.changes if id == first} == {0}
    broken.set()
    await endpoint.until(lambda: (first, 2) in endpoint.changes)
    of_first = [version for id, version in endpoint.changes if id == first]
    assert list(dict.fromkeys(of_first)) == [0, 1, 2]
    attempts = [request for request in endpoint.received if request.change == (first, 0)]
    assert len({request.body for request in attempts}) == 1


async def test_the_log_tells_every_attempt_newest_first(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object, quick: None
) -> None:
    answers = iter([status(503), hang_up, status(301, "location: http://127.0.0.1:1/"), status(204)])

    async def manner(request: Received, write: Write) -> None:
        await next(answers)(request, write)

    endpoint.manner = manner
    webhook = await add(endpoint)
    id = await change()
    await endpoint.until(lambda: len(endpoint.received) == 4)
    tried = await soon(lambda: office.attempts(desk, caller, webhook.id, 100), lambda told: len(told) == 4)
    assert [(one.attempt, one.outcome, one.status) for one in tried] == [
        (4, "DELIVERED", 204),
        (3, "REDIRECTED", 301),
        (2, "BROKEN", None),
        (1, "REJECTED", 503),
    ]
    assert {(one.event, one.flow_id, one.version) for one in tried} == {("flow.created", id, 0)}
    assert {one.message_id for one in tried} == {endpoint.received[0].told["id"]}
    assert await office.waiting(desk, caller, webhook.id) == 0


async def test_what_fails_has_a_line_in_the_log_and_is_counted_and_neither_tells_what_was_sent(
    add: Add, change: Change, endpoint: Endpoint, sending: object, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([status(500, body=b"no"), status(200)])

    async def manner(request: Received, write: Write) -> None:
        await next(answers)(request, write)

    endpoint.manner = manner
    before = counted("rejected"), counted("delivered")
    webhook = await add(endpoint)
    await change()
    async with asyncio.timeout(20):
        while counted("delivered") == before[1]:  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.02)
    assert (counted("rejected"), counted("delivered")) == (before[0] + 1, before[1] + 1)
    (record,) = [record for record in caplog.records if record.name == "message_flows"]
    line = json.loads(lines.formatter().format(record))
    assert line.pop("timestamp")
    assert line.pop("ms") >= 0
    assert line == {
        "event": "a webhook was not delivered",
        "level": "warning",
        "logger": "message_flows",
        "webhook": webhook.id,
        "workspace": WORKSPACE,
        "host": "127.0.0.1",
        "event_name": "flow.created",
        "attempt": 1,
        "outcome": "REJECTED",
        "status": 500,
    }


def counted(outcome: str) -> float:
    return metrics.OWN.get_sample_value("message_flows_webhook_deliveries_total", {"outcome": outcome}) or 0


async def test_a_fault_of_ours_is_said_without_what_was_told_and_not_run_into_again_at_once(
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = 0

    async def told(*_: object) -> None:
        nonlocal faults
        faults += 1
        raise RuntimeError("secret")

    async def count() -> int:
        return faults

    monkeypatch.setattr(Teller, "told", told)
    await add(endpoint)
    await change()
    await soon(count, bool)
    await asyncio.sleep(0.2)
    assert (faults, endpoint.received) == (1, [])
    assert "a webhook cannot be delivered" in caplog.text
    assert "secret" not in caplog.text


async def test_an_endpoint_that_hangs_holds_up_no_other(
    add: Add, change: Change, endpoint: Endpoint, sending: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "GRACE", 0)
    endpoint.manner = silence
    await add(endpoint)
    async with listening() as other:
        await add(other)
        ids = [await change() for _ in range(courier.AT_ONCE + 4)]
        await other.until(lambda: {(id, 0) for id in ids} <= set(other.changes))
        await endpoint.until(lambda: len(endpoint.received) >= courier.AT_ONCE)
        assert len(endpoint.received) == courier.AT_ONCE


async def test_flows_are_remembered_only_while_changes_of_them_wait(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = Teller(desk.store)
    monkeypatch.setattr(sender, "Teller", lambda store: teller)
    seen: list[int] = []

    async def manner(request: Received, write: Write) -> None:
        seen.append(len(teller._latest))
        await status(200)(request, write)

    endpoint.manner = manner
    webhook = await add(endpoint)
    id = await change()
    for number in range(4):
        await change(id, name=str(number))
    async with sent_by(desk):
        await endpoint.until(lambda: len(seen) == 5)
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    assert seen == [1] * 5
    assert not teller._latest


async def test_slow_endpoints_of_one_workspace_hold_up_no_other(
    desk: Desk, add: Add, change: Change, endpoint: Endpoint, sending: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though they answer in the end, so that they are taken for endpoints that do."""
    monkeypatch.setattr(sender, "GRACE", 0)
    endpoint.manner = silence
    every, share = sender.SLOTS
    for _ in range(every // courier.AT_ONCE + 1):
        await add(endpoint)
    theirs = Caller("theirs")
    async with listening() as other:
        await office.create(desk, theirs, other.url, ["flow.created"])
        for _ in range(courier.AT_ONCE):
            await change()
        await endpoint.until(lambda: len(endpoint.received) >= share)
        saved = await edits.create_flow(desk, theirs, NEW)
        await other.until(lambda: other.changes == [(saved.flow["id"], 0)])
    assert len(endpoint.received) == share


async def test_a_removed_webhook_is_told_nothing_more(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object, quick: None
) -> None:
    endpoint.manner = status(500)
    webhook = await add(endpoint)
    await change()
    await endpoint.until(lambda: len(endpoint.received) >= 2)
    await office.remove(desk, caller, webhook.id)
    async with listening() as witness:
        await add(witness)
        await change()
        await witness.until(lambda: len(witness.received) == 1)
    before = len(endpoint.received)
    await asyncio.sleep(0.3)
    assert len(endpoint.received) == before
    assert await office.attempts(desk, caller, webhook.id, 10) == []
    assert await office.waiting(desk, caller, webhook.id) == 0


async def test_others_go_on_being_told_when_one_is_removed_and_it_is_not(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object
) -> None:
    async with listening() as witness:
        await add(witness)
        webhook = await add(endpoint)
        first = (await change(), 0)
        await endpoint.until(lambda: first in endpoint.changes and first in witness.changes)
        await office.remove(desk, caller, webhook.id)
        last = (await change(), 0)
        await witness.until(lambda: last in witness.changes)
    assert endpoint.changes == [first]
    assert await office.waiting(desk, caller, webhook.id) == 0


async def test_a_webhook_is_told_nothing_from_before_it_was_added_though_the_sender_has_yet_to_read_that(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, goes_on = Tail.more, False

    async def more(tail: Tail) -> Sequence[Row]:
        return await looks(tail) if goes_on else ()

    async with listening() as witness:
        await add(witness)
        monkeypatch.setattr(Tail, "more", more)
        before = (await change(), 0)
        webhook = await add(endpoint)
        await soon(lambda: office.find(desk, caller, webhook.id), lambda found: found and not found.is_behind)
        goes_on = True
        after = (await change(), 0)
        await witness.until(lambda: {before, after} <= set(witness.changes))
        await endpoint.until(lambda: after in endpoint.changes)
    assert endpoint.changes == [after]


async def test_nothing_is_made_out_for_a_webhook_that_is_removed_meanwhile(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what the sender has read of the webhooks and of the changes, and what it writes."""
    looks, webhook = Tail.more, await add(endpoint)

    async def more(tail: Tail) -> Sequence[Row]:
        rows = await looks(tail)
        if rows and await office.find(desk, caller, webhook.id):
            await office.remove(desk, caller, webhook.id)
        return rows

    async def is_removed() -> bool:
        (row,) = await desk.store.read(LOOK)
        return not row["has_work"] and row["owner"] is None

    async with sent_by(desk):
        for _ in range(2):  # it is behind at first, and abreast of the others from then on
            last = (await change(), 0)
            await endpoint.until(lambda last=last: last in endpoint.changes)  # type: ignore[misc]
        monkeypatch.setattr(Tail, "more", more)
        await change()
        await soon(is_removed, bool)
    assert await office.waiting(desk, caller, webhook.id) == 0


@pytest.mark.parametrize("code", [200, 500])
async def test_what_is_on_its_way_when_a_webhook_is_removed_is_neither_sent_again_nor_noted(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: asyncio.Task[None],
    quick: None,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    """Some are answered before the sender hears of the removal, others never."""
    removed = asyncio.Event()

    async def manner(request: Received, write: Write) -> None:
        await removed.wait()
        await status(code)(request, write)

    endpoint.manner = manner
    webhook = await add(endpoint)
    ids = [await change() for _ in range(courier.AT_ONCE)]
    for id in ids:
        await change(id, name="n")
    await endpoint.until(lambda: len(endpoint.received) == courier.AT_ONCE)
    await office.remove(desk, caller, webhook.id)
    removed.set()
    async with listening() as witness:
        await add(witness)
        last = await change()
        await witness.until(lambda: witness.changes == [(last, 0)])
    await asyncio.sleep(0.3)
    assert sorted(endpoint.changes) == sorted((id, 0) for id in ids)
    assert await office.attempts(desk, caller, webhook.id, 10) == []
    assert await office.waiting(desk, caller, webhook.id) == 0
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert not sending.done()


async def test_both_secrets_sign_for_a_while_after_a_rotation(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, sending: object
) -> None:
    webhook = await add(endpoint)
    fresh = await office.rotate(desk, caller, webhook.id, 60_000)
    await change()
    await endpoint.until(lambda: len(endpoint.received) == 1)
    (request,) = endpoint.received
    assert_signed(request, fresh.secret, webhook.secret)


async def test_what_is_delivered_while_one_looks_what_waits_is_not_sent_again(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, is_seen = asyncio.Event(), asyncio.Event()
    seen: list[Sequence[Row]] = []

    class SlowToAnswer:
        """Once two messages wait, what was seen of them is told when the first one has been delivered."""

        def __getattr__(self, name: str) -> Any:
            return getattr(desk.store, name)

        async def read(self, statement: Statement) -> Sequence[Row]:
            rows = await desk.store.read(statement)
            if statement.shape is deliveries._WAITING and len(rows) == 2 and not seen:
                seen.append(rows)
                is_seen.set()
                await go_on.wait()
            return rows

    async def waits(request: Received, write: Write) -> None:
        await is_seen.wait()
        await status(200)(request, write)

    endpoint.manner = waits
    webhook = await add(endpoint)
    async with sent_by(replace(desk, store=cast("Store", SlowToAnswer()))):
        first = await change()
        await endpoint.until(lambda: endpoint.changes == [(first, 0)])
        second = await change()
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda left: left == 1)
        await asyncio.sleep(0.05)  # the attempt ends a moment after its commit
        go_on.set()
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda left: left == 0)
        third = await change()
        await endpoint.until(lambda: (third, 0) in endpoint.changes)
    assert endpoint.changes == [(first, 0), (second, 0), (third, 0)]


async def test_the_log_of_deliveries_is_cut_now_and_then(
    desk: Desk,
    caller: Caller,
    add: Add,
    change: Change,
    endpoint: Endpoint,
    sending: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier, "TRIM_EVERY", 3)
    monkeypatch.setattr(courier, "KEPT_ATTEMPTS", 2)
    webhook = await add(endpoint)
    id = await change()
    for number in range(6):
        await change(id, name=str(number))
    await endpoint.until(lambda: endpoint.changes == [(id, version) for version in range(7)])
    await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    told = await office.attempts(desk, caller, webhook.id, 10)
    assert 1 <= len(told) <= 2, "those of one moment go together"
    assert told[0].version == 6


async def test_nothing_is_sent_by_a_process_that_cannot_be_sure_of_its_right_to(
    add: Add, change: Change, endpoint: Endpoint, sending: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, is_sure = asyncio.Event(), asyncio.Event()

    def ask(_: Tenure) -> bool:
        asked.set()
        return is_sure.is_set()

    monkeypatch.setattr(Tenure, "is_sure", property(ask))
    monkeypatch.setattr(courier, "AGAIN", 0.02)
    await add(endpoint)
    id = await change()
    await endpoint.until(lambda: asked.is_set() or bool(endpoint.received))
    await asyncio.sleep(0.1)
    assert endpoint.received == []
    is_sure.set()
    await endpoint.until(lambda: endpoint.changes == [(id, 0)])


async def test_after_a_restored_database_it_begins_where_that_had_come_to(
    desk: Desk, add: Add, change: Change, endpoint: Endpoint, sending: object, database_url: str
) -> None:
    await add(endpoint)
    id = await change()
    await endpoint.until(lambda: len(endpoint.received) == 1)
    (first,) = await desk.store.read(changes.STREAM_NOW)
    for n in range(3):
        await change(id, prompt=f"{n}")
    await endpoint.until(lambda: len(endpoint.received) == 4)
    await rewind(database_url, first["top"])
    await asyncio.sleep(tenure.BEAT + 2 * tail.CERTAIN)
    await change(id, prompt="again")
    await endpoint.until(lambda: len(endpoint.received) == 5)


async def test_a_clock_that_was_ahead_puts_nothing_off_for_longer_than_any_attempt_is(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process with the wrong clock sends two messages, of which one fails and one has no answer yet."""
    monkeypatch.setattr(sender, "GRACE", 0)
    webhook = await add(endpoint)
    answers = iter([status(500), silence])

    async def manner(request: Received, write: Write) -> None:
        await next(answers, status(200))(request, write)

    endpoint.manner = manner
    async with sent_by(replace(desk, now=lambda: desk.now() + 86_400_000)):
        failed = await change()
        await soon(lambda: office.attempts(desk, caller, webhook.id, 1), bool)
        other = await change()
        await endpoint.until(lambda: len(endpoint.received) == 2)
    async with sent_by(desk):
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    assert sorted(endpoint.changes) == sorted([(failed, 0), (other, 0)] * 2)


async def test_a_clock_that_is_set_back_while_messages_are_sent_puts_nothing_off_for_longer_either(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint
) -> None:
    endpoint.manner = status(500)
    webhook = await add(endpoint)
    ahead = [86_400_000]
    async with sent_by(replace(desk, now=lambda: desk.now() + ahead[0])):
        failed = await change()
        await soon(lambda: office.attempts(desk, caller, webhook.id, 1), bool)
        endpoint.manner = status(200)
        ahead[0] = 0
        other = await change()
        await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    assert sorted(endpoint.changes) == sorted([(failed, 0), (failed, 0), (other, 0)])


async def test_what_an_attempt_has_put_off_waits_for_its_time_also_when_another_process_sends(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint
) -> None:
    endpoint.manner = status(429, "retry-after: 3600")
    webhook = await add(endpoint)
    async with sent_by(desk):
        failed = await change()
        await soon(lambda: office.attempts(desk, caller, webhook.id, 1), bool)
    endpoint.manner = status(200)
    async with sent_by(desk):
        other = await change()
        await endpoint.until(lambda: (other, 0) in endpoint.changes)
    assert endpoint.changes == [(failed, 0), (other, 0)]


async def test_who_was_away_for_long_catches_up_by_stretches_of_the_stream_that_others_wrote_too(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are gone through for one webhook, nobody else writes to a SQLite file."""
    monkeypatch.setattr(sender, "WINDOW", 3)
    stretches: list[int] = []
    make_out = deliveries.make_out

    def noted(webhook: Webhook, after: int, until: int, limit: int) -> Statement:
        stretches.append(until - after)
        return make_out(webhook, after, until, limit)

    monkeypatch.setattr(deliveries, "make_out", noted)
    before = await change()  # so that there is a place to begin at
    webhook = await add(endpoint, "flow.created")
    first = await change()
    for number in range(10):
        await change(before, name=f"N{number}")
        await edits.create_flow(desk, Caller("other"), NEW)
    last = await change()

    await desk.store.run(lambda: left_behind(webhook), together=True)
    async with sent_by(desk):
        await endpoint.until(lambda: {(first, 0), (last, 0)} <= set(endpoint.changes))
    assert (sorted(endpoint.changes), max(stretches)) == ([(first, 0), (last, 0)], 3)


def left_behind(*those: Webhook) -> Script[None]:
    yield NEXT_EDITION
    for webhook in those:
        yield webhooks.move(webhook.workspace_id, webhook.id, webhook.position, True)


async def test_while_many_catch_up_the_sender_says_that_it_lives_and_none_waits_for_the_whole_of_another(
    desk: Desk, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenure, "BEAT", 0)
    monkeypatch.setattr(sender, "WINDOW", 1)
    steps: list[str] = []
    make_out, renew = deliveries.make_out, Tenure.renew

    def noted(webhook: Webhook, *how: int) -> Statement:
        steps.append(webhook.id)
        return make_out(webhook, *how)

    async def renewed(mine: Tenure, position: int) -> None:
        steps.append("lives")
        await renew(mine, position)

    await change()  # so that there is a place to begin at
    first, second = [await add(endpoint) for _ in range(2)]
    for _ in range(2):
        await change()
    await desk.store.run(lambda: left_behind(first, second), together=True)
    monkeypatch.setattr(deliveries, "make_out", noted)
    monkeypatch.setattr(Tenure, "renew", renewed)
    async with sent_by(desk):
        await endpoint.until(lambda: len(endpoint.received) == 4)
    one, other = sorted((first.id, second.id))
    assert steps[:8] == 2 * [one, "lives", other, "lives"]


async def test_the_log_of_a_webhook_is_cut_by_every_sender_however_few_messages_it_sends(
    desk: Desk, caller: Caller, add: Add, change: Change, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "KEPT_ATTEMPTS", 2)
    webhook = await add(endpoint)
    for number in range(1, 5):
        async with sent_by(desk):
            await change()
            await endpoint.until(lambda: len(endpoint.received) == number)  # noqa: B023
            await soon(lambda: office.waiting(desk, caller, webhook.id), lambda waiting: not waiting)
    assert len(await office.attempts(desk, caller, webhook.id, 100)) == 2
