"""What a webhook is told of a change: read from the history, the same at every attempt."""

from collections import OrderedDict
from dataclasses import dataclass

from graphql_api.delivery.reading import Reads
from graphql_api.domain import flow as domain
from graphql_api.domain import webhooks
from graphql_api.domain.document import document
from graphql_api.domain.flow import Values
from graphql_api.domain.webhooks import EVENT_OF, Message, Webhook
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Row, drive_waiting
from graphql_api.storage.revisions import STEP, Revision

LATEST = 256
"""Flows that are remembered as they were told last."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`at` is the instant of the change; `message` is None when the history does not hold the change any more."""

    id: str
    event: str
    at: int
    message: Message | None


@dataclass(frozen=True, slots=True)
class FlowAt:
    """A flow as it was, with the revision that made it so."""

    flow: Values
    revision: Revision


class Teller:
    """Goes on from a flow as its webhook was told of it last: where many changes of it wait, each is read once."""

    def __init__(self, store: Reads) -> None:
        self._store = store
        self._latest: OrderedDict[tuple[str, str], FlowAt] = OrderedDict()

    async def told(self, webhook: Webhook, delivery: Row) -> Notice:
        workspace, flow_id, version = webhook.workspace_id, delivery["flow_id"], delivery["version"]
        id = message_id(webhook, delivery)
        event = EVENT_OF[delivery["operation"]]
        past = await self._past(webhook, flow_id, version)
        if past is None:
            return Notice(id, event, 0, None)
        flow, change = past.flow, past.revision
        if change.operation == "DELETE":
            data = {"_id": flow_id, "workspaceId": workspace, "version": version}
        else:
            more = {"version": version, "changedFields": domain.paths(change.changed), "operation": change.operation}
            data = {**document(flow), **more}
        return Notice(id, event, change.at, webhooks.message(event, id, change.at, data))

    async def _past(self, webhook: Webhook, flow_id: str, version: int) -> FlowAt | None:
        """None when history does not reach."""
        past = await self._onward(webhook, flow_id, version) or await self._back(webhook, flow_id, version)
        if past is not None:
            self._latest[webhook.id, flow_id] = past
            if len(self._latest) > LATEST:
                self._latest.popitem(last=False)
        return past

    def forget(self, webhook: Webhook, flow_id: str) -> None:
        """Nothing more of the flow waits."""
        self._latest.pop((webhook.id, flow_id), None)

    async def _onward(self, webhook: Webhook, flow_id: str, version: int) -> FlowAt | None:
        """None when nothing is remembered, or nothing that leads there in the history of now."""
        past = self._latest.pop((webhook.id, flow_id), None)
        if past is None or not 0 <= version - past.revision.version < STEP:
            return None
        way = revisions.onward_from(webhook.workspace_id, past.flow, past.revision, version)
        found = await drive_waiting(way, self._store.read)
        return FlowAt(*found) if found else None

    async def _back(self, webhook: Webhook, flow_id: str, version: int) -> FlowAt | None:
        rows = await self._store.read(flows.read_whole(webhook.workspace_id, flow_id))
        if not rows:
            return None
        way = revisions.past(webhook.workspace_id, flows.values(rows[0]), version)
        found = await drive_waiting(way, self._store.read)
        return FlowAt(*found) if found else None


def message_id(webhook: Webhook, delivery: Row) -> str:
    """With the time of the change: after a restored backup another one may have its place in the stream.

    What was made out before ids told the time may have been tried, and keeps its id.
    """
    at = delivery["changed_at"]
    place = (webhook.id, delivery["position"], delivery["flow_id"], delivery["version"])
    return webhooks.message_id(*place, *(() if at is None else (at,)))
