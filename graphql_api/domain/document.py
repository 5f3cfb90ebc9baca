"""One flow in the documented REST shape, for whoever is handed it outside of an answer: files and webhooks."""

from enum import Enum
from typing import Any

from graphql_api.domain import instants
from graphql_api.domain.flow import TREE, Block, Values

REST_ORDER = (
    "name",
    "direction",
    "description",
    "agent",
    "settings",
    "prompt",
    "isActive",
    "autopilot",
    "messageChannel",
)


def document(flow: Values) -> dict[str, Any]:
    """With initiationMessage, which answers of REST leave out, at its end."""
    leaves = _shown(TREE, flow)
    return {
        "_id": flow["id"],
        "workspaceId": flow["workspace_id"],
        **{name: leaves[name] for name in REST_ORDER},
        "createdAt": instants.text(flow["created_at"]),
        "updatedAt": instants.text(flow["updated_at"]),
        "initiationMessage": flow["initiation_message"],
    }


def _shown(block: Block, flow: Values) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, member in block.members.items():
        if isinstance(member, Block):
            shown[name] = _shown(member, flow)
        else:
            value = flow[member.column]
            shown[name] = member.kind[value].value if issubclass(member.kind, Enum) else value
    return shown
