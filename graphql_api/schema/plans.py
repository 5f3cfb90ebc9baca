"""Root fields as plans: arguments in, the same edits and reads as everywhere, the answer straight from the row."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode

from graphql_api import edits, reads
from graphql_api.domain import flow as domain
from graphql_api.domain import patch as patches
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import Values
from graphql_api.domain.search import NEWEST_FIRST, Order, OrderField
from graphql_api.domain.terms import Terms
from graphql_api.edits import Result, Saved
from graphql_api.schema import connection, writers
from graphql_api.schema.connection import Found
from graphql_api.schema.context import Context
from graphql_api.schema.inputs import filter_of
from graphql_api.schema.readers import Unusual
from graphql_api.schema.writers import ByPlace, Document, NotCompiled, by_name

Arguments = Mapping[str, Any]
Run = Callable[[Arguments, Context], Awaitable[Any]]


# Reading


def message_flow(document: Document, nodes: Sequence[FieldNode]) -> Run:
    place = ByPlace()
    write = writers.code(writers.flow(document, nodes, place))
    columns = place.columns

    async def run(arguments: Arguments, context: Context) -> Any:
        if arguments.get("atVersion") is not None:
            raise Unusual
        row = await reads.row(context.desk.store, context.caller, arguments["id"], columns)
        return None if row is None else write(row, context)

    return run


def message_flows(document: Document, nodes: Sequence[FieldNode]) -> Run:
    place = ByPlace()
    members = connection_members(document, nodes, place)
    columns = place.columns

    async def run(arguments: Arguments, context: Context) -> Any:
        order = order_of(arguments.get("orderBy"))
        filter = filter_of(arguments.get("filter") or {})
        first, after, last, before = (arguments.get(name) for name in ("first", "after", "last", "before"))
        span = connection.span(first, after, last, before, order, context.longest_page)
        page = await reads.page(context.desk.store, context.caller, columns, filter, order, span)
        found = Found(context, filter, order, span, page)
        return {name: await member(found) for name, member in members}

    return run


def order_of(given: Mapping[str, str] | None) -> Order:
    if given is None:
        return NEWEST_FIRST
    return Order(OrderField[given["field"]], given["direction"] == "DESC")


Member = Callable[[Found], Awaitable[Any]]


def connection_members(document: Document, nodes: Sequence[FieldNode], place: ByPlace) -> list[tuple[str, Member]]:
    selections = [node.selection_set for node in nodes]
    return [
        (name, CONNECTION[fields[0].name.value](document, fields, place))
        for name, fields in document.fields(selections, "MessageFlowConnection").items()
    ]


def _nodes(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> Member:
    write = writers.code(writers.flow(document, fields, place))

    async def nodes(found: Found) -> Any:
        return [write(row, found.context) for row in found.page.rows]

    return nodes


def _edges(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> Member:
    sources = []
    for name, inner in document.fields((field.selection_set for field in fields), "MessageFlowEdge").items():
        sources.append(f"{name!r}: {_edge_member(document, inner, place)}")
    write = writers.code(f"lambda cursor: {{{', '.join(sources)}}}")

    async def edges(found: Found) -> Any:
        context, page = found.context, found.page
        return [write(row, context)(page.cursor(index).text()) for index, row in enumerate(page.rows)]

    return edges


def _edge_member(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> str:
    name = fields[0].name.value
    if name == "node":
        return writers.flow(document, fields, place)
    return "cursor" if name == "cursor" else repr("MessageFlowEdge")


def _page_info(document: Document, fields: Sequence[FieldNode], place: ByPlace) -> Member:
    selections = (field.selection_set for field in fields)
    members = [(name, inner[0].name.value) for name, inner in document.fields(selections, "PageInfo").items()]

    async def page_info(found: Found) -> Any:
        return {name: await PAGE_INFO[field](found) for name, field in members}

    return page_info


async def _has_next_page(found: Found) -> bool:
    return await found.beyond(backwards=False)


async def _has_previous_page(found: Found) -> bool:
    return await found.beyond(backwards=True)


async def _start_cursor(found: Found) -> str | None:
    return found.edge(last=False)


async def _end_cursor(found: Found) -> str | None:
    return found.edge(last=True)


def _always(value: str) -> Member:
    async def always(found: Found) -> str:
        return value

    return always


PAGE_INFO: Mapping[str, Member] = {
    "__typename": _always("PageInfo"),
    "hasNextPage": _has_next_page,
    "hasPreviousPage": _has_previous_page,
    "startCursor": _start_cursor,
    "endCursor": _end_cursor,
}


async def _count(found: Found) -> int:
    return await reads.count(found.context.desk.store, found.context.caller, found.filter)


CONNECTION: Mapping[str, Callable[[Document, Sequence[FieldNode], ByPlace], Member]] = {
    "__typename": lambda document, fields, place: _always("MessageFlowConnection"),
    "nodes": _nodes,
    "edges": _edges,
    "pageInfo": _page_info,
    "totalCount": lambda document, fields, place: _count,
}


# Writing


@dataclass(frozen=True, slots=True)
class Told:
    """What an edit came to, from which any payload is written."""

    flow: Values | None = None
    changed: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    replayed: bool = False
    rebased_from: int | None = None
    id: str | None = None
    results: Sequence["Told"] = ()


def told(saved: Saved) -> Told:
    return Told(saved.flow, domain.paths(saved.changed), (), saved.replayed, saved.rebased_from, saved.flow["id"])


def told_result(result: Result) -> Told:
    if result.saved is None:
        return Told(problems=result.problems, id=result.id)
    return Told(result.saved.flow or None, domain.paths(result.saved.changed), result.problems, id=result.id)


def terms(arguments: Arguments, context: Context) -> Terms:
    version = arguments.get("ifVersion")
    return Terms(
        context.if_versions if version is None else frozenset({version}),
        arguments.get("onConflict") == "MERGE",
        arguments.get("idempotencyKey"),
        arguments.get("validateOnly") is True,
        arguments.get("note"),
    )


async def _create(arguments: Arguments, context: Context) -> Told:
    sent = patches.sent(arguments["input"])
    return told(await edits.create_flow(context.desk, context.caller, sent, terms(arguments, context)))


async def _update(arguments: Arguments, context: Context) -> Told:
    sent = patches.sent(arguments["input"])
    agreed = terms(arguments, context)
    return told(await edits.update_flow(context.desk, context.caller, arguments["id"], sent, agreed))


async def _update_many(arguments: Arguments, context: Context) -> Told:
    filter = arguments.get("filter")
    results, replayed = await edits.update_flows(
        context.desk,
        context.caller,
        arguments.get("ids"),
        None if filter is None else filter_of(filter),
        patches.sent(arguments["input"]),
        terms(arguments, context),
    )
    return Told(results=[told_result(result) for result in results], replayed=replayed)


async def _delete(arguments: Arguments, context: Context) -> Told:
    return told(await edits.delete_flow(context.desk, context.caller, arguments["id"], terms(arguments, context)))


async def _restore(arguments: Arguments, context: Context) -> Told:
    return told(await edits.restore_flow(context.desk, context.caller, arguments["id"], terms(arguments, context)))


async def _revert(arguments: Arguments, context: Context) -> Told:
    agreed = terms(arguments, context)
    version = arguments["toVersion"]
    return told(await edits.revert_flow(context.desk, context.caller, arguments["id"], version, agreed))


EDITS: Mapping[str, tuple[str, Callable[[Arguments, Context], Awaitable[Told]]]] = {
    "createMessageFlow": ("CreateMessageFlowPayload", _create),
    "updateMessageFlow": ("UpdateMessageFlowPayload", _update),
    "updateMessageFlows": ("UpdateMessageFlowsPayload", _update_many),
    "deleteMessageFlow": ("DeleteMessageFlowPayload", _delete),
    "restoreMessageFlow": ("RestoreMessageFlowPayload", _restore),
    "revertMessageFlow": ("RevertMessageFlowPayload", _revert),
}


def mutation(name: str, document: Document, nodes: Sequence[FieldNode]) -> Run:
    kind, edit = EDITS[name]
    write = payload(document, kind, nodes)

    async def run(arguments: Arguments, context: Context) -> Any:
        try:
            outcome = await edit(arguments, context)
        except Refused as refusal:
            if refusal.is_top_level:
                raise
            outcome = Told(refusal.current, problems=refusal.problems)
        return write(outcome)

    return run


Write = Callable[[Told], Any]


def payload(document: Document, kind: str, nodes: Sequence[FieldNode]) -> Write:
    members = [
        (name, _payload_member(document, kind, fields))
        for name, fields in document.fields((node.selection_set for node in nodes), kind).items()
    ]
    return lambda told: {name: member(told) for name, member in members}


def _payload_member(document: Document, kind: str, fields: Sequence[FieldNode]) -> Write:
    name = fields[0].name.value
    if name == "messageFlow":
        write = writers.code(writers.flow(document, fields, by_name))
        return lambda told: None if told.flow is None else write(told.flow)
    if name == "errors":
        problem = writers.code(_errors(document, fields))
        return lambda told: [problem(one) for one in told.problems]
    if name == "results":
        result = payload(document, "UpdateMessageFlowResult", fields)
        return lambda told: [result(one) for one in told.results]
    if name == "__typename":
        return lambda told: kind
    return PLAIN[name]


PLAIN: Mapping[str, Write] = {
    "changedFields": lambda told: told.changed,
    "replayed": lambda told: told.replayed,
    "rebasedFrom": lambda told: told.rebased_from,
    "deletedMessageFlowId": lambda told: told.id,
    "messageFlowId": lambda told: told.id,
}


def _errors(document: Document, fields: Sequence[FieldNode]) -> str:
    members = document.fields((field.selection_set for field in fields), "MutationError")
    forms = {"__typename": repr("MutationError"), "code": "f.code", "message": "f.message", "path": "f.path"}
    return "{" + ", ".join(f"{name!r}: {forms[inner[0].name.value]}" for name, inner in members.items()) + "}"


QUERIES: Mapping[str, Callable[[Document, Sequence[FieldNode]], Run]] = {
    "messageFlow": message_flow,
    "messageFlows": message_flows,
}


def plan(root: str, document: Document, nodes: Sequence[FieldNode]) -> Run:
    """The plan of a root field; raises NotCompiled for one that plans do not know."""
    name = nodes[0].name.value
    if root == "Query" and name in QUERIES:
        return QUERIES[name](document, nodes)
    if root == "Mutation" and name in EDITS:
        return mutation(name, document, nodes)
    raise NotCompiled
