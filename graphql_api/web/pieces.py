"""What a client has sent and nobody has read yet, in pieces that end where a request may end.

The parser cannot be stopped behind a request, so it gets no more than one; what follows stays the bytes that it is,
until that one is answered.
"""

import asyncio

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

END = b"\r\n\r\n"
"""Of each head, and of each body in chunks; within such a body it only makes the pieces smaller."""

LONGEST = 4_096
"""Bytes of a piece of such a head or body: they may be hundreds of chunks, each of which costs."""


class Pieces:
    def __init__(self) -> None:
        self.unread = bytearray()
        self._seam = b""
        """The last bytes that were read, with which an end may have begun."""
        self.body = 0
        """Bytes that are still to come of a body whose length is known."""

    def add(self, data: bytes) -> None:
        self.unread += data

    def rest(self) -> bytes:
        """All of it, for another protocol."""
        return self._taken(len(self.unread))

    def skip_blank_lines(self) -> None:
        """Those before a request, which say nothing (RFC 9112, 2.2)."""
        if self.unread.startswith((b"\r", b"\n")):
            self.unread = self.unread.lstrip(b"\r\n")

    def next(self) -> bytes:
        if self.body:
            piece = self._taken(self.body)
            self.body -= len(piece)
        else:
            piece = self._taken(self._end())
        self._seam = b"" if piece.endswith(END) else (self._seam + piece)[1 - len(END) :]
        return piece

    def _end(self) -> int:
        within = (self._seam + self.unread[: len(END) - 1]).find(END)
        if within >= 0:
            return within + len(END) - len(self._seam)
        at = self.unread.find(END, 0, LONGEST)
        return at + len(END) if at >= 0 else LONGEST

    def _taken(self, size: int) -> bytes:
        piece = bytes(self.unread[:size])
        del self.unread[:size]
        return piece


class RequestFlow(FlowControl):
    """Nothing more is read while much of what was read waits, whoever asks for more."""

    def __init__(self, transport: asyncio.Transport, pieces: Pieces) -> None:
        super().__init__(transport)
        self._pieces = pieces

    def resume_reading(self) -> None:
        if len(self._pieces.unread) <= HIGH_WATER_LIMIT:
            super().resume_reading()
