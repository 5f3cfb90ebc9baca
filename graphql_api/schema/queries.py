"""The root fields that read."""

from typing import Annotated

import strawberry

from graphql_api import reads
from graphql_api.domain import flow as domain
from graphql_api.schema import connection, history, selection, webhooks
from graphql_api.schema.connection import MessageFlowConnection
from graphql_api.schema.context import Info, argument
from graphql_api.schema.inputs import MessageFlowFilter, MessageFlowOrder, filtered, ordered
from graphql_api.schema.relay import Node
from graphql_api.schema.types import MessageFlow


@strawberry.type(description="Reading message flows of one workspace, named by the header x-workspace-id.")
class Query:
    @strawberry.field(description="One flow; null when it is unknown, deleted, or of another workspace.")
    async def message_flow(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument("Id of the flow.")],
        at_version: Annotated[
            int | None, argument("The flow as it was at this version, also when it is deleted now; null is now.")
        ] = None,
    ) -> MessageFlow | None:
        context = info.context
        if at_version is not None:
            values = await reads.flow_at(context.desk.store, context.caller, id, at_version)
        else:
            wanted = selection.columns(info._raw_info, selection.FLOW)
            values = await reads.flow(context.desk.store, context.caller, id, wanted)
        return None if values is None else domain.built(values)  # type: ignore[return-value]

    @strawberry.field(description="Flows of the workspace, a page at a time.")
    async def message_flows(
        self,
        info: Info,
        first: Annotated[
            int | None, argument("How many from the front, 1 to 100 (`max_page`); 50 if absent or null.")
        ] = None,
        after: Annotated[str | None, argument("Cursor to go on behind; null starts at the front.")] = None,
        last: Annotated[
            int | None, argument("How many from the end, 1 to 100 (`max_page`); not together with first.")
        ] = None,
        before: Annotated[str | None, argument("Cursor to stay before; null ends at the end.")] = None,
        filter: Annotated[MessageFlowFilter | None, argument("Which flows; null means all.")] = None,
        order_by: Annotated[MessageFlowOrder | None, argument("In which order; null is newest first.")] = None,
    ) -> MessageFlowConnection:
        context, order = info.context, ordered(order_by)
        span = connection.span(context, first, after, last, before, order)
        wanted = selection.columns(info._raw_info, selection.CONNECTION)
        found = await connection.found_page(context, wanted, filtered(filter), order, span)
        return MessageFlowConnection(found=found)

    @strawberry.field(
        description="Where the changes stand now. Ask for it first, then read, then watch with it as `after`: no change"
        " falls between, and one that the read has shown already is told by its version."
    )
    async def change_cursor(self, info: Info) -> str:
        context = info.context
        assert context.feed is not None
        return await context.feed.now(context.caller)

    webhooks = strawberry.field(
        resolver=webhooks.page, description="The webhooks of the workspace, oldest first; needs the scope admin."
    )

    @strawberry.field(
        description="A flow by its id, a revision by `<flow id>:<version>`, or a webhook; null when unknown."
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, argument("Id of a flow, a revision or a webhook.")]
    ) -> Node | None:
        context = info.context
        webhook = await webhooks.node(info, id)
        if webhook or webhooks.is_nothing_else(context.caller, id):
            return webhook
        named = history.revision_id(id)
        if named is not None:
            revision = await reads.revision(context.desk.store, context.caller, *named)
            return None if revision is None else history.shown(revision)
        wanted = selection.columns(info._raw_info, selection.FLOW)
        values = await reads.flow(context.desk.store, context.caller, id, wanted)
        return None if values is None else domain.built(values)  # type: ignore[return-value]
