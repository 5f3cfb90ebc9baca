"""The history of a flow in plans: told straight from the revisions that were read."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from graphql import FieldNode
from graphql.pyutils import gather_with_cancel

from graphql_api.domain.errors import Refused
from graphql_api.schema import history, writers
from graphql_api.schema.context import Context
from graphql_api.schema.plan_document import Document
from graphql_api.schema.writers import Forms, written

ReadHistory = Callable[[Context, str], Awaitable[Any]]
"""The answer of the field for the flow with this id."""


class HistoryRefused(Refused):
    """Told at the field of a flow that has this name in the answer."""

    def __init__(self, name: str, refusal: Refused) -> None:
        super().__init__(*refusal.problems)
        self.name = name


def revisions(document: Document, nodes: Sequence[FieldNode]) -> ReadHistory:
    """Raises HistoryRefused."""
    name = (nodes[0].alias or nodes[0].name).value
    first, after = document.argument(nodes[0], "first", "Int"), document.argument(nodes[0], "after", "String")
    write = writers.code(written(document, nodes, "RevisionConnection", CONNECTION))

    async def read(context: Context, id: str) -> Any:
        try:
            return write(await history.read(context, id, context.given[first], context.given[after]))
        except Refused as refusal:
            raise HistoryRefused(name, refusal) from refusal

    return read


async def at_once(histories: Sequence[Awaitable[Any]]) -> Sequence[Any]:
    """Several of a flow, as the general executor reads them; one alone needs no task."""
    return [await histories[0]] if len(histories) == 1 else await gather_with_cancel(*histories)


def _changes(document: Document, nodes: Sequence[FieldNode]) -> str:
    return f"[{written(document, nodes, 'LeafChange', CHANGE)} for path, (before, after) in r.changes.items()]"


def _nodes(document: Document, nodes: Sequence[FieldNode]) -> str:
    return f"[{_node(document, nodes)} for r in f.revisions]"


def _edges(document: Document, nodes: Sequence[FieldNode]) -> str:
    return f"[{written(document, nodes, 'RevisionEdge', EDGE)} for r in f.revisions]"


CHANGE: Forms = {"path": "path", "before": "shown_value(path, before)", "after": "shown_value(path, after)"}
REVISION: Forms = {
    "id": "revision_id(r)",
    "version": "r.version",
    "at": "text(r.at)",
    "actor": "r.actor",
    "source": "r.source",
    "operation": "r.operation",
    "changes": _changes,
    "note": "r.note",
    "requestId": "r.request_id",
}
_node = partial(written, kind="Revision", forms=REVISION)
EDGE: Forms = {"cursor": "revision_cursor(r)", "node": _node}
PAGE_INFO: Forms = {
    "hasNextPage": "f.has_behind",
    "hasPreviousPage": "f.has_before",
    "startCursor": "revision_cursor(f.revisions[0]) if f.revisions else None",
    "endCursor": "revision_cursor(f.revisions[-1]) if f.revisions else None",
}
CONNECTION: Forms = {
    "edges": _edges,
    "nodes": _nodes,
    "pageInfo": partial(written, kind="PageInfo", forms=PAGE_INFO),
}
