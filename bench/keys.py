"""Makes a key for each workspace of the load bench, which its request scripts know; for databases of a bench only."""

import asyncio
import sys

from graphql_api import storage
from graphql_api.edits import keys

WORKSPACES = 100


def secret(workspace: int) -> str:
    """As `lua/keyed.lua` writes it."""
    return f"mfk_{workspace:040d}"


async def main(url: str) -> None:
    store = storage.opened(url)
    for number in range(WORKSPACES):
        noise = bytes.fromhex(f"{number:040d}")
        scopes = {"flows:read", "flows:write"}
        await keys.create(store, 0, [f"ws{number:03d}"], scopes, noise=lambda size, noise=noise: noise[-size:])
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
