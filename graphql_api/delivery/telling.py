"""What a webhook is told of a change: read from the history, the same at every attempt."""

from dataclasses import dataclass

from graphql_api.domain import flow as domain
from graphql_api.domain import webhooks
from graphql_api.domain.document import document
from graphql_api.domain.flow import Values
from graphql_api.domain.webhooks import EVENT_OF, Message, Webhook
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Row, Store
from graphql_api.storage.revisions import Revision

STEP = 50
"""Revisions that are read at a time: an endpoint that was dead is told of changes far below the flow as it is."""


@dataclass(frozen=True, slots=True)
class Told:
    """`at` is the instant of the change; `message` is None when the history does not hold the change any more."""

    id: str
    event: str
    at: int
    message: Message | None


async def told(store: Store, webhook: Webhook, delivery: Row) -> Told:
    workspace, flow_id, version = webhook.workspace_id, delivery["flow_id"], delivery["version"]
    id = webhooks.message_id(webhook.id, delivery["position"], flow_id, version)
    event = EVENT_OF[delivery["operation"]]
    past = await _past(store, workspace, flow_id, version)
    if past is None:
        return Told(id, event, 0, None)
    flow, change = past
    if change.operation == "DELETE":
        data = {"_id": flow_id, "workspaceId": workspace, "version": version}
    else:
        more = {"version": version, "changedFields": domain.paths(change.changed), "operation": change.operation}
        data = {**document(flow), **more}
    return Told(id, event, change.at, webhooks.message(event, id, change.at, data))


async def _past(store: Store, workspace: str, flow_id: str, version: int) -> tuple[Values, Revision] | None:
    """The flow as it was, with the revision that made it so; None when history does not reach."""
    # The flow before its history: an edit between the two adds a revision above the flow, never one that is missing.
    rows = await store.read(flows.read_whole(workspace, flow_id))
    flow: Values | None = flows.values(rows[0]) if rows else None
    while flow is not None and flow["version"] >= version:
        top, floor = flow["version"], max(version, flow["version"] - STEP)
        newer = await store.read(revisions.newest(workspace, flow_id, top - floor + 1, top + 1))
        undone = [revisions.revision(row) for row in newer]
        flow = revisions.as_of(flow, floor, undone)
        if floor == version:
            return None if flow is None else (flow, undone[-1])
    return None
