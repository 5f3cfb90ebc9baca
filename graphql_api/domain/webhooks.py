"""What a webhook is: whom it tells of what, what a message says, how it is signed, and when it is tried again."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from graphql_api.domain import instants
from graphql_api.domain.addresses import Network
from graphql_api.domain.checks import Text, Wrong
from graphql_api.domain.endpoints import checked_url, target
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.instants import HOUR
from graphql_api.domain.words import counted

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "flow.created": ("CREATE", "IMPORT", "RESTORE"),
    "flow.updated": ("UPDATE", "REVERT"),
    "flow.deleted": ("DELETE",),
}
"""What is told of a flow, and the operations of its history that it tells of.

A flow that comes back from deletion is announced as created: who was told that it is gone has no flow to update.
"""
EVENT_OF = {operation: event for event, operations in OPERATIONS.items() for operation in operations}
TEST = "webhook.test"
GAP = "webhook.gap"
"""Stands in the log of deliveries alone: changes were pruned before they were made out."""

SECRET_BYTES = 32
ID_BYTES = 12
ID = re.compile(r"whk_[0-9a-f]{24}", re.ASCII)

RETRIES = (5, 30, 120, 600, 1_800, 3_600)
"""Seconds from one attempt to the next; the last one for all that follow."""
JITTER = 0.2

OUTCOMES: Mapping[str, str] = {
    "DELIVERED": "The endpoint answered with a status from 200 to 299.",
    "REJECTED": "It answered with another status.",
    "REDIRECTED": "It answered with a redirect, which is not followed.",
    "GONE": "It answered 410 Gone: the webhook is parked at once.",
    "TIMED_OUT": "It did not answer in time.",
    "UNREACHABLE": "Its name is not known, or nobody listens at its address.",
    "FORBIDDEN_ADDRESS": "Its name leads to an address that webhooks may not reach.",
    "TLS_FAILED": "It has no certificate that holds for its name.",
    "BROKEN": "The connection was lost, or the answer was no HTTP.",
    "PRUNED": "The history does not hold the change any more; it is passed over.",
}
"""What may come of an attempt to deliver."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Times are milliseconds since 1970. `secret` signs; `old_secret` signs as well until `old_secret_until`.

    `position` is the place in the feed of changes up to which deliveries were made out; `is_behind` tells that the
    sender has not caught up with it yet.
    """

    workspace_id: str
    id: str
    url: str
    name: str
    events: tuple[str, ...]
    secret: str = field(repr=False)
    created_at: int
    position: int
    is_behind: bool = True
    old_secret: str | None = field(default=None, repr=False)
    old_secret_until: int | None = None
    parked_at: int | None = None
    parked_because: str | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(operation for event in self.events for operation in OPERATIONS[event])

    @property
    def host(self) -> str:
        return target(self.url).host


class PostResult(msgspec.Struct, frozen=True):
    """What came of one attempt; `retry_after` are the seconds that the endpoint asked for."""

    outcome: str
    status: int | None = None
    ms: int = 0
    retry_after: int = 0


class Attempt(msgspec.Struct, frozen=True):
    """An entry of the log of deliveries; without a flow it was a test, or a gap."""

    at: int
    message_id: str
    event: str
    flow_id: str | None
    version: int | None
    attempt: int
    outcome: str
    status: int | None
    ms: int


class Post(Protocol):
    """Carries one message to an endpoint; whatever goes wrong is a result."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> PostResult: ...

    async def close(self) -> None: ...


