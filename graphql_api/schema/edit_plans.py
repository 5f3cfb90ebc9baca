"""Plans of the root fields that write: the same edits as everywhere, told as the payload that was selected."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import FieldNode

from graphql_api import edits
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import Values
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits import Result, Saved
from graphql_api.schema import hours, writers
from graphql_api.schema.context import Arguments, Context, RunPlan
from graphql_api.schema.inputs import filter_of
from graphql_api.schema.plan_document import Document, as_dict
from graphql_api.schema.readers import Unusual


class EditOutcome(msgspec.Struct, frozen=True):
    """What an edit came to, from which any payload is written; `changed` are columns."""

    flow: Values | None = None
    changed: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    replayed: bool = False
    rebased_from: int | None = None
    id: str | None = None
    results: Sequence["EditOutcome"] = ()


def saved_outcome(saved: Saved) -> EditOutcome:
    return EditOutcome(saved.flow, saved.changed, (), saved.replayed, saved.rebased_from, saved.flow["id"])


def deleted_outcome(saved: Saved) -> EditOutcome:
    return EditOutcome(replayed=saved.replayed, id=saved.flow["id"])


def result_outcome(result: Result) -> EditOutcome:
    if result.saved is None:
        return EditOutcome(problems=result.problems, id=result.id)
    return EditOutcome(result.saved.flow or None, result.saved.changed, result.problems, id=result.id)


TERMS = frozenset({"ifVersion", "onConflict", "idempotencyKey", "validateOnly", "note"})


def terms(arguments: Arguments, context: Context) -> Terms:
    if context.if_versions is None and TERMS.isdisjoint(arguments):
        return NO_TERMS
    return Terms(
        context.versions(arguments.get("ifVersion")),
        arguments.get("onConflict") == "MERGE",
        arguments.get("idempotencyKey"),
        arguments.get("validateOnly") is True,
        arguments.get("note"),
    )


def bulk_outcome(outcome: tuple[Sequence[Result], bool]) -> EditOutcome:
    results, replayed = outcome
    return EditOutcome(results=[result_outcome(result) for result in results], replayed=replayed)


def _create(arguments: Arguments, context: Context) -> Awaitable[Saved]:
    sent, agreed = arguments["input"], terms(arguments, context)
    return edits.create_flow(context.desk, context.caller, sent, agreed)


def _update(arguments: Arguments, context: Context) -> Awaitable[Saved]:
    sent, agreed = arguments["input"], terms(arguments, context)
    return edits.update_flow(context.desk, context.caller, arguments["id"], sent, agreed)


def _update_many(arguments: Arguments, context: Context) -> Awaitable[tuple[Sequence[Result], bool]]:
    filter = arguments.get("filter")
    return edits.update_flows(
        context.desk,
        context.caller,
        arguments.get("ids"),
        None if filter is None else filter_of(filter),
        arguments["input"],
        terms(arguments, context),
    )


def _delete(arguments: Arguments, context: Context) -> Awaitable[Saved]:
    return edits.delete_flow(context.desk, context.caller, arguments["id"], terms(arguments, context))


def _restore(arguments: Arguments, context: Context) -> Awaitable[Saved]:
    return edits.restore_flow(context.desk, context.caller, arguments["id"], terms(arguments, context))


def _revert(arguments: Arguments, context: Context) -> Awaitable[Saved]:
    agreed = terms(arguments, context)
    return edits.revert_flow(context.desk, context.caller, arguments["id"], arguments["toVersion"], agreed)


EDITS: Mapping[str, tuple[str, Callable[[Arguments, Context], Awaitable[Any]], Callable[[Any], EditOutcome]]] = {
    "createMessageFlow": ("CreateMessageFlowPayload", _create, saved_outcome),
    "updateMessageFlow": ("UpdateMessageFlowPayload", _update, saved_outcome),
    "updateMessageFlows": ("UpdateMessageFlowsPayload", _update_many, bulk_outcome),
    "deleteMessageFlow": ("DeleteMessageFlowPayload", _delete, deleted_outcome),
    "restoreMessageFlow": ("RestoreMessageFlowPayload", _restore, saved_outcome),
    "revertMessageFlow": ("RevertMessageFlowPayload", _revert, saved_outcome),
}
"""Of each root field its payload, its edit, and what makes of the edit's outcome what payloads are written from."""


def mutation(name: str, document: Document, nodes: Sequence[FieldNode]) -> RunPlan:
    """What is computed fails where a zone is not known; behind a write that is too late to be left to the general
    executor. So plans compute only for edits that are tried out, as by a page that shows what would be.
    """
    kind, edit, tell = EDITS[name]
    write = writers.code(payload(document, kind, nodes))
    computes = bool(document.arguments)

    async def run(arguments: Arguments, context: Context) -> Any:
        if computes:
            _must_be_tried_out(arguments, context, document.ranges)
        try:
            outcome = tell(await edit(arguments, context))
        except Refused as refusal:
            if refusal.is_top_level:
                raise
            outcome = EditOutcome(refusal.current, problems=refusal.problems)
        try:
            return write(outcome, context)
        except Exception as error:
            if computes:
                raise Unusual from error
            raise

    return run


def _must_be_tried_out(arguments: Arguments, context: Context, ranges: Sequence[tuple[int, int]]) -> None:
    """Raises Unusual for an edit that writes, and for ranges that are refused before any edit."""
    if arguments.get("validateOnly") is not True:
        raise Unusual
    try:
        for start, to in ranges:
            hours.asked(context.given[start], context.given[to])
    except Refused as refusal:
        raise Unusual from refusal


def payload(document: Document, kind: str, nodes: Sequence[FieldNode], source: str = "f") -> str:
    """The expression that makes a payload of what `source` is."""
    found = document.fields((node.selection_set for node in nodes), kind).items()
    return as_dict({name: _member(document, kind, fields, source) for name, fields in found})


def _member(document: Document, kind: str, fields: Sequence[FieldNode], source: str) -> str:
    name = fields[0].name.value
    if name == "messageFlow":
        written = writers.flow(document, fields, lambda column: f"{source}.flow[{column!r}]")
        return f"None if {source}.flow is None else {written}"
    if name == "errors":
        return f"[{_problem(document, fields)} for p in {source}.problems] if {source}.problems else []"
    if name == "results":
        return f"[{payload(document, 'UpdateMessageFlowResult', fields, 'r')} for r in {source}.results]"
    if name == "changedFields":
        return f"paths({source}.changed)"
    return repr(kind) if name == "__typename" else f"{source}.{PLAIN[name]}"


PLAIN: Mapping[str, str] = {
    "replayed": "replayed",
    "rebasedFrom": "rebased_from",
    "deletedMessageFlowId": "id",
    "messageFlowId": "id",
}


def _problem(document: Document, fields: Sequence[FieldNode]) -> str:
    return writers.written(
        document, fields, "MutationError", {name: f"p.{name}" for name in ("code", "message", "path")}
    )
