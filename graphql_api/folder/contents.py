"""What a flow's file says of the flow, checked as the API checks it, with the line of every problem."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql_api import transfer
from graphql_api.domain import patch as patches
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import BY_PATH, Values
from graphql_api.domain.patch import Patch
from graphql_api.edits.importing import Imported
from graphql_api.folder import writing
from graphql_api.folder.layout import File
from graphql_api.folder.reading import ParsedFile, Unreadable, read
from graphql_api.web.shape import BodyReader

VERSION = "version"
NO_LEAVES = frozenset({"_id", "workspaceId", VERSION, "toggleAutopilot"})


@dataclass(frozen=True, slots=True)
class Blame:
    """What is wrong with a file, and on which line if it is one."""

    place: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.place}{f':{self.line}' if self.line else ''}: {self.message}"


class WrongFile(Exception):
    """A file from which nothing can be taken."""

    def __init__(self, *blames: Blame) -> None:
        super().__init__(*blames)
        self.blames = blames


@dataclass(frozen=True, slots=True)
class Contents:
    """A file that was read; `version` is that of the flow when it was taken, `problems` are such as only files have."""

    file: File
    page: ParsedFile
    version: int | None
    problems: tuple[Problem, ...] = ()

    def wrong(self, *problems: Problem) -> WrongFile:
        return WrongFile(*sorted(map(self._blame, problems), key=lambda blame: blame.line))

    def _blame(self, problem: Problem) -> Blame:
        location = self.page.locations.get(problem.path)
        leaf = BY_PATH.get(".".join(problem.path))
        bare = leaf is not None and leaf.kind is not bool and leaf.kind is not float and location and location.is_plain
        advice = "; write it in quotes" if bare and problem.code == "INVALID_TYPE" else ""
        return Blame(self.file.place, f"{problem.message}{advice}", self.page.line(problem.path))

    def patch(self) -> Patch:
        """What the file says of a flow that there is; raises WrongFile with all that is wrong with single leaves."""
        try:
            patch = patches.checked(transfer.sent(BodyReader({}, creates=False).input(self._leaves())))
        except Refused as refusal:
            raise self.wrong(*self.problems, *refusal.problems) from None
        if self.problems or patch.problems:
            raise self.wrong(*self.problems, *patch.problems)
        return patch

    def imported(self, now: int) -> Imported:
        """The new flow that the file describes; raises WrongFile with all that is wrong."""
        try:
            named = {"_id": self.file.id, "workspaceId": self.file.workspace}
            imported = transfer.read({**self._leaves(), **named}, now)
        except Refused as refusal:
            raise self.wrong(*self.problems, *refusal.problems) from None
        if self.problems:
            raise self.wrong(*self.problems)
        return imported

    def _leaves(self) -> dict[str, Any]:
        return {name: value for name, value in self.page.value.items() if name not in NO_LEAVES}

    def saying(self, flow: Values, said: Values) -> str:
        """The text of the file when it says what the flow says, of the leaves that it speaks of.

        `said` are the columns as the file has them now.
        """
        shown = document(flow)
        leaves = {tuple(leaf.path.split(".")): leaf.column for leaf in BY_PATH.values()}
        values = {
            path: _member(shown, path)
            for path, column in leaves.items()
            if path in self.page.locations and said[column] != flow[column]
        }
        if self.version != flow["version"]:
            values[(VERSION,)] = flow["version"]
        return writing.exchanged(self.page, values, shown) if values else self.page.text


def contents(file: File, raw: bytes) -> Contents:
    """Raises WrongFile for a file that cannot be read at all."""
    try:
        page = read(raw)
    except Unreadable as unreadable:
        raise WrongFile(Blame(file.place, unreadable.message, unreadable.line)) from None
    if not isinstance(page.value, dict):
        raise WrongFile(Blame(file.place, "the file must hold the members of a flow", 1))
    return Contents(file, page, page.value.get(VERSION), tuple(_own_problems(file, page.value)))


def _own_problems(file: File, value: Mapping[str, Any]) -> Iterator[Problem]:
    for name, known in (("_id", file.id), ("workspaceId", file.workspace)):
        if value.get(name, known) != known:
            yield Problem("IMMUTABLE_FIELD", f"{name} must be {known}, as the name of the file says", (name,))
    version = value.get(VERSION)
    if version is not None and (type(version) is not int or version < 0):
        yield Problem("INVALID_TYPE", f"{VERSION} must be a whole number, 0 or more", (VERSION,))
    if "toggleAutopilot" in value:
        message = "toggleAutopilot is no member of a file; say what autopilot shall be"
        yield Problem("UNKNOWN_FIELD", message, ("toggleAutopilot",))


def document(flow: Values) -> dict[str, Any]:
    """A flow as its file has it: the documented members; the version in place of the time of the last change."""
    shown = transfer.document(flow)
    ids = {name: shown.pop(name) for name in ("_id", "workspaceId")}
    del shown["updatedAt"]
    return {**ids, VERSION: flow["version"], **shown}


def _member(shown: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = shown
    for name in path:
        value = value[name]
    return value
