"""The documented example flow, as REST writes it: for an empty database, and for the description of the API."""

from typing import Any

WORKSPACE = "exampleWorkspaceId1"
EXAMPLE: dict[str, Any] = {
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