class NoPost:
    """Reaches nobody."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> PostResult:
        return PostResult("UNREACHABLE")

    async def close(self) -> None:
        return


class Rules(msgspec.Struct, frozen=True):
    """`networks` may be reached although they are not public; `most` webhooks a workspace; an endpoint that has failed
    one message for `patience` milliseconds is parked."""

    networks: tuple[Network, ...] = ()
    most: int = 20
    patience: int = 72 * HOUR


# Checks


Spelling = Mapping[str, str]
"""How a door writes members and events, where that is not as they stand here."""


def checked(
    url: str, events: Iterable[str], name: str, rules: Rules, spelt: Spelling = MappingProxyType({})
) -> tuple[str, tuple[str, ...], str]:
    """Raises Refused with every problem, told in the spelling of the caller's door."""
    problems: list[Problem] = []
    for path, check in (
        ("url", lambda: checked_url(url, rules.networks)),
        ("events", lambda: checked_events(events, spelt)),
        ("name", lambda: NAME_RULE(name)),
    ):
        try:
            check()
        except Wrong as wrong:
            problems.append(Problem(wrong.code, f"{spelt.get(path, path)} {wrong.message}", (path,)))
    if problems:
        raise Refused(*problems)
    return url, checked_events(events), name


NAME_RULE = Text(200, line_breaks=False)


def checked_events(named: Iterable[str], spelt: Spelling = MappingProxyType({})) -> tuple[str, ...]:
    """In the order of their declaration, each once."""
    chosen = set(named)
    unknown = sorted(chosen - set(OPERATIONS))
    if not chosen or unknown:
        wrong = f", not {', '.join(one[:64] for one in unknown[:5])}" if unknown else ""
        raise Wrong(
            "INVALID_ENUM", f"must name at least one of {', '.join(spelt.get(one, one) for one in OPERATIONS)}{wrong}"
        )
    return tuple(event for event in OPERATIONS if event in chosen)


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def webhook_id(noise: bytes) -> str:
    return f"whk_{noise.hex()}"


def secret(noise: bytes) -> str:
    return f"mfw_{noise.hex()}"


# Messages


@dataclass(frozen=True, slots=True)
class Message:
    """What an endpoint is told; the same bytes at every attempt."""

    event: str
    id: str
    body: bytes = field(repr=False)


def message(event: str, id: str, created_at: int, data: Mapping[str, Any]) -> Message:
    told = {"event": event, "id": id, "createdAt": instants.text(created_at), "data": data}
    return Message(event, id, msgspec.json.encode(told))


def message_id(*parts: object) -> str:
    """The same for the same parts, so that a receiver tells a message that comes twice."""
    return f"evt_{hashlib.sha256(':'.join(map(str, parts)).encode()).hexdigest()[:32]}"


def headers(webhook: Webhook, message: Message, now: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Message-Flows-Event": message.event,
        "X-Message-Flows-Delivery": message.id,
        "X-Message-Flows-Signature": signature(_secrets(webhook, now), now // 1_000, message.body),
    }


def _secrets(webhook: Webhook, now: int) -> list[str]:
    old, until = webhook.old_secret, webhook.old_secret_until
    return [webhook.secret, *([old] if old is not None and until is not None and now < until else [])]


def signature(secrets: Iterable[str], at: int, body: bytes) -> str:
    """HMAC-SHA256 over `<at>.<body>`, in hex, one for each secret; `at` are seconds since 1970."""
    signed = f"{at}.".encode() + body
    made = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join((f"t={at}", *(f"v1={one}" for one in made)))


def delay(attempts: int, chance: float, retry_after: int = 0) -> int:
    """Milliseconds to the next attempt after so many; `chance` from 0 to 1 moves it by up to a fifth either way."""
    usual = RETRIES[min(attempts, len(RETRIES)) - 1] * (1 - JITTER + 2 * JITTER * chance)
    return int(max(usual, min(retry_after, RETRIES[-1])) * 1_000)


def why_parked(tried: Attempt, failing: int, rules: Rules) -> str | None:
    """Why an endpoint that has failed one message for so many milliseconds is parked; None while it may recover.

    That of one message says enough: no change is ever left out, so that its flow would wait behind it for good.
    """
    if tried.outcome == "GONE":
        return "it answered 410 Gone"
    if failing >= rules.patience:
        hours, attempts = counted(rules.patience / HOUR, "hour"), counted(tried.attempt, "attempt")
        return f"it has not taken version {tried.version} of the flow {tried.flow_id} for {hours}, after {attempts}"
    return None
