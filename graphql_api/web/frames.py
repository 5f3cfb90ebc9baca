"""WebSocket frames as uvicorn speaks them, but that a client who leaves them unread loses its connection."""

import asyncio
from asyncio.transports import BaseTransport
from typing import Any

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
