"""Scripts that wait for the thread that writes, and how those who wait for them hear what came of them."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from graphql_api.storage.engine import Script, unavailable


class Job(msgspec.Struct, eq=False):
    """A script and who waits for it; whoever takes the claim first decides: it is run, or its caller gives up."""

    script: Callable[[], Script[Any]]
    done: asyncio.Future[Any]
    until: float
    claim: threading.Lock = msgspec.field(default_factory=threading.Lock)
    outcome: Any = None
    failure: Exception | None = None

    def taken(self) -> bool:
        return self.claim.acquire(blocking=False)

    def give_up(self) -> None:
        if self.taken() and not self.done.done():
            self.done.set_exception(unavailable("other changes keep it busy"))

    def deliver(self) -> None:
        if self.done.done():  # its caller is gone
            return
        if self.failure is None:
            self.done.set_result(self.outcome)
        else:
            self.done.set_exception(self.failure)


def deliver(jobs: list[Job]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.done.get_loop(), []).append(job)
    for loop, theirs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits
            loop.call_soon_threadsafe(_deliver_on_loop, theirs)


def _deliver_on_loop(jobs: list[Job]) -> None:
    for job in jobs:
        job.deliver()
