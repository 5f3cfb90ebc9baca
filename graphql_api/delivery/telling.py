"""What a webhook is told of a change: read from the history, the same at every attempt."""

from dataclasses import dataclass

from graphql_api.domain import flow as domain
from graphql_api.domain import webhooks
from graphql_api.domain.document import document
from graphql_api.domain.webhooks import EVENT_OF, Message, Webhook
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Row, Store


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
    # The flow before its history: an edit between the two adds a revision above the flow, never one that is missing.
    rows = await store.read(flows.read_whole(workspace, flow_id))
    newer = [revisions.revision(row) for row in await store.read(revisions.since(workspace, flow_id, version))]
    past = revisions.as_of(flows.values(rows[0]), version, newer) if rows else None
    if past is None:
        return Told(id, event, 0, None)
    change = newer[-1]
    if change.operation == "DELETE":
        data = {"_id": flow_id, "workspaceId": workspace, "version": version}
    else:
        more = {"version": version, "changedFields": domain.paths(change.changed), "operation": change.operation}
        data = {**document(past), **more}
    return Told(id, event, change.at, webhooks.message(event, id, change.at, data))
