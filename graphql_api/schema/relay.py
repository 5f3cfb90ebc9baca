"""What all connections share, as Relay has them: nodes with ids, the size of a page, what lies around one."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import strawberry

from graphql_api.domain.errors import refused
from graphql_api.domain.search import Span
from graphql_api.schema.context import Context

USUAL_PAGE = 50


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque id, the same on GraphQL and REST.")


class Surroundings(Protocol):
    """What PageInfo tells, found out only when it is selected."""

    async def beyond(self, *, backwards: bool) -> bool: ...

    def edge(self, *, last: bool) -> str | None: ...


class Around(msgspec.Struct, frozen=True):
    """The surroundings of a page that was read together with what it has to know; edges have cursors."""

    edges: Sequence[Any]
    has_before: bool
    has_behind: bool

    async def beyond(self, *, backwards: bool) -> bool:
        return self.has_before if backwards else self.has_behind

    def edge(self, *, last: bool) -> str | None:
        return self.edges[-1 if last else 0].cursor if self.edges else None


@strawberry.type(description="Whether there is more, and from where on.")
class PageInfo:
    around: strawberry.Private[Surroundings]

    @strawberry.field(description="Whether more follows behind this page; counted from the front, only up to `before`.")
    async def has_next_page(self) -> bool:
        return await self.around.beyond(backwards=False)

    @strawberry.field(
        description="Whether something lies before this page; counted from the end, only back to `after`."
    )
    async def has_previous_page(self) -> bool:
        return await self.around.beyond(backwards=True)

    @strawberry.field(description="Cursor of the first entry; null on an empty page.")
    def start_cursor(self) -> str | None:
        return self.around.edge(last=False)

    @strawberry.field(description="Cursor of the last entry; null on an empty page.")
    def end_cursor(self) -> str | None:
        return self.around.edge(last=True)


def page_size(context: Context, first: int | None, last: int | None = None) -> Span:
    """How much of which end; refuses sizes outside 1 to the longest page and both ends at once."""
    longest = context.longest_page or context.desk.sizes.page
    if first is not None and last is not None:
        raise refused("BAD_REQUEST", "send first or last, not both")
    name, size = ("first", first) if last is None else ("last", last)
    if size is not None and size < 1:
        raise refused("BAD_REQUEST", f"{name} must be between 1 and {longest}")
    if size is not None and size > longest:
        raise refused("LIMIT_EXCEEDED", f"{name} is {size}; the limit is {longest} (max_page)")
    return Span(min(USUAL_PAGE, longest) if size is None else size, last is not None)
