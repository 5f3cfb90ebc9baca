"""WebSocket frames as uvicorn speaks them, but that a client who leaves them unread loses its connection."""

import asyncio
from asyncio.transports import BaseTransport

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from graphql_api.web.taking import Taking


class Frames(WebSocketsSansIOProtocol):
    """uvicorn would wait until the client reads what it was sent, or until the network gives up."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._taking = Taking(self.loop, self.transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking.watch()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """What was said last may lie unread."""
        super().on_task_complete(task)
        self._taking.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._taking.end()
        super().connection_lost(exc)
