"""Instructions of the processor that a request costs this server, which nothing else on the machine changes.

    python bench/instructions.py postgresql U    # or sqlite; R, U, L or P

Needs `valgrind`, under which it runs the server and 32 connections without sockets in one process: the client's part is
in the figure, that of PostgreSQL and of the kernel is not.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import uvloop
from torturing.servers import Postgres, Sqlite

sys.path.append(str(Path(__file__).resolve().parent.parent))
from graphql_api import workers
from graphql_api.storage import migrations
from tests import wired

CONNECTIONS, REQUESTS, FLOWS = 32, 180, 1_000
DATABASES = {"postgresql": Postgres, "sqlite": Sqlite}


async def carry_out(url: str, operation: str) -> None:
    """As many requests again as are counted fill the caches first."""
    secret = await wired.prepared(url, FLOWS)
    async with wired.connections(url, CONNECTIONS, patience=60) as connections:  # valgrind takes its time

        async def ask(number: int, since: int) -> None:
            numbers = range(since + number, since + CONNECTIONS * REQUESTS, CONNECTIONS)
            for request in wired.script(operation, secret, numbers, FLOWS):
                await connections[number].ask(request)

        await asyncio.gather(*(ask(number, 0) for number in range(CONNECTIONS)))
        workers.settle()
        count("on")
        await asyncio.gather(*(ask(number, CONNECTIONS * REQUESTS) for number in range(CONNECTIONS)))
        count("off")


def count(state: str) -> None:
    """Of instructions: `on` or `off`."""
    subprocess.run(["callgrind_control", "-i", state, str(os.getpid())], check=True, capture_output=True)


def instructions(url: str, operation: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out"]
        command = [*valgrind, sys.executable, __file__, url, operation]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode or collected is None:
        sys.exit(ran.stderr)
    return int(collected[1]) / (CONNECTIONS * REQUESTS)


def main(where: str, operation: str) -> None:
    if where not in DATABASES:
        uvloop.run(carry_out(where, operation))
        return
    database = DATABASES[where]()
    try:
        migrations.upgrade(database.url)
        print(f"{where} {operation}: {instructions(database.url, operation):,.0f} instructions a request")
    finally:
        database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
