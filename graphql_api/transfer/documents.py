"""One flow in the documented REST shape, read with its id and times."""

from collections.abc import Mapping
from typing import Any

from graphql_api.domain import instants
from graphql_api.domain import patch as patches
from graphql_api.domain.errors import Problem, Refused, refused
from graphql_api.domain.flow import BY_PATH, Values
from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.domain.patch import Sent
from graphql_api.edits.importing import Imported
from graphql_api.web.shape import Shape


def read(document: Any, *, workspace: str | None = None, initiation_message: str | None = None) -> Imported:
    """Checks one documented flow; raises Refused with every problem.

    `workspace` takes the place of the one given; `initiation_message` fills the member that published answers lack.
    """
    if not isinstance(document, dict):
        raise refused("INVALID_TYPE", "a flow must be a JSON object")
    given = dict(document)
    problems: list[Problem] = []
    id = _named(given.pop("_id", None), "_id", problems)
    home = _named(given.pop("workspaceId", None) if workspace is None else workspace, "workspaceId", problems)
    given.pop("workspaceId", None)
    created = _instant(given.pop("createdAt", None), "createdAt", problems)
    updated = _instant(given.pop("updatedAt", None), "updatedAt", problems)
    if initiation_message is not None:
        given.setdefault("initiationMessage", initiation_message)
    leaves = _leaves(given, problems)
    if problems:
        raise Refused(*problems)
    return Imported(id, home, {**leaves, "created_at": created, "updated_at": updated})


def _named(value: Any, name: str, problems: list[Problem]) -> str:
    if isinstance(value, str) and is_id(value):
        return value
    problems.append(Problem("INVALID_ID", f"{name} must be a string of {ID_RULE}", (name,)))
    return ""


def _instant(value: Any, name: str, problems: list[Problem]) -> int | None:
    if value is None:
        return None
    try:
        return instants.milliseconds(instants.parse(value))
    except (TypeError, ValueError):
        message = f"{name} must be RFC 3339 with an offset, such as 2025-01-02T10:15:00Z"
        problems.append(Problem("INVALID_TYPE", message, (name,)))
        return None


def _leaves(given: Mapping[str, Any], problems: list[Problem]) -> Values:
    try:
        input = Shape({}, creates=True).input(given)
        return patches.created(patches.checked(sent(input)))
    except Refused as refusal:
        problems.extend(refusal.problems)
        return {}


def sent(input: Mapping[str, Any]) -> Sent:
    """A nested input as what was sent, leaf by leaf."""
    values: dict[str, Any] = {}
    null_blocks: list[str] = []

    def collect(given: Mapping[str, Any], above: str) -> None:
        for name, value in given.items():
            path = f"{above}{name}"
            if path in BY_PATH:
                values[BY_PATH[path].column] = value
            elif value is None:
                null_blocks.append(path)
            else:
                collect(value, f"{path}.")

    collect(input, "")
    return Sent(values, tuple(null_blocks))
