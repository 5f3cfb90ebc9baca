"""The whole server put together from a Config: the database, the doors, their routes in order, the life cycle."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

import uvicorn
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from graphql_api import config, demo, edits, storage
from graphql_api.config import Config, ConfigError
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk
from graphql_api.schema.limits import Limits
from graphql_api.schema.prepared import Operations
from graphql_api.storage import migrations
from graphql_api.storage.engine import Store
from graphql_api.web.front import Front, nothing_here
from graphql_api.web.graphql import GraphQL
from graphql_api.web.health import Live, Ready
from graphql_api.web.http import BodyLimits
from graphql_api.web.openapi import OpenApi
from graphql_api.web.rest import PREFIX, Rest

HOUR = 3_600_000
"""Milliseconds."""


def clock() -> int:
    return time.time_ns() // 1_000_000


def noise() -> bytes:
    return os.urandom(8)


def store_of(settings: Config) -> Store:
    return storage.opened(
        settings.database_url,
        synchronous=settings.sqlite_synchronous,
        pool_size=settings.pool_size,
        timeout=settings.statement_timeout,
        patience=settings.acquire_timeout,
    )


def desk_of(settings: Config, store: Store) -> Desk:
    return Desk(store, clock, noise, int(settings.replay_hours * HOUR))


def made(settings: Config | None = None, desk: Desk | None = None) -> ASGIApp:
    """The ASGI application; from the environment when nothing is given, as each worker makes it."""
    settings = settings or config.load()
    desk = desk or desk_of(settings, store_of(settings))
    limits = BodyLimits(
        settings.max_body_bytes, settings.body_timeout, settings.max_json_depth, settings.max_integer_digits
    )
    operations = Operations(
        Limits(
            tokens=settings.max_tokens,
            depth=settings.max_depth,
            aliases=settings.max_aliases,
            root_fields=settings.max_root_fields,
            directives=settings.max_directives,
            selections=settings.max_selections,
            cost=settings.max_cost,
        ),
        introspection=settings.introspection,
        suggestions=settings.suggestions,
    )
    routes = [
        Route("/graphql", GraphQL(desk, operations, limits)),
        Route(f"{PREFIX}/{{path:path}}", Rest(desk, operations, limits)),
        Route("/openapi.json", OpenApi()),
        Route("/health/live", Live()),
        Route("/health/ready", Ready(desk.store)),
    ]
    return Front(Router(routes, redirect_slashes=False, default=nothing_here, lifespan=lambda app: life(desk)))


@contextlib.asynccontextmanager
async def life(desk: Desk) -> AsyncIterator[None]:
    """Old replays are removed in the background while the server lives."""
    sweeper = asyncio.create_task(edits.sweep(desk))
    try:
        yield
    finally:
        sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeper
        await desk.store.close()


def serve(settings: Config) -> None:
    """Serves until it is told to stop; raises ConfigError when the database is not fit to be served."""
    if settings.migrate:
        migrations.upgrade(settings.database_url)
    asyncio.run(_prepare(settings))
    os.environ |= config.environment(settings)
    _greet(settings)
    uvicorn.run(
        "graphql_api.app:made",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        root_path=settings.root_path,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
    )


async def _prepare(settings: Config) -> None:
    store = store_of(settings)
    try:
        if not await _current(store):
            raise ConfigError(
                "The tables of the database are not current: run `message-flows migrate`, or serve --migrate."
            )
        if settings.demo:
            await demo.seed(desk_of(settings, store))
    finally:
        await store.close()


async def _current(store: Store) -> bool:
    try:
        return await migrations.is_current(store)
    except Refused as refusal:
        raise ConfigError(f"The database is not ready: {refusal}. Run `message-flows migrate` first.") from None


def _greet(settings: Config) -> None:
    at = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}{settings.root_path}"
    print(
        f"GraphQL       {at}/graphql",
        f"REST example  {at}{PREFIX}/message-flows/{demo.EXAMPLE['_id']}  (header x-workspace-id: {demo.WORKSPACE})",
        f"Health        {at}/health/ready",
        sep="\n",
        flush=True,
    )
