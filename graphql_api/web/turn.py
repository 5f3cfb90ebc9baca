"""Requests of a connection that go the short way, one after the other; most of them without a task."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graphql_api.domain.errors import fault
from graphql_api.web.gathered import GATHERED
from graphql_api.web.http import Headers, lines
from graphql_api.web.short import WrittenAnswer

CLOSE = b"connection: close\r\n"

log = logging.getLogger("message_flows")


class Turn:
    """What a connection has under way on the short way; to uvicorn it looks like a cycle, and like a task.

    It needs no task as long as it waits for futures alone: what needs one in it goes through `engine.in_task`.
    """

    def __init__(
        self,
        done: Callable[[WrittenAnswer | None], None],
        wait: Callable[[Coroutine[Any, Any, None]], None],
        under_way: set[Any],
    ) -> None:
        """`done` is called with each answer, or with None where there is none for a fault of ours; `wait` with what is
        left to do in a task. Among those `under_way` it stands while it waits, and can be cancelled."""
        self._done = done
        self._in_task = wait
        self._under_way = under_way
        self._work: Coroutine[Any, Any, WrittenAnswer] | None = None
        self._waits_for: asyncio.Future[Any] | None = None
        self.response_complete = True
        self.keep_alive = True

    def begin(self, work: Coroutine[Any, Any, WrittenAnswer]) -> None:
        """Runs to where it first waits, which many need not at all; only then is a request in flight."""
        try:
            waits_for = work.send(None)
        except StopIteration as end:
            self._done(end.value)
        except Exception as error:
            self._fail(error)
        else:
            self.response_complete = False
            self._work = work
            self._under_way.add(self)
            GATHERED.in_flight += 1
            self._wait(work, waits_for)

    def _wait(self, work: Coroutine[Any, Any, WrittenAnswer], waits_for: Any) -> None:
        if isinstance(waits_for, asyncio.Future):
            self._waits_for = waits_for
            waits_for.add_done_callback(self._go_on)
        else:
            self._in_task(self._finish(work, waits_for))

    def _go_on(self, _: asyncio.Future[Any]) -> None:
        assert self._work is not None
        try:
            waits_for = self._work.send(None)
        except StopIteration as end:
            self._end(end.value)
        except asyncio.CancelledError:
            self._end(None)
        except Exception as error:
            self._fail(error)
        else:
            self._wait(self._work, waits_for)

    async def _finish(self, work: Coroutine[Any, Any, WrittenAnswer], waits_for: Any) -> None:
        self._under_way.discard(self)  # in which the task stands from now on
        try:
            written = await resumed(work, waits_for)
        except Exception as error:
            self._fail(error)
        except asyncio.CancelledError:
            self._end(None)
        else:
            self._end(written)

    def _end(self, written: WrittenAnswer | None) -> None:
        """Hands on what was written; what had to wait is in flight no more."""
        if self._work is not None:
            self._work = self._waits_for = None
            self._under_way.discard(self)
            self.response_complete = True
            GATHERED.in_flight -= 1
        self._done(written)

    def _fail(self, error: Exception) -> None:
        log.error("a request failed: %s", fault(error))
        self._end(None)

    def cancel(self, msg: str) -> None:
        """As a task has it, for a server that waits no longer."""
        if self._waits_for is not None:
            self._waits_for.cancel(msg)

    def fall_silent(self) -> None:
        """The client says nothing more, which no answer that is made this way depends on."""

    def hang_up(self) -> None:
        """What was begun is finished; nobody reads the answer."""


@coroutine
def resumed(work: Coroutine[Any, Any, WrittenAnswer], waits_for: Any) -> Generator[Any, Any, WrittenAnswer]:
    """Goes on with what has begun and waits for something, now in a task."""
    try:
        yield waits_for
    except BaseException as error:
        try:
            yield work.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
    return (yield from work)  # type: ignore[no-any-return]


class StatusLines:
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


STATUS_LINES = StatusLines()
