"""The root fields that write: each hands over to an edit and answers refusals as data."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from graphql_api import edits
from graphql_api.domain import flow as domain
from graphql_api.domain.errors import Refused
from graphql_api.domain.terms import Terms
from graphql_api.edits import desk
from graphql_api.edits import webhooks as webhook_edits
from graphql_api.schema import payloads, webhook_mutations
from graphql_api.schema.context import Info, argument
from graphql_api.schema.edit_plans import EDITS
from graphql_api.schema.enums import ConflictPolicy
from graphql_api.schema.inputs import (
    CreateMessageFlowInput,
    MessageFlowFilter,
    UpdateMessageFlowInput,
    filtered,
    sent,
)
from graphql_api.schema.payloads import (
    CreateMessageFlowPayload,
    DeleteMessageFlowPayload,
    RestoreMessageFlowPayload,
    RevertMessageFlowPayload,
    UpdateMessageFlowPayload,
    UpdateMessageFlowsPayload,
)

Id = Annotated[strawberry.ID, argument("Id of the flow.")]
IfVersion = Annotated[
    int | None, argument("Refuse with VERSION_CONFLICT unless the flow is at this version; null is no guard.")
]
IdempotencyKey = Annotated[
    str | None,
    argument(
        "1 to 255 printable ASCII characters; the same request under the same key is carried out once and answered "
        "the same again for 24 hours; null is no key."
    ),
]
Note = Annotated[str | None, argument("Why, for the history; at most 1,000 characters; null is none.")]
ValidateOnly = Annotated[bool, argument("Answer what would change and write nothing.")]


def terms(info: Info, if_version: int | None = None, **others: Any) -> Terms:
    return Terms(info.context.versions(if_version), **others)


@strawberry.type(description="Changing message flows; every mutation is one transaction, all or nothing.")
class Mutation:
    @strawberry.mutation(description="Create a flow; what is left out gets its default.")
    async def create_message_flow(
        self,
        info: Info,
        input: Annotated[CreateMessageFlowInput, argument("The new flow.")],
        idempotency_key: IdempotencyKey = None,
    ) -> CreateMessageFlowPayload:
        context = info.context
        try:
            saved = await edits.create_flow(context.desk, context.caller, sent(input), terms(info, key=idempotency_key))
        except Refused as refusal:
            return CreateMessageFlowPayload(errors=payloads.errors(refusal.problems))
        return CreateMessageFlowPayload(**payloads.saved(saved), changed_fields=domain.paths(saved.changed))

    @strawberry.mutation(description="Change what was sent and nothing else, to each leaf.")
    async def update_message_flow(
        self,
        info: Info,
        id: Id,
        input: Annotated[UpdateMessageFlowInput, argument("What to change.")],
        if_version: IfVersion = None,
        on_conflict: Annotated[
            ConflictPolicy, argument("What to do when the flow is not at `ifVersion` any more.")
        ] = ConflictPolicy.REJECT,
        idempotency_key: IdempotencyKey = None,
        validate_only: ValidateOnly = False,
        note: Note = None,
    ) -> UpdateMessageFlowPayload:
        context = info.context
        merge = on_conflict is ConflictPolicy.MERGE
        agreed = terms(info, if_version, merge=merge, key=idempotency_key, validate_only=validate_only, note=note)
        try:
            saved = await edits.update_flow(context.desk, context.caller, id, sent(input), agreed)
        except Refused as refusal:
            return UpdateMessageFlowPayload(**payloads.refused(refusal))
        return UpdateMessageFlowPayload(
            **payloads.saved(saved), changed_fields=domain.paths(saved.changed), rebased_from=saved.rebased_from
        )

    @strawberry.mutation(
        description="Make the same change to many flows, at most 1,000 (`max_batch`); each is all or nothing."
    )
    async def update_message_flows(
        self,
        info: Info,
        input: Annotated[UpdateMessageFlowInput, argument("What to change in each flow.")],
        ids: Annotated[
            list[strawberry.ID] | None,
            argument("These flows, 1 to 1,000 (`max_batch`), each once; null is refused without filter."),
        ] = None,
        filter: Annotated[
            MessageFlowFilter | None,
            argument("All flows that match, at most 1,000 (`max_batch`); needs a member; null is refused without ids."),
        ] = None,
        idempotency_key: IdempotencyKey = None,
        validate_only: ValidateOnly = False,
        note: Note = None,
    ) -> UpdateMessageFlowsPayload:
        context = info.context
        agreed = terms(info, key=idempotency_key, validate_only=validate_only, note=note)
        chosen = None if filter is None else filtered(filter)
        try:
            results, replayed = await edits.update_flows(context.desk, context.caller, ids, chosen, sent(input), agreed)
        except Refused as refusal:
            return UpdateMessageFlowsPayload(errors=payloads.errors(refusal.problems))
        return UpdateMessageFlowsPayload(results=[payloads.result(result) for result in results], replayed=replayed)

    @strawberry.mutation(
        description="Delete a flow; it can be restored until it is pruned. Deleting it again is no error."
    )
    async def delete_message_flow(
        self, info: Info, id: Id, if_version: IfVersion = None, idempotency_key: IdempotencyKey = None
    ) -> DeleteMessageFlowPayload:
        context = info.context
        agreed = terms(info, if_version, key=idempotency_key)
        try:
            saved = await edits.delete_flow(context.desk, context.caller, id, agreed)
        except Refused as refusal:
            return DeleteMessageFlowPayload(**payloads.refused(refusal))
        return DeleteMessageFlowPayload(deleted_message_flow_id=strawberry.ID(id), replayed=saved.replayed)

    @strawberry.mutation(description="Bring a deleted flow back as it was.")
    async def restore_message_flow(
        self, info: Info, id: Id, if_version: IfVersion = None, idempotency_key: IdempotencyKey = None
    ) -> RestoreMessageFlowPayload:
        context = info.context
        agreed = terms(info, if_version, key=idempotency_key)
        try:
            saved = await edits.restore_flow(context.desk, context.caller, id, agreed)
        except Refused as refusal:
            return RestoreMessageFlowPayload(**payloads.refused(refusal))
        return RestoreMessageFlowPayload(**payloads.saved(saved))

    @strawberry.mutation(description="Give a flow the leaves that it had at an earlier version, as a new version.")
    async def revert_message_flow(
        self,
        info: Info,
        id: Id,
        to_version: Annotated[int, argument("The version whose leaves to put back.")],
        if_version: IfVersion = None,
        idempotency_key: IdempotencyKey = None,
        note: Note = None,
    ) -> RevertMessageFlowPayload:
        context = info.context
        agreed = terms(info, if_version, key=idempotency_key, note=note)
        try:
            saved = await edits.revert_flow(context.desk, context.caller, id, to_version, agreed)
        except Refused as refusal:
            return RevertMessageFlowPayload(**payloads.refused(refusal))
        return RevertMessageFlowPayload(**payloads.saved(saved), changed_fields=domain.paths(saved.changed))

    create_webhook = strawberry.mutation(
        resolver=webhook_mutations.create,
        description="Tell an endpoint of every change from now on; needs the scope admin, as all about webhooks does.",
    )
    delete_webhook = strawberry.mutation(
        resolver=webhook_mutations.delete, description="Remove a webhook with what it still waits for and its log."
    )
    resume_webhook = strawberry.mutation(
        resolver=webhook_mutations.resume,
        description="Send again to an endpoint that was parked, also what happened meanwhile.",
    )
    rotate_webhook_secret = strawberry.mutation(
        resolver=webhook_mutations.rotate_secret,
        description="Give a webhook another secret; for 24 hours messages are signed with the one before as well.",
    )
    test_webhook = strawberry.mutation(
        resolver=webhook_mutations.try_now,
        description="Send a message of the event `webhook.test` now and tell what the endpoint answered.",
    )


OF_WEBHOOKS = ("createWebhook", "deleteWebhook", "resumeWebhook", "rotateWebhookSecret", "testWebhook")
SCOPES: Mapping[str, str] = {name: desk.SCOPE for name in EDITS} | {name: webhook_edits.SCOPE for name in OF_WEBHOOKS}
"""What a caller needs for each mutation. Each edit asks for it itself; this is for who must know beforehand."""
