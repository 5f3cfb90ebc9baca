"""What all edits share: find the flow, hold the guard, write what differs."""

from collections.abc import Collection, Sequence
from typing import Any

from graphql_api.domain import patch as patches
from graphql_api.domain.errors import Problem, Refused, other_version, refused, unknown_flow
from graphql_api.domain.flow import BY_COLUMN, Values
from graphql_api.edits.desk import Edit, Saved
from graphql_api.storage import flows, replays, revisions, saving
from graphql_api.storage.engine import Raced, Row, Script


def any_flow(edit: Edit, id: str) -> Script[Values]:
    """The flow, also when it is deleted."""
    return _found(id, (yield flows.read_whole(edit.workspace, id)))


def living_flow(edit: Edit, id: str) -> Script[Values]:
    flow = _found(id, (yield flows.recall(edit.workspace, id)))
    if flow["deleted_at"] is not None:
        raise unknown_flow(id)
    return flow


def _found(id: str, rows: Sequence[Row]) -> Values:
    if not rows:
        raise unknown_flow(id)
    return flows.values(rows[0])


def guard(edit: Edit, flow: Values) -> None:
    allowed = edit.terms.if_versions
    if allowed is not None and flow["version"] not in allowed:
        raise Refused(other_version(flow["version"]), current=flow)


def conflict(flow: Values, message: str) -> Refused:
    return Refused(Problem("VERSION_CONFLICT", message, ("ifVersion",)), current=flow)


def as_of(workspace: str, flow: Values, version: int) -> Script[Values]:
    if not 0 <= version <= flow["version"]:
        raise unknown_version(version)
    past = yield from revisions.past(workspace, flow, version)
    if past is None:
        raise unknown_version(version)
    return past[0]


def unknown_version(version: int) -> Refused:
    return refused("UNKNOWN_VERSION", f"the flow has no version {version} in its history", "toVersion")


def save(
    edit: Edit,
    operation: str,
    flow: Values,
    after: Values,
    rebased_from: int | None = None,
    touched: Collection[str] = BY_COLUMN,
) -> Script[Saved]:
    """Writes the leaves that differ, of those that were touched; nothing at all when none does."""
    changed = patches.difference(flow, after, touched)
    if not changed:
        return unchanged(edit, flow, rebased_from)
    return write(edit, operation, flow, {c: after[c] for c in changed}, changed, rebased_from)


def write(
    edit: Edit,
    operation: str,
    flow: Values,
    columns: Values,
    changed: tuple[str, ...],
    rebased_from: int | None = None,
) -> Script[Saved]:
    # The clock is read before edits queue up, and differs between machines: a flow's time must not step back.
    at = max(edit.now, flow["updated_at"])
    row = {**columns, "version": flow["version"] + 1, "updated_at": at}
    saved = Saved({**flow, **row}, changed, rebased_from=rebased_from)
    if edit.terms.validate_only:
        return saved
    told = revisions.changes(flow, saved.flow, changed)
    revision = edit.revision(flow["id"], row["version"], at, operation, told)
    replay = None if edit.terms.key is None else edit.replay(outcome(saved))
    written = yield saving.save(edit.workspace, flow["id"], flow["version"], row, revision, replay, saved.flow)
    if not written:
        raise Raced
    return saved


def unchanged(edit: Edit, flow: Values, rebased_from: int | None = None) -> Script[Saved]:
    saved = Saved(flow, rebased_from=rebased_from)
    if edit.terms.key is not None:
        yield replays.keep(edit.workspace, edit.replay(outcome(saved)))
    return saved


def outcome(saved: Saved) -> dict[str, Any]:
    """What a replay keeps of an edit: all but the flow, which is read from history."""
    return {
        "id": saved.flow["id"],
        "version": saved.flow["version"],
        "changed": saved.changed,
        "rebasedFrom": saved.rebased_from,
    }
