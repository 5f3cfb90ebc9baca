"""The mutations of webhooks: each hands over to an edit and answers refusals as data."""

from typing import Annotated

import strawberry
from strawberry import Maybe

from graphql_api.domain.errors import Refused
from graphql_api.domain.instants import HOUR
from graphql_api.edits import webhooks as edits
from graphql_api.schema import payloads
from graphql_api.schema.context import Info, argument
from graphql_api.schema.enums import WebhookEvent
from graphql_api.schema.payloads import ERRORS, MutationError
from graphql_api.schema.webhooks import Webhook, WebhookDelivery, shown, tried

GRACE = 24 * HOUR
"""Milliseconds for which messages are signed with the secret before as well."""
SPELT = {event.value: event.name for event in WebhookEvent}

Id = Annotated[strawberry.ID, argument("Id of the webhook.")]


@strawberry.input(description="A new webhook.")
class CreateWebhookInput:
    url: str = strawberry.field(description="Where messages are sent to: an https address that is public.")
    events: list[WebhookEvent] = strawberry.field(description="What it is told of, at least one.")
    name: Maybe[str | None] = strawberry.field(
        description="What it is for, at most 200 characters; null or left out: no name."
    )


@strawberry.type(description="What adding a webhook came to.")
class CreateWebhookPayload:
    webhook: Webhook | None = strawberry.field(description="The new webhook; null when refused.", default=None)
    secret: str | None = strawberry.field(
        description="What its messages are signed with; told only this once.", default=None
    )
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)


@strawberry.type(description="What removing a webhook came to.")
class DeleteWebhookPayload:
    deleted_webhook_id: strawberry.ID | None = strawberry.field(
        description="Id of the removed webhook; null when refused.", default=None
    )
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)


@strawberry.type(description="What resuming a webhook came to.")
class ResumeWebhookPayload:
    webhook: Webhook | None = strawberry.field(description="The webhook; null when refused.", default=None)
    has_gap: bool = strawberry.field(
        description="Whether history was pruned while it was parked: changes may be missed, so read the flows again.",
        default=False,
    )
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)


@strawberry.type(description="What giving a webhook another secret came to.")
class RotateWebhookSecretPayload:
    webhook: Webhook | None = strawberry.field(description="The webhook; null when refused.", default=None)
    secret: str | None = strawberry.field(description="The new secret; told only this once.", default=None)
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)


@strawberry.type(description="What a test of a webhook came to.")
class TestWebhookPayload:
    delivery: WebhookDelivery | None = strawberry.field(
        description="What the endpoint answered; null when refused.", default=None
    )
    errors: list[MutationError] = strawberry.field(description=ERRORS, default_factory=list)


async def create(
    info: Info, input: Annotated[CreateWebhookInput, argument("The new webhook.")]
) -> CreateWebhookPayload:
    name = (input.name.value if input.name else None) or ""
    events = [event.value for event in input.events]
    try:
        issued = await edits.create(info.context.desk, info.context.caller, input.url, events, name, spelt=SPELT)
    except Refused as refusal:
        return CreateWebhookPayload(errors=payloads.errors(refusal.problems))
    return CreateWebhookPayload(webhook=shown(issued.webhook), secret=issued.secret)


async def delete(info: Info, id: Id) -> DeleteWebhookPayload:
    try:
        await edits.remove(info.context.desk, info.context.caller, id)
    except Refused as refusal:
        return DeleteWebhookPayload(errors=payloads.errors(refusal.problems))
    return DeleteWebhookPayload(deleted_webhook_id=id)


async def resume(info: Info, id: Id) -> ResumeWebhookPayload:
    try:
        resumed = await edits.resume(info.context.desk, info.context.caller, id)
    except Refused as refusal:
        return ResumeWebhookPayload(errors=payloads.errors(refusal.problems))
    return ResumeWebhookPayload(webhook=shown(resumed.webhook), has_gap=resumed.has_gap)


async def rotate_secret(info: Info, id: Id) -> RotateWebhookSecretPayload:
    try:
        issued = await edits.rotate(info.context.desk, info.context.caller, id, GRACE)
    except Refused as refusal:
        return RotateWebhookSecretPayload(errors=payloads.errors(refusal.problems))
    return RotateWebhookSecretPayload(webhook=shown(issued.webhook), secret=issued.secret)


async def try_now(info: Info, id: Id) -> TestWebhookPayload:
    try:
        attempt = await edits.try_now(info.context.desk, info.context.caller, id)
    except Refused as refusal:
        return TestWebhookPayload(errors=payloads.errors(refusal.problems))
    return TestWebhookPayload(delivery=tried(attempt))
