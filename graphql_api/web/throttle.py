"""Points that a key, or an address where no keys are required, may spend a minute; over them a request gets a 429."""

import logging
import math
import time
from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Problem, Refused
from graphql_api.schema.context import Seen
from graphql_api.web.http import Headers

WINDOW = 60
"""Seconds; windows begin with the minute on every process, so that all count the same one."""

PATIENCE = 0.25
"""Seconds that a shared counter may take to answer."""

PAUSE = 5.0
"""Seconds for which a shared counter that failed is left alone; nobody is refused meanwhile."""

log = logging.getLogger("message_flows")


class Limited(Refused):
    """Refused until `reset`, in seconds since 1970, which is in `wait` seconds."""

    def __init__(self, message: str, reset: float, wait: int) -> None:
        super().__init__(Problem("RATE_LIMITED", message))
        self.reset = reset
        self.wait = wait


class Counts(Protocol):
    async def add(self, who: str, window: int, points: int) -> int:
        """The points that somebody spent in a window, these among them."""

    async def close(self) -> None: ...


class OwnCounts:
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._window = 0
        self._spent: dict[str, int] = {}

    async def add(self, who: str, window: int, points: int) -> int:
        if window != self._window:
            self._window, self._spent = window, {}
        spent = self._spent[who] = self._spent.get(who, 0) + points
        return spent

    async def close(self) -> None:
        return


class SharedCounts:
    """Counts of all processes, in Redis; while it is away nobody is refused."""

    def __init__(self, url: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        from limits.storage import storage_from_string

        self._storage: Any = storage_from_string(
            f"async+{url}",
            implementation="redispy",
            wrap_exceptions=True,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
        )
        self._elapsed = elapsed
        self._resume = -math.inf

    async def add(self, who: str, window: int, points: int) -> int:
        from limits.errors import StorageError

        if self._elapsed() < self._resume:
            return 0
        try:
            return int(await self._storage.incr(f"message-flows/{window}/{who}", WINDOW, amount=points))
        except StorageError as error:
            self._resume = self._elapsed() + PAUSE
            log.warning(
                "no rate limits for %g s: Redis does not answer (%s)", PAUSE, type(error.storage_error).__name__
            )
            return 0

    async def close(self) -> None:
        await self._storage.bridge.storage.aclose()


class Throttle:
    """Holds everybody to so many points a minute; the operation that goes beyond them is not carried out."""

    def __init__(self, counts: Counts, points: int, now: Callable[[], float] = time.time) -> None:
        self._counts = counts
        self._points = points
        self._now = now

    async def charge(self, who: str, points: int) -> "Window":
        now = self._now()
        number = int(now // WINDOW)
        spent = await self._counts.add(who, number, points)
        return Window(self._points, self._points - spent, (number + 1) * WINDOW, now)

    async def close(self) -> None:
        await self._counts.close()


class Window:
    """What is left of a minute's points."""

    def __init__(self, points: int, left: int, reset: int, now: float) -> None:
        self.left = left
        self.reset = reset
        self._points = points
        self._now = now

    def check(self) -> None:
        """Raises Limited when more was spent than there is."""
        if self.left < 0:
            message = f"more than {self._points} points in a minute; wait {self.wait} s"
            raise Limited(message, self.reset, self.wait)

    @property
    def wait(self) -> int:
        return max(1, math.ceil(self.reset - self._now))

    def headers(self) -> Headers:
        """As the IETF draft "RateLimit header fields for HTTP", version 10, has them."""
        return [
            (b"ratelimit-policy", b'"points";q=%d;w=%d' % (self._points, WINDOW)),
            (b"ratelimit", b'"points";r=%d;t=%d' % (max(0, self.left), self.wait)),
        ]


class Metered:
    """A door behind `auth.Guard` that charges each operation to whoever asks.

    Leaves in the request's state under `charge` what takes the points of an operation before it is carried out, and
    under `seen` what tells afterwards which one it was.
    """

    def __init__(self, door: ASGIApp, throttle: Throttle | None) -> None:
        self._door = door
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        state["seen"], state["charge"] = Seen(), None
        if self._throttle is None or isinstance(state["asker"], Refused):
            await self._door(scope, receive, send)
            return
        meter = Meter(self._throttle, payer(scope), state)
        state["charge"] = meter.charge
        try:
            await meter.begin()
        except Limited as refusal:
            state["asker"] = refusal
        await self._door(scope, receive, meter.telling(send))


class Meter:
    """The account of one request: it costs one point even when it asks for nothing that can be carried out."""

    def __init__(self, throttle: Throttle, who: str, state: dict[str, Any]) -> None:
        self._throttle = throttle
        self._who = who
        self._state = state
        self._headers: Headers = []

    async def begin(self) -> None:
        await self._take(1)

    async def charge(self, points: int) -> None:
        """Raises Limited; one point is paid already."""
        if points > 1:
            await self._take(points - 1)

    async def _take(self, points: int) -> None:
        window = await self._throttle.charge(self._who, points)
        self._headers = window.headers()
        try:
            window.check()
        except Limited as refusal:
            self._state["limited"] = refusal
            raise

    def telling(self, send: Send) -> Send:
        """Every answer tells what is left."""

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        return telling


def payer(scope: Scope) -> str:
    key = scope["state"]["asker"]
    if key is not None:
        return str(key.id)
    client = scope.get("client")
    return str(client[0]) if client else ""
