"""Points that a key, or an address where no keys are required, may spend a minute; over them a request gets a 429."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Protocol

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.keys import Key
from graphql_api.domain.words import counted
from graphql_api.schema.context import Seen
from graphql_api.schema.shown import Rejected, failure
from graphql_api.web.http import Headers

WINDOW = 60
"""Seconds; windows begin with the minute on every process, so that all count the same one."""

DRAFTS = 50
"""Into so many parts a limit is divided: at least one is drawn from the count at a time. So a request seldom has to ask
it, and what one process holds back from the others is less than one."""


class Limited(Refused):
    """Refused until `reset`, in seconds since 1970, which is in `wait` seconds."""

    def __init__(self, message: str, reset: float, wait: int) -> None:
        super().__init__(Problem("RATE_LIMITED", message))
        self.reset = reset
        self.wait = wait


class Counts(Protocol):
    """What all who count together were given: those of this process, or all that `counts` counts in Redis."""

    async def add(self, who: str, window: int, points: int) -> int | None:
        """The points that somebody was given in a window, these among them; None when nobody can tell."""

    async def close(self) -> None: ...


class OwnCounts:
    """Counts of this process alone, of one window."""

    def __init__(self) -> None:
        self._window = 0
        self._given: Counter[str] = Counter()

    async def add(self, who: str, window: int, points: int) -> int | None:
        if window != self._window:
            self._window, self._given = window, Counter()
        self._given[who] += points
        return self._given[who]

    async def close(self) -> None:
        return


class Throttle:
    """Holds everybody to so many points a minute; the operation that goes beyond them is not carried out."""

    def __init__(
        self, counts: Counts, points: int, now: Callable[[], float] = time.time, setting: str = "key_points"
    ) -> None:
        """`setting` is the name of the limit."""
        self.points = points
        self.setting = setting
        self.now = now
        self.policy = (b"ratelimit-policy", b'"points";q=%d;w=%d' % (points, WINDOW))
        self.lines = b'ratelimit-policy: %b\r\nratelimit: "points";r=%%d;t=%%d\r\n' % self.policy[1]
        self._counts = counts
        self._window = 0.0
        self._purses: dict[str, Purse] = {}

    def account(self, who: str) -> "Account":
        now = self.now()
        return Account(self, who, now, self.purse(who, now))

    def paid(self, who: str) -> "Account | None":
        """An account that has paid the point of its request out of what is at hand; None where it is not there."""
        now = self.now()
        purse = self.purse(who, now)
        return Account(self, who, now, purse) if purse.has_paid(1) else None

    def purse(self, who: str, now: float) -> "Purse":
        window = now // WINDOW
        if window != self._window:
            self._window, self._purses = window, {}
        return self._purses.get(who) or self._filled(who, int(window))

    def _filled(self, who: str, window: int) -> "Purse":
        purse = self._purses[who] = Purse(self._counts, who, window, self.points)
        return purse

    async def close(self) -> None:
        await self._counts.close()


class Purse:
    """What this process holds of somebody's points in one window."""

    __slots__ = ("_counts", "_in_hand", "_points", "_rest", "_turn", "_who", "_window", "ends")

    def __init__(self, counts: Counts, who: str, window: int, points: int) -> None:
        self._counts = counts
        self._who = who
        self._window = window
        self._points = points
        self._in_hand = 0
        self._rest = points  # that all who count together have not drawn, as far as this process heard
        self.ends = (window + 1) * WINDOW
        self._turn = asyncio.Lock()

    @property
    def left(self) -> int:
        return min(self._points, self._in_hand + self._rest)

    async def pay(self, points: int) -> bool:
        """Whether all the points were there; if not, none is taken."""
        if self._in_hand < points:
            await self._draw(points)
        return self.has_paid(points)

    def has_paid(self, points: int) -> bool:
        """As `pay`, out of what is at hand."""
        if self._in_hand < points:
            return False
        self._in_hand -= points
        return True

    async def _draw(self, points: int) -> None:
        """What the count still has, a draft at least; only where that may suffice, and one draw at a time."""
        async with self._turn:
            short = points - self._in_hand
            if short <= 0 or short > self._rest:
                return
            asked = max(short, self._points // DRAFTS)
            drawn = await self._counts.add(self._who, self._window, asked)
            if drawn is None:
                self._in_hand += asked
                return
            self._rest = max(0, self._points - drawn)
            self._in_hand += min(asked, max(0, self._points - drawn + asked))


class Account(msgspec.Struct):
    """What a request, or a connection that lives for long, has to pay; `now` is when it last looked at the clock.

    `limited` is its last refusal. It knows nothing of its request, which holds it: a circle would have to be collected.
    """

    throttle: Throttle
    who: str
    now: float
    purse: Purse
    limited: Limited | None = None

    @property
    def wait(self) -> int:
        return ceil(self.purse.ends - self.now)

    def charge(self, points: int) -> Awaitable[None] | None:
        """The points of an operation, of which its request has paid one: None where they were at hand, else what draws
        them and raises Limited; raises Rejected where no minute has as many."""
        if points <= 1 or self.purse.has_paid(points - 1):
            return None
        if points > self.throttle.points:
            limit = f"the limit is {self.throttle.points} in a minute ({self.throttle.setting})"
            raise Rejected([failure("LIMIT_EXCEEDED", f"the operation costs {points} points; {limit}")])
        return self.pay(points - 1)

    async def pay(self, points: int) -> None:
        """Raises Limited."""
        self.now = self.throttle.now()
        self.purse = self.throttle.purse(self.who, self.now)
        if not await self.purse.pay(points):
            limit = f"{counted(self.throttle.points, 'point')} in a minute ({self.throttle.setting})"
            self.limited = Limited(f"more than {limit}; wait {self.wait} s", self.purse.ends, self.wait)
            raise self.limited

    def headers(self) -> Headers:
        """As the IETF draft "RateLimit header fields for HTTP", version 10, has them."""
        return [self.throttle.policy, (b"ratelimit", b'"points";r=%d;t=%d' % (self.purse.left, self.wait))]

    def lines(self) -> bytes:
        """The same as they are sent."""
        return self.throttle.lines % (self.purse.left, self.wait)


class Metered:
    """A door behind `auth.Guard` that charges each operation to whoever asks, and a request that asks for none a point.

    Leaves in the request's state under `account` what takes the points of an operation before it is carried out and
    tells what is left, None where nobody counts, and under `seen` what tells afterwards which operation it was.
    """

    def __init__(self, door: ASGIApp, throttle: Throttle | None) -> None:
        self._door = door
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        state["seen"], state["account"] = Seen(), None
        if self._throttle is None or isinstance(state["asker"], Refused):
            await self._door(scope, receive, send)
            return
        account = state["account"] = self._throttle.account(payer(state["asker"], scope.get("client")))
        try:
            await account.pay(1)
        except Limited as refusal:
            state["asker"] = refusal
        await self._door(scope, receive, send)


def payer(key: Key | None, client: tuple[str, int] | None) -> str:
    """Who pays for a request: its key, or where none is required the address that it comes from."""
    if key is not None:
        return key.id
    return str(client[0]) if client else ""
