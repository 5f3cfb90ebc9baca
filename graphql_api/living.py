"""What a server does beside answering, for as long as it lives, and how it leaves."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from multiprocessing import parent_process
from types import FrameType, ModuleType
from typing import NamedTuple

import graphql_api
from graphql_api import edits
from graphql_api.edits import Desk
from graphql_api.lifetime import FIRST_ANSWERS
from graphql_api.storage import migrations
from graphql_api.storage.engine import Store
from graphql_api.web import under_way
from graphql_api.web.auth import Keyring
from graphql_api.web.health import Ready
from graphql_api.web.live_connections import LiveConnections
from graphql_api.web.rest import Rest
from graphql_api.web.throttle import Throttle

WATCHING = 5.0
"""Seconds between two looks at the store for the metrics."""

AGAIN = 1.0
"""Seconds until what could not be imported is tried again."""

INTERRUPTED = signal.SIGUSR1
"""By which the parent of several workers passes a Ctrl-C on; they ignore what a terminal sends them as well."""

LATER = ("graphql_api.web.lines", "graphql_api.web.frames")
"""What writes the log, and what WebSockets are made of."""

log = logging.getLogger("message_flows")


@contextlib.asynccontextmanager
async def lifespan(
    desk: Desk, keyring: Keyring | None, throttle: Throttle | None, rest: Rest, shutdown: "Shutdown"
) -> AsyncIterator[None]:
    """In the background, while the server lives: old replays go, uses of keys are noted, the store is watched, webhooks
    are sent."""
    works = [send(desk), edits.sweep(desk), watch(desk.store), ready(rest)]
    works += [keyring.note_uses()] if keyring else []
    tasks = [asyncio.create_task(work) for work in works]
    with shutdown.on_signals(sending=tasks[0]) as over:
        try:
            yield
        except asyncio.CancelledError:  # by a second Ctrl-C, which is no fault to be logged
            pass
        finally:
            for task in tasks:
                if not task.cancelling():
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await under_way.settled(shutdown.patience, over)
            if throttle is not None:
                await throttle.close()
            await desk.post.close()
            await desk.store.close()


async def watch(store: Store) -> None:
    """What the store says about itself goes into the metrics, which are imported aside as well."""
    await asyncio.sleep(FIRST_ANSWERS)
    metrics = await fetched("graphql_api.web.metrics")
    metrics.INFO.labels(graphql_api.__version__, migrations.newest()).set(1)
    while True:
        metrics.note_store(store.figures())
        await asyncio.sleep(WATCHING)


async def ready(rest: Rest) -> None:
    """What the first answers can do without is fetched aside when they are out, so that no request waits for it."""
    await asyncio.sleep(FIRST_ANSWERS)
    for room in LATER:
        await fetched(room)
    await asyncio.to_thread(rest.prepared)


async def send(desk: Desk) -> None:
    """Webhooks; what sends them, and counts them, is imported aside as well."""
    await asyncio.sleep(FIRST_ANSWERS)
    await fetched("graphql_api.web.metrics")
    sender = await fetched("graphql_api.delivery.sender")
    await sender.send(desk)


async def fetched(room: str) -> ModuleType:
    """A module, imported aside: at the latest when clients have left enough descriptors to open its files with."""
    said = ""
    while True:
        try:
            return await asyncio.to_thread(import_module, room)
        except (OSError, ImportError) as error:
            if str(error) != said:
                log.error("%s cannot be imported for now: %s", room, error)
            said = str(error)
        await asyncio.sleep(AGAIN)


class Shutdown(NamedTuple):
    """How the server stops: unready at once, and `drain` seconds later, when nobody sends to it any more, for good.

    By Ctrl-C without the drain. What is in flight, and what WebSockets began, has `patience` seconds then to come to
    its end; after a second Ctrl-C it has none.
    """

    ready: Ready
    live: LiveConnections
    drain: float
    patience: float

    @contextlib.contextmanager
    def on_signals(self, sending: "asyncio.Task[None]") -> Iterator[asyncio.Future[None]]:
        """What it gives is cancelled when nothing is waited for any longer."""
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        if threading.current_thread() is not threading.main_thread():
            yield over
            return
        told = Counter[int]()
        stops = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def stop_now(number: int) -> None:
            told[number] += 1
            is_hurried = told[signal.SIGINT] > 1
            self.live.stop()
            loop.call_later(0 if is_hurried else self.patience, over.cancel)
            stop = stops[signal.Signals(number)]
            if callable(stop) and (is_hurried or told.total() == 1):  # uvicorn hurries by a Ctrl-C after a SIGTERM too
                stop(number, None)

        def begin_to_leave(number: int) -> None:
            if not sending.cancelling():
                sending.cancel()
            loop.call_later(0 if number == signal.SIGINT else self.drain, stop_now, number)

        def leave(number: int, _: FrameType | None) -> None:
            self.ready.is_stopping = True
            loop.call_soon_threadsafe(begin_to_leave, number)

        for number in stops:
            signal.signal(number, leave)
        if parent_process() is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        before = signal.signal(INTERRUPTED, lambda *_: leave(signal.SIGINT, None))
        try:
            yield over
        finally:
            for number, stop in {**stops, INTERRUPTED: before}.items():
                signal.signal(number, stop)
