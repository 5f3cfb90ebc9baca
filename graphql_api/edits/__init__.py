"""Every way to change a flow: create, update, update many, revert, delete, restore, import; one transaction each."""

from graphql_api.edits.desk import Desk, Result, Saved
from graphql_api.edits.importing import import_flows
from graphql_api.edits.many import update_flows
from graphql_api.edits.one import create_flow, delete_flow, restore_flow, revert_flow, update_flow
from graphql_api.edits.upkeep import prune, sweep

__all__ = [
    "Desk",
    "Result",
    "Saved",
    "create_flow",
    "delete_flow",
    "import_flows",
    "prune",
    "restore_flow",
    "revert_flow",
    "sweep",
    "update_flow",
    "update_flows",
]
