"""The stream of changes: every revision of every workspace by its position, and how much of it is gone."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, text, update

from graphql_api.storage import revisions
from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.many import ONE
from graphql_api.storage.revisions import Revision
from graphql_api.storage.sets import without_index
from graphql_api.storage.tables import REVISIONS, STREAM, owned

NONE: ColumnElement[int] = literal_column("0")
_TOP = select(func.coalesce(func.max(REVISIONS.c.position), NONE)).scalar_subquery()
_PRUNED = select(func.coalesce(func.max(STREAM.c.pruned), NONE)).scalar_subquery()

NEXT = func.max(_TOP, _PRUNED) + ONE
"""The next position on SQLite, where one connection writes at a time: above all that are there or ever were."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Change:
    """A committed revision in the stream of its database; `size` is the length of what it says of the leaves.

    `made` holds what was made of it for one watcher and is the same for others.
    """

    position: int
    workspace: str
    revision: Revision
    size: int = field(default=0, compare=False, repr=False)
    made: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


_COLUMNS = [REVISIONS.c.position, REVISIONS.c.workspace_id, *(REVISIONS.c[n] for n in Revision.__struct_fields__)]


def change(row: Row) -> Change:
    members = {name: row[name] for name in Revision.__struct_fields__}
    return Change(row["position"], row["workspace_id"], revisions.revision(members), len(row["changes"]))


def after(position: int, limit: int) -> Statement:
    """The next rows of the stream, each with the highest position that was ever removed as `pruned`."""
    return Statement(_AFTER, {"after": position, "limit": limit})


_FOLLOWING = select(*_COLUMNS, _PRUNED.label("pruned")).where(REVISIONS.c.position > bindparam("after"))
_IN_ORDER = _FOLLOWING.order_by(REVISIONS.c.position).limit(bindparam("limit"))
_AFTER = Shape(_IN_ORDER)


def between(workspace: str | None, flow_id: str | None, position: int, end: int, limit: int) -> Statement:
    """As `after`, up to and with the position `end`; of one workspace or of one flow in it when they are named."""
    values = {"after": position, "end": end, "limit": limit, "workspace": workspace, "flow_id": flow_id}
    given = {name: value for name, value in values.items() if value is not None}
    return Statement(_between(workspace is not None, flow_id is not None), given)


@lru_cache
def _between(of_workspace: bool, of_flow: bool) -> Shape:
    whose = [owned(REVISIONS)] if of_workspace else []
    if of_flow:
        whose.append(REVISIONS.c.flow_id == bindparam("flow_id"))
    chosen = _IN_ORDER.where(REVISIONS.c.position <= bindparam("end"))
    # In the primary key SQLite would find all history of the workspace or the flow, for each page, and sort it.
    return Shape(chosen.where(*map(without_index, whose)))


def beyond(position: int) -> Statement:
    """The positions beyond this one that are there, as unbroken runs of them: `first` to `last`."""
    return Statement(_BEYOND, {"after": position}, scans=True)


# Along a run position and number grow alike.
_RUN = (REVISIONS.c.position - func.row_number().over(order_by=REVISIONS.c.position)).label("run")
_THERE = select(REVISIONS.c.position, _RUN).where(REVISIONS.c.position > bindparam("after")).subquery()
_ENDS = (func.min(_THERE.c.position).label("first"), func.max(_THERE.c.position).label("last"))
_BEYOND = Shape(select(*_ENDS).group_by(_THERE.c.run).order_by("first"))

STREAM_NOW = Statement(Shape(select(STREAM.c.name, STREAM.c.pruned, _TOP.label("top"))), {})
"""The name of the stream, the highest position that was removed, and the highest that is there."""


def pruned(position: int) -> Statement:
    return Statement(_FORGET, {"position": position})


_FORGET = Shape(
    update(STREAM)
    .where(STREAM.c.pruned < bindparam("position"))
    .values(pruned=bindparam("position"))
    .returning(STREAM.c.pruned)
)

# PostgreSQL: whoever writes history holds this lock from before its first position until after its commit is visible.
_WRITERS = """
    FROM pg_locks AS held
    WHERE held.locktype = 'relation' AND held.mode = 'RowExclusiveLock' AND held.granted
        AND held.relation = 'message_flow_revisions'::regclass
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
WRITERS = Statement(Shape(text(f"SELECT held.virtualtransaction AS name {_WRITERS}")), {})

BEFORE_WRITERS = Statement(
    Shape(
        text(f"""
            WITH open AS (
                SELECT count(*) AS writers, count(work.xact_start) AS seen,
                    extract(epoch FROM min(work.xact_start)) * 1000 - 600000 AS since
                {_WRITERS.replace("WHERE", "LEFT JOIN pg_stat_activity AS work ON work.pid = held.pid WHERE", 1)}
            )
            SELECT writers, greatest(
                (SELECT max(position) FROM message_flow_revisions
                    WHERE at < (SELECT since FROM open WHERE seen = writers)
                    AND (SELECT seen = writers AND since IS NOT NULL FROM open)),
                (SELECT coalesce(max(pruned), 0) FROM message_flow_stream)
            ) AS top
            FROM open
        """)
    ),
    {},
)
"""A position before all that the open transactions may have taken, if no clock is wrong by ten minutes.

Since when those of other roles are open is told to members of pg_read_all_stats only: others begin before all history,
which is not looked through for them: that is what the last condition is for.
"""
