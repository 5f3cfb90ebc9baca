"""Workers of one server tell each other which flows they wrote: an edit may begin on what any of them has left."""

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from msgspec import msgpack

from graphql_api.storage.engine import FlowKey

LARGEST = 2**15
"""Bytes of flows in a message."""

ROOM = 2 * LARGEST
"""Bytes of a message."""

READ_AT_ONCE = 32
LOOK = 1.0
"""Seconds between two looks who the neighbours are."""

SUFFIX = ".heard"

Hear = Callable[[float, FlowKey, bytes], None]
"""Takes a flow as a neighbour wrote it, and a moment after that, by the clock that all processes of a machine have."""

READER = msgpack.Decoder(tuple[float, list[tuple[str, str, bytes]]])

log = logging.getLogger("message_flows")


class Neighbours:
    """Datagrams through a folder that none but the processes of this server may enter.

    What they say is believed as little as what is recalled: it spares a read where it holds. So nobody waits for
    anybody, and who has no room for a message misses it.
    """

    def __init__(self, folder: Path, hear: Hear) -> None:
        self._folder = folder
        self._hear = hear
        self._mine = folder / f"{secrets.token_hex(8)}{SUFFIX}"
        self._socket: socket.socket | None = None
        self._is_alone = False
        self._others: list[str] = []
        self._looked = 0.0
        self._news: list[tuple[str, str, bytes]] = []
        self._size = 0
        self._room = bytearray(ROOM)

    def tell(self, flow: FlowKey, written: bytes) -> None:
        """Goes with all others of this turn of the event loop; what is too much for a message stays untold."""
        if self._socket is None and not self._begin():
            return
        if self._size + len(written) > LARGEST:
            return
        self._size += len(written)
        if not self._news:
            asyncio.get_running_loop().call_soon(self._send)
        self._news.append((*flow, written))

    def _begin(self) -> bool:
        """Whoever never writes need not listen."""
        if self._is_alone:
            return False
        try:
            heard = self._bound()
        except OSError as error:
            self._is_alone = True
            log.warning("Workers cannot tell each other what they wrote (%s): their edits read first.", error)
            return False
        self._socket = heard
        asyncio.get_running_loop().add_reader(heard, self._read)
        return True

    def _bound(self) -> socket.socket:
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            heard.setblocking(False)
            heard.bind(str(self._mine))
        except OSError:
            heard.close()
            raise
        return heard

    def _send(self) -> None:
        news, self._news, self._size = self._news, [], 0
        if self._socket is None:
            return
        now = monotonic()
        if now >= self._looked + LOOK:
            self._looked = now
            with contextlib.suppress(OSError):  # clients may have left no descriptor to look with
                self._others = [str(one) for one in self._folder.glob(f"*{SUFFIX}") if one != self._mine]
        message = msgpack.encode((now, news))
        if len(message) > ROOM:  # names of workspaces may be long
            return
        for other in self._others:
            try:
                self._socket.sendto(message, other)
            except ConnectionRefusedError:  # its process was killed
                Path(other).unlink(missing_ok=True)
            except OSError:
                pass

    def _read(self) -> None:
        assert self._socket is not None
        for _ in range(READ_AT_ONCE):
            try:
                size = self._socket.recv_into(self._room)
            except BlockingIOError:
                return
            moment, news = READER.decode(memoryview(self._room)[:size])
            for workspace, id, written in news:
                self._hear(moment, (workspace, id), written)

    def close(self) -> None:
        self._is_alone = True
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._mine.unlink(missing_ok=True)
