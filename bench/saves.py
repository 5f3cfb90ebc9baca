"""What saves take, without HTTP: one that comes alone, 16 that come at once, a bulk update of a thousand flows.

    python bench/saves.py                     # SQLite, then PostgreSQL
    python bench/saves.py --revision 0005     # with the tables as that revision made them

All in one workspace of 10,000 flows. Medians of the time until they are committed.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from torturing.servers import Postgres, Sqlite

sys.path.append(str(Path(__file__).resolve().parent.parent))
from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.storage import migrations
from tests import wired

FLOWS, AT_ONCE, BULK = 10_000, 16, 1_000
ROUNDS = {"one alone": 300, f"{AT_ONCE} at once": 100, f"{BULK:,} in a bulk": 10}
CALLER = Caller("ws1")


async def measured(url: str) -> dict[str, float]:
    """Milliseconds."""
    await wired.prepared(url, FLOWS)
    desk = wired.desk_at(url)

    def saves(number: int, seconds: float) -> Awaitable[Any]:
        sent = Sent({"response_settings_delay": seconds})
        ids = [f"f{place % FLOWS}" for place in range(int(seconds) * number, (int(seconds) + 1) * number)]
        if number == BULK:
            return edits.update_flows(desk, CALLER, ids, None, sent)
        return asyncio.gather(*(edits.update_flow(desk, CALLER, id, sent) for id in ids))

    took = {}
    for (title, rounds), number in zip(ROUNDS.items(), (1, AT_ONCE, BULK), strict=True):
        took[title] = statistics.median([await timed(saves, number, round + 1) for round in range(rounds)])
    await desk.store.close()
    return took


async def timed(saves: Callable[[int, float], Awaitable[Any]], number: int, round: int) -> float:
    began = time.perf_counter()
    await saves(number, round)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--revision", default=migrations.newest(), help="of the tables")
    revision: str = parser.parse_args().revision
    print("| database | saves | ms |\n| --- | --- | ---: |")
    for kind in (Sqlite, Postgres):
        database = kind()
        try:
            migrations.upgrade(database.url, revision)
            for title, took in uvloop.run(measured(database.url)).items():
                print(f"| {kind.name} | {title} | {took:.2f} |", flush=True)
        finally:
            database.close()


if __name__ == "__main__":
    main()
