"""What each save changed: one row of message_flow_revisions a version, and flows as they were."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import astuple
from sqlalchemy import FunctionElement, Integer, Select, Text, bindparam, cast, func, select

from graphql_api.domain.flow import BY_PATH, Values
from graphql_api.storage.engine import Row, Script, Shape, Statement
from graphql_api.storage.many import Jsonb
from graphql_api.storage.tables import REVISIONS, owned

STEP = 100
"""Revisions that are read at a time: of a flow that changed often not all newer ones are held at once."""

# An import brings the times of a flow with it; history tells them like leaves.
TIMES = {"createdAt": "created_at", "updatedAt": "updated_at"}
COLUMN_OF = {**{path: leaf.column for path, leaf in BY_PATH.items()}, **TIMES}
PATH_OF = {column: path for path, column in COLUMN_OF.items()}

Changes = Mapping[str, tuple[Any, Any]]
"""Path of a leaf -> its value before and after; in the order of the declaration."""


WRITER = msgspec.json.Encoder()


class Revision(msgspec.Struct, frozen=True):
    flow_id: str
    version: int
    at: int
    operation: str
    source: str
    actor: str
    request_id: str | None
    note: str | None
    changes: Changes

    def row(self) -> tuple[Any, ...]:
        """As it is stored, but for the id and the version of its flow; the columns are named like the members."""
        return (*astuple(self)[2:-1], WRITER.encode(self.changes).decode())

    @property
    def changed(self) -> frozenset[str]:
        """The columns that changed."""
        return frozenset(COLUMN_OF[path] for path in self.changes)


def changes(before: Values, after: Values, columns: Sequence[str]) -> Changes:
    return {PATH_OF[column]: (before.get(column), after[column]) for column in columns}


def revision(row: Row) -> Revision:
    members = {**row, "changes": {path: tuple(both) for path, both in msgspec.json.decode(row["changes"]).items()}}
    return Revision(**members)


_COLUMNS = [REVISIONS.c[name] for name in Revision.__struct_fields__]
_FLOW = REVISIONS.c.flow_id == bindparam("flow_id")


def newest(workspace: str, flow_id: str, limit: int, before: int | None) -> Statement:
    """Up to `limit` revisions of a flow below version `before`, newest first."""
    values = {"workspace": workspace, "flow_id": flow_id, "limit": limit}
    return Statement(_newest(before is not None), values if before is None else {**values, "before": before})


@lru_cache
def _newest(continued: bool) -> Shape:
    chosen = select(*_COLUMNS).where(owned(REVISIONS), _FLOW)
    if continued:
        chosen = chosen.where(REVISIONS.c.version < bindparam("before"))
    return Shape(chosen.order_by(REVISIONS.c.version.desc()).limit(bindparam("limit")))


def between(workspace: str, flow_id: str, first: int, last: int, *, scans: bool = False) -> Statement:
    """The revisions of a flow from version `first` to `last`, newest first."""
    values = {"workspace": workspace, "flow_id": flow_id, "first": first, "last": last}
    return Statement(_BETWEEN, values, scans)


_BETWEEN = Shape(
    select(*_COLUMNS)
    .where(owned(REVISIONS), _FLOW, REVISIONS.c.version.between(bindparam("first"), bindparam("last")))
    .order_by(REVISIONS.c.version.desc())
)


def since_each(workspace: str, versions: Mapping[str, int]) -> Statement:
    """The revisions of several flows, each from its own version on, newest first; meant for some `STEP` in all."""
    floors = msgspec.json.encode(versions).decode()
    return Statement(_SINCE_EACH, {"workspace": workspace, "floors": floors})


def _since_each(entries: FunctionElement[Any]) -> Select[Any]:
    """`entries` makes rows of key and value of the JSON object that `floors` binds."""
    floor = entries.table_valued("key", "value")
    is_told = REVISIONS.c.version >= cast(floor.c.value, Integer)
    joined = REVISIONS.join(floor, REVISIONS.c.flow_id == floor.c.key)
    chosen = select(*_COLUMNS).select_from(joined).where(owned(REVISIONS), is_told)
    return chosen.order_by(REVISIONS.c.flow_id, REVISIONS.c.version.desc())


_FLOORS = bindparam("floors", type_=Text())
_SINCE_EACH = Shape(
    _since_each(func.json_each(_FLOORS)), postgresql=_since_each(func.jsonb_each_text(cast(_FLOORS, Jsonb)))
)


def one(workspace: str, flow_id: str, version: int) -> Statement:
    return Statement(_ONE, {"workspace": workspace, "flow_id": flow_id, "version": version})


_ONE = Shape(select(*_COLUMNS).where(owned(REVISIONS), _FLOW, REVISIONS.c.version == bindparam("version")))


def past(workspace: str, flow: Values, version: int) -> Script[tuple[Values, Revision] | None]:
    """The flow as it was at `version`, with the revision that made it so; None when history does not reach.

    Undone step by step. The flow is read before its history: an edit in between adds a revision above it, which is not
    read, and leaves out none.
    """
    while flow["version"] >= version:
        floor = max(version, flow["version"] - STEP)
        rows = yield between(workspace, flow["id"], floor, flow["version"], scans=floor > version)
        undone = [revision(row) for row in rows]
        earlier = as_of(flow, floor, undone)
        if earlier is None or floor == version:
            return None if earlier is None else (earlier, undone[-1])
        flow = earlier
    return None


def onward_from(
    workspace: str, flow: Values, made_by: Revision, version: int
) -> Script[tuple[Values, Revision] | None]:
    """As `past`, but from the flow as `made_by` left it earlier: reads no more than that and what lies between.

    None also when history has another revision in its place, and so is not the history that it was.
    """
    rows = yield between(workspace, flow["id"], made_by.version, version)
    told = [revision(row) for row in reversed(rows)]
    if len(told) != version - made_by.version + 1 or told[0] != made_by:
        return None
    for newer in told[1:]:
        flow, made_by = onward(flow, newer), newer
    return flow, made_by


def changed_since(workspace: str, flow: Values, version: int) -> Script[frozenset[str] | None]:
    """The columns that changed after `version`; None when history does not hold all revisions since."""
    changed: set[str] = set()
    for last in range(flow["version"], version, -STEP):
        first = max(version + 1, last - STEP + 1)
        rows = yield between(workspace, flow["id"], first, last, scans=first > version + 1)
        if len(rows) != last - first + 1:
            return None
        changed.update(*(revision(row).changed for row in rows))
    return frozenset(changed)


def onward(flow: Values, revision: Revision) -> Values:
    """The flow as the next revision left it."""
    after = {COLUMN_OF[path]: both[1] for path, both in revision.changes.items()}
    return {**flow, "version": revision.version, "updated_at": revision.at, **after}


def as_of(flow: Values, version: int, newer: Sequence[Revision]) -> Values | None:
    """The flow as it was at `version`, made by undoing the revisions above it; None when history does not reach.

    `newer` holds the revision of `version` and those above, newest first; ones above the flow's own are passed over.
    """
    known = [revision for revision in newer if version <= revision.version <= flow["version"]]
    if not known or known[-1].version != version or len(known) != flow["version"] - version + 1:
        return None
    past = {**flow, "version": version, "updated_at": known[-1].at}
    for revision in known[:-1]:
        for path, (before, _) in revision.changes.items():
            if path != "updatedAt":
                past[COLUMN_OF[path]] = before
    if "updatedAt" in known[-1].changes:
        past["updated_at"] = known[-1].changes["updatedAt"][1]
    return past
