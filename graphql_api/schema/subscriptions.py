"""The root field that goes on: changes of flows as they are committed."""

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
import strawberry

from graphql_api.domain import flow as domain
from graphql_api.feed import Change, Feed
from graphql_api.schema.context import Info, argument
from graphql_api.schema.enums import RevisionOperation
from graphql_api.schema.types import MessageFlow


class Begun(msgspec.Struct, frozen=True):
    """From here on nothing is missed: the cursor to go on behind before there is a change."""

    cursor: str


@strawberry.type(description="What one edit did to one flow, after it was committed.")
class MessageFlowChange:
    change: strawberry.Private[Change]
    feed: strawberry.Private[Feed]

    @strawberry.field(description="Send it as `after` to go on behind this change.")
    def cursor(self) -> str:
        return self.feed.cursor(self.change.workspace, self.change.position)

    @strawberry.field(description="What was done.")
    def operation(self) -> RevisionOperation:
        return RevisionOperation(self.change.revision.operation)

    @strawberry.field(description="The flow that changed.")
    def message_flow_id(self) -> strawberry.ID:
        return strawberry.ID(self.change.revision.flow_id)

    @strawberry.field(description="The version of the flow that the change made.")
    def version(self) -> int:
        return self.change.revision.version

    @strawberry.field(description="Paths of the leaves that changed.")
    def changed_fields(self) -> list[str]:
        return list(self.change.revision.changes)

    @strawberry.field(description="The flow as the change left it; null after a delete.")
    async def message_flow(self) -> MessageFlow | None:
        values = await self.feed.flow(self.change)
        return None if values is None else domain.built(values)  # type: ignore[return-value]


@strawberry.type(description="Watching message flows of one workspace, by WebSocket or as server-sent events.")
class Subscription:
    @strawberry.subscription(
        description="Every change of the workspace's flows, or of one, in the order of its versions, each once."
    )
    async def message_flow_changed(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, argument("Watch this flow only; null watches all.")] = None,
        after: Annotated[
            str | None,
            argument("Cursor of a change to go on behind, without a gap; null begins now. RESYNC_REQUIRED if too old."),
        ] = None,
    ) -> AsyncGenerator[MessageFlowChange]:  # and first a Begun, which `Operations.begin` takes out
        context = info.context
        assert context.feed is not None
        after, workspace = context.last_event_id or after, context.caller.within("flows:read")
        async with context.feed.seen_by(context.caller, id, after) as watched:
            yield Begun(context.feed.cursor(workspace, watched.position))  # type: ignore[misc]
            async for change in watched:
                yield MessageFlowChange(change=change, feed=context.feed)
