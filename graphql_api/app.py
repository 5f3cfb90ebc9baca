"""The whole server put together from a Config: the database, the doors, their routes in order, the life cycle."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from msgspec import structs
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp

import graphql_api
from graphql_api import config, edits
from graphql_api.config import Config, ConfigError
from graphql_api.domain import example
from graphql_api.edits import Desk
from graphql_api.feed import Feed
from graphql_api.opening import HOUR as HOUR
from graphql_api.opening import desk_of, store_of
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.storage import migrations, tally
from graphql_api.storage.engine import Store
from graphql_api.web import gathered
from graphql_api.web.auth import Guard, Keyring
from graphql_api.web.cors import Cors
from graphql_api.web.described import OpenApi
from graphql_api.web.direct import Direct
from graphql_api.web.exposition import Metrics
from graphql_api.web.front import Front, nothing_here
from graphql_api.web.graphql import GraphQL
from graphql_api.web.health import Farewell, Live, Ready
from graphql_api.web.hosts import LOOPBACK, Hosts
from graphql_api.web.http import BodyLimits
from graphql_api.web.lasting import Lasting
from graphql_api.web.methods import Takes
from graphql_api.web.operating import Room
from graphql_api.web.pages import BUILT, Pages
from graphql_api.web.rest import Rest
from graphql_api.web.routes import PREFIX
from graphql_api.web.short import Application, Rooms, Short
from graphql_api.web.sse import EventStream
from graphql_api.web.telemetry import Telemetry
from graphql_api.web.throttle import Metered, OwnCounts, Throttle
from graphql_api.web.websocket import WebSockets

WATCHING = 5.0
"""Seconds between two looks at the store for the metrics."""

FIRST_ANSWERS = 0.5
"""Seconds in which a new server answers first of all."""

LATER = ("graphql_api.web.lines", "graphql_api.web.frames")
"""What writes the log, and what WebSockets are made of."""

tally.hear(gathered.hear)


def made(settings: Config | None = None, desk: Desk | None = None) -> ASGIApp:
    """The ASGI application; from the environment when nothing is given, as each worker makes it."""
    settings = settings or config.load()
    desk = desk or desk_of(settings, store_of(settings))
    carrier: Callable[..., Operations] = Operations
    around: Callable[[ASGIApp], ASGIApp] = plain
    if settings.traces:
        desk, carrier, around = traced(settings, desk)
    limits = BodyLimits(
        settings.max_body_bytes, settings.body_timeout, settings.max_json_depth, settings.max_integer_digits
    )
    operations = operations_of(carrier, limits_of(settings), settings.introspection, settings.suggestions)
    keyring = Keyring(desk.store, desk.now) if settings.auth == "keys" else None
    throttle = throttle_of(settings)

    def guarded(door: ASGIApp) -> ASGIApp:
        return Guard(Metered(door, throttle), keyring)

    readiness = Ready(desk.store)
    rest = Rest(desk, operations, limits, suggestions=settings.suggestions)
    pages = pages_of(settings)
    feed = Feed(desk.store)
    lasting = Lasting(keyring, settings.max_subscriptions, desk.now)
    door = GraphQL(desk, operations, limits, feed, EventStream(operations, lasting))
    graphql = Takes(pages.before(guarded(door), "playground"), "GET", "POST")
    origins = frozenset(settings.cors_origins)
    sockets = WebSockets(Room(desk, feed, operations, limits, lasting, keyring, throttle, origins))
    routes = [
        WebSocketRoute("/graphql", sockets),
        Route("/openapi.json", Takes(OpenApi(), "GET")),
        *([] if settings.metrics_port else [Route("/metrics", Takes(Guard(Metrics(), keyring), "GET"))]),
        Route("/health/live", Takes(Live(), "GET")),
        Route("/health/ready", Takes(readiness, "GET")),
        *(Route(path, Takes(pages.at(page), "GET")) for path, page in pages.places.items()),
        Route("/assets/{name}", Takes(pages.assets, "GET")),
    ]
    router = Router(
        routes,
        redirect_slashes=False,
        default=nothing_here,
        lifespan=lambda app: life(desk, keyring, throttle, rest, Leaving(readiness, lasting, settings.drain_seconds)),
    )
    doors = Direct({"/graphql": graphql}, f"{PREFIX}/", guarded(rest), router)
    cors = Cors(settings.cors_origins)
    front = Front(doors, hosts_of(settings), cors, settings.max_header_bytes)
    telemetry = Telemetry(front, settings.log_sample)
    if settings.traces:
        return around(Farewell(telemetry, readiness))
    rooms = Rooms(readiness, telemetry, front, cors, keyring, throttle)
    return Application(Farewell(telemetry, readiness), Short(rooms, door, rest, limits.bytes, settings.root_path))


def limits_of(settings: Config) -> Limits:
    return Limits(
        tokens=settings.max_tokens,
        integer_digits=settings.max_integer_digits,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        root_fields=settings.max_root_fields,
        directives=settings.max_directives,
        selections=settings.max_selections,
        cost=settings.max_cost,
    )


@lru_cache
def operations_of(
    carrier: Callable[..., Operations], limits: Limits, introspection: bool, suggestions: bool
) -> Operations:
    """Applications of one process under the same limits share what they remember of documents."""
    return carrier(limits, introspection=introspection, suggestions=suggestions)


def plain(app: ASGIApp) -> ASGIApp:
    return app


def traced(settings: Config, desk: Desk) -> tuple[Desk, type[Operations], Callable[[ASGIApp], ASGIApp]]:
    """What stands in for the desk and the operations, and what around the application, when traces are asked for."""
    if not find_spec("opentelemetry"):
        name = config.variable("traces")
        raise ConfigError(f"{name} needs the extra `otel`: pip install 'message-flows[otel]'.")
    from graphql_api import tracing

    store = tracing.TracedStore(desk.store, is_postgresql=settings.database_url.startswith("postgresql"))
    return structs.replace(desk, store=store), tracing.TracedOperations, tracing.TracedRequests


async def watch(store: Store) -> None:
    """What the store says about itself goes into the metrics, which are imported aside as well."""
    await asyncio.sleep(FIRST_ANSWERS)
    metrics = await asyncio.to_thread(import_module, "graphql_api.web.metrics")
    metrics.INFO.labels(graphql_api.__version__, migrations.newest()).set(1)
    while True:
        metrics.note_store(store.figures())
        await asyncio.sleep(WATCHING)


async def ready(rest: Rest) -> None:
    """What the first answers can do without is fetched aside when they are out, so that no request waits for it."""
    await asyncio.sleep(FIRST_ANSWERS)
    for room in LATER:
        await asyncio.to_thread(import_module, room)
    await asyncio.to_thread(rest.prepared)


async def send(desk: Desk) -> None:
    """Webhooks; what sends them is imported aside as well."""
    await asyncio.sleep(FIRST_ANSWERS)
    sender = await asyncio.to_thread(import_module, "graphql_api.delivery.sender")
    await sender.send(desk)


def pages_of(settings: Config, built: Path = BUILT) -> Pages:
    """Who may not read the schema is not shown it by a page either."""
    facts = {
        "auth": settings.auth,
        "introspection": "on" if settings.introspection else "off",
        "workspace": example.WORKSPACE,
        "flow": example.EXAMPLE["_id"],
    }
    return Pages(facts, built, without=() if settings.introspection else ("schema",))


def throttle_of(settings: Config) -> Throttle | None:
    points = settings.key_points if settings.auth == "keys" else settings.address_points
    if not points:
        return None
    if not settings.redis_url:
        return Throttle(OwnCounts(), points)
    if not find_spec("redis"):
        name = config.variable("redis_url")
        raise ConfigError(f"{name} needs the extra `redis`: pip install 'message-flows[redis]'.")
    from graphql_api.web.counts import SharedCounts

    return Throttle(SharedCounts(settings.redis_url), points)


def hosts_of(settings: Config) -> Hosts:
    """The names of the setting; without it those of loopback where only this machine can call, else any."""
    if settings.allowed_hosts or not config.is_loopback(settings.host):
        return Hosts(settings.allowed_hosts)
    own = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Hosts((*LOOPBACK, own.lower()))


@contextlib.asynccontextmanager
async def life(
    desk: Desk, keyring: Keyring | None, throttle: Throttle | None, rest: Rest, leaving: "Leaving"
) -> AsyncIterator[None]:
    """In the background, while the server lives: old replays go, uses of keys are noted, the store is watched, webhooks
    are sent."""
    works = [edits.sweep(desk), watch(desk.store), ready(rest), send(desk)]
    works += [keyring.note_uses()] if keyring else []
    tasks = [asyncio.create_task(work) for work in works]
    try:
        with leaving.on_sigterm():
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if throttle is not None:
            await throttle.close()
        await desk.post.close()
        await desk.store.close()


class Leaving(NamedTuple):
    """How the server stops: unready at once, and `drain` seconds later, when nobody sends to it any more, for good."""

    ready: Ready
    lasting: Lasting
    drain: float

    @contextlib.contextmanager
    def on_sigterm(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        stop = signal.getsignal(signal.SIGTERM)

        def stop_now(number: int) -> None:
            self.lasting.stop()
            if callable(stop):
                stop(number, None)

        def leave(number: int, _: FrameType | None) -> None:
            self.ready.is_stopping = True
            loop.call_soon_threadsafe(loop.call_later, self.drain, stop_now, number)

        signal.signal(signal.SIGTERM, leave)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, stop)
