"""Delivers to one endpoint: a few messages at a time, those of one flow one after another, slowly while it is dead."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from graphql_api.delivery.ledger import AGAIN, Ledger
from graphql_api.delivery.reading import FewReads
from graphql_api.delivery.slots import FairSlots
from graphql_api.delivery.telling import Notice, Teller
from graphql_api.delivery.tenure import Deposed, Tenure
from graphql_api.domain import webhooks as domain
from graphql_api.domain.errors import Refused, fault
from graphql_api.domain.webhooks import Attempt, Message, PostResult, Webhook
from graphql_api.edits import Desk
from graphql_api.edits.webhooks import KEPT_ATTEMPTS
from graphql_api.storage import deliveries, tally, webhooks
from graphql_api.storage.engine import Row, Script
from graphql_api.storage.sender import NEXT_EDITION
from graphql_api.storage.signals import wait_at_most

AT_ONCE = 8
"""Messages on their way to one endpoint."""
AILING = 3
"""Flows that fail without a success in between, from which on an endpoint gets one message at a time …"""
PROBE = 10.0
"""… and, after each that fails, none for so many seconds."""
SET_BACK = 1_000
"""Milliseconds that the clock may lose between two looks at it and be none that was set back."""
TRIM_EVERY = 100
"""Attempts between two times that the log is cut."""

log = logging.getLogger("message_flows")


@dataclass(frozen=True, slots=True)
class CourierContext:
    """What all couriers share. Endpoints that do not answer have slots apart, so that they hold up no others."""

    desk: Desk
    tenure: Tenure
    ledger: Ledger
    reads: FewReads
    teller: Teller
    slots: FairSlots
    ailing_slots: FairSlots
    parked: Callable[["Courier"], None]


class Courier:
    """Works from when it is made until it is stopped."""

    def __init__(self, context: CourierContext, webhook: Webhook) -> None:
        self.webhook = webhook
        self._context = context
        self._wake = asyncio.Event()
        self._at_work: dict[int, asyncio.Task[None]] = {}
        self._failing: set[str] = set()
        self._not_before = 0.0
        self._lead = inf
        self._tried = 0
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There may be something to deliver."""
        self._wake.set()

    async def stop(self, grace: float = 0) -> None:
        """Begins nothing more; what is on its way has `grace` seconds to be answered."""
        self._task.cancel()
        if self._at_work and grace:
            await asyncio.wait(list(self._at_work.values()), timeout=grace)
        rest = list(self._at_work.values())
        for task in rest:
            task.cancel()
        await asyncio.gather(self._task, *rest, return_exceptions=True)

    @property
    def _is_ailing(self) -> bool:
        return len(self._failing) >= AILING

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._was_set_back():
                with suppress(Deposed):
                    await self._context.ledger.note(lambda _: self._bring_near())
            try:
                wait = await self._set_out()
            except Refused:
                wait = AGAIN
            await wait_at_most(wait, self._wake)

    def _was_set_back(self) -> bool:
        """Whether the clock was, since the last look at it; also at the first look, as the clock of the process that
        sent before may have been ahead."""
        before, self._lead = self._lead, self._context.desk.now() - asyncio.get_running_loop().time() * 1_000
        return self._lead < before - SET_BACK

    def _bring_near(self) -> Script[bool]:
        now = self._context.desk.now()
        longest = domain.delay(len(domain.RETRIES), chance=1)
        return bool((yield deliveries.bring_near(self.webhook, now, now + longest)))

    async def _set_out(self) -> float | None:
        """Begins what is due; answers the seconds to what is due next, None when nothing is or others end before."""
        free = (1 if self._is_ailing else AT_ONCE) - len(self._at_work)
        pause = self._not_before - asyncio.get_running_loop().time()
        if free <= 0 or pause > 0:
            return pause if free > 0 else None
        begun = set(self._at_work)  # those of them that end meanwhile may still be among the rows
        rows = await self._context.reads.read(deliveries.waiting(self.webhook, free + len(begun) + 1))
        now = self._context.desk.now()
        for row in rows:
            if row["position"] in begun:
                continue
            if row["next_at"] > now:
                return (row["next_at"] - now) / 1_000  # type: ignore[no-any-return]
            if not free:
                return None
            self._begin(row)
            free -= 1
        return None

    def _begin(self, row: Row) -> None:
        position = row["position"]

        def finish(task: asyncio.Task[None]) -> None:
            del self._at_work[position]
            if not task.cancelled() and (error := task.exception()):
                log.error("a webhook cannot be delivered: %s", fault(error))
                self._pause()
            self._wake.set()

        self._at_work[position] = asyncio.create_task(self._attempt(row))
        self._at_work[position].add_done_callback(finish)

    def _pause(self) -> None:
        self._not_before = asyncio.get_running_loop().time() + PROBE

    async def _attempt(self, row: Row) -> None:
        """A message is made when there is a slot for it: those that wait for one hold no texts."""
        slots = self._context.ailing_slots if self._is_ailing else self._context.slots
        async with slots.one(self.webhook.workspace_id):
            try:
                notice = await self._context.teller.told(self.webhook, row)
            except Refused:
                await asyncio.sleep(AGAIN)
                return
            now = self._context.desk.now()
            result = PostResult("PRUNED") if notice.message is None else await self._sent(notice.message, now)
        if result is not None:
            with suppress(Deposed):
                await self._settle(row, notice, result, now)

    async def _sent(self, message: Message, now: int) -> PostResult | None:
        """None when somebody else may be sending."""
        if not self._context.tenure.is_sure:
            await asyncio.sleep(AGAIN)
            return None
        headers = domain.headers(self.webhook, message, now)
        return await self._context.desk.post(self.webhook.url, headers, message.body)

    # What comes of it

    async def _settle(self, row: Row, notice: Notice, result: PostResult, now: int) -> None:
        attempt = row["attempts"] + 1
        tried = Attempt(
            now,
            notice.id,
            notice.event,
            row["flow_id"],
            row["version"],
            attempt,
            result.outcome,
            result.status,
            result.ms,
        )
        tally.tell(f"webhook_{result.outcome.lower()}")
        if result.outcome in ("DELIVERED", "PRUNED"):
            await self._delivered(row, tried, notice.at)
        else:
            await self._failed(row, tried, result)

    async def _delivered(self, row: Row, tried: Attempt, changed_at: int) -> None:
        tally.tell("webhook_lag", max(0, tried.at - changed_at) / 1_000 if changed_at else 0)
        recovers = self._is_ailing
        self._failing.clear()
        self._not_before = 0.0
        if not await self._context.ledger.note(lambda _: self._note_delivered(row, tried, recovers)):
            self._context.teller.forget(self.webhook, row["flow_id"])

    def _note_delivered(self, row: Row, tried: Attempt, recovers: bool) -> Script[bool]:
        """Whether another change of the flow waits."""
        if not (yield deliveries.done(self.webhook, row["position"])):
            return False
        now = self._context.desk.now()
        following = yield deliveries.follow(self.webhook, row["flow_id"], now)
        if recovers:
            yield deliveries.hurry(self.webhook, now)
        yield from self._note(tried)
        return bool(following)

    async def _failed(self, row: Row, tried: Attempt, result: PostResult) -> None:
        self._tell(tried)
        self._failing.add(row["flow_id"])
        if self._is_ailing:
            self._pause()
        if await self._context.ledger.note(lambda sender: self._note_failed(sender, row, tried, result.retry_after)):
            self._context.parked(self)

    def _tell(self, tried: Attempt) -> None:
        webhook = self.webhook
        members = {
            "webhook": webhook.id,
            "workspace": webhook.workspace_id,
            "host": webhook.host,
            "event_name": tried.event,
            "attempt": tried.attempt,
            "outcome": tried.outcome,
            "status": tried.status,
            "ms": tried.ms,
        }
        log.warning("a webhook was not delivered", extra=members)

    def _note_failed(self, sender: Row, row: Row, tried: Attempt, retry_after: int) -> Script[bool]:
        """Whether the endpoint is parked with it."""
        webhook, now = self.webhook, self._context.desk.now()
        since = now if row["failing_since"] is None else row["failing_since"]
        next_at = now + domain.delay(tried.attempt, random.random(), retry_after)
        if not (yield deliveries.failed(webhook, row["position"], row["attempts"], since, next_at)):
            return False
        yield from self._note(tried)
        because = domain.why_parked(tried, now - since, self._context.desk.rules)
        if because is None:
            return False
        yield NEXT_EDITION
        return bool((yield webhooks.park(webhook.workspace_id, webhook.id, sender["position"], now, because)))

    def _note(self, tried: Attempt) -> Script[None]:
        yield webhooks.note(self.webhook.workspace_id, self.webhook.id, tried)
        self._tried += 1
        if self._tried % TRIM_EVERY == 1:  # with the first one: a sender may be gone before it has made so many
            yield webhooks.forget_attempts(self.webhook.workspace_id, self.webhook.id, KEPT_ATTEMPTS)
