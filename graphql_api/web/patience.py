"""How long a connection waits for what its client says next, be it a handshake of TLS, a head or another request."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import uvloop

from graphql_api.domain.errors import Refused, refused

HEAD_SECONDS = 10.0
"""In which the whole head of a request must arrive, and before it a handshake of TLS must end."""

LOOK = 1.0
"""Seconds between two looks at the clock, at most."""


class Patience:
    """One timer of a connection, so that no request pays for one of its own."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        idle_seconds: float,
        close: Callable[[], None],
        refuse: Callable[[Refused], None],
    ) -> None:
        """The time begins now. `close` is called when the connection was idle for too long, and may let it `rest` once
        more instead; `refuse` when a head does not arrive in time."""
        self._loop = loop
        self._idle_seconds = idle_seconds
        self._close = close
        self._refuse = refuse
        self._is_idle = True  # who never says anything has asked for nothing, and is told nothing
        self.until = loop.time() + HEAD_SECONDS
        """Infinite while nothing is waited for: the next word is ours."""
        self._look()

    def _look(self) -> None:
        if self._left() <= 0:
            self._give_up()
        if (left := self._left()) > 0:
            self._watch = self._loop.call_later(min(left, LOOK), self._look)

    def _left(self) -> float:
        return self.until - self._loop.time()

    def _give_up(self) -> None:
        if self._is_idle:
            self._close()
        else:
            message = f"the head of the request did not arrive within {HEAD_SECONDS:g} s"
            self._refuse(refused("LIMIT_EXCEEDED", message))

    def rest(self) -> None:
        """Until the next request begins, or for as long as it may take to."""
        self._is_idle = True
        self.until = self._loop.time() + self._idle_seconds

    def await_head(self) -> None:
        """From the beginning of a head on."""
        if self._is_idle or self.until == math.inf:
            self._is_idle = False
            self.until = self._loop.time() + HEAD_SECONDS

    def end(self) -> None:
        self._watch.cancel()


class Loop(uvloop.Loop):
    """That of a process that serves: of itself it would leave a handshake of TLS a minute."""

    async def create_server(self, *args: Any, **options: Any) -> asyncio.AbstractServer:  # type: ignore[override]
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = HEAD_SECONDS
        return await super().create_server(*args, **options)
