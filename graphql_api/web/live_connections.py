"""WebSockets and event streams, which go on for long: how many a caller may have, and when they must end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import msgspec

from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.keys import Key
from graphql_api.domain.words import counted
from graphql_api.schema.context import Context
from graphql_api.schema.operations import Event
from graphql_api.schema.shown import Rejected
from graphql_api.web import telemetry
from graphql_api.web.auth import Keyring
from graphql_api.web.gathered import hear
from graphql_api.web.http import Disconnected
from graphql_api.web.json import encoded
from graphql_api.web.results import code_of, response_of
from graphql_api.web.telemetry import LONGEST_NAME, WriteLine

LOOK = 0.5
"""Seconds between two looks at the keys of whoever is connected; the keyring asks the database often enough."""

End = asyncio.Future[Refused | None]
"""Comes when something must end: why it is refused from now on, or None when the server stops."""


class SubscriptionRecord(msgspec.Struct):
    """What a subscription has come to."""

    deliveries: int = 0
    reason: str = "gone"


class LiveConnections:
    """The subscriptions and WebSockets of this process."""

    def __init__(
        self, keyring: Keyring | None, most: int, now: Callable[[], int], line: WriteLine | None = None
    ) -> None:
        """`most`: of each kind for a key or an address; `now`: milliseconds."""
        self._keyring = keyring
        self.most = most
        self._now = now
        self._line: WriteLine = telemetry.write_line if line is None else line
        self._held: Counter[tuple[str, str]] = Counter()
        self._ends: dict[tuple[bytes, str], set[End]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._is_stopping = False

    @contextlib.contextmanager
    def held(self, kind: str, payer: str) -> Iterator[None]:
        """One more of a kind; refuses whoever has as many as may be (LIMIT_EXCEEDED)."""
        if self._held[kind, payer] >= self.most:
            message = f"more than {counted(self.most, kind)} of one caller (max_subscriptions)"
            raise refused("LIMIT_EXCEEDED", message)
        self._held[kind, payer] += 1
        try:
            yield
        finally:
            self._held[kind, payer] -= 1
            if not self._held[kind, payer]:
                del self._held[kind, payer]

    @contextlib.contextmanager
    def subscription(self, payer: str, context: Context, way: str, key: Key | None) -> Iterator[SubscriptionRecord]:
        """Counts it while it is open, and tells of it in the log at its end."""
        with self.held("subscription", payer):
            hear("subscriptions", 1)
            began = perf_counter()
            record = SubscriptionRecord()
            try:
                yield record
            except (Rejected, Refused) as why:
                record.reason = code_of(why)
                raise
            except Disconnected:
                raise
            except Exception:
                record.reason = "INTERNAL"
                raise
            finally:
                hear("subscriptions", -1)
                self._line("info", event="subscription", **_members(context, way, key, record, perf_counter() - began))

    def text(self, event: Event, record: SubscriptionRecord) -> str:
        """The answer as it is sent, written once for all who get it."""
        record.deliveries += 1
        hear("delivery_lag", max(0, self._now() - event.at) / 1_000)
        if event.text is None:
            assert event.answer is not None
            event.text = encoded(response_of(event.answer)).decode()
        return event.text

    # Ends

    @contextlib.contextmanager
    def end(self, token: bytes, address: str) -> Iterator[End]:
        """Comes when the key is no longer good, or the server stops."""
        end: End = asyncio.get_running_loop().create_future()
        mine = (token, address)
        ends = self._ends.setdefault(mine, set())
        ends.add(end)
        if self._is_stopping:
            end.set_result(None)
        if self._keyring is not None and self._looking is None:
            self._looking = asyncio.create_task(self._look(self._keyring))
        try:
            yield end
        finally:
            ends.discard(end)
            if not ends and self._ends.get(mine) is ends:
                del self._ends[mine]
            if not self._ends and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self, keyring: Keyring) -> None:
        while True:
            await asyncio.sleep(LOOK)
            for token, address in list(self._ends):
                try:
                    await keyring.key(token, address)
                except Refused as refusal:
                    if refusal.problems[0].code == "UNAUTHENTICATED":  # not while the database is away
                        _come(self._ends.get((token, address), ()), refusal)

    def stop(self) -> None:
        """The server stops: whoever is still connected goes on elsewhere."""
        self._is_stopping = True
        for ends in self._ends.values():
            _come(ends, None)


def _come(ends: Any, answer: Refused | None) -> None:
    for end in list(ends):
        if not end.done():
            end.set_result(answer)


async def given_up(future: asyncio.Future[Any]) -> None:
    """What has failed instead, nobody waits for any more; asyncio would tell the log."""
    if future.done():
        with contextlib.suppress(asyncio.CancelledError):
            future.exception()
    else:
        future.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await future


def _members(context: Context, way: str, key: Key | None, record: SubscriptionRecord, seconds: float) -> dict[str, Any]:
    return {
        "way": way,
        "operation": context.seen.operation[:LONGEST_NAME],
        "ms": round(seconds * 1_000, 3),
        "deliveries": record.deliveries,
        "reason": record.reason,
        "key": key.prefix if key is not None else None,
        "workspace": context.caller.workspace,
        "request_id": context.caller.request_id,
        "cost": context.seen.cost,
    }
