"""Plans of the root fields that write: the same edits as everywhere, told as the payload that was selected."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import FieldNode

from graphql_api import edits
from graphql_api.domain import flow as domain
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import BY_COLUMN, Values
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits import Result, Saved
from graphql_api.schema import writers
from graphql_api.schema.context import Arguments, Context, Run
from graphql_api.schema.inputs import filter_of
from graphql_api.schema.writers import Document, by_name


class Told(msgspec.Struct, frozen=True):
    """What an edit came to, from which any payload is written."""

    flow: Values | None = None
    changed: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    replayed: bool = False
    rebased_from: int | None = None
    id: str | None = None
    results: Sequence["Told"] = ()


def told(saved: Saved) -> Told:
    return Told(
        saved.flow,
        [BY_COLUMN[column].path for column in saved.changed],
        (),
        saved.replayed,
        saved.rebased_from,
        saved.flow["id"],
    )


def told_result(result: Result) -> Told:
    if result.saved is None:
        return Told(problems=result.problems, id=result.id)
    return Told(result.saved.flow or None, domain.paths(result.saved.changed), result.problems, id=result.id)


TERMS = frozenset({"ifVersion", "onConflict", "idempotencyKey", "validateOnly", "note"})


def terms(arguments: Arguments, context: Context) -> Terms:
    if context.if_versions is None and TERMS.isdisjoint(arguments):
        return NO_TERMS
    version = arguments.get("ifVersion")
    return Terms(
        context.if_versions if version is None else frozenset({version}),
        arguments.get("onConflict") == "MERGE",
        arguments.get("idempotencyKey"),
        arguments.get("validateOnly") is True,
        arguments.get("note"),
    )


async def _create(arguments: Arguments, context: Context) -> Told:
    sent, agreed = arguments["input"], terms(arguments, context)
    return told(await edits.create_flow(context.desk, context.caller, sent, agreed))


async def _update(arguments: Arguments, context: Context) -> Told:
    sent, agreed = arguments["input"], terms(arguments, context)
    return told(await edits.update_flow(context.desk, context.caller, arguments["id"], sent, agreed))


async def _update_many(arguments: Arguments, context: Context) -> Told:
    filter = arguments.get("filter")
    results, replayed = await edits.update_flows(
        context.desk,
        context.caller,
        arguments.get("ids"),
        None if filter is None else filter_of(filter),
        arguments["input"],
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
