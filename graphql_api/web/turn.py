"""Requests of a connection that go the short way, one after the other; they are begun without a task."""

import logging
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graphql_api.domain.errors import fault
from graphql_api.web.gathered import GATHERED
from graphql_api.web.http import Headers, lines
from graphql_api.web.short import Written

CLOSE = b"connection: close\r\n"

log = logging.getLogger("message_flows")


class Turn:
    """What a connection has under way on the short way; to uvicorn it looks like a cycle."""

    __slots__ = ("_done", "_wait", "held", "keep_alive", "response_complete")

    def __init__(
        self, done: Callable[[Written | None], None], wait: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        """`done` is called with each answer, or with None where there is none for a fault of ours; `wait` with what is
        left to do in a task."""
        self._done = done
        self._wait = wait
        self.response_complete = True
        self.keep_alive = True
        self.held = b""
        """What came behind a request that is not answered yet."""

    def begin(self, work: Coroutine[Any, Any, Written]) -> None:
        """Runs to where it first waits, which many need not at all; a task for the rest costs more than what they do.

        What needs a task in it goes through `engine.in_task`.
        """
        try:
            waits_for = work.send(None)
        except StopIteration as end:
            self._done(end.value)
        except Exception as error:
            self._fail(error)
        else:
            self.response_complete = False
            self._wait(self._finish(work, waits_for))

    async def _finish(self, work: Coroutine[Any, Any, Written], waits_for: Any) -> None:
        """Only here is a request in flight: nobody looks at one that waits for nothing."""
        GATHERED.in_flight += 1
        try:
            written = await resumed(work, waits_for)
        except Exception as error:
            self._fail(error)
        else:
            self.response_complete = True
            self._done(written)
        finally:
            GATHERED.in_flight -= 1

    def _fail(self, error: Exception) -> None:
        log.error("a request failed: %s", fault(error))
        self._done(None)

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


class Beginnings:
    """Status lines with the headers that every answer begins with, written out once as long as those are the same."""

    def __init__(self) -> None:
        self._headers: Headers | None = None
        self._written: dict[int, bytes] = {}

    def of(self, status: int, headers: Headers) -> bytes:
        if headers is not self._headers:
            self._headers, self._written = headers, {}
        return self._written.get(status) or self._write(status, headers)

    def _write(self, status: int, headers: Headers) -> bytes:
        written = self._written[status] = STATUS_LINE[status] + lines(headers)
        return written


BEGINNINGS = Beginnings()
