"""Whether clients take what they are sent: those that take none of it lose their connection, slow ones keep it."""

import asyncio
import contextlib
import socket
import struct
import sys

STALLED = 20.0
"""Seconds that a client may leave unread what a subscription sends it; then it is cut off, and its cursor leads on."""

UNREAD_SECONDS = STALLED + 1
"""A subscription gives its client up before that, so that it can say why in the log."""

UNSENT = struct.Struct("144x I")
ACKNOWLEDGED = struct.Struct("120x Q")
"""Where Linux has them in what it tells of a connection, `struct tcp_info`: bytes."""


class Taking:
    """Of one connection; it costs a timer, and only from when something lies unread.

    Our own buffer does not tell slow clients apart from those that take nothing: the system takes some megabytes off it
    at once and then nothing for minutes. And below TLS there is another one that we do not see.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None
        self._taken = 0

    def watch(self) -> bool:
        """Whether anything lies unread; if so, the client must take some of it from now on."""
        is_unread = self._is_unread()
        if is_unread and self._timer is None:
            self._taken = self._taken_so_far()
            self._timer = self._loop.call_later(UNREAD_SECONDS, self._look)
        return is_unread

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._is_unread() and self._taken_so_far() == self._taken:
            self._transport.abort()
        else:
            self.watch()

    def _is_unread(self) -> bool:
        if self._transport.get_write_buffer_size():
            return True
        return not self._transport.is_closing() and self._told(UNSENT, 0) > 0

    def _taken_so_far(self) -> int:
        """Bytes that have arrived at the client's system, as Linux knows; elsewhere the more, the less we hold."""
        return self._told(ACKNOWLEDGED, -self._transport.get_write_buffer_size())

    def _told(self, place: struct.Struct, otherwise: int) -> int:
        """Not of a connection whose socket is closed already: its number may be another one's."""
        connection = self._transport.get_extra_info("socket")
        if sys.platform == "linux" and connection is not None:
            with contextlib.suppress(OSError, struct.error):
                told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, UNSENT.size)
                return int(place.unpack_from(told)[0])
        return otherwise
