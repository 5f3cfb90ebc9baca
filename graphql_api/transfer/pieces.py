"""A file cut into the JSON texts of single flows, one a line or the elements of one array, one in memory at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

LONGEST = 4 * 2**20
"""Bytes of one flow; twice what the longest valid flow takes with every character escaped."""

CHUNK = 64 * 2**10
BLANK = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OUTSIDE_STRINGS = re.compile(rb'["\[\]{},\n]')
INSIDE_STRINGS = re.compile(rb'["\\\n]')


class Source(Protocol):
    """A binary file that can be looked into before it is read, as `open` gives one."""

    def peek(self, size: int, /) -> bytes: ...
    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """The text that stands for one flow and the line that it begins on, or what is wrong there."""

    line: int
    text: bytes = b""
    wrong: str | None = None


def pieces(source: Source) -> Iterator[Piece]:
    """Lines, or elements if the first thing in the file is a bracket."""
    head = source.peek(len(BYTE_ORDER_MARK))
    if head.startswith(BYTE_ORDER_MARK):
        yield Piece(1, wrong="the file begins with a byte order mark; save it as plain UTF-8")
        source.read(len(BYTE_ORDER_MARK))
        head = source.peek(1)
    yield from _elements(source) if head.lstrip(BLANK).startswith(b"[") else _lines(source)


def _lines(source: Source) -> Iterator[Piece]:
    number = 0
    while line := source.readline(LONGEST + len(b"\r\n")):
        number += 1
        if len(line.removesuffix(b"\n").removesuffix(b"\r")) > LONGEST:
            while line and not line.endswith(b"\n"):
                line = source.readline(LONGEST)
            yield _too_long(number)
        elif text := line.strip(BLANK):
            yield Piece(number, text)


def _too_long(line: int) -> Piece:
    return Piece(line, wrong=f"the flow is longer than {LONGEST} bytes")


def _elements(source: Source) -> Iterator[Piece]:
    """Cuts at the commas of the array itself; whatever stands between two of them is one flow's own matter."""
    cutter = _Cutter()
    while chunk := source.read(CHUNK):
        yield from cutter.cut(chunk)
    if not cutter.is_closed:
        yield Piece(cutter.line, wrong="the array does not end; a ] is missing, or a bracket or a quote before it")


class _Cutter:
    """Reads an array chunk by chunk and remembers where it is: in a string, how deep, in which line."""

    def __init__(self) -> None:
        self.line = 1
        self.is_closed = False
        self._depth = 0
        self._in_string = False
        self._skipped = 0
        self._text = bytearray()
        self._began = 1
        self._is_first = True
        self._told_rest = False

    def cut(self, chunk: bytes) -> Iterator[Piece]:
        at, taken = self._skipped, 0
        while match := self._next(chunk, at):
            at = match.end()
            token = match[0]
            if token == b"\n":
                self.line += 1
            elif token == b'"':
                self._in_string = not self._in_string
            elif token == b"\\":
                at += 1
            elif self._opens_or_ends(token):
                yield from self._ended(chunk[taken : match.start()], token)
                taken = at
        self._skipped = max(0, at - len(chunk))
        self._keep(chunk[taken:])
        yield from self._rest()

    def _next(self, chunk: bytes, at: int) -> re.Match[bytes] | None:
        if self.is_closed:
            return None
        return (INSIDE_STRINGS if self._in_string else OUTSIDE_STRINGS).search(chunk, at)

    def _opens_or_ends(self, token: bytes) -> bool:
        """Whether a flow may begin behind the token: the bracket of the array, a comma in it, its end."""
        if token in b"[{":
            self._depth += 1
            return self._depth == 1
        if token == b",":
            return self._depth == 1
        if self._depth > 1:
            self._depth -= 1
            return False
        return token == b"]" and self._depth == 1

    def _ended(self, text: bytes, token: bytes) -> Iterator[Piece]:
        if token == b"[":
            self._text.clear()
        else:
            self._keep(text)
            yield from self._piece(is_last=token == b"]")
        self._began = self.line
        if token == b"]":
            self._depth = 0
            self.is_closed = True

    def _keep(self, text: bytes) -> None:
        if len(self._text) <= LONGEST:
            self._text += text

    def _piece(self, *, is_last: bool) -> Iterator[Piece]:
        text = bytes(self._text)
        self._text.clear()
        bare = text.lstrip(BLANK)
        line = self._began + text[: len(text) - len(bare)].count(b"\n")
        if len(text) > LONGEST:
            yield _too_long(line)
        elif bare or not (is_last and self._is_first):
            yield Piece(line, bare.rstrip(BLANK), None if bare else "a flow is missing beside the comma")
        self._is_first = False

    def _rest(self) -> Iterator[Piece]:
        """Behind the end of the array there is nothing more to be found."""
        if self.is_closed and not self._told_rest and bytes(self._text).strip(BLANK):
            self._told_rest = True
            yield Piece(self._began, wrong="there is something behind the end of the array")
