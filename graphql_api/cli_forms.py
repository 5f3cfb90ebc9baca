"""What commands take and show alike: the database, folders, times, lists with commas, tables, secrets."""

import os
import sys
from collections.abc import Iterable, Sequence
from errno import EBADF
from pathlib import Path
from typing import Annotated

import typer

from graphql_api import config
from graphql_api.domain import instants, keys
from graphql_api.domain.errors import Refused
from graphql_api.domain.words import legible
from graphql_api.sentences import Unfit

DatabaseUrl = Annotated[str | None, typer.Option(help=config.meaning("database_url"))]


def named(text: str) -> str:
    """An empty name, as of a shell's variable that is not set, would be that of the folder the command stands in."""
    if not text:
        raise typer.BadParameter("it must not be empty")
    return text


def path(text: str) -> Path:
    return Path(named(text))


def grace_of(text: str) -> int:
    """Milliseconds; raises Unfit for what is no length of time."""
    try:
        return keys.duration(text)
    except Refused as refusal:
        raise Unfit(f"--grace: {refusal}.") from None


def split(given: Iterable[str]) -> list[str]:
    """What an option names that may be given more than once, and each time with commas."""
    return [one.strip() for text in given for one in text.split(",") if one.strip()]


def instant(at: int) -> str:
    """To the second."""
    return instants.text(at // 1_000 * 1_000)


def table(heads: Sequence[str], entries: Iterable[Sequence[str]]) -> None:
    """Prints columns that are as wide as they have to be; what callers named cannot steer the terminal."""
    rows = [heads, *([legible(text) for text in entry] for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def hand_over(secret: str, owner: str) -> None:
    """A secret alone on standard output, so that a script can take it; raises Unfit where nobody could read it."""
    try:
        if sys.stdout is None:  # which whoever starts the command may have closed
            raise OSError(EBADF, "")
        typer.echo(secret)
    except OSError as error:
        silence()
        why = os.strerror(error.errno or 0)
        told = f"The new secret of {owner} is lost, as standard output cannot be written ({why})"
        raise Unfit(f"{told}: rotate it to get another one.") from None


def silence() -> None:
    """Standard output takes everything from now on, so that the interpreter can end with what it still holds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
