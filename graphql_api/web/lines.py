"""Lines of the log: JSON where standard error is no terminal, colours where it is one."""

import logging
import sys
from functools import cache
from typing import Any

import msgspec
import structlog


class _Lines(structlog.BoundLoggerBase):
    def told(self, event: str, level: str, **members: Any) -> Any:
        return self._proxy_to_logger(level, event, level=level, **members)


def told(level: str, event: str = "request", **members: Any) -> None:
    """One line for a request, or for what else an event names."""
    _lines().told(event, level, **members)


@cache
def _lines() -> _Lines:
    is_terminal = sys.stderr.isatty()
    logger: Any = structlog.PrintLogger(sys.stderr) if is_terminal else structlog.BytesLogger(sys.stderr.buffer)
    return structlog.wrap_logger(logger, processors=[STAMP, _renderer(is_terminal)], wrapper_class=_Lines).bind()  # type: ignore[no-any-return]


STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _renderer(is_terminal: bool) -> Any:
    if is_terminal:
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer(serializer=lambda line, **_: msgspec.json.encode(line))


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
