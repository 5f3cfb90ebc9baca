"""Lines of the log: JSON where standard error is no terminal, colours where it is one."""

import logging
import select
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

from graphql_api.web.gathered import hear


def write_line(level: str, event: str = "request", **members: Any) -> None:
    """One line for a request, or for what else an event names."""
    writer().write(STAMP(None, level, {"level": level, **members, "event": event}))


class LineWriter:
    """Lines that standard error does not take, as when its disk is full, are counted; the next one says how many."""

    def __init__(self, put: Callable[[EventDict], None]) -> None:
        self._put = put
        self._lost = 0

    def write(self, line: EventDict) -> None:
        if self._lost:
            line["lost"] = self._lost
        try:
            if is_stalled():
                raise BlockingIOError
            self._put(line)
        except OSError:
            self._lost += 1
            hear("lost_line", 1)
        else:
            self._lost = 0


@cache
def _reader() -> Any:
    watched = select.poll()
    try:
        watched.register(sys.stderr, select.POLLOUT)
    except (OSError, ValueError, TypeError):  # it is no file
        return None
    return watched


def is_stalled() -> bool:
    """Whether standard error is a pipe that nobody empties: to write a line would wait, and all requests with it."""
    reader = _reader()
    return reader is not None and not reader.poll(0)


@cache
def writer() -> LineWriter:
    """Past structlog's bound loggers, which would be a third of what a line costs."""
    if not sys.stderr.isatty():
        write, encoded = structlog.BytesLogger(sys.stderr.buffer).msg, msgspec.json.Encoder().encode
        return LineWriter(lambda line: write(encoded(line)))
    tell, render = structlog.PrintLogger(sys.stderr).msg, structlog.dev.ConsoleRenderer()
    return LineWriter(lambda line: tell(render(None, line["level"], line)))


STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)


MEMBERS = ("webhook", "workspace", "host", "event_name", "attempt", "outcome", "status", "ms")
"""Members that a line of our own may have beside its words."""


def formatter() -> logging.Formatter:
    """For what the libraries log."""
    extra = structlog.stdlib.ExtraAdder(allow=MEMBERS)
    before: list[Any] = [structlog.stdlib.add_log_level, STAMP, structlog.stdlib.add_logger_name, extra]
    last = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(serializer=_text)
    )
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[strip, last])


def _text(line: dict[str, Any], **_: Any) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()
