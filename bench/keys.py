"""Makes a key for each workspace of the load bench, which its request scripts know; for databases of a bench only."""

import asyncio
import sys
from functools import partial

from graphql_api import storage
from graphql_api.domain.keys import SHOWN, Key, digest, key_id
from graphql_api.storage import keys
from graphql_api.storage.engine import script_of

WORKSPACES = 100


def secret(workspace: int) -> str:
    """As `lua/keyed.lua` writes it."""
    return f"mfk_{workspace:040d}"


async def main(url: str) -> None:
    store = storage.opened(url)
    for number in range(WORKSPACES):
        shown = secret(number)
        id = key_id(number.to_bytes(4, "big"))
        key = Key(id, shown[:SHOWN], "", (f"ws{number:03d}",), frozenset({"flows:read", "flows:write"}), 0)
        await store.run(partial(script_of, keys.create(digest(shown), key)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
