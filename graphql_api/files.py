"""Files that commands read and write; `-` is standard input or output."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from graphql_api.sentences import Unfit
from graphql_api.transfer.pieces import Source


@contextmanager
def reading(name: str) -> Iterator[Source]:
    if name == "-":
        yield cast(Source, _opened(sys.stdin, "Standard input").buffer)
        return
    try:
        source = open(name, "rb")  # noqa: SIM115
    except OSError as error:
        raise Unfit(f"The file {name} cannot be read: {os.strerror(error.errno or 0)}.") from None
    with source:
        yield source


@contextmanager
def writing(name: str) -> Iterator[BinaryIO]:
    """A file is there as a whole or not at all."""
    if name == "-":
        output = _opened(sys.stdout, "Standard output").buffer
        yield output
        output.flush()
        return
    path = Path(os.path.realpath(name))
    try:
        if path.exists() and not path.is_file():  # such as /dev/null
            with path.open("wb") as target:
                yield target
            return
        with _replacing(path) as target:
            yield target
    except OSError as error:
        raise Unfit(f"The file {name} cannot be written: {os.strerror(error.errno or 0)}.") from None


def _opened(stream: TextIO | None, name: str) -> TextIO:
    """Python has None for what whoever starts the command has closed."""
    if stream is None:
        raise Unfit(f"{name} is closed.")
    return stream


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(draft, 0o666 & ~umask)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
