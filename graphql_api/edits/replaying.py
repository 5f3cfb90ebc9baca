"""The same request under the same key is carried out once: its first outcome is told again, before any other check."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from graphql_api.domain.errors import Refused, refused
from graphql_api.edits.desk import Desk, Edit, Saved
from graphql_api.edits.writing import any_flow, as_of
from graphql_api.storage import replays, tally
from graphql_api.storage.engine import Script, drive_waiting
from graphql_api.storage.replays import Replay

T = TypeVar("T")


def once(
    desk: Desk,
    edit: Edit,
    change: Callable[[], Script[T]],
    again: Callable[[Edit, Any], Script[T]],
    *,
    together: bool = False,
) -> Awaitable[T]:
    """Runs a change unless its key was used before: then the first outcome is told again, before any other check.

    `again` runs outside the transaction, where it holds up no edit: it reads what was, which nobody changes.
    """
    if edit.terms.key is None:
        return desk.run(edit, change, together=together)
    return _once(desk, edit, change, again, together)


async def _once(
    desk: Desk,
    edit: Edit,
    change: Callable[[], Script[T]],
    again: Callable[[Edit, Any], Script[T]],
    together: bool,
) -> T:
    done = await desk.run(edit, lambda: _change(edit, change), together=together)
    if not isinstance(done, Replay):
        return done
    tally.tell("replays")
    return await drive_waiting(again(edit, done.outcome), desk.store.read)


def _change(edit: Edit, change: Callable[[], Script[T]]) -> Script[T | Replay]:
    first = yield from _first(edit)
    if first is None:
        try:
            return (yield from change())
        except Refused:  # perhaps by what the same request has done since the look, whose outcome is there by now
            first = yield from _first(edit)
            if first is None:
                raise
    return first


def _first(edit: Edit) -> Script[Replay | None]:
    """What is told again; raises Refused when the key belongs to another request.

    Whoever edits one flow ends with `saving.save`, which looks for the key as well.
    """
    for row in (yield replays.find(edit.workspace, edit.scope, rechecked=bool(edit.target))):
        known = replays.replay(row)
        if _is_expired(edit, known.at):
            yield replays.forget(edit.workspace, known)
        elif known.request != edit.request:
            message = "this idempotency key was used for another request; use a new key for a new request"
            raise refused("IDEMPOTENCY_KEY_REUSED", message, "idempotencyKey")
        else:
            return known
    return None


async def is_known(desk: Desk, edit: Edit) -> bool:
    """Whether the key was used before: whoever prepares a change outside its transaction need not do so then."""
    rows = await desk.store.read(replays.find(edit.workspace, edit.scope)) if edit.scope else ()
    return any(not _is_expired(edit, row["at"]) for row in rows)


def _is_expired(edit: Edit, at: int) -> bool:
    return at <= edit.now - edit.replay_lifetime


def again(edit: Edit, outcome: dict[str, Any]) -> Script[Saved]:
    """The first answer, with the flow as it was then, read from its history."""
    flow = yield from any_flow(edit, outcome["id"])
    past = yield from as_of(edit.workspace, flow, outcome["version"])
    return Saved(past, tuple(outcome["changed"]), True, outcome["rebasedFrom"])
