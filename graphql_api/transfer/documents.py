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
from graphql_api.web.shape import BodyReader

SLACK = 300_000
"""Milliseconds by which the clock that a time was taken from may be ahead of ours."""


def read(document: Any, now: int, *, workspace: str | None = None, initiation_message: str | None = None) -> Imported:
    """Checks one documented flow; raises Refused with every problem.

    A time that is still to come is refused: whatever happens to the flow until then would be said to happen at it.
    `workspace` takes the place of the one given; `initiation_message` fills the member that published answers lack.
    """
    if not isinstance(document, dict):
        raise refused("INVALID_TYPE", "a flow must be a JSON object")
    given = dict(document)
    problems: list[Problem] = []
    id = _named(given.pop("_id", None), "_id", problems)
    home = _named(given.pop("workspaceId", None) if workspace is None else workspace, "workspaceId", problems)
    given.pop("workspaceId", None)
    created, updated = (_instant(given.pop(name, None), name, now, problems) for name in ("createdAt", "updatedAt"))
    if created is not None and updated is not None and updated < created:
        problems.append(Problem("OUT_OF_RANGE", "updatedAt must not be before createdAt", ("updatedAt",)))
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


def _instant(value: Any, name: str, now: int, problems: list[Problem]) -> int | None:
    if value is None:
        return None
    try:
        instant = instants.milliseconds(instants.parse(value))
    except (TypeError, ValueError):
        message = f"{name} must be RFC 3339 with an offset, such as 2025-01-02T10:15:00Z"
        problems.append(Problem("INVALID_TYPE", message, (name,)))
        return None
    if instant > now + SLACK:
        message = f"{name} must not be later than now, {instants.text(now)}"
        problems.append(Problem("OUT_OF_RANGE", message, (name,)))
        return None
    return instant


def _leaves(given: Mapping[str, Any], problems: list[Problem]) -> Values:
    try:
        input = BodyReader({}, creates=True).input(given)
        return patches.created(patches.checked(sent(input), creates=True))
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
