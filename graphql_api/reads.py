"""One flow, a page of flows, and their history, as a caller may see them."""

from collections.abc import Sequence

import msgspec

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.flow import Values
from graphql_api.domain.ids import is_id
from graphql_api.domain.search import Cursor, Filter, Order, Span
from graphql_api.storage import flows, pages, revisions
from graphql_api.storage.engine import Row, Store, drive_waiting
from graphql_api.storage.revisions import Revision as Revision


async def row(store: Store, caller: Caller, id: str, columns: Sequence[str]) -> Row | None:
    """The named columns of a flow as the database answers them, in that order; None as for `flow`."""
    workspace = caller.within("flows:read")
    if not is_id(id):
        return None
    rows = await store.read(flows.read(workspace, id, columns))
    return rows[0] if rows else None


async def flow(store: Store, caller: Caller, id: str, columns: Sequence[str]) -> Values | None:
    """The named columns of a flow; None when it is unknown, deleted, or of another workspace."""
    found = await row(store, caller, id, columns)
    return None if found is None else flows.values(found)


async def flow_at(store: Store, caller: Caller, id: str, version: int) -> Values | None:
    """The whole flow as it was at a version, also of a deleted flow; None when history does not hold it."""
    workspace = caller.within("history:read")
    if not is_id(id):
        return None
    rows = await store.read(flows.read_whole(workspace, id))
    if not rows or not 0 <= version <= rows[0]["version"]:
        return None
    past = await drive_waiting(revisions.past(workspace, flows.values(rows[0]), version), store.read)
    return None if past is None else past[0]


class Page(msgspec.Struct, frozen=True):
    """Rows of flows in the asked order; `more` tells whether others follow in that direction.

    Each row holds the columns that were asked for, in that order, then the two parts of its place.
    """

    order: Order
    rows: Sequence[Row]
    more: bool

    def flows(self) -> list[Values]:
        return [flows.values(row) for row in self.rows]

    def cursor(self, index: int) -> Cursor:
        row = self.rows[index]
        return Cursor(self.order, row["place"], row["place_id"])


async def page(store: Store, caller: Caller, columns: Sequence[str], filter: Filter, order: Order, span: Span) -> Page:
    workspace = caller.within("flows:read")
    _check(filter)
    rows = await store.read(pages.page(workspace, columns, filter, order, span))
    shown = rows[: span.limit]
    return Page(order, shown[::-1] if span.last else shown, len(rows) > span.limit)


def _check(filter: Filter) -> None:
    """A read has no payload that could hold the refusal: it is one of the request."""
    try:
        filter.check()
    except Refused as refusal:
        raise refused("BAD_REQUEST", str(refusal), *refusal.problems[0].path) from None


async def count(store: Store, caller: Caller, filter: Filter) -> int:
    rows = await store.read(pages.count(caller.within("flows:read"), filter))
    return int(rows[0]["total"])


async def lies_outside(
    store: Store, caller: Caller, filter: Filter, order: Order, place: Cursor, *, backwards: bool
) -> bool:
    """Whether a flow lies at a place or behind it, or before it if `backwards`."""
    workspace = caller.within("flows:read")
    return bool(await store.read(pages.outside(workspace, filter, order, place, backwards=backwards)))


async def history(store: Store, caller: Caller, id: str, limit: int, before: int | None) -> Sequence[Revision]:
    """Up to `limit` revisions below version `before`, newest first; also of a deleted flow."""
    workspace = caller.within("history:read")
    rows = await store.read(revisions.newest(workspace, id, limit, before))
    return [revisions.revision(row) for row in rows]


async def revision(store: Store, caller: Caller, id: str, version: int) -> Revision | None:
    workspace = caller.within("history:read")
    rows = await store.read(revisions.one(workspace, id, version))
    return revisions.revision(rows[0]) if rows else None
