"""WebSocket frames as uvicorn speaks them, but that their clients are read a little at a time.

Before a client has said who it is, only `MOST_OF_STRANGERS` bytes of it are read. While it leaves unread what it was
sent, nothing of it is read; in the end it is cut off (`taking`).
"""

import asyncio
import math
from asyncio.transports import BaseTransport
from typing import Any

from starlette.types import Message, Scope
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from graphql_api.web.http import INTRODUCED
from graphql_api.web.taking import Taking

MOST_FRAGMENTS = 4_096
"""Of one message: a fragment takes memory also where it is empty, which no limit of bytes would ever end."""

AT_ONCE = 4_096
"""Bytes that are read before others have their turn: some seven hundred frames at most."""

MOST_OF_STRANGERS = 65_536
"""Bytes that are read of a client before it is known."""


class Frames(WebSocketsSansIOProtocol):
    """uvicorn would wait until the client reads what it was sent, or until the network gives up, and meanwhile hear it.

    Each ping that it hears is answered, which takes memory while answers are left unread; so nothing more is read then,
    nor while messages wait for the application. What was received meanwhile stays the bytes that it is.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = bytearray()
        self._next: asyncio.Handle | None = None
        self._left: float = MOST_OF_STRANGERS

    def _introduced(self) -> None:
        self._left = math.inf

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._taking = Taking(self.loop, self.transport)

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated:
            self._unread += data
            self._read()
        else:
            super().data_received(data)

    def _read(self) -> None:
        self._next = None
        if self._is_heard() and not self.transport.is_closing():
            piece = bytes(self._unread[:AT_ONCE])
            del self._unread[:AT_ONCE]
            self._left -= len(piece)
            if self._left < 0:
                why = f"more than {MOST_OF_STRANGERS} bytes before connection_init was acknowledged"
                self._fail(CloseCode.MESSAGE_TOO_BIG, why)
            else:
                super().data_received(piece)
        self._listen()

    def _fail(self, code: CloseCode, why: str) -> None:
        self.conn.fail(code, why)
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """uvicorn would close at once, which resets a connection that has more to be read: the code would be lost."""
        if self.close_sent:
            return
        said = self.conn.close_sent
        assert said is not None  # by whatever found the fault
        self.queue.put_nowait({"type": "websocket.disconnect", "code": said.code, "reason": said.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.loop.call_soon(self._hear_out)

    def _hear_out(self) -> None:
        """What still comes is thrown away until the client closes, too; TLS does so by itself."""
        self.stop_keepalive()
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)
        else:
            self.transport.close()

    def _is_heard(self) -> bool:
        """Once it is accepted."""
        return self.handshake_complete and self.writable.is_set() and (self.queue.empty() or self.close_sent)

    def _listen(self) -> None:
        """To what was received, then to the client."""
        if self.transport.is_closing():
            return
        if self._is_heard() and not self._unread:
            self.read_paused = False
            self.transport.resume_reading()
            return
        self.read_paused = True
        self.transport.pause_reading()
        if self._is_heard() and self._next is None:
            self._next = self.loop.call_soon(self._read)

    async def receive(self) -> Any:
        message = await self.queue.get()
        self._listen()
        return message

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Who broke off, as by a frame that is none, is told no more: to the application it is gone."""
        await self.writable.wait()
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)  # type: ignore[arg-type]
        if self.close_sent or message["type"] == "websocket.accept":
            self._listen()

    def send_receive_event_to_app(self) -> None:
        """uvicorn would tell the log of a text that is none, as of a fault."""
        message = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self.queue.put_nowait({"type": "websocket.receive", "bytes": message})
            return
        try:
            self.queue.put_nowait({"type": "websocket.receive", "text": message.decode()})
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "messages must be UTF-8")

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._fail(CloseCode.MESSAGE_TOO_BIG, f"more than {MOST_FRAGMENTS} fragments")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._listen()
        self._taking.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._listen()

    def keepalive_timeout(self) -> None:
        """The ping may lie behind what the client still takes; whether it takes anything is watched by itself."""
        if self._taking.watch():
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
        else:
            super().keepalive_timeout()

    async def run_asgi(self) -> None:
        """uvicorn would take a handshake that was refused for one that the application forgot, and log that."""
        application = self.app

        async def answering(scope: Scope, *ways: Any) -> None:
            scope["extensions"][INTRODUCED] = self._introduced
            await application(scope, *ways)
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
