"""Files that commands read and write; `-` is standard input or output."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from graphql_api.sentences import Unfit
from graphql_api.transfer.pieces import Source

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@contextmanager
def reading(name: str) -> Iterator[Source]:
    """What cannot be read on later is told as well."""
    if name == "-":
        source = _NamedFile(_opened(sys.stdin, "Standard input").fileno(), "Standard input")
    else:
        source = _NamedFile(name, f"The file {name}")
    with BufferedReader(source) as buffered:
        yield buffered


class _NamedFile(FileIO):
    def __init__(self, file: str | int, called: str) -> None:
        self._called = called
        with self._telling():
            super().__init__(file, closefd=isinstance(file, str))

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        with self._telling():
            return super().readinto(buffer)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unfit(f"{self._called} cannot be read: {os.strerror(error.errno or 0)}.") from None


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
        os.chmod(draft, _mode(path))
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _mode(path: Path) -> int:
    """That of the file which is replaced; else what the umask leaves."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
