"""The two lines of the log that a server has for its life: that it began, and by which signal it ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import graphql_api
from graphql_api.config import Config

FIRST_ANSWERS = 0.5
"""Seconds in which a new server answers first of all: what writes lines takes longer to import than that lasts."""


class Ended(SystemExit):
    """By a signal, as a server is meant to."""

    def __init__(self, number: int) -> None:
        super().__init__(0)
        self.signal = signal.Signals(number)


@contextmanager
def told(settings: Config, at: str) -> Iterator[None]:
    """Logs that the server began, a moment later unless it has ended by then, and the signal that ends it."""
    facts = {
        "at": at,
        "version": graphql_api.__version__,
        "database": settings.database_url.partition("+")[0],
        "workers": settings.workers,
    }
    later = threading.Timer(FIRST_ANSWERS, _tell, ("start",), facts)
    later.start()
    try:
        try:
            yield
        finally:
            later.cancel()
            later.join()
    except Ended as end:
        _tell("stop", signal=end.signal.name)
        raise


def _tell(event: str, **members: object) -> None:
    from graphql_api.web import lines

    lines.write_line("info", event, **members)
