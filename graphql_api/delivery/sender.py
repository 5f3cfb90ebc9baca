"""Makes out deliveries for what is committed, in its order, and keeps a courier for each endpoint."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial

from graphql_api.delivery.courier import Courier, CourierContext
from graphql_api.delivery.ledger import AGAIN, Ledger
from graphql_api.delivery.reading import FewReads
from graphql_api.delivery.slots import FairSlots
from graphql_api.delivery.telling import Teller
from graphql_api.delivery.tenure import Deposed, Tenure, tell_parked, to_its_end
from graphql_api.domain.errors import Refused, fault
from graphql_api.domain.webhooks import Webhook
from graphql_api.edits import Desk
from graphql_api.storage import deliveries, sender, webhooks
from graphql_api.storage.engine import Row, Script
from graphql_api.storage.signals import wait_at_most
from graphql_api.storage.tail import Rewritten, Tail

SLOTS = (128, 32)
"""Messages on their way at the same time to endpoints that answer, in all and of one workspace …"""
AILING_SLOTS = (16, 8)
"""… and to those that do not."""
STEP = 500
"""Changes that an endpoint catches up with in a transaction …"""
WINDOW = 10_000
"""… and positions of the stream that are gone through for them: those of all workspaces, while nobody else writes."""
HELD = 0.02
"""Seconds until the tail is read again while an earlier change may still be committed."""
GRACE = 3.0
"""Seconds that messages on their way have to be answered when the server stops: before another process takes over."""

log = logging.getLogger("message_flows")


class Stale(Exception):
    """Webhooks were changed since they were read."""


async def send(desk: Desk) -> None:
    """Sends whenever no other process does, for as long as the server lives; why it cannot is said once."""
    said = ""
    while True:
        tenure = Tenure(desk.store)
        try:
            await tenure.won()
            said = ""
            await Sender(desk, tenure).run()
        except (Refused, Deposed, Rewritten) as why:
            reason = str(why) or "another process does"
            if reason != said:
                log.warning("webhooks are not sent from here for now: %s", reason)
            said = reason
        except Exception as error:
            log.error("the sender of webhooks begins anew: %s", fault(error))
        await asyncio.sleep(AGAIN)


class Sender:
    """One tenure: `_place` is the position up to which deliveries are made out for all webhooks that are not behind."""

    def __init__(self, desk: Desk, tenure: Tenure) -> None:
        self._desk = desk
        self._store = desk.store
        self._tenure = tenure
        slots = FairSlots(*SLOTS), FairSlots(*AILING_SLOTS)
        self._ledger = Ledger(tenure)
        reads = FewReads(desk.store)
        self._context = CourierContext(desk, tenure, self._ledger, reads, Teller(reads), *slots, self._forget)
        self._couriers: dict[str, Courier] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._edition = -1
        self._place = 0
        self._touched: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Until there is nothing more to send for; raises Deposed."""
        grace = 0.0
        try:
            async with self._news() as news:
                await self._work(news)
        except asyncio.CancelledError:
            grace = GRACE
            raise
        finally:
            await to_its_end(self._end(grace))

    async def _end(self, grace: float) -> None:
        await asyncio.gather(*(courier.stop(grace) for courier in self._couriers.values()), *self._leaving)
        await self._ledger.stop()
        await self._tenure.lay_down()

    @asynccontextmanager
    async def _news(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set when something may have been committed."""
        news = asyncio.Event()

        async def listen() -> None:
            async with aclosing(self._store.commits()) as commits:
                async for _ in commits:
                    news.set()

        task = asyncio.create_task(listen())
        try:
            yield news
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _work(self, news: asyncio.Event) -> None:
        position = await self._look()
        self._place = self._first_place(position or 0)
        tail = Tail(self._store, self._place)
        while position is not None:
            news.clear()
            try:
                has_more = await self._step(tail)
                if not self._tenure.next_beat:
                    await tail.verify()  # else the place in an old history would be written into a new one
                    await self._tenure.renew(self._place)
                if not has_more:
                    await wait_at_most(HELD if tail.is_held else self._tenure.next_beat, news)
                position = await self._look()
            except Refused:
                if not self._tenure.is_sure:
                    raise
                await asyncio.sleep(AGAIN)

    async def _look(self) -> int | None:
        """The position of the sender, with all changes of webhooks taken in; None when there is nothing to send for."""
        (row,) = await self._store.read(sender.LOOK)
        if row["owner"] != self._tenure.me:
            raise Deposed
        if row["edition"] != self._edition:
            await self._read_webhooks()
            self._edition = row["edition"]
        return row["position"] if row["has_work"] else None

    async def _read_webhooks(self) -> None:
        live = {webhook.id: webhook for webhook in map(webhooks.webhook, await self._store.read(sender.LIVE))}
        for id in self._couriers.keys() - live.keys():
            self._dismiss(id)
        for id, webhook in live.items():
            if id in self._couriers:
                self._couriers[id].webhook = webhook
                self._couriers[id].wake()
            else:
                self._couriers[id] = Courier(self._context, webhook)
        await tell_parked(self._store)

    def _first_place(self, position: int) -> int:
        """What lies before all of them need not be read."""
        return max(position, min((one.webhook.position for one in self._couriers.values()), default=position))

    async def _step(self, tail: Tail) -> bool:
        """Whether there is more to do at once."""
        # Only when all that was read before is made out: more than a step of it would be cut off.
        changes = await tail.more() if tail.place == self._place else ()
        self._touched |= {(change["workspace_id"], change["operation"]) for change in changes}
        try:
            await self._make_out(tail.place)
            return await self._catch_up() or bool(changes)
        except Stale:
            return True

    async def _make_out(self, until: int) -> None:
        told = [one for one in self._couriers.values() if not one.webhook.is_behind and self._concerns(one.webhook)]
        if told and until > self._place:
            await self._tenure.write(lambda row: self._make_all_out(row, [one.webhook for one in told], until))
        self._place = until
        self._touched.clear()
        for courier in told:
            courier.wake()

    def _concerns(self, webhook: Webhook) -> bool:
        return any((webhook.workspace_id, operation) in self._touched for operation in webhook.operations)

    def _make_all_out(self, row: Row, told: Sequence[Webhook], until: int) -> Script[None]:
        """Goes by the position in the database: of a commit whose answer was lost only that knows."""
        self._check(row)
        place = max(self._place, row["position"])
        for webhook in told:
            yield from self._make_out_for(webhook, max(place, webhook.position), until)
        yield sender.move(until)

    def _make_out_for(self, webhook: Webhook, after: int, until: int) -> Script[Sequence[Row]]:
        made = yield deliveries.make_out(webhook, after, until, STEP)
        if made:
            yield deliveries.set_off(webhook, after, self._desk.now())
        return made

    def _check(self, row: Row) -> None:
        if row["edition"] != self._edition:
            raise Stale

    async def _catch_up(self) -> bool:
        """One step for each webhook that is behind, until a sign of life is due, those first that have come least far;
        whether any still is."""
        behind = [courier for courier in self._couriers.values() if courier.webhook.is_behind]
        for courier in sorted(behind, key=lambda courier: courier.webhook.position):
            webhook = courier.webhook
            courier.webhook = await self._tenure.write(partial(self._catch_up_with, webhook.workspace_id, webhook.id))
            courier.wake()
            if not self._tenure.next_beat:
                break
        return any(courier.webhook.is_behind for courier in behind)

    def _catch_up_with(self, workspace: str, id: str, row: Row) -> Script[Webhook]:
        self._check(row)
        (found,) = yield webhooks.find(workspace, id)
        webhook = webhooks.webhook(found)
        made: Sequence[Row] = ()
        until = min(webhook.position + WINDOW, self._place)
        if webhook.position < until:
            made = yield from self._make_out_for(webhook, webhook.position, until)
        is_cut = len(made) == STEP
        place = max(row["position"] for row in made) if is_cut else max(webhook.position, until)
        is_behind = is_cut or place < self._place
        yield webhooks.move(workspace, id, place, is_behind)
        return replace(webhook, position=place, is_behind=is_behind)

    def _forget(self, courier: Courier) -> None:
        """Its endpoint is parked; one that was resumed meanwhile has another courier."""
        if self._couriers.get(courier.webhook.id) is courier:
            self._dismiss(courier.webhook.id)
            self._edition = -1

    def _dismiss(self, id: str) -> None:
        leaving = asyncio.create_task(self._couriers.pop(id).stop())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
