"""Plans of the root fields that read: the answer is made straight from the row."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from graphql import FieldNode

from graphql_api import reads
from graphql_api.domain import webhooks
from graphql_api.domain.ids import is_id
from graphql_api.domain.search import Filter, Span
from graphql_api.schema import connection, history_plans, page_cache, writers
from graphql_api.schema.connection import FoundPage
from graphql_api.schema.context import Arguments, Context, RunPlan
from graphql_api.schema.inputs import filter_of, order_of
from graphql_api.schema.plan_document import Document
from graphql_api.schema.readers import Unusual
from graphql_api.schema.writers import ByPlace


def message_flow(document: Document, nodes: Sequence[FieldNode]) -> RunPlan:
    place = ByPlace()
    write = writers.code(writers.flow(document, nodes, place))
    columns = place.columns
    histories = [history_plans.revisions(document, fields) for fields in place.histories]

    async def run(arguments: Arguments, context: Context) -> Any:
        id, version = arguments["id"], arguments.get("atVersion")
        if version is None:
            row: Any = await reads.row(context.desk.store, context.caller, id, columns)
        else:
            flow = await reads.flow_at(context.desk.store, context.caller, id, version)
            row = None if flow is None else [flow[column] for column in columns]
        if row is None:
            return None
        told = await history_plans.at_once([read(context, id) for read in histories]) if histories else ()
        return write(row, context, told)

    return run


def node(document: Document, nodes: Sequence[FieldNode]) -> RunPlan:
    """Of a flow; the general executor knows what else there is."""
    read = message_flow(document, nodes)

    async def run(arguments: Arguments, context: Context) -> Any:
        id = arguments["id"]
        if not is_id(id) or webhooks.is_id(id):
            raise Unusual
        return await read(arguments, context)

    return run


def message_flows(document: Document, nodes: Sequence[FieldNode]) -> RunPlan:
    place = ByPlace(is_unpacked=True)
    members = connection_members(document, nodes, place)
    lists = _cacheable_lists(document, nodes, members)
    columns = place.columns
    cached_columns = (*columns, *(column for column in page_cache.STATE if column not in columns))
    mark = object()  # of this plan, which may be forgotten before its pages are

    async def run(arguments: Arguments, context: Context) -> Any:
        order = order_of(arguments.get("orderBy"))
        filter = filter_of(arguments.get("filter") or {})
        first, after, last, before = (arguments.get(name) for name in ("first", "after", "last", "before"))
        span = connection.span(context, first, after, last, before, order)

        def read(columns: Sequence[str]) -> Awaitable[FoundPage]:
            return connection.found_page(context, columns, filter, order, span)

        cached: Mapping[str, Any] = {}
        if lists and _is_cacheable(filter, span):
            asked = (mark, context.desk.store, context.caller.workspace, filter, order, span)
            found, cached = await page_cache.page(asked, read, cached_columns, lists)
        else:
            found = await read(columns)
        return {name: cached[name] if name in cached else await member(found) for name, member in members}

    return run


def _cacheable_lists(
    document: Document, nodes: Sequence[FieldNode], members: Sequence[tuple[str, "Member"]]
) -> page_cache.Lists:
    """Those that may be cached: none that somebody looks into, and none that tell the time."""
    if document.makes_dicts or document.arguments:
        return {}
    fields = document.fields([node.selection_set for node in nodes], "MessageFlowConnection")
    return {name: member for name, member in members if fields[name][0].name.value in ("nodes", "edges")}


def _is_cacheable(filter: Filter, span: Span) -> bool:
    """What many look at and come back to, and what takes little to remember."""
    return span.is_at_an_end and filter.ids is None and filter.name_contains is None


Member = Callable[[FoundPage], Awaitable[Any]]


def connection_members(document: Document, nodes: Sequence[FieldNode], place: ByPlace) -> list[tuple[str, Member]]:
    selections = [node.selection_set for node in nodes]
    return [
        (name, CONNECTION[fields[0].name.value](document, fields, place))
        for name, fields in document.fields(selections, "MessageFlowConnection").items()
    ]


def _nodes(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> Member:
    source = writers.flow(document, fields, place, document.listed)
    write = cache(lambda: writers.code_of_list(source, place, document))  # the row may get more columns until then

    async def nodes(found: FoundPage) -> Any:
        return write()(found.page.rows, found.context)

    return nodes


def _edges(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> Member:
    found = document.fields((field.selection_set for field in fields), "MessageFlowEdge").items()
    source = document.listed({name: _edge_member(document, inner, place) for name, inner in found})
    write = cache(lambda: writers.code_of_list(source, place, document, has_cursors=True))

    async def edges(found: FoundPage) -> Any:
        cursors = [found.page.cursor(index).text() for index in range(len(found.page.rows))]
        return write()(found.page.rows, found.context, cursors)

    return edges


def _edge_member(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> str:
    name = fields[0].name.value
    if name == "node":
        return writers.flow(document, fields, place, document.listed)
    return "cursor" if name == "cursor" else repr("MessageFlowEdge")


def _page_info(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> Member:
    selections = (field.selection_set for field in fields)
    members = [(name, inner[0].name.value) for name, inner in document.fields(selections, "PageInfo").items()]

    async def page_info(found: FoundPage) -> Any:
        return {name: await PAGE_INFO[field](found) for name, field in members}

    return page_info


async def _start_cursor(found: FoundPage) -> str | None:
    return found.edge(last=False)


async def _end_cursor(found: FoundPage) -> str | None:
    return found.edge(last=True)


def _always(value: str) -> Member:
    async def always(found: FoundPage) -> str:
        return value

    return always


PAGE_INFO: Mapping[str, Member] = {
    "__typename": _always("PageInfo"),
    "hasNextPage": partial(FoundPage.beyond, backwards=False),
    "hasPreviousPage": partial(FoundPage.beyond, backwards=True),
    "startCursor": _start_cursor,
    "endCursor": _end_cursor,
}


CONNECTION: Mapping[str, Callable[[Document, Sequence[FieldNode], ByPlace], Member]] = {
    "__typename": lambda document, fields, place: _always("MessageFlowConnection"),
    "nodes": _nodes,
    "edges": _edges,
    "pageInfo": _page_info,
    "totalCount": lambda document, fields, place: FoundPage.count,
}


def change_cursor(document: Document, nodes: Sequence[FieldNode]) -> RunPlan:
    async def run(arguments: Arguments, context: Context) -> str:
        assert context.feed is not None
        return await context.feed.now(context.caller)

    return run


QUERIES: Mapping[str, Callable[[Document, Sequence[FieldNode]], RunPlan]] = {
    "messageFlow": message_flow,
    "node": node,
    "messageFlows": message_flows,
    "changeCursor": change_cursor,
}
