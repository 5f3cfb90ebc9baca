"""WebSocket frames as uvicorn speaks them, but that a client who leaves them unread is heard no more, then cut off."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

UNREAD_SECONDS = 21.0
"""A little more than the application waits before it gives the client up, so that it can say why in the log."""

MOST_FRAGMENTS = 4_096
"""Of one message: a fragment takes memory also where it is empty, which no limit of bytes would ever end."""


class Frames(WebSocketsSansIOProtocol):
    """uvicorn would wait until the client reads what it was sent, or until the network gives up, and meanwhile hear it.

    Each ping that it hears is answered, which takes memory while answers are left unread; so nothing more is read then.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.writable.is_set():
            self._hear_no_more()

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MOST_FRAGMENTS} fragments")
            self.handle_parser_exception()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._hear_no_more()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._read_on()
        super().resume_writing()
        self._hear_again()

    def connection_lost(self, exc: Exception | None) -> None:
        self._read_on()
        super().connection_lost(exc)

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _hear_no_more(self) -> None:
        """What uvicorn has paused by itself it would read on with, whatever is unread."""
        if not self.transport.is_closing():
            self.read_paused = False
            self.transport.pause_reading()

    def _hear_again(self) -> None:
        """Or leaves it to uvicorn, which reads on when the application has taken what was read before."""
        if not self.queue.empty():
            self.read_paused = True
        elif not self.transport.is_closing():
            self.transport.resume_reading()
