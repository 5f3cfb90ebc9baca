"""`message-flows keys`: what an operator says to make, list, rotate and revoke API keys."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from graphql_api import config
from graphql_api.cli_forms import DatabaseUrl, grace_of, hand_over, instant, split, table
from graphql_api.domain import instants, keys
from graphql_api.domain.keys import Key
from graphql_api.sentences import Unfit, sentences

if TYPE_CHECKING:
    from graphql_api.edits import Desk
    from graphql_api.edits.keys import IssuedKey

T = TypeVar("T")

app = typer.Typer(help="API keys: create, list, rotate, revoke.", no_args_is_help=True, rich_markup_mode=None)


def _shown(key: str) -> str:
    if not key.isascii():
        raise typer.BadParameter("it is an id or a prefix, as `keys list` shows them, or a whole key")
    return key


Named = Annotated[
    str,
    typer.Argument(
        metavar="KEY", callback=_shown, help="Id or prefix of the key, as `keys list` shows them, or the whole key."
    ),
]
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
    from graphql_api.opening import clock

    with sentences():
        now = clock()
        named, ends = keys.checked_name(name), _ends(expires, now)
        issued = _work(
            database_url,
            lambda desk: edits.create(desk.store, now, split(workspace), split(scope), name=named, expires_at=ends),
        )
    _hand_over(issued)


@app.command("list")
def list_keys(database_url: DatabaseUrl = None) -> None:
    """List all keys, oldest first, without their secrets."""
    from graphql_api.edits import keys as edits
    from graphql_api.opening import clock

    with sentences():
        every = _work(database_url, lambda desk: edits.every(desk.store))
    now = clock()
    heads = ("id", "prefix", "state", "workspaces", "scopes", "created", "expires", "last used", "name")
    table(heads, (_row(key, now) for key in every))


@app.command()
def rotate(
    key: Named,
    grace: Annotated[str, typer.Option(help="How long the old key lives on: 0s, 30m, 24h.")] = "24h",
    expires: Expires = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give a key a new secret and print it, once; the old one lives on for a while."""
    from graphql_api.edits import keys as edits
    from graphql_api.opening import clock

    with sentences():
        now = clock()
        lives_on, ends = grace_of(grace), _ends(expires, now)

        async def work(desk: "Desk") -> "tuple[IssuedKey, int]":
            issued = await edits.rotate(desk.store, now, key, lives_on, expires_at=ends)
            named = key[: keys.SHOWN] if keys.is_spelt(key) else key
            old = [one for one in await edits.every(desk.store) if named in (one.id, one.prefix)]
            return issued, max(one.expires_at or 0 for one in old if one.prefix != issued.key.prefix)

        issued, lives_until = _work(database_url, work)
    _hand_over(issued)
    typer.echo(f"The old key lives until {instant(lives_until)}.", err=True)


@app.command()
def revoke(key: Named, database_url: DatabaseUrl = None) -> None:
    """End a key at once; every server knows within 5 seconds."""
    from graphql_api.edits import keys as edits

    with sentences():
        ended = _work(database_url, lambda desk: edits.revoke(desk.store, desk.now(), key))
    for one in ended:
        typer.echo(f"{one.prefix}… ({one.id}) is revoked; every server knows within 5 seconds.")
    if not ended:
        typer.echo(f"{keys.concealed(key)} was revoked before.")


def _work(database_url: str | None, work: "Callable[[Desk], Awaitable[T]]") -> T:
    settings = config.load(database_url=database_url)
    from graphql_api.opening import at_desk

    return at_desk(settings, work)


def _hand_over(issued: "IssuedKey") -> None:
    """The remarks stand beside standard output."""
    key = issued.key
    with sentences():
        hand_over(issued.secret, key.id)
    ends = "never expires" if key.expires_at is None else f"expires {instant(key.expires_at)}"
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
        *("never" if at is None else instant(at) for at in times),
        key.name,
    )


def _ends(expires: str | None, now: int) -> int | None:
    if expires is None:
        return None
    ends = now + keys.duration(expires) if keys.DURATION.fullmatch(expires) else _instant(expires)
    if ends <= now:
        raise Unfit("--expires must lie in the future.")
    return ends


def _instant(text: str) -> int:
    try:
        return instants.milliseconds(instants.parse(text))
    except ValueError:
        what = "a length of time such as 90d, or an instant with its offset"
        raise Unfit(f"--expires is {what}, not {text!r}.") from None
