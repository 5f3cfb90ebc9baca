"""What a page of 50 flows costs among a million flows of one workspace, to what it costs among ten thousand.

    python bench/pages.py                        # both databases; some minutes, 3 GB in the folder of temporary files
    python bench/pages.py --most 100000

Rows are written straight into the tables, then pages are read as the server reads them, without HTTP and JSON: the
first one, such as begin behind a flow chosen at random, and the last one, in turns from the small and from the large
database. Prints the median milliseconds of both and their ratio.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import uvloop
from torturing.servers import Postgres, Sqlite

from graphql_api import reads, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.search import EVERYTHING, NEWEST_FIRST, Cursor, Filter, Order, OrderField, Span
from graphql_api.storage import migrations
from graphql_api.storage.engine import Store
from graphql_api.storage.tables import FLOWS

FEW = 10_000
PAGE = 50
ROUNDS = 200
FIRST_DAY = 1_700_000_000_000
BY_NAME = Order(OrderField.NAME, descending=False)
LAST_CHANGED_FIRST = Order(OrderField.UPDATED_AT, descending=True)
ASKER = Caller("ws1")
COLUMNS = tuple(column.name for column in FLOWS.c if column.name != "updated_slot")
DATABASES = (Sqlite, Postgres)

Choose = Callable[[int], Span]
"""The span of a page among so many flows."""


def flow(number: int) -> dict[str, Any]:
    """One a minute, changed in another order, as names are in another one; one of a hundred for hipaaCompliance."""
    changed = FIRST_DAY + number * 48_271 % 999_983 * 60_000
    name = f"{number * 2_654_435_761 % 2**32:08x} flow {number}"
    return {
        **DEFAULTS,
        "workspace_id": ASKER.workspace,
        "id": f"mf{number:08}",
        "version": 0,
        "created_at": FIRST_DAY + number * 60_000,
        "updated_at": changed,
        "deleted_at": None,
        "name": name,
        "name_folded": name,
        "direction": "INBOUND",
        "agent": f"agent{number % 50}",
        "prompt": "You answer questions about orders. " * 8,
        "initiation_message": "Hello, how can I help?",
        "message_channel": "SMS",
        "security_hipaa_compliance": number % 100 == 0,
    }


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        made = flow(number)
        yield tuple([made[column] for column in COLUMNS])


def behind(order: Order) -> Choose:
    def choose(count: int) -> Span:
        chosen = flow(random.randrange(PAGE, count - PAGE))
        return Span(PAGE, after=Cursor(order, chosen[order.field.value], chosen["id"]))

    return choose


FRONT: Choose = lambda count: Span(PAGE)  # noqa: E731
BACK: Choose = lambda count: Span(PAGE, last=True)  # noqa: E731
HIPAA = Filter(hipaa_compliance=True)
PAGES: dict[str, tuple[Filter, Order, Choose]] = {
    "newest first: the first page": (EVERYTHING, NEWEST_FIRST, FRONT),
    "newest first: behind any flow": (EVERYTHING, NEWEST_FIRST, behind(NEWEST_FIRST)),
    "newest first: the last page": (EVERYTHING, NEWEST_FIRST, BACK),
    "by name: the first page": (EVERYTHING, BY_NAME, FRONT),
    "by name: behind any flow": (EVERYTHING, BY_NAME, behind(BY_NAME)),
    "by name: the last page": (EVERYTHING, BY_NAME, BACK),
    "last changed first: the first page": (EVERYTHING, LAST_CHANGED_FIRST, FRONT),
    "last changed first: behind any flow": (EVERYTHING, LAST_CHANGED_FIRST, behind(LAST_CHANGED_FIRST)),
    "last changed first: the last page": (EVERYTHING, LAST_CHANGED_FIRST, BACK),
    "hipaaCompliance, one of 100: behind any flow": (HIPAA, NEWEST_FIRST, behind(NEWEST_FIRST)),
    "nameContains, one of 16: behind any flow": (Filter(name_contains="7 flow"), NEWEST_FIRST, behind(NEWEST_FIRST)),
}


def fill_sqlite(url: str, count: int) -> None:
    connection = sqlite3.connect(url.partition(":///")[2])
    with connection:
        places = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO message_flows ({', '.join(COLUMNS)}) VALUES ({places})", rows(count))
    connection.close()


async def fill_postgres(url: str, count: int) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.copy_records_to_table("message_flows", records=rows(count), columns=COLUMNS)
    await connection.execute("VACUUM ANALYZE message_flows")
    await connection.close()


def filled(url: str, count: int) -> None:
    migrations.upgrade(url)
    if url.startswith("sqlite"):
        fill_sqlite(url, count)
    else:
        uvloop.run(fill_postgres(url, count))


async def page(store: Store, filter: Filter, order: Order, span: Span) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    found = await reads.page(store, ASKER, COLUMNS, filter, order, span)
    took = time.perf_counter() - began
    assert found.rows
    return took * 1000


async def compared(name: str, urls: dict[int, str]) -> None:
    stores = {count: storage.opened(url) for count, url in urls.items()}
    few, most = stores
    for title, (filter, order, choose) in PAGES.items():
        took: dict[int, list[float]] = {few: [], most: []}
        for _ in range(ROUNDS):
            for count, store in stores.items():
                took[count].append(await page(store, filter, order, choose(count)))
        small, large = (statistics.median(took[count]) for count in (few, most))
        print(f"| {name} | {title} | {small:.2f} | {large:.2f} | {large / small:.2f} |", flush=True)
    await asyncio.gather(*(store.close() for store in stores.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000, help="flows of the large database")
    most: int = parser.parse_args().most
    print(f"| database | page | ms among {FEW:,} | ms among {most:,} | ratio |\n| --- | --- | ---: | ---: | ---: |")
    for kind in DATABASES:
        opened = {FEW: kind(), most: kind()}
        try:
            for count, database in opened.items():
                filled(database.url, count)
            uvloop.run(compared(kind.name, {count: database.url for count, database in opened.items()}))
        finally:
            for database in opened.values():
                database.close()


if __name__ == "__main__":
    main()
