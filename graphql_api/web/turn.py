"""Requests of a connection that go the short way, one after the other, and how they are begun without a task."""

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from graphql_api.web.exchange import lines
from graphql_api.web.http import Headers
from graphql_api.web.short import Written

CLOSE = b"connection: close\r\n"


class Turn:
    """What a connection has under way on the short way; to uvicorn it looks like a cycle."""

    __slots__ = ("held", "keep_alive", "response_complete")

    def __init__(self) -> None:
        self.response_complete = True
        self.keep_alive = True
        self.held = b""  # what came behind a request that is not answered yet

    def hang_up(self) -> None:
        """What was begun is finished; nobody reads the answer."""

    def whole(self, written: Written, usual: bytes) -> bytes:
        status, rest = written
        return b"%b%b%b%b" % (STATUS_LINE[status], usual, b"" if self.keep_alive else CLOSE, rest)


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


def first_wait(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine to where it first waits, and answers for what; raises StopIteration at its end.

    Many need not wait at all, and a task costs more than what they do. Who needs a task goes through `engine.in_task`.
    """
    return work.send(None)


@coroutine
def resumed(work: Coroutine[Any, Any, Written], waits_for: Any) -> Generator[Any, Any, Written]:
    """Goes on behind `first_wait`, now in a task."""
    try:
        yield waits_for
    except BaseException as error:
        try:
            yield work.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
    return (yield from work)  # type: ignore[no-any-return]
