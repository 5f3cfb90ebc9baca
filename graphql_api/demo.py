"""The documented example flow, for a database that has no flows."""

from graphql_api import edits, transfer
from graphql_api.domain.caller import Caller
from graphql_api.domain.example import EXAMPLE, WORKSPACE
from graphql_api.edits.desk import Desk
from graphql_api.storage import flows


async def seed(desk: Desk) -> bool:
    """Imports the example unless there is a flow already; tells whether it did."""
    if await desk.store.read(flows.ANY_FLOW):
        return False
    example = transfer.read(EXAMPLE, desk.now())
    await edits.import_flows(desk, Caller(WORKSPACE, source="CLI"), [example], skip_existing=True)
    return True
