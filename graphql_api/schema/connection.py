"""Relay connections of flows over keyset cursors: what is not selected is not asked for."""

from collections.abc import Sequence

import msgspec
import strawberry

from graphql_api import reads
from graphql_api.domain import flow as domain
from graphql_api.domain import search
from graphql_api.domain.errors import refused
from graphql_api.domain.search import Cursor, Filter, Order, Span
from graphql_api.schema.context import Context
from graphql_api.schema.relay import PageInfo, page_size
from graphql_api.schema.types import MessageFlow


def span(
    context: Context, first: int | None, after: str | None, last: int | None, before: str | None, order: Order
) -> Span:
    size = page_size(context, first, last)
    return Span(size.limit, size.last, _cursor("after", after, order), _cursor("before", before, order))


def _cursor(name: str, text: str | None, order: Order) -> Cursor | None:
    if text is None:
        return None
    try:
        return search.cursor(text, order)
    except ValueError as error:
        raise refused("BAD_REQUEST", f"{name} {error}") from None


class FoundPage(msgspec.Struct, frozen=True):
    """A page that was read, with what it takes to say more about its surroundings."""

    context: Context
    filter: Filter
    order: Order
    span: Span
    page: reads.Page

    async def beyond(self, *, backwards: bool) -> bool:
        """Whether more lies behind the page, or before it if `backwards`; asks only what page and span do not tell.

        Where the pages go on in that direction only what is within the span counts, as Relay has it: who reads page
        after page up to a cursor comes to an end there. In the other direction it is what the span leaves out.
        """
        if backwards == self.span.last:
            return self.page.more
        place = self.span.after if backwards else self.span.before
        if place is None:
            return False
        store, caller = self.context.desk.store, self.context.caller
        return await reads.lies_outside(store, caller, self.filter, self.order, place, backwards=backwards)

    async def count(self) -> int:
        """Of all flows that match."""
        return await reads.count(self.context.desk.store, self.context.caller, self.filter)

    def edge(self, *, last: bool) -> str | None:
        return self.page.cursor(-1 if last else 0).text() if self.page.rows else None


@strawberry.type(description="A flow and its place.")
class MessageFlowEdge:
    cursor: str = strawberry.field(description="Opaque cursor of this place; stays right while flows come and go.")
    node: MessageFlow = strawberry.field(description="The flow.")


@strawberry.type(description="A page of flows.")
class MessageFlowConnection:
    found: strawberry.Private[FoundPage]

    @strawberry.field(description="The flows with their cursors.")
    def edges(self) -> list[MessageFlowEdge]:
        page = self.found.page
        nodes = [domain.built(flow) for flow in page.flows()]
        return [MessageFlowEdge(cursor=page.cursor(i).text(), node=node) for i, node in enumerate(nodes)]  # type: ignore[arg-type]

    @strawberry.field(description="The flows.")
    def nodes(self) -> list[MessageFlow]:
        return [domain.built(flow) for flow in self.found.page.flows()]  # type: ignore[misc]

    @strawberry.field(description="Whether there is more, and from where on.")
    def page_info(self) -> PageInfo:
        return PageInfo(around=self.found)

    @strawberry.field(description="How many flows match the filter; costs a count only when selected.")
    async def total_count(self) -> int:
        return await self.found.count()


async def found_page(context: Context, columns: Sequence[str], filter: Filter, order: Order, span: Span) -> FoundPage:
    page = await reads.page(context.desk.store, context.caller, columns, filter, order, span)
    return FoundPage(context, filter, order, span, page)
