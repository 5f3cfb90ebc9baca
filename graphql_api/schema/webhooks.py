"""Webhooks as GraphQL shows them, to callers with the scope admin."""

import re
from typing import Annotated

import strawberry

from graphql_api.domain import cursors
from graphql_api.domain import webhooks as domain
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import refused
from graphql_api.edits import webhooks as edits
from graphql_api.schema.context import Context, Info, argument
from graphql_api.schema.enums import WebhookEvent, WebhookOutcome
from graphql_api.schema.relay import Around, Node, PageInfo, page_size
from graphql_api.schema.scalars import Instant

PLACE = re.compile(r"(\d{1,15}):(whk_[0-9a-f]{24})", re.ASCII)


@strawberry.type(description="One attempt to deliver a message.")
class WebhookDelivery:
    at: Instant = strawberry.field(description="When it was begun.")
    message_id: str = strawberry.field(description="The `id` of the message, the same at every attempt.")
    event: str = strawberry.field(description="What it tells of: `flow.created`, …, `webhook.test`, or `webhook.gap`.")
    message_flow_id: strawberry.ID | None = strawberry.field(description="The flow; null for a test or a gap.")
    version: int | None = strawberry.field(description="The version that the change made; null for a test or a gap.")
    attempt: int = strawberry.field(description="1 for the first attempt at this message.")
    outcome: WebhookOutcome = strawberry.field(description="What came of it.")
    status: int | None = strawberry.field(description="The status of the answer; null when there was none.")
    milliseconds: int = strawberry.field(description="How long it took.")


@strawberry.type(description="An endpoint that is told of changes.")
class Webhook(Node):
    url: str = strawberry.field(description="Where messages are sent to.")
    name: str = strawberry.field(description="What it is for.")
    events: list[WebhookEvent] = strawberry.field(description="What it is told of.")
    created_at: Instant = strawberry.field(description="When it was added; it is told of every change since.")
    parked_at: Instant | None = strawberry.field(
        description="Since when nothing is sent because the endpoint is dead; null while it is sent to."
    )
    parked_because: str | None = strawberry.field(description="Why it is parked; null when it is not.")

    @strawberry.field(description="How many changes wait to be delivered.")
    async def waiting(self, info: Info) -> int:
        return await edits.waiting(info.context.desk, info.context.caller, self.id)

    @strawberry.field(description="What was tried last, newest first.")
    async def deliveries(
        self,
        info: Info,
        first: Annotated[int | None, argument("How many, 1 to 100 (`max_page`); 50 if absent or null.")] = None,
    ) -> list[WebhookDelivery]:
        size = asked(info.context, first)
        return [tried(one) for one in await edits.attempts(info.context.desk, info.context.caller, self.id, size)]


@strawberry.type(description="A webhook and its place.")
class WebhookEdge:
    cursor: str = strawberry.field(description="Opaque cursor of this place.")
    node: Webhook = strawberry.field(description="The webhook.")


@strawberry.type(description="A page of webhooks, oldest first.")
class WebhookConnection:
    edges: list[WebhookEdge] = strawberry.field(description="The webhooks with their cursors.")
    nodes: list[Webhook] = strawberry.field(description="The webhooks.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and from where on.")


def shown(webhook: domain.Webhook) -> Webhook:
    return Webhook(
        id=strawberry.ID(webhook.id),
        url=webhook.url,
        name=webhook.name,
        events=[WebhookEvent(event) for event in webhook.events],
        created_at=webhook.created_at,  # type: ignore[arg-type]
        parked_at=webhook.parked_at,  # type: ignore[arg-type]
        parked_because=webhook.parked_because,
    )


def tried(attempt: domain.Attempt) -> WebhookDelivery:
    return WebhookDelivery(
        at=attempt.at,  # type: ignore[arg-type]
        message_id=attempt.message_id,
        event=attempt.event,
        message_flow_id=None if attempt.flow_id is None else strawberry.ID(attempt.flow_id),
        version=attempt.version,
        attempt=attempt.attempt,
        outcome=WebhookOutcome[attempt.outcome],
        status=attempt.status,
        milliseconds=attempt.ms,
    )


def asked(context: Context, first: int | None) -> int:
    """How many attempts; refuses what is no size of a page."""
    return page_size(context, first).limit


async def node(info: Info, id: str) -> Webhook | None:
    """The webhook of an id, for callers that may see webhooks."""
    if not domain.is_id(id) or edits.SCOPE not in info.context.caller.scopes:
        return None
    webhook = await edits.find(info.context.desk, info.context.caller, id)
    return None if webhook is None else shown(webhook)


def is_nothing_else(caller: Caller, id: str) -> bool:
    """To whoever sees webhooks but no flows: one that is gone is null to them as well, not a flow that is forbidden."""
    return domain.is_id(id) and edits.SCOPE in caller.scopes and "flows:read" not in caller.scopes


async def page(
    info: Info,
    first: Annotated[int | None, argument("How many, 1 to 100 (`max_page`); 50 if absent or null.")] = None,
    after: Annotated[str | None, argument("Cursor to go on behind; null starts at the front.")] = None,
) -> WebhookConnection:
    size = page_size(info.context, first).limit
    behind = None if after is None else _place(after)
    every = await edits.every(info.context.desk, info.context.caller)
    rest = [one for one in every if behind is None or (one.created_at, one.id) > behind]
    edges = [WebhookEdge(cursor=_cursor(one), node=shown(one)) for one in rest[:size]]
    around = Around(edges, len(rest) < len(every), len(rest) > size)
    return WebhookConnection(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo(around=around))


def _cursor(webhook: domain.Webhook) -> str:
    return cursors.encoded(f"{webhook.created_at}:{webhook.id}".encode())


def _place(text: str) -> tuple[int, str]:
    try:
        match = PLACE.fullmatch(cursors.decoded(text).decode())
    except ValueError:
        match = None
    if match is None:
        raise refused("BAD_REQUEST", "after is not a cursor of webhooks; send one that pageInfo gave you")
    return int(match[1]), match[2]
