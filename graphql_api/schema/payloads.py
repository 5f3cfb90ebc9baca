"""What mutations answer: the flow, what changed, and refusals as data."""

from typing import Any

import strawberry

from graphql_api.domain import flow as domain
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import Values
from graphql_api.edits import Result, Saved
from graphql_api.schema.enums import ErrorCode
from graphql_api.schema.types import MessageFlow

FLOW = "The flow afterwards; after VERSION_CONFLICT the flow as it is now; null for any other refusal."
CHANGED = "Paths of the leaves that changed, such as `settings.responseSettings.delay`; empty when nothing did."
ERRORS = "Why the request was refused; if there is any, nothing was written."
REPLAYED = "Whether this is the first answer to the same idempotency key, told again."


@strawberry.type(description="One reason why a request was refused.")
class MutationError:
    code: ErrorCode = strawberry.field(description="For programs.")
    message: str = strawberry.field(description="For people: what is wrong and what would be right.")
    path: list[str] = strawberry.field(description="Where below `input`, or the argument; empty when nowhere.")


@strawberry.type(description="What creating a flow came to.")
class CreateMessageFlowPayload:
    message_flow: MessageFlow | None = strawberry.field(description="The new flow; null when refused.", default=None)
    changed_fields: list[str] = strawberry.field(description=CHANGED, default_factory=list)
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)
    replayed: bool = strawberry.field(description=REPLAYED, default=False)


@strawberry.type(description="What updating a flow came to.")
class UpdateMessageFlowPayload:
    message_flow: MessageFlow | None = strawberry.field(description=FLOW, default=None)
    changed_fields: list[str] = strawberry.field(description=CHANGED, default_factory=list)
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)
    replayed: bool = strawberry.field(description=REPLAYED, default=False)
    rebased_from: int | None = strawberry.field(
        description="The version that MERGE carried the change over from; null when there was nothing in between.",
        default=None,
    )


@strawberry.type(description="What restoring a flow came to.")
class RestoreMessageFlowPayload:
    message_flow: MessageFlow | None = strawberry.field(description=FLOW, default=None)
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)
    replayed: bool = strawberry.field(description=REPLAYED, default=False)


@strawberry.type(description="What reverting a flow came to.")
class RevertMessageFlowPayload:
    message_flow: MessageFlow | None = strawberry.field(description=FLOW, default=None)
    changed_fields: list[str] = strawberry.field(description=CHANGED, default_factory=list)
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)
    replayed: bool = strawberry.field(description=REPLAYED, default=False)


@strawberry.type(description="What deleting a flow came to.")
class DeleteMessageFlowPayload:
    deleted_message_flow_id: strawberry.ID | None = strawberry.field(
        description="Id of the deleted flow; null when refused.", default=None
    )
    message_flow: MessageFlow | None = strawberry.field(
        description="After VERSION_CONFLICT the flow as it is now; null when it is deleted, and for any other refusal.",
        default=None,
    )
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)
    replayed: bool = strawberry.field(description=REPLAYED, default=False)


@strawberry.type(description="What a bulk update did to one flow.")
class UpdateMessageFlowResult:
    message_flow_id: strawberry.ID = strawberry.field(description="Id of the flow.")
    message_flow: MessageFlow | None = strawberry.field(description="The flow afterwards; null when refused.")
    changed_fields: list[str] = strawberry.field(description=CHANGED)
    errors: list[MutationError] = strawberry.field(
        description="Why this flow was refused; the others are not affected."
    )


@strawberry.type(description="What a bulk update came to.")
class UpdateMessageFlowsPayload:
    results: list[UpdateMessageFlowResult] = strawberry.field(
        description="One entry a flow, in the order of `ids`, or by id; empty when refused.", default_factory=list
    )
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)
    replayed: bool = strawberry.field(description=REPLAYED, default=False)


def shown(flow: Values | None) -> MessageFlow | None:
    return None if flow is None else domain.built(flow)  # type: ignore[return-value]


def errors(problems: tuple[Problem, ...]) -> list[MutationError]:
    """Refusals as data; raises Refused for those that are none, which become top-level errors."""
    refusal = Refused(*problems)
    if refusal.is_top_level:
        raise refusal
    return [MutationError(code=ErrorCode[p.code], message=p.message, path=list(p.path)) for p in problems]


def saved(saved: Saved) -> dict[str, Any]:
    """The members of a payload that every edit of one flow has."""
    return {"message_flow": shown(saved.flow), "replayed": saved.replayed}


def refused(refusal: Refused) -> dict[str, Any]:
    return {"message_flow": shown(refusal.current), "errors": errors(refusal.problems)}


def result(result: Result) -> UpdateMessageFlowResult:
    flow = result.saved and result.saved.flow
    return UpdateMessageFlowResult(
        message_flow_id=strawberry.ID(result.id),
        message_flow=shown(flow or None),
        changed_fields=domain.paths(result.saved.changed) if result.saved else [],
        errors=errors(result.problems),
    )
