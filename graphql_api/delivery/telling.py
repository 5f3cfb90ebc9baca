"""What a webhook is told of a change: read from the history, the same at every attempt."""

from dataclasses import dataclass

from graphql_api.domain import flow as domain
from graphql_api.domain import webhooks
from graphql_api.domain.document import document
from graphql_api.domain.flow import Values
from graphql_api.domain.webhooks import EVENT_OF, Message, Webhook
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Row, Store, drive_waiting
from graphql_api.storage.revisions import Revision


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
    rows = await store.read(flows.read_whole(workspace, flow_id))
    return await drive_waiting(revisions.past(workspace, flows.values(rows[0]), version), store.read) if rows else None
