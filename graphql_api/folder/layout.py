"""Where the file of a flow stands: WORKSPACE/ID.yaml, so that no other name of the flow moves it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from stat import S_ISREG

from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.files import writing
from graphql_api.folder.reading import LONGEST
from graphql_api.sentences import Unfit

SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class File:
    """The file of a flow in a folder, whether it is there or not."""

    folder: Path
    workspace: str
    id: str

    @property
    def place(self) -> str:
        """As people are told of it."""
        return f"{self.workspace}/{self.id}{SUFFIX}"

    @property
    def path(self) -> Path:
        return self.folder / self.workspace / f"{self.id}{SUFFIX}"

    def read(self) -> bytes | None:
        """None when there is no such file; no more of it than shows that it is too long."""
        try:
            if not S_ISREG(self.path.stat().st_mode):  # a pipe would be waited for
                raise Unfit(f"{self.path} is not a regular file.")
            with self.path.open("rb") as source:
                return source.read(LONGEST + 1)
        except FileNotFoundError:
            if self.path.is_symlink():
                raise Unfit(f"The file {self.path} is a link that leads nowhere.") from None
            return None
        except OSError as error:
            raise Unfit(f"The file {self.path} cannot be read: {os.strerror(error.errno or 0)}.") from None

    def write(self, text: str) -> None:
        """As a whole or not at all."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unfit(f"The folder {self.path.parent} cannot be made: {os.strerror(error.errno or 0)}.") from None
        with writing(str(self.path)) as target:
            target.write(text.encode())


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A file that looks like one of a flow and stands where none is read."""

    place: str
    message: str


def workspaces(folder: Path, only: str | None) -> list[str]:
    """The workspaces that a folder speaks for: those that it has a folder of."""
    if not folder.is_dir():
        raise Unfit(f"There is no folder {folder}; message-flows export --dir {folder} makes it.")
    homes = sorted(path for path in folder.glob("*") if is_id(path.name)) if only is None else [folder / only]
    for home in homes:
        if home.is_symlink() and not home.exists():
            raise Unfit(f"The folder {home} is a link that leads nowhere.")
    return [home.name for home in homes if only is not None or home.is_dir()]


def files(folder: Path, only: str | None) -> Iterator[File | Misplaced]:
    """Every YAML file in the folder, by place; files and folders whose names begin with a dot are passed over.

    What a workspace has its folder in may be a link to one. A folder that cannot be read is not taken for an empty one.
    """
    links = sorted(path for path in folder.glob("[!.]*") if path.is_symlink() and path.is_dir())
    for above, folders, names in chain.from_iterable(os.walk(top, onerror=_unread) for top in (folder, *links)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        parts = Path(above).relative_to(folder).parts
        if parts and only not in (None, parts[0]):
            folders.clear()
            continue
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith((SUFFIX, ".yml")):
                yield _file(folder, (*parts, name))


def _unread(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise Unfit(f"The folder {error.filename} cannot be read: {os.strerror(error.errno or 0)}.")


def _file(folder: Path, parts: tuple[str, ...]) -> File | Misplaced:
    place, stem = "/".join(parts), parts[-1].removesuffix(SUFFIX)
    if len(parts) != 2 or not place.endswith(SUFFIX):
        return Misplaced(place, f"the file of a flow is named WORKSPACE/ID{SUFFIX}")
    if not is_id(parts[0]) or not is_id(stem):
        return Misplaced(place, f"the names of a file and of its folder are ids: {ID_RULE}")
    return File(folder, parts[0], stem)
