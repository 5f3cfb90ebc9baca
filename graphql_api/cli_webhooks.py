"""`message-flows webhooks`: what an operator says to add, list, try, resume and remove webhooks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from graphql_api import config
from graphql_api.cli_forms import DatabaseUrl, grace_of, hand_over, instant, split, table
from graphql_api.domain import instants
from graphql_api.domain.webhooks import OUTCOMES, Attempt, Webhook
from graphql_api.sentences import sentences

if TYPE_CHECKING:
    from graphql_api.domain.caller import Caller
    from graphql_api.edits import Desk
    from graphql_api.edits.webhooks import IssuedWebhook

T = TypeVar("T")

app = typer.Typer(
    help="Webhooks: add, list, test, deliveries, resume, rotate-secret, remove.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SPELT = {"url": "URL", "events": "--events", "name": "--name"}

Workspace = Annotated[str, typer.Option(help="The workspace that owns the webhook.")]
Id = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id of the webhook, as `webhooks list` shows it.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are sent to, https://…")],
    workspace: Workspace,
    events: Annotated[
        list[str], typer.Option(help="What it is told of: flow.created, flow.updated, flow.deleted; with commas.")
    ],
    name: Annotated[str, typer.Option(help="What it is for, for the list.")] = "",
    database_url: DatabaseUrl = None,
) -> None:
    """Tell an endpoint of every change from now on; prints the secret that signs its messages, once."""
    from graphql_api.edits import webhooks

    issued = _work(
        workspace,
        database_url,
        lambda desk, caller: webhooks.create(desk, caller, url, split(events), name, spelt=SPELT),
    )
    _hand_over(issued)
    typer.echo(f"Webhook {issued.webhook.id} tells {url} of {', '.join(issued.webhook.events)}.", err=True)


@app.command("list")
def list_webhooks(workspace: Workspace, database_url: DatabaseUrl = None) -> None:
    """List the webhooks of a workspace, oldest first, without their secrets."""
    from graphql_api.edits import webhooks

    async def work(desk: "Desk", caller: "Caller") -> list[tuple[Webhook, int]]:
        every = await webhooks.every(desk, caller)
        return [(one, await webhooks.waiting(desk, caller, one.id)) for one in every]

    rows = _work(workspace, database_url, work)
    heads = ("id", "state", "waiting", "events", "created", "name", "url", "parked because")
    table(heads, (_webhook_row(one, waiting) for one, waiting in rows))


def _webhook_row(webhook: Webhook, waiting: int) -> tuple[str, ...]:
    return (
        webhook.id,
        "live" if webhook.parked_at is None else f"parked {instant(webhook.parked_at)}",
        str(waiting),
        ",".join(webhook.events),
        instant(webhook.created_at),
        webhook.name,
        webhook.url,
        webhook.parked_because or "",
    )


@app.command("test")
def try_now(webhook: Id, workspace: Workspace, database_url: DatabaseUrl = None) -> None:
    """Send a message of the event webhook.test now, and say what the endpoint answered."""
    from graphql_api.edits import webhooks

    tried = _work(workspace, database_url, lambda desk, caller: webhooks.try_now(desk, caller, webhook))
    typer.echo(f"{_came(tried)} in {tried.ms} ms. {OUTCOMES[tried.outcome]}")
    if tried.outcome != "DELIVERED":
        raise typer.Exit(1)


@app.command()
def deliveries(
    webhook: Id,
    workspace: Workspace,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many of the newest attempts.")] = 50,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what was tried last to deliver, newest first."""
    from graphql_api.edits import webhooks

    async def work(desk: "Desk", caller: "Caller") -> Sequence[Attempt]:
        if await webhooks.find(desk, caller, webhook) is None:
            raise webhooks.unknown(webhook)
        return await webhooks.attempts(desk, caller, webhook, limit)

    tried = _work(workspace, database_url, work)
    table(("at", "event", "flow", "version", "attempt", "outcome", "ms", "message"), map(_attempt_row, tried))


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    return (
        instants.text(attempt.at),
        attempt.event,
        attempt.flow_id or "",
        "" if attempt.version is None else str(attempt.version),
        str(attempt.attempt),
        _came(attempt),
        str(attempt.ms),
        attempt.message_id,
    )


@app.command()
def resume(webhook: Id, workspace: Workspace, database_url: DatabaseUrl = None) -> None:
    """Send again to an endpoint that was parked, also what happened meanwhile."""
    from graphql_api.edits import webhooks

    resumed = _work(workspace, database_url, lambda desk, caller: webhooks.resume(desk, caller, webhook))
    typer.echo(f"{webhook} is sent to again.")
    if resumed.has_gap:
        typer.echo(
            "History was pruned while it was parked: it may have missed changes, so read the flows again.", err=True
        )


@app.command("rotate-secret")
def rotate_secret(
    webhook: Id,
    workspace: Workspace,
    grace: Annotated[str, typer.Option(help="How long messages are signed with the old one too: 0s, 24h.")] = "24h",
    database_url: DatabaseUrl = None,
) -> None:
    """Give a webhook another secret and print it, once."""
    from graphql_api.edits import webhooks

    with sentences():
        lives_on = grace_of(grace)
    issued = _work(workspace, database_url, lambda desk, caller: webhooks.rotate(desk, caller, webhook, lives_on))
    _hand_over(issued)


@app.command()
def remove(webhook: Id, workspace: Workspace, database_url: DatabaseUrl = None) -> None:
    """Remove a webhook with what it still waits for and its log."""
    from graphql_api.edits import webhooks

    _work(workspace, database_url, lambda desk, caller: webhooks.remove(desk, caller, webhook))
    typer.echo(f"{webhook} is removed.")


def _work(workspace: str, database_url: str | None, work: "Callable[[Desk, Caller], Awaitable[T]]") -> T:
    with sentences():
        settings = config.load(database_url=database_url)
        from graphql_api.domain.caller import Caller
        from graphql_api.opening import at_desk
        from graphql_api.transfer import check_workspace

        check_workspace(workspace)
        return at_desk(settings, lambda desk: work(desk, Caller(workspace, source="CLI")))


def _hand_over(issued: "IssuedWebhook") -> None:
    """The remarks stand beside standard output."""
    with sentences():
        hand_over(issued.secret, issued.webhook.id)
    typer.echo("The secret is shown only this once.", err=True)


def _came(tried: Attempt) -> str:
    return tried.outcome.lower() if tried.status is None else f"{tried.outcome.lower()} ({tried.status})"
