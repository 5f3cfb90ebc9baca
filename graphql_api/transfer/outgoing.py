"""An export: every flow as of one moment, a line each, never all of them in memory."""

from collections.abc import Callable
from typing import BinaryIO

import msgspec

from graphql_api.domain.document import document
from graphql_api.storage import flows
from graphql_api.storage.engine import Store

STEP = 1_000


async def send(
    store: Store, workspace: str | None, target: BinaryIO, tell: Callable[[int], None] = lambda flows: None
) -> int:
    """Writes the flows of a workspace, or of all, oldest first, without the deleted ones; answers how many."""
    sent = 0
    encode = msgspec.json.Encoder().encode
    async with store.stream(flows.export(workspace)) as rows:
        async for row in rows:
            target.write(encode(document(flows.values(row))) + b"\n")
            sent += 1
            if sent % STEP == 0:
                tell(sent)
    tell(sent)
    return sent
