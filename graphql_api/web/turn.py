"""Requests of a connection that go the short way, one after the other; they are begun without a task."""

import logging
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graphql_api.domain.errors import fault
from graphql_api.web.http import Headers, lines
from graphql_api.web.short import Written

CLOSE = b"connection: close\r\n"

log = logging.getLogger("message_flows")


class Turn:
    """What a connection has under way on the short way; to uvicorn it looks like a cycle."""

    __slots__ = ("_done", "held", "keep_alive", "response_complete")

    def __init__(self, done: Callable[[Written | None], None]) -> None:
        """`done` is called with each answer, or with None where there is none for a fault of ours."""
        self._done = done
        self.response_complete = True
        self.keep_alive = True
        self.held = b""
        """What came behind a request that is not answered yet."""

    def begin(self, work: Coroutine[Any, Any, Written]) -> Coroutine[Any, Any, None] | None:
        """Runs to where it first waits, which many need not at all; a task for the rest costs more than what they do.

        What needs a task in it goes through `engine.in_task`.
        """
        self.response_complete = False
        try:
            waits_for = work.send(None)
        except StopIteration as end:
            self._end(end.value)
            return None
        except Exception as error:
            self._fail(error)
            return None
        return self._finish(work, waits_for)

    async def _finish(self, work: Coroutine[Any, Any, Written], waits_for: Any) -> None:
        try:
            written = await resumed(work, waits_for)
        except Exception as error:
            self._fail(error)
        else:
            self._end(written)

    def _fail(self, error: Exception) -> None:
        log.error("a request failed: %s", fault(error))
        self._done(None)

    def _end(self, written: Written) -> None:
        self.response_complete = True
        self._done(written)

    def hang_up(self) -> None:
        """What was begun is finished; nobody reads the answer."""


@coroutine
def resumed(work: Coroutine[Any, Any, Written], waits_for: Any) -> Generator[Any, Any, Written]:
    """Goes on with what has begun and waits for something, now in a task."""
    try:
        yield waits_for
    except BaseException as error:
        try:
            yield work.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
    return (yield from work)  # type: ignore[no-any-return]


class Usual:
    """The headers that every answer begins with, written out once as long as they are the same."""

    def __init__(self) -> None:
        self._headers: Headers | None = None
        self._lines = b""

    def lines(self, headers: Headers) -> bytes:
        if headers is not self._headers:
            self._headers, self._lines = headers, lines(headers)
        return self._lines


USUAL = Usual()


def answer(written: Written, usual: Headers, *, closes: bool) -> bytes:
    status, rest = written
    return b"%b%b%b%b" % (STATUS_LINE[status], USUAL.lines(usual), CLOSE if closes else b"", rest)
