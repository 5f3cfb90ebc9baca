"""The whole server put together from a Config: the database, the doors, their routes in order."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from msgspec import structs
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp

from graphql_api import config
from graphql_api.config import Config
from graphql_api.domain import example
from graphql_api.edits import Desk
from graphql_api.feed import Feed
from graphql_api.living import Shutdown, lifespan
from graphql_api.opening import desk_of, store_of
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.storage import tally
from graphql_api.web import gathered
from graphql_api.web.auth import Guard, Keyring
from graphql_api.web.cors import Cors
from graphql_api.web.described import OpenApi
from graphql_api.web.direct import Direct
from graphql_api.web.exposition import Metrics
from graphql_api.web.front import Front
from graphql_api.web.graphql import GraphQL
from graphql_api.web.health import CloseOnShutdown, Live, Ready
from graphql_api.web.hosts import LOOPBACK, Hosts
from graphql_api.web.http import BodyLimits
from graphql_api.web.live_connections import LiveConnections
from graphql_api.web.methods import Takes
from graphql_api.web.not_found import NotFound
from graphql_api.web.operating import Backend
from graphql_api.web.pages import BUILT, Pages
from graphql_api.web.rest import Rest
from graphql_api.web.routes import PATHS, PREFIX
from graphql_api.web.short import Application, Middleware, Short
from graphql_api.web.sse import EventStream
from graphql_api.web.telemetry import Telemetry
from graphql_api.web.throttle import Metered, OwnCounts, Throttle
from graphql_api.web.websocket import WebSockets

Carrier = Callable[..., Operations]
"""Makes what carries out operations."""

tally.hear(gathered.hear)


class Shared(NamedTuple):
    """What several doors share."""

    settings: Config
    desk: Desk
    operations: Operations
    limits: BodyLimits
    keyring: Keyring | None
    throttle: Throttle | None
    feed: Feed
    live: LiveConnections
    readiness: Ready

    def guarded(self, door: ASGIApp) -> ASGIApp:
        return Guard(Metered(door, self.throttle), self.keyring)


def made(settings: Config | None = None, desk: Desk | None = None) -> ASGIApp:
    """The ASGI application; from the environment when nothing is given, as each worker makes it."""
    settings = settings or config.load()
    config.require_extras(settings)
    desk = desk or desk_of(settings, store_of(settings))
    desk, carrier, around = traced(settings, desk) if settings.traces else (desk, Operations, None)
    shared = shared_of(settings, desk, carrier)
    rest = Rest(desk, shared.operations, shared.limits, suggestions=settings.suggestions)
    streams = EventStream(shared.operations, shared.live)
    graphql = GraphQL(desk, shared.operations, shared.limits, shared.feed, streams)
    cors = Cors(settings.cors_origins)
    front = Front(doors(shared, graphql, rest), hosts_of(settings), cors, settings.max_header_bytes)
    telemetry = Telemetry(front, settings.log_sample)
    application: ASGIApp = CloseOnShutdown(telemetry, shared.readiness)
    if settings.trusted_proxies:
        application = behind_proxies(application, settings.trusted_proxies)
    if around is not None:
        return around(application)
    if settings.trusted_proxies and shared.keyring is None and shared.throttle:  # who pays is read off each request
        return application
    middleware = Middleware(shared.readiness, telemetry, front, cors, shared.keyring, shared.throttle)
    return Application(application, Short(middleware, graphql, rest, shared.limits.bytes, settings.root_path))


def behind_proxies(application: ASGIApp, trusted: Iterable[str]) -> ASGIApp:
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    return ProxyHeadersMiddleware(application, [*trusted])  # type: ignore[arg-type, return-value]


def traced(settings: Config, desk: Desk) -> tuple[Desk, Carrier, Callable[[ASGIApp], ASGIApp]]:
    """What stands in for the desk and the operations, and what around the application, when traces are asked for."""
    from graphql_api import tracing

    store = tracing.TracedStore(desk.store, is_postgresql=settings.database_url.startswith("postgresql"))
    return structs.replace(desk, store=store), tracing.TracedOperations, tracing.TracedRequests


def shared_of(settings: Config, desk: Desk, carrier: Carrier) -> Shared:
    keyring = Keyring(desk.store, desk.now) if settings.auth == "keys" else None
    return Shared(
        settings=settings,
        desk=desk,
        operations=operations_of(carrier, limits_of(settings), settings.introspection, settings.suggestions),
        limits=BodyLimits(
            settings.max_body_bytes, settings.body_timeout, settings.max_json_depth, settings.max_integer_digits
        ),
        keyring=keyring,
        throttle=throttle_of(settings),
        feed=Feed(desk.store),
        live=LiveConnections(keyring, settings.max_subscriptions, desk.now),
        readiness=Ready(desk.store),
    )


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
def operations_of(carrier: Carrier, limits: Limits, introspection: bool, suggestions: bool) -> Operations:
    """Applications of one process under the same limits share what they remember of documents."""
    return carrier(limits, introspection=introspection, suggestions=suggestions)


def throttle_of(settings: Config) -> Throttle | None:
    setting = "key_points" if settings.auth == "keys" else "address_points"
    points: int = getattr(settings, setting)
    if not points:
        return None
    if not settings.redis_url:
        return Throttle(OwnCounts(), points, setting=setting)
    from graphql_api.web.counts import SharedCounts

    return Throttle(SharedCounts(settings.redis_url), points, setting=setting)


# The doors


def doors(shared: Shared, graphql: GraphQL, rest: Rest) -> ASGIApp:
    pages = pages_of(shared.settings)
    settings = shared.settings
    shutdown = Shutdown(shared.readiness, shared.live, settings.drain_seconds, settings.shutdown_seconds)
    others = routes(shared, pages)
    known = (*(route.path for route in others), *PATHS)
    router = Router(
        others,
        redirect_slashes=False,
        default=NotFound(known, suggests=settings.suggestions),
        lifespan=lambda app: lifespan(shared.desk, shared.keyring, shared.throttle, rest, shutdown),
    )
    one = Takes(pages.before(shared.guarded(graphql), "playground"), "GET", "POST")
    return Direct({"/graphql": one}, f"{PREFIX}/", shared.guarded(rest), router)


def routes(shared: Shared, pages: Pages) -> list[Route | WebSocketRoute]:
    """All but the two that most requests go to."""
    metrics = Route("/metrics", Takes(Guard(Metrics(), shared.keyring), "GET"))
    return [
        WebSocketRoute("/graphql", sockets(shared)),
        Route("/openapi.json", Takes(OpenApi(), "GET")),
        *([] if shared.settings.metrics_port else [metrics]),
        Route("/health/live", Takes(Live(), "GET")),
        Route("/health/ready", Takes(shared.readiness, "GET")),
        *(Route(path, Takes(pages.at(page), "GET")) for path, page in pages.places.items()),
        Route("/assets/{name}", Takes(pages.assets, "GET")),
    ]


def sockets(shared: Shared) -> WebSockets:
    return WebSockets(
        Backend(
            shared.desk,
            shared.feed,
            shared.operations,
            shared.limits,
            shared.live,
            shared.keyring,
            shared.throttle,
            frozenset(shared.settings.cors_origins),
        )
    )


def pages_of(settings: Config, built: Path = BUILT) -> Pages:
    """Who may not read the schema is not shown it by a page either."""
    facts = {
        "auth": settings.auth,
        "introspection": "on" if settings.introspection else "off",
        "workspace": example.WORKSPACE,
        "flow": example.EXAMPLE["_id"],
    }
    return Pages(facts, built, without=() if settings.introspection else ("schema",))


def hosts_of(settings: Config) -> Hosts:
    """The names of the setting; without it those of loopback where only this machine can call, else any."""
    if settings.allowed_hosts or not config.is_loopback(settings.host):
        return Hosts(settings.allowed_hosts)
    own = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Hosts((*LOOPBACK, own.lower()))
