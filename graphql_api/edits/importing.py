"""Flows from outside with their ids and times, all in one transaction."""

from collections.abc import Callable, Iterable
from functools import cache

import msgspec

from graphql_api.domain.batching import batched
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import LEAVES, Values
from graphql_api.domain.terms import NO_TERMS
from graphql_api.edits.desk import Desk, Edit
from graphql_api.storage import flows, revisions, saving
from graphql_api.storage.abreast import abreast
from graphql_api.storage.engine import Raced, Script

BROUGHT = ("created_at", "updated_at", *(leaf.column for leaf in LEAVES))
"""An import sets the times of a flow as well; its revision tells them."""

AT_ONCE = 500
"""Flows that are looked up with one statement a workspace."""


class Imported(msgspec.Struct, frozen=True):
    """A flow as it was read from outside; `brought` holds all leaves and the times, None where the file has none."""

    id: str
    workspace: str
    brought: Values


async def import_flows(
    desk: Desk,
    caller: Caller,
    imported: Iterable[Imported],
    *,
    skip_existing: bool = False,
    tell: Callable[[int], None] = lambda flows: None,
) -> list[bool]:
    """Tells of each flow whether it was written; raises Refused when one exists, unless those are skipped.

    `imported` can be gone through more than once and holds each id once; `tell` hears how many have been written.
    A flow that was deleted comes back at its next version, so that no ETag is used twice.
    """
    edit_in = cache(lambda workspace: _edit(desk, caller, workspace))
    return await desk.store.run(lambda: _import_all(edit_in, imported, skip_existing, tell), together=True)


def _edit(desk: Desk, caller: Caller, workspace: str) -> Edit:
    return desk.edit(msgspec.structs.replace(caller, workspace=workspace), "import", None, NO_TERMS)


def exists(one: Imported) -> Refused:
    return Refused(Problem("IMMUTABLE_FIELD", f"the flow {one.id} exists in workspace {one.workspace}", ("_id",)))


def _import_all(
    edit_in: Callable[[str], Edit], imported: Iterable[Imported], skip: bool, tell: Callable[[int], None]
) -> Script[list[bool]]:
    yield flows.PLAN_ANEW
    written: list[bool] = []
    for batch in batched(imported, AT_ONCE):
        found = yield from found_at((one.workspace, one.id) for one in batch)
        imports = []
        for one in batch:
            place = (one.workspace, one.id)
            imports.append(_import(edit_in(one.workspace), one, found.get(place), skip))
            found[place] = {"deleted_at": None}
        written += yield from abreast(imports)
        tell(len(written))
    return written


def found_at(places: Iterable[tuple[str, str]]) -> Script[dict[tuple[str, str], Values]]:
    """The flows that are in the database, also deleted ones, of those that are named by workspace and id."""
    ids: dict[str, list[str]] = {}
    for workspace, id in places:
        ids.setdefault(workspace, []).append(id)
    found: dict[tuple[str, str], Values] = {}
    for workspace, some in ids.items():
        for row in (yield flows.read_many(workspace, some)):
            found[workspace, row["id"]] = flows.values(row)
    return found


def _import(edit: Edit, one: Imported, flow: Values | None, skip: bool) -> Script[bool]:
    if flow is not None and flow["deleted_at"] is None:
        if skip:
            return False
        raise exists(one)
    version = 0 if flow is None else flow["version"] + 1
    created, updated = one.brought["created_at"], one.brought["updated_at"]
    if created is None:
        created = edit.now if updated is None else updated
    if updated is None:
        updated = created
    row = {**one.brought, "created_at": created, "updated_at": updated, "version": version, "deleted_at": None}
    told = revisions.changes(flow or {}, row, [name for name in BROUGHT if _tells(name, flow, row)])
    revision = edit.revision(one.id, version, edit.now, "IMPORT", told)
    if flow is None:
        written = yield saving.create(edit.workspace, {"id": one.id, **row}, revision, None)
    else:
        written = yield saving.save(edit.workspace, one.id, flow["version"], row, revision, None)
    if not written:
        raise Raced
    return True


def _tells(name: str, flow: Values | None, row: Values) -> bool:
    """Whether the revision of an import tells a column: what differs, and always the time that was brought along.

    Without that, history would take the time of the import for the time of the flow's last change.
    """
    return flow is None or name == "updated_at" or flow[name] != row[name]
