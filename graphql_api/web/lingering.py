"""The end of a connection whose client still speaks when it has its last answer: the rest is heard and thrown away.

Closed at once, the system would reset the connection for what arrives later, and the client's might throw away with it
the answer that nobody has read yet (RFC 9112, 9.6).
"""

import asyncio
from collections.abc import Callable

LINGER_SECONDS = 5.0
"""At most. Over plain TCP the client sees the end of the answers before, and hangs up when it is done."""


class Lingering(asyncio.Protocol):
    """Takes a connection over, without a word. The answer may lie unsent."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        close: Callable[[], None],
        lost: Callable[[Exception | None], None],
    ) -> None:
        """`close` is called when the client has hung up or had its time, `lost` when the connection is gone."""
        self._end = loop.call_later(LINGER_SECONDS, close)
        self._close = close
        self._lost = lost
        transport.set_protocol(self)
        transport.resume_reading()
        if transport.can_write_eof():
            transport.write_eof()

    def eof_received(self) -> None:
        self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end.cancel()
        self._lost(exc)
