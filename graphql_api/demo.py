"""The documented example flow, for a database that has no flows."""

from graphql_api import edits, transfer
from graphql_api.domain.caller import Caller
from graphql_api.edits.desk import Desk
from graphql_api.storage import flows

WORKSPACE = "exampleWorkspaceId1"
EXAMPLE = {
    "_id": "exampleId1",
    "workspaceId": WORKSPACE,
    "name": "New Years Sale",
    "direction": "bidirectional",
    "description": "Handles customer support inquiries via SMS",
    "agent": "exampleAgentId1",
    "settings": {
        "responseSettings": {
            "delay": 0,
            "workingHours": {
                "enabled": False,
                "start": "09:00",
                "end": "17:00",
                "timezone": "UTC",
                "outOfHoursMessage": "",
            },
        },
        "security": {"hipaaCompliance": False},
        "emailSettings": {"subjectLine": "Follow Up on Your Inquiry", "signature": "Regards"},
    },
    "prompt": "You are a helpful AI that responds to user inquiries.",
    "initiationMessage": "Hi, thanks for your interest in our New Years sale!",
    "isActive": True,
    "autopilot": True,
    "messageChannel": "SMS",
    "createdAt": "2025-01-02T10:15:00Z",
    "updatedAt": "2025-01-02T10:15:00Z",
}


async def seed(desk: Desk) -> bool:
    """Imports the example unless there is a flow already; tells whether it did."""
    if await desk.store.read(flows.ANY_FLOW):
        return False
    await edits.import_flows(desk, Caller(WORKSPACE, source="CLI"), [transfer.read(EXAMPLE)])
    return True
