"""How a connection ends: behind its last answer, by its client, when it was idle for too long or the server stops."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graphql_api.web.exchange import Exchange
from graphql_api.web.lingering import Lingering
from graphql_api.web.patience import Patience
from graphql_api.web.pieces import Pieces
from graphql_api.web.taking import Taking

FIRST_SECONDS = 0.5
"""In which the first request of a connection must have begun when the server stops."""


class Ends(HttpToolsProtocol):
    """What reads the connection makes `_patience` and `_taking` of it."""

    cycle: Exchange | None  # type: ignore[assignment]
    _patience: Patience
    _taking: Taking

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pieces = Pieces()
        self._next: asyncio.Handle | None = None  # by which the pieces are read
        self._is_silent = False  # its client, from now on
        self._is_lingering = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking.watch()

    def _let_go(self) -> None:
        """A connection that was idle for too long, unless its client still takes the last answer."""
        if self._taking.watch():
            self._patience.rest()
        else:
            self.transport.close()

    def _close(self) -> None:
        """Behind the last answer, which may lie unread."""
        self.transport.close()
        self._taking.watch()

    def _linger(self) -> None:
        """Behind an answer that came before the client had said all, unless it says nothing more."""
        if self._is_silent:
            self._close()
            return
        self._is_lingering = True
        self._patience.end()
        self._pieces.rest()
        if self.cycle is not None:
            self.cycle.hang_up()
        Lingering(self.loop, self.transport, self._close, self.connection_lost)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client says nothing more: what it has asked is answered. Over TLS its connection is gone with that."""
        if self.scheme == "https" or not (self._is_due() or self._pieces.unread):
            return False
        self._is_silent = True
        if self._next is None:
            self._end_silent()
        return True

    def _end_silent(self) -> None:
        """All that the client has said of the request that is next is read."""
        if self.cycle is not None and self._is_due():
            self.cycle.fall_silent()
        else:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.end()
        self._taking.end()
        self.connections.discard(self)
        if self.cycle is not None and self._is_due():
            self.cycle.hang_up()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]

    def shutdown(self) -> None:
        """A new connection may have its first request on the way: it gets a moment to arrive and be answered."""
        if self._is_lingering:
            self._close()
        elif self.cycle is None:
            self.loop.call_later(FIRST_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _is_due(self) -> bool:
        """An answer, of which more is to be said."""
        return self.cycle is not None and not self.cycle.response_complete
