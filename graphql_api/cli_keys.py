"""`message-flows keys`: what an operator says to make, list, rotate and revoke API keys."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from graphql_api import config
from graphql_api.domain import instants, keys
from graphql_api.domain.errors import Refused
from graphql_api.domain.keys import Key

if TYPE_CHECKING:
    from graphql_api.storage.engine import Store

T = TypeVar("T")

app = typer.Typer(help="API keys: create, list, rotate, revoke.", no_args_is_help=True, rich_markup_mode=None)

DatabaseUrl = Annotated[str | None, typer.Option(help=config.meaning("database_url"))]
Named = Annotated[str, typer.Argument(metavar="KEY", help="Id or prefix of the key, as `keys list` shows them.")]
Expires = Annotated[
    str | None, typer.Option(help="When the key ends: after a time such as 90d, or at 2027-01-31T00:00:00Z.")
]


@app.command()
def create(
    workspace: Annotated[list[str], typer.Option(help="Workspace that the key lets in; may be given more than once.")],
    scope: Annotated[
        list[str], typer.Option(help="What the key may do: flows:read, flows:write, history:read, admin; with commas.")
    ],
    name: Annotated[str, typer.Option(help="Whose key it is, for the list.")] = "",
    expires: Expires = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key and print it, once."""
    from graphql_api.edits import keys as edits

    with _sentences():
        now = _now()
        ends = _ends(expires, now)
        issued = _with_store(
            database_url,
            lambda store: edits.create(store, now, _split(workspace), _split(scope), name=name, expires_at=ends),
        )
    _hand_over(issued)


@app.command("list")
def list_keys(database_url: DatabaseUrl = None) -> None:
    """List all keys, oldest first, without their secrets."""
    from graphql_api.edits import keys as edits

    with _sentences():
        every = _with_store(database_url, edits.every)
    now = _now()
    heads = ("id", "prefix", "state", "workspaces", "scopes", "created", "expires", "last used", "name")
    rows = [heads, *(_row(key, now) for key in every)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def rotate(
    key: Named,
    grace: Annotated[str, typer.Option(help="How long the old key lives on: 0s, 30m, 24h.")] = "24h",
    expires: Expires = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give a key a new secret and print it, once; the old one lives on for a while."""
    from graphql_api.edits import keys as edits

    with _sentences():
        now = _now()
        lives_on, ends = keys.duration(grace), _ends(expires, now)
        issued = _with_store(database_url, lambda store: edits.rotate(store, now, key, lives_on, expires_at=ends))
    _hand_over(issued)
    typer.echo(f"The old key lives until {_instant(now + lives_on)}.", err=True)


@app.command()
def revoke(key: Named, database_url: DatabaseUrl = None) -> None:
    """End a key at once; every server knows within 5 seconds."""
    from graphql_api.edits import keys as edits

    with _sentences():
        ended = _with_store(database_url, lambda store: edits.revoke(store, _now(), key))
    for one in ended:
        typer.echo(f"{one.prefix}… ({one.id}) is revoked; every server knows within 5 seconds.")
    if not ended:
        typer.echo(f"{key} was revoked before.")


def _with_store(database_url: str | None, work: Callable[["Store"], Awaitable[T]]) -> T:
    settings = config.load(database_url=database_url)
    from graphql_api.opening import store_of
    from graphql_api.storage import migrations

    async def run() -> T:
        store = store_of(settings)
        try:
            if not await migrations.is_current(store):
                raise config.ConfigError("The tables of the database are not current: run `message-flows migrate`.")
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def _hand_over(issued: object) -> None:
    """The key alone on standard output, so that a script can take it; the remarks beside it."""
    from graphql_api.edits.keys import Issued

    assert isinstance(issued, Issued)
    key = issued.key
    typer.echo(issued.secret)
    ends = "never expires" if key.expires_at is None else f"expires {_instant(key.expires_at)}"
    typer.echo(
        f"Key {key.id} for {', '.join(key.workspaces)} with {', '.join(sorted(key.scopes))} {ends}."
        " It is shown only this once.",
        err=True,
    )


def _row(key: Key, now: int) -> tuple[str, ...]:
    state = "live" if key.is_live(now) else "revoked" if key.revoked_at is not None else "expired"
    times = (key.created_at, key.expires_at, key.last_used_at)
    return (
        key.id,
        f"{key.prefix}…",
        state,
        ",".join(key.workspaces),
        ",".join(sorted(key.scopes)),
        *("never" if at is None else _instant(at) for at in times),
        key.name,
    )


def _instant(at: int) -> str:
    """To the second."""
    return instants.text(at // 1_000 * 1_000)


def _ends(expires: str | None, now: int) -> int | None:
    if expires is None:
        return None
    if keys.DURATION.fullmatch(expires):
        ends = now + keys.duration(expires)
    else:
        try:
            ends = instants.milliseconds(instants.parse(expires))
        except ValueError:
            raise ValueError(
                f"--expires is a length of time such as 90d, or an instant with its offset, not {expires!r}"
            ) from None
    if ends <= now:
        raise ValueError("--expires must lie in the future")
    return ends


def _split(given: Sequence[str]) -> list[str]:
    return [one.strip() for text in given for one in text.split(",") if one.strip()]


def _now() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def _sentences() -> Iterator[None]:
    """What is wrong ends in its sentence, never in a stack."""
    try:
        yield
    except (config.ConfigError, ValueError, Refused) as wrong:
        text = str(wrong)
        typer.echo(text if isinstance(wrong, config.ConfigError) else f"{text[0].upper()}{text[1:]}.", err=True)
        raise typer.Exit(2) from None
