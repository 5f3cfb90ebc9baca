"""The two lines of the log that a server has for its life: that it began, and by which signal it ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import graphql_api
from graphql_api.config import Config

FIRST_ANSWERS = 0.5
"""Seconds in which a new server answers first of all: what writes lines takes longer to import than that lasts."""


@contextmanager
def begun(settings: Config, at: str) -> Iterator[None]:
    """Says so a moment later, unless the server has ended by then."""
    facts = {
        "at": at,
        "version": graphql_api.__version__,
        "database": settings.database_url.partition("+")[0],
        "workers": settings.workers,
    }
    later = threading.Timer(FIRST_ANSWERS, _told, ("start",), facts)
    later.daemon = True
    later.start()
    try:
        yield
    finally:
        later.cancel()


def ended(number: int) -> None:
    _told("stop", signal=signal.Signals(number).name)


def _told(event: str, **members: object) -> None:
    from graphql_api.web import lines

    lines.told("info", event, **members)
