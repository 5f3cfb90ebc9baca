"""What an edit needs of a long history, read before its transaction, in which all other edits of a SQLite file wait."""

from graphql_api.domain.flow import Values
from graphql_api.edits.desk import Desk, Edit
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Script, drive_waiting
from graphql_api.storage.revisions import Revision

Past = tuple[Values, Revision]
"""A flow as it was, and the revision that made it so."""

Changed = tuple[int, frozenset[str] | None]
"""The version of a flow, and the columns that changed up to it; None when history does not hold them any more."""


async def past(desk: Desk, edit: Edit, id: str, version: int) -> Past | None:
    """None where that is near, or where there is none."""
    flow = await _far_ahead(desk, edit, id, version)
    if flow is None:
        return None
    return await drive_waiting(revisions.past(edit.workspace, flow, version), desk.store.read)


async def changed(desk: Desk, edit: Edit, id: str) -> Changed | None:
    """What a MERGE has to know; None where little changed since the version that it names."""
    seen = edit.terms.seen()
    flow = None if seen is None else await _far_ahead(desk, edit, id, seen)
    if flow is None or seen is None:
        return None
    told = await drive_waiting(revisions.changed_since(edit.workspace, flow, seen), desk.store.read)
    return flow["version"], told


async def _far_ahead(desk: Desk, edit: Edit, id: str, version: int) -> Values | None:
    """The flow, if it has come more than a step further since; what only reads does so beside all others anyway."""
    if version < 0 or edit.terms.validate_only:
        return None
    for row in await desk.store.read(flows.read_whole(edit.workspace, id)):
        if row["version"] - version > revisions.STEP:
            return flows.values(row)
    return None


def still(edit: Edit, id: str, known: Past | None) -> Script[Values | None]:
    """The flow as it was, if history has that revision yet."""
    if known is None:
        return None
    flow, made_by = known
    rows = yield revisions.one(edit.workspace, id, made_by.version)
    return flow if [revisions.revision(row) for row in rows] == [made_by] else None


def changed_since(edit: Edit, flow: Values, seen: int, known: Changed | None) -> Script[frozenset[str] | None]:
    """As in `revisions`; of what is known only the rest is read."""
    until, before = known or (seen, frozenset())
    if until > flow["version"]:  # it was removed and made anew
        until, before = seen, frozenset()
    since = None if before is None else (yield from revisions.changed_since(edit.workspace, flow, until))
    return None if before is None or since is None else before | since
