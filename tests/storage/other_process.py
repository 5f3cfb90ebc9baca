"""Counts in a SQLite file as another worker does."""

import asyncio
import sys

from graphql_api.storage.sqlite import SqliteStore
from tests.storage.tally import count


async def main(path: str, times: int) -> None:
    store = SqliteStore(path, patience=10)
    for _ in range(times // 10):
        await asyncio.gather(*(store.run(count) for _ in range(10)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
