"""What a command could not do, said in a sentence; never a stack."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from graphql_api.config import ConfigError
from graphql_api.domain.errors import Refused


class Unfit(Exception):
    """Something that a command needs is not as it must be; the sentence tells what to do about it."""


@contextmanager
def sentences(code: int = 2) -> Iterator[None]:
    """Ends the command with this exit code when it cannot be carried out."""
    try:
        yield
    except (ConfigError, Unfit) as wrong:
        _say(str(wrong), code)
    except Refused as refusal:
        _say(f"{_capital(str(refusal))}{_cause(refusal)}.", code)


def _say(sentence: str, code: int) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(code) from None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cause(refusal: Refused) -> str:
    """What the database said, which operators may read and callers may not."""
    words = " ".join(str(refusal.__cause__ or "").split())
    return f" ({words})" if words and words not in str(refusal) else ""
