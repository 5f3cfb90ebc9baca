"""The same request under the same key is carried out once: its first outcome is told again, before any other check."""

from collections.abc import Callable
from typing import Any

from graphql_api.domain.errors import Refused, refused
from graphql_api.edits.desk import Edit, Saved
from graphql_api.edits.writing import any_flow, as_of
from graphql_api.storage import replays, tally
from graphql_api.storage.engine import Script
from graphql_api.storage.replays import Replay


def once(edit: Edit, change: Callable[[], Script[Any]], again: Callable[[Edit, Any], Script[Any]]) -> Script[Any]:
    """Runs a change unless its key was used before: then the first outcome is told again, before any other check."""
    asked = edit.replay()
    return change() if asked is None else _once(edit, asked, change, again)


def _once(
    edit: Edit, asked: Replay, change: Callable[[], Script[Any]], again: Callable[[Edit, Any], Script[Any]]
) -> Script[Any]:
    first = yield from _first(edit, asked)
    if first is None:
        try:
            return (yield from change())
        except Refused:  # perhaps by what the same request has done since the look, whose outcome is there by now
            first = yield from _first(edit, asked)
            if first is None:
                raise
    tally.tell("replays")
    return (yield from again(edit, first.outcome))


def _first(edit: Edit, asked: Replay) -> Script[Replay | None]:
    """What is told again; raises Refused when the key belongs to another request."""
    for row in (yield replays.find(edit.workspace, asked)):
        known = replays.replay(row)
        if known.at <= edit.now - edit.replay_lifetime:
            yield replays.forget(edit.workspace, known)
        elif known.request != edit.request:
            message = "this idempotency key was used for another request; use a new key for a new request"
            raise refused("IDEMPOTENCY_KEY_REUSED", message, "idempotencyKey")
        else:
            return known
    return None


def again(edit: Edit, outcome: dict[str, Any]) -> Script[Saved]:
    """The first answer, with the flow as it was then, read from its history."""
    flow = yield from any_flow(edit, outcome["id"])
    past = yield from as_of(edit.workspace, flow, outcome["version"])
    return Saved(past, tuple(outcome["changed"]), True, outcome["rebasedFrom"])
