"""Webhooks of a workspace as an administrator keeps them; a refusal writes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from graphql_api.domain.caller import SCOPES, Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.webhooks import Attempt, PostResult, Rules, Webhook
from graphql_api.edits import Desk, webhooks
from graphql_api.edits.webhooks import KEPT_ATTEMPTS
from graphql_api.storage import webhooks as rows
from graphql_api.storage.engine import Script, Shape, Statement, Store
from graphql_api.storage.tables import ATTEMPTS, DELIVERIES, WEBHOOKS
from tests.edits.conftest import broken, told
from tests.storage.tally import SLEEP
from tests.waiting import wait_for

URL = "https://hooks.example.com/flows"
EVENTS = ["flow.created"]
UNKNOWN = f"whk_{'0' * 24}"


async def kept(store: Store) -> list[Any]:
    tables = [Statement(Shape(select(table).order_by(*table.primary_key)), {}) for table in (WEBHOOKS, DELIVERIES)]
    return [[dict(row) for row in await store.read(table)] for table in tables]


async def add(desk: Desk, caller: Caller, **more: Any) -> Webhook:
    return (await webhooks.create(desk, caller, **{"url": URL, "events": EVENTS, **more})).webhook


async def test_webhooks_are_listed_oldest_first_and_only_in_their_workspace(desk: Desk, caller: Caller) -> None:
    theirs = Caller("theirs")
    first = await add(desk, caller, name="CRM", events=["flow.deleted", "flow.created"])
    second, third = await add(desk, caller), await add(desk, theirs)
    assert [one.id for one in await webhooks.every(desk, caller)] == [first.id, second.id]
    assert await webhooks.every(desk, theirs) == [third]
    assert (first.name, first.events, first.parked_at) == ("CRM", ("flow.created", "flow.deleted"), None)
    assert await webhooks.find(desk, caller, first.id) == first
    assert [await webhooks.find(desk, caller, id) for id in (third.id, UNKNOWN, "", "x" * 10_000)] == [None] * 4


async def test_a_secret_has_256_bits_and_is_another_one_each_time(desk: Desk, caller: Caller) -> None:
    issued = [await webhooks.create(desk, caller, URL, EVENTS) for _ in range(2)]
    assert {len(one.secret) for one in issued} == {len("mfw_") + 64}
    assert len({one.secret for one in issued}) == 2


@pytest.mark.parametrize(
    ("wrong", "problems"),
    [
        ({"url": "http://hooks.example.com/"}, [("INVALID_URL", "url")]),
        ({"url": "https://169.254.169.254/latest"}, [("INVALID_URL", "url")]),
        ({"url": f"https://a.example/{'a' * 2_000}", "events": []}, [("TOO_LONG", "url"), ("INVALID_ENUM", "events")]),
        ({"name": "a\nb"}, [("INVALID_CHARACTER", "name")]),
        ({"name": "a\0b"}, [("INVALID_CHARACTER", "name")]),
    ],
)
async def test_a_webhook_that_cannot_be_is_refused_with_every_problem(
    desk: Desk, caller: Caller, wrong: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as refusal:
        await add(desk, caller, **wrong)
    assert told(refusal.value) == problems
    assert await kept(desk.store) == [[], []]


async def test_a_workspace_has_so_many_webhooks_and_no_more(desk: Desk, caller: Caller) -> None:
    few = replace(desk, rules=Rules(most=2))
    for _ in range(2):
        await add(few, caller)
    with pytest.raises(Refused, match=r"the workspace has 2 webhooks; the limit is 2 \(max_webhooks\)"):
        await add(few, caller)
    await add(few, Caller("theirs"))
    assert len(await webhooks.every(few, caller)) == 2


async def test_those_who_add_at_once_are_held_to_the_limit_as_well(desk: Desk, caller: Caller) -> None:
    few = replace(desk, rules=Rules(most=2))
    outcomes = await asyncio.gather(*(add(few, caller) for _ in range(6)), return_exceptions=True)
    assert sorted(isinstance(outcome, Refused) for outcome in outcomes) == [False] * 2 + [True] * 4
    assert len(await webhooks.every(few, caller)) == 2


Act = Callable[[Desk, Caller, str], Awaitable[Any]]
ACTS: list[Act] = [
    webhooks.remove,
    webhooks.resume,
    webhooks.try_now,
    lambda desk, caller, id: webhooks.rotate(desk, caller, id, 0),
]


@pytest.mark.parametrize("act", ACTS)
async def test_nothing_is_done_to_unknown_webhooks_or_those_of_others(desk: Desk, caller: Caller, act: Act) -> None:
    theirs = await add(desk, Caller("theirs"))
    before = await kept(desk.store)
    for id in (theirs.id, UNKNOWN, "", "'; --", "\0", "x" * 10_000):
        with pytest.raises(Refused) as refusal:
            await act(desk, caller, id)
        assert told(refusal.value) == [("NOT_FOUND", "id")]
        assert len(str(refusal.value)) < 200
    assert await kept(desk.store) == before


@pytest.mark.parametrize(
    ("act", "statement"),
    [
        (webhooks.remove, "webhooks.forget_attempts"),
        (webhooks.try_now, "webhooks.forget_attempts"),
        (webhooks.resume, "deliveries.begin_anew"),
    ],
)
async def test_what_breaks_off_half_way_has_done_nothing(
    desk: Desk, caller: Caller, act: Act, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def park() -> Script[None]:
        yield rows.park("ws1", webhook.id, webhook.position, 7, "it answered 410 Gone")

    webhook = await add(desk, caller)
    await webhooks.try_now(desk, caller, webhook.id)
    await wait_for(webhook, desk.store, {})
    await desk.store.run(park)
    before = await kept(desk.store), await webhooks.attempts(desk, caller, webhook.id, 10)
    monkeypatch.setattr(f"graphql_api.storage.{statement}", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await act(desk, caller, webhook.id)
    assert (await kept(desk.store), await webhooks.attempts(desk, caller, webhook.id, 10)) == before


@pytest.mark.parametrize(
    "act",
    [
        *ACTS,
        webhooks.waiting,
        webhooks.find,
        lambda desk, caller, _: webhooks.every(desk, caller),
        lambda desk, caller, id: webhooks.attempts(desk, caller, id, 1),
        lambda desk, caller, _: add(desk, caller),
    ],
)
async def test_all_of_it_needs_the_scope_admin(desk: Desk, caller: Caller, act: Act) -> None:
    webhook = await add(desk, caller)
    before = await kept(desk.store)
    with pytest.raises(Refused) as refusal:
        await act(desk, Caller("ws1", scopes=SCOPES - {"admin"}), webhook.id)
    assert told(refusal.value) == [("FORBIDDEN", "")]
    assert await kept(desk.store) == before


async def test_another_secret_signs_and_the_old_one_for_a_while(desk: Desk, caller: Caller) -> None:
    issued = await webhooks.create(desk, caller, URL, EVENTS)
    fresh = await webhooks.rotate(desk, caller, issued.webhook.id, 60_000)
    found = await webhooks.find(desk, caller, issued.webhook.id)
    assert found == fresh.webhook
    assert (found.secret, found.old_secret) == (fresh.secret, issued.secret)
    assert found.old_secret_until is not None
    assert 55_000 <= found.old_secret_until - desk.now() <= 60_000


async def test_a_test_is_posted_noted_and_told(desk: Desk, caller: Caller) -> None:
    class Post:
        """An endpoint that answers 500, without a network."""

        sent: tuple[str, dict[str, str], bytes]

        async def __call__(self, url: str, headers: Any, body: bytes) -> PostResult:
            self.sent = url, headers, body
            return PostResult("REJECTED", 500, 12)

        async def close(self) -> None: ...

    post = Post()
    webhook = await add(desk, caller)
    tried = await webhooks.try_now(replace(desk, post=post), caller, webhook.id)
    url, headers, body = post.sent
    assert url == URL
    assert headers["X-Message-Flows-Event"] == "webhook.test"
    assert f'"data":{{"webhookId":"{webhook.id}","workspaceId":"ws1"}}}}'.encode() in body
    assert (tried.outcome, tried.status, tried.ms, tried.flow_id, tried.version) == ("REJECTED", 500, 12, None, None)
    assert await webhooks.attempts(desk, caller, webhook.id, 10) == [tried]


async def test_a_test_of_a_webhook_that_is_removed_meanwhile_leaves_nothing_behind(desk: Desk, caller: Caller) -> None:
    webhook = await add(desk, caller)

    class Post:
        """An endpoint that takes its time."""

        async def __call__(self, url: str, headers: Any, body: bytes) -> PostResult:
            await webhooks.remove(desk, caller, webhook.id)
            return PostResult("DELIVERED", 200)

        async def close(self) -> None: ...

    assert (await webhooks.try_now(replace(desk, post=Post()), caller, webhook.id)).outcome == "DELIVERED"
    assert await webhooks.attempts(desk, caller, webhook.id, 10) == []


@pytest.mark.parametrize("database", ["postgresql"])
async def test_nor_does_one_that_is_noted_at_the_same_moment(desk: Desk, caller: Caller) -> None:
    webhook = await add(desk, caller)
    tried = Attempt(1, "evt_1", "webhook.test", None, None, 1, "DELIVERED", 200, 1)
    has_found = asyncio.Event()

    def noted() -> Script[None]:
        note = webhooks._note(webhook, tried)
        statement = next(note)
        with suppress(StopIteration):
            while True:
                found = yield statement
                statement = note.send(found)
                if webhook.id in [row.get("id") for row in found]:
                    has_found.set()
                    yield Statement(SLEEP, {"seconds": 0.3})

    desk.store.heard = None  # a statement that sleeps is of no workspace
    noting = asyncio.create_task(desk.store.run(noted, together=True))
    await has_found.wait()
    await webhooks.remove(desk, caller, webhook.id)
    await noting
    assert await webhooks.attempts(desk, caller, webhook.id, 10) == []


async def test_the_log_keeps_the_newest_attempts(desk: Desk, caller: Caller) -> None:
    """Of a webhook, however many there are of others."""
    webhook, other = [await add(desk, caller) for _ in range(2)]

    def script() -> Script[None]:
        for at in range(KEPT_ATTEMPTS + 5):
            tried = Attempt(at, f"evt_{at}", "flow.created", "f", 0, 1, "REJECTED", 500, 1)
            yield rows.note("ws1", webhook.id, tried)
            yield rows.note("ws1", other.id, tried)
        yield rows.forget_attempts("ws1", webhook.id, KEPT_ATTEMPTS)

    await desk.store.run(script, together=True)
    kept = await webhooks.attempts(desk, caller, webhook.id, 2_000)
    assert (len(kept), kept[0].at, kept[-1].at) == (KEPT_ATTEMPTS, KEPT_ATTEMPTS + 4, 5)
    assert len(await webhooks.attempts(desk, caller, other.id, 2_000)) == KEPT_ATTEMPTS + 5
    for one in (webhook, other):
        await webhooks.remove(desk, caller, one.id)
    assert await desk.store.read(Statement(Shape(select(ATTEMPTS).order_by(*ATTEMPTS.primary_key)), {})) == []


async def test_a_webhook_for_which_much_waits_goes_in_pieces_and_is_sent_nothing_from_the_first_on(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(webhooks, "PIECE", 2)
    webhook = await add(desk, caller)
    await wait_for(webhook, store, {}, {}, {}, {}, {})
    seen: list[Any] = []
    run = store.run

    async def watched(script: Callable[[], Script[Any]], **how: Any) -> Any:
        outcome = await run(script, **how)
        found = await webhooks.find(desk, caller, webhook.id)
        seen.append((await webhooks.waiting(desk, caller, webhook.id), found and found.parked_because))
        return outcome

    monkeypatch.setattr(store, "run", watched)
    await webhooks.remove(desk, caller, webhook.id)
    assert seen == [(3, "it is being removed"), (1, "it is being removed"), (0, None)]
    assert await kept(store) == [[], []]


async def test_what_was_removed_in_part_can_be_removed_once_more(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(webhooks, "PIECE", 2)
    webhook = await add(desk, caller)
    await wait_for(webhook, store, {}, {}, {}, {}, {})
    await store.run(lambda: webhooks._remove("ws1", webhook.id, 7), together=True)
    (part,) = await webhooks.every(desk, caller)
    assert (part.parked_at, await webhooks.waiting(desk, caller, webhook.id)) == (7, 3)
    await webhooks.remove(desk, caller, webhook.id)
    assert await kept(store) == [[], []]
