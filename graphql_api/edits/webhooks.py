"""What an administrator does with the webhooks of a workspace: add, list, try, resume, remove, give another secret."""

from collections.abc import Iterable, Sequence
from secrets import token_bytes
from types import MappingProxyType

import msgspec

from graphql_api.domain import webhooks as domain
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.webhooks import Attempt, Webhook
from graphql_api.domain.words import counted
from graphql_api.edits.desk import Desk
from graphql_api.storage import changes, deliveries, webhooks
from graphql_api.storage.engine import Script
from graphql_api.storage.sender import NEXT_EDITION
from graphql_api.storage.tail import Tail

SCOPE = "admin"
KEPT_ATTEMPTS = 1_000
"""Entries of the log of deliveries, for each webhook."""
PIECE = 2_000
"""Deliveries that are removed in a transaction."""


class IssuedWebhook(msgspec.Struct, frozen=True):
    """A webhook with its secret, which is told this once."""

    webhook: Webhook
    secret: str


async def create(
    desk: Desk,
    caller: Caller,
    url: str,
    events: Iterable[str],
    name: str = "",
    *,
    spelt: domain.Spelling = MappingProxyType({}),
) -> IssuedWebhook:
    """Tells of every change that is committed from now on."""
    workspace = caller.within(SCOPE)
    url, chosen, name = domain.checked(url, events, name, desk.rules, spelt)
    webhook = Webhook(
        workspace_id=workspace,
        id=domain.webhook_id(token_bytes(domain.ID_BYTES)),
        url=url,
        name=name,
        events=chosen,
        secret=domain.secret(token_bytes(domain.SECRET_BYTES)),
        created_at=desk.now(),
        position=(await Tail.begun(desk.store)).place,
    )
    await desk.store.run(lambda: _create(webhook, desk.rules.most), together=True)
    return IssuedWebhook(webhook, webhook.secret)


def _create(webhook: Webhook, most: int) -> Script[None]:
    yield NEXT_EDITION
    if len((yield webhooks.every(webhook.workspace_id))) >= most:
        message = f"the workspace has {counted(most, 'webhook')}; the limit is {most} (max_webhooks)"
        raise refused("LIMIT_EXCEEDED", message)
    yield webhooks.create(webhook)


async def every(desk: Desk, caller: Caller) -> Sequence[Webhook]:
    """Oldest first."""
    return [webhooks.webhook(row) for row in await desk.store.read(webhooks.every(caller.within(SCOPE)))]


async def find(desk: Desk, caller: Caller, id: str) -> Webhook | None:
    workspace = caller.within(SCOPE)
    if not domain.is_id(id):
        return None
    rows = await desk.store.read(webhooks.find(workspace, id))
    return webhooks.webhook(rows[0]) if rows else None


async def waiting(desk: Desk, caller: Caller, id: str) -> int:
    """How many changes are still to be delivered, as far as they are made out."""
    (row,) = await desk.store.read(deliveries.count(caller.within(SCOPE), id))
    return int(row["total"])


async def attempts(desk: Desk, caller: Caller, id: str, limit: int) -> Sequence[Attempt]:
    """Newest first."""
    rows = await desk.store.read(webhooks.attempts(caller.within(SCOPE), id, limit))
    return [webhooks.attempt(row) for row in rows]


async def remove(desk: Desk, caller: Caller, id: str) -> None:
    """With all that was still to be delivered, and its log."""
    workspace = _checked(caller, id)
    while not await desk.store.run(lambda: _remove(workspace, id, desk.now()), together=True):
        pass


def _remove(workspace: str, id: str, now: int) -> Script[bool]:
    """Whether it is gone. Where much waits a piece of that goes, so that other changes have their turn, and nothing is
    sent any more: should the rest never follow, it can be seen and removed once more."""
    yield NEXT_EDITION
    found = yield webhooks.find(workspace, id)
    if not found:
        raise unknown(id)
    webhook = webhooks.webhook(found[0])
    if len((yield deliveries.forget(webhook, PIECE))) == PIECE:
        yield webhooks.park(workspace, id, webhook.position, now, "it is being removed")
        return False
    yield webhooks.remove(workspace, id)
    yield webhooks.forget_attempts(workspace, id, 0)
    return True


class Resumed(msgspec.Struct, frozen=True):
    """`has_gap` tells that history was pruned behind the place of the webhook: not all that it missed will be told."""

    webhook: Webhook
    has_gap: bool


async def resume(desk: Desk, caller: Caller, id: str) -> Resumed:
    """Sends again, also what happened since the webhook was parked; one that is not parked stays as it is."""
    workspace = _checked(caller, id)
    return await desk.store.run(lambda: _resume(workspace, id, desk.now()), together=True)


def _resume(workspace: str, id: str, now: int) -> Script[Resumed]:
    yield NEXT_EDITION
    resumed = yield webhooks.resume(workspace, id)
    found = resumed or (yield webhooks.find(workspace, id))
    if not found:
        raise unknown(id)
    webhook = webhooks.webhook(found[0])
    yield deliveries.begin_anew(webhook, now)
    (stream,) = yield changes.STREAM_NOW
    has_gap = bool(resumed) and stream["pruned"] > webhook.position
    if has_gap:
        gap = domain.message_id(id, domain.GAP, webhook.position)
        yield webhooks.note(workspace, id, Attempt(now, gap, domain.GAP, None, None, 1, "PRUNED", None, 0))
    return Resumed(webhook, has_gap)


async def rotate(desk: Desk, caller: Caller, id: str, grace: int) -> IssuedWebhook:
    """Another secret; for `grace` milliseconds messages are signed with the old one as well."""
    workspace = _checked(caller, id)
    secret = domain.secret(token_bytes(domain.SECRET_BYTES))
    return IssuedWebhook(
        await desk.store.run(lambda: _rotate(workspace, id, secret, desk.now() + grace), together=True), secret
    )


def _rotate(workspace: str, id: str, secret: str, until: int) -> Script[Webhook]:
    yield NEXT_EDITION
    found = yield webhooks.rotate(workspace, id, secret, until)
    if not found:
        raise unknown(id)
    return webhooks.webhook(found[0])


async def try_now(desk: Desk, caller: Caller, id: str) -> Attempt:
    """Sends a message of the event webhook.test now, also to a webhook that is parked, and waits for the answer."""
    workspace = _checked(caller, id)
    webhook = await find(desk, caller, id)
    if webhook is None:
        raise unknown(id)
    now = desk.now()
    message = domain.message(
        domain.TEST, domain.message_id(id, token_bytes(16).hex()), now, {"webhookId": id, "workspaceId": workspace}
    )
    answer = await desk.post(webhook.url, domain.headers(webhook, message, now), message.body)
    tried = Attempt(now, message.id, message.event, None, None, 1, answer.outcome, answer.status, answer.ms)
    await desk.store.run(lambda: _note(webhook, tried), together=True)
    return tried


def _note(webhook: Webhook, tried: Attempt) -> Script[None]:
    """Nothing is kept of a webhook that was removed meanwhile."""
    yield NEXT_EDITION
    if (yield webhooks.find(webhook.workspace_id, webhook.id)):
        yield webhooks.note(webhook.workspace_id, webhook.id, tried)
        yield webhooks.forget_attempts(webhook.workspace_id, webhook.id, KEPT_ATTEMPTS)


def _checked(caller: Caller, id: str) -> str:
    workspace = caller.within(SCOPE)
    if not domain.is_id(id):
        raise unknown(id)
    return workspace


def unknown(id: str) -> Refused:
    return refused("NOT_FOUND", f"there is no webhook {id[:64]} in this workspace", "id")
