"""Create, update, revert, delete, restore: each one transaction, written as a script of statements."""

from graphql_api.domain import flow as domain
from graphql_api.domain import patch as patches
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Problem, Refused, refused
from graphql_api.domain.flow import LEAVES, Values
from graphql_api.domain.ids import flow_id
from graphql_api.domain.patch import Patch, Sent
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits import beforehand
from graphql_api.edits.beforehand import Changed, PastFlow, still
from graphql_api.edits.desk import Desk, Edit, Saved
from graphql_api.edits.replaying import again, once
from graphql_api.edits.writing import any_flow, as_of, conflict, guard, living_flow, outcome, save, unchanged, write
from graphql_api.storage import revisions, saving
from graphql_api.storage.engine import Script


async def create_flow(desk: Desk, caller: Caller, sent: Sent, terms: Terms = NO_TERMS) -> Saved:
    """A new flow with defaults filled in; every required leaf must be there."""
    edit = desk.edit(caller, "createMessageFlow", None, terms, sent)
    patch = patches.checked(sent, creates=True)
    return await once(desk, edit, lambda: _create(edit, patch, desk.noise()), again)


def _create(edit: Edit, patch: Patch, noise: bytes) -> Script[Saved]:
    id = flow_id(edit.now // 1000, noise)
    flow = {
        **patches.created(patch),
        "id": id,
        "workspace_id": edit.workspace,
        "version": 0,
        "created_at": edit.now,
        "updated_at": edit.now,
    }
    changed = tuple(leaf.column for leaf in LEAVES)
    saved = Saved(flow, changed)
    if not edit.terms.validate_only:
        revision = edit.revision(id, 0, edit.now, "CREATE", revisions.changes({}, flow, changed))
        row = {column: value for column, value in flow.items() if column != "workspace_id"}
        replay = None if edit.terms.key is None else edit.replay(outcome(saved))
        yield saving.create(edit.workspace, row, revision, replay)
    return saved


async def update_flow(desk: Desk, caller: Caller, id: str, sent: Sent, terms: Terms = NO_TERMS) -> Saved:
    """Merges what was sent into a flow; what was not sent stays as it is, to each leaf."""
    edit = desk.edit(caller, "updateMessageFlow", id, terms, sent)
    patch = patches.checked(sent)
    seen = edit.terms.seen() if edit.terms.merge else None
    if seen is None:
        return await once(desk, edit, lambda: _update(edit, id, patch), again)
    return await beforehand.with_history(
        lambda known: once(desk, edit, lambda: _update(edit, id, patch, known), again),
        lambda flow: beforehand.changed(desk, edit, flow, seen),
    )


def _update(edit: Edit, id: str, patch: Patch, known: Changed | None = None) -> Script[Saved]:
    flow = yield from living_flow(edit, id)
    rebased_from = (yield from _rebase(edit, flow, patch, known)) if edit.terms.merge else None
    if rebased_from is None:
        guard(edit, flow)
    return (yield from save(edit, "UPDATE", flow, patches.merged(flow, patch), rebased_from, patch.touched()))


def _rebase(edit: Edit, flow: Values, patch: Patch, known: Changed | None) -> Script[int | None]:
    """The version that a MERGE carries the patch over from; None when there is nothing to carry it over."""
    seen = edit.terms.seen()
    if seen is None or seen >= flow["version"]:
        return None
    if known is None:
        beforehand.must_be_near(edit, flow, seen)
    changed = yield from beforehand.changed_since(edit, flow, seen, known)
    if changed is None:
        raise conflict(flow, f"the history between version {seen} and {flow['version']} is not kept any more")
    overlap = patch.touched() & changed
    if overlap:
        raise Refused(*(_overlap(path, seen) for path in domain.paths(overlap)), current=flow)
    return seen


def _overlap(path: str, seen: int) -> Problem:
    return Problem("VERSION_CONFLICT", f"{path} was changed since version {seen}", tuple(path.split(".")))


async def revert_flow(desk: Desk, caller: Caller, id: str, to_version: int, terms: Terms = NO_TERMS) -> Saved:
    """Gives a flow the leaves that it had at a version, as a new version."""
    edit = desk.edit(caller, "revertMessageFlow", id, terms, to_version)
    return await beforehand.with_history(
        lambda known: once(desk, edit, lambda: _revert(edit, id, to_version, known), again),
        lambda flow: beforehand.past(desk, edit, flow, to_version),
    )


def _revert(edit: Edit, id: str, to_version: int, known: PastFlow | None) -> Script[Saved]:
    flow = yield from living_flow(edit, id)
    guard(edit, flow)
    if known is None:
        beforehand.must_be_near(edit, flow, to_version)
    past = (yield from still(edit, id, known)) or (yield from as_of(edit.workspace, flow, to_version))
    leaves = {leaf.column: past[leaf.column] for leaf in LEAVES}
    return (yield from save(edit, "REVERT", flow, {**flow, **leaves}))


async def delete_flow(desk: Desk, caller: Caller, id: str, terms: Terms = NO_TERMS) -> Saved:
    """Leaves a tombstone that can be restored; deleting it once more changes nothing."""
    edit = desk.edit(caller, "deleteMessageFlow", id, terms)
    return await once(desk, edit, lambda: _delete(edit, id), again)


def _delete(edit: Edit, id: str) -> Script[Saved]:
    flow = yield from any_flow(edit, id)
    if flow["deleted_at"] is not None:
        return (yield from unchanged(edit, flow))
    guard(edit, flow)
    return (yield from write(edit, "DELETE", flow, {"deleted_at": edit.now}, ()))


async def restore_flow(desk: Desk, caller: Caller, id: str, terms: Terms = NO_TERMS) -> Saved:
    """Brings a deleted flow back as it was, as a new version."""
    edit = desk.edit(caller, "restoreMessageFlow", id, terms)
    return await once(desk, edit, lambda: _restore(edit, id), again)


def _restore(edit: Edit, id: str) -> Script[Saved]:
    flow = yield from any_flow(edit, id)
    if flow["deleted_at"] is None:
        raise refused("NOT_DELETED", f"the flow {id} is not deleted", "id")
    guard(edit, flow)
    return (yield from write(edit, "RESTORE", flow, {"deleted_at": None}, ()))
