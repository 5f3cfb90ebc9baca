"""What commands take and show alike: the database, lists with commas, instants, tables."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from graphql_api import config
from graphql_api.domain import instants

DatabaseUrl = Annotated[str | None, typer.Option(help=config.meaning("database_url"))]


def split(given: Iterable[str]) -> list[str]:
    """What an option names that may be given more than once, and each time with commas."""
    return [one.strip() for text in given for one in text.split(",") if one.strip()]


def instant(at: int) -> str:
    """To the second."""
    return instants.text(at // 1_000 * 1_000)


def table(heads: Sequence[str], entries: Iterable[Sequence[str]]) -> None:
    """Prints columns that are as wide as they have to be."""
    rows = [heads, *entries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
