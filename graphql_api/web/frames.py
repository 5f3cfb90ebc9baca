"""WebSocket frames as uvicorn speaks them, but that a client who leaves them unread is heard no more, then cut off."""

import asyncio
from asyncio.transports import BaseTransport
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from graphql_api.web.taking import Taking

MOST_FRAGMENTS = 4_096
"""Of one message: a fragment takes memory also where it is empty, which no limit of bytes would ever end."""


class Frames(WebSocketsSansIOProtocol):
    """uvicorn would wait until the client reads what it was sent, or until the network gives up, and meanwhile hear it.

    Each ping that it hears is answered, which takes memory while answers are left unread; so nothing more is read then.
    """

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._taking = Taking(self.loop, self.transport)

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
        self._taking.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._hear_again()

    def keepalive_timeout(self) -> None:
        """The ping may lie behind what the client still takes; whether it takes anything is watched by itself."""
        if self._taking.watch():
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
        else:
            super().keepalive_timeout()

    async def run_asgi(self) -> None:
        """uvicorn would take a handshake that was refused for one that the application forgot, and log that."""
        application = self.app

        async def answering(*request: Any) -> None:
            await application(*request)
            self.handshake_complete |= self.initial_response is not None

        self.app = answering
        await super().run_asgi()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """What was said last may lie unread."""
        super().on_task_complete(task)
        self._taking.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._taking.end()
        super().connection_lost(exc)

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
