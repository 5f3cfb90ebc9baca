"""Flows from outside with their ids and times, all in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import LEAVES, Values
from graphql_api.domain.terms import NO_TERMS
from graphql_api.edits.desk import Desk, Edit
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Raced, Script

BROUGHT = ("created_at", "updated_at", *(leaf.column for leaf in LEAVES))
"""An import sets the times of a flow as well; its revision tells them."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A flow as it was read from outside; `brought` holds all leaves and the times, None where the file has none."""

    id: str
    workspace: str
    brought: Values


async def import_flows(
    desk: Desk, caller: Caller, imported: Sequence[Imported], *, skip_existing: bool = False
) -> list[bool]:
    """Tells of each flow whether it was written; raises Refused when one exists, unless those are skipped.

    A flow that was deleted comes back at its next version, so that no ETag is used twice.
    """
    edits = {one.workspace: _edit(desk, caller, one.workspace) for one in imported}
    return await desk.store.run(lambda: _import_all(edits, imported, skip_existing), together=True)


def _edit(desk: Desk, caller: Caller, workspace: str) -> Edit:
    within = Caller(workspace, caller.actor, caller.source, caller.request_id, caller.scopes)
    return desk.edit(within, "import", "", NO_TERMS)


def _import_all(edits: dict[str, Edit], imported: Iterable[Imported], skip: bool) -> Script[list[bool]]:
    written = []
    for one in imported:
        written.append((yield from _import(edits[one.workspace], one, skip)))
    return written


def _import(edit: Edit, one: Imported, skip: bool) -> Script[bool]:
    rows = yield flows.read_whole(edit.workspace, one.id)
    flow = flows.values(rows[0]) if rows else None
    if flow is not None and flow["deleted_at"] is None:
        if skip:
            return False
        raise Refused(Problem("IMMUTABLE_FIELD", f"a flow {one.id} exists in workspace {edit.workspace}", ("_id",)))
    version = 0 if flow is None else flow["version"] + 1
    created = one.brought["created_at"] if one.brought["created_at"] is not None else edit.now
    updated = one.brought["updated_at"] if one.brought["updated_at"] is not None else created
    row = {**one.brought, "created_at": created, "updated_at": updated, "version": version, "deleted_at": None}
    told = revisions.changes(flow or {}, row, [name for name in BROUGHT if _tells(name, flow, row)])
    revision = edit.revision(one.id, version, "IMPORT", told)
    if flow is None:
        written = yield flows.create(edit.workspace, {"id": one.id, **row}, revision, None)
    else:
        written = yield flows.save(edit.workspace, one.id, flow["version"], row, revision, None)
    if not written:
        raise Raced
    return True


def _tells(name: str, flow: Values | None, row: Values) -> bool:
    """Whether the revision of an import tells a column: what differs, and always the time that was brought along.

    Without that, history would take the time of the import for the time of the flow's last change.
    """
    return flow is None or name == "updated_at" or flow[name] != row[name]
