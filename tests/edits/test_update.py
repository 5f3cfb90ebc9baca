"""Updating one flow."""

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk

NEW = Sent(
    {
        "name": "Sale",
        "direction": "INBOUND",
        "agent": "a",
        "prompt": "p",
        "initiation_message": "i",
        "message_channel": "SMS",
    }
)


async def test_what_was_not_sent_stays(desk: Desk, caller: Caller) -> None:
    created = await edits.create_flow(desk, caller, NEW)
    saved = await edits.update_flow(desk, caller, created.flow["id"], Sent({"response_settings_delay": 2.5}))
    assert saved.changed == ("response_settings_delay",)
    assert saved.flow == {
        **created.flow,
        "deleted_at": None,
        "response_settings_delay": 2.5,
        "version": 1,
        "updated_at": saved.flow["updated_at"],
    }
