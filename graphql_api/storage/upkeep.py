"""Statements of upkeep: the only ones that look across workspaces, and only to find what is old."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    FunctionElement,
    Integer,
    Text,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.sql.dml import ReturningDelete

from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.many import Jsonb
from graphql_api.storage.sets import one_of
from graphql_api.storage.tables import FLOWS, REPLAYS, REVISIONS, owned

_OLD = select(REPLAYS.c.scope).where(REPLAYS.c.at <= bindparam("cut")).limit(bindparam("limit"))
_FORGET_REPLAYS = Shape(delete(REPLAYS).where(REPLAYS.c.scope.in_(_OLD)).returning(REPLAYS.c.at))


def forget_replays(cut: int, limit: int) -> Statement:
    return Statement(_FORGET_REPLAYS, {"cut": cut, "limit": limit})


_PLACE = tuple_(FLOWS.c.workspace_id, FLOWS.c.id)
_AFTER = tuple_(bindparam("workspace", type_=FLOWS.c.workspace_id.type), bindparam("id", type_=FLOWS.c.id.type))
_BEHIND = Shape(
    select(FLOWS.c.workspace_id, FLOWS.c.id, FLOWS.c.deleted_at)
    .where(_PLACE > _AFTER)
    .order_by(FLOWS.c.workspace_id, FLOWS.c.id)
    .limit(bindparam("limit"))
)


def flows_behind(place: tuple[str, str], limit: int) -> Statement:
    """Where the next flows are in the order of the primary key, also deleted ones, which tell since when they are."""
    return Statement(_BEHIND, {"workspace": place[0], "id": place[1], "limit": limit}, scans=True)


_VERSION = REVISIONS.c.version
_IS_OLD = REVISIONS.c.at <= bindparam("cut")
_OLD_HISTORY = Shape(
    select(REVISIONS.c.flow_id, func.min(_VERSION).label("first"), func.max(_VERSION).label("kept"))
    .where(owned(REVISIONS), one_of(REVISIONS.c.flow_id, "ids"), _IS_OLD)
    .group_by(REVISIONS.c.flow_id)
    .having(func.min(_VERSION) < func.max(_VERSION))
)


def old_history(workspace: str, ids: Sequence[str], cut: int) -> Statement:
    """Of each flow that has some to lose: `first` is its oldest version, `kept` its newest not younger than `cut`."""
    return Statement(_OLD_HISTORY, {"workspace": workspace, "ids": one_of.value(ids), "cut": cut}, scans=True)


_GIVEN = bindparam("given", type_=Text())


def _forget(entries: FunctionElement[Any], flow_id: str, version: str) -> ReturningDelete[Any]:
    """`entries` makes a `value` of each pair of the JSON list that `given` binds; the others say what is its parts."""
    pairs = select(cast(literal_column(flow_id), Text), cast(literal_column(version), Integer)).select_from(entries)
    row = tuple_(REVISIONS.c.flow_id, REVISIONS.c.version)
    return delete(REVISIONS).where(owned(REVISIONS), row.in_(pairs), _IS_OLD).returning(REVISIONS.c.position)


# Row by row: of ranges PostgreSQL would expect so many rows that it reads the whole table.
_FORGET_REVISIONS = Shape(
    _forget(func.json_each(_GIVEN), "json_extract(value, '$[0]')", "json_extract(value, '$[1]')"),
    postgresql=_forget(func.jsonb_array_elements(cast(_GIVEN, Jsonb)), "value ->> 0", "value ->> 1"),
)


def forget_revisions(workspace: str, versions: Sequence[tuple[str, int]], cut: int) -> Statement:
    """These versions of flows, unless a flow was removed and made anew since it was looked at."""
    given = msgspec.json.encode(versions).decode()
    return Statement(_FORGET_REVISIONS, {"workspace": workspace, "given": given, "cut": cut})


_NAMING = select(REPLAYS.c.workspace_id, REPLAYS.c.target).where(one_of(REPLAYS.c.target, "ids"))
_NAMED = Shape(_NAMING)
_NAMED_SINCE = Shape(_NAMING.where(REPLAYS.c.at > bindparam("since", type_=REPLAYS.c.at.type)))


def named(ids: Sequence[str]) -> Statement:
    """Workspace and id (`target`) of those flows that a replay names, as one of a repeated delete does.

    It reads all replays, no index leads to them: meant for many ids, of whichever workspaces, at once, and for no
    transaction.
    """
    return Statement(_NAMED, {"ids": one_of.value(ids)}, scans=True)


def named_since(ids: Sequence[str], since: int) -> Statement:
    """The same, but only by the replays that are younger."""
    return Statement(_NAMED_SINCE, {"ids": one_of.value(ids), "since": since})


_FORGET_FLOWS = Shape(
    delete(FLOWS)
    .where(owned(FLOWS), one_of(FLOWS.c.id, "ids"), FLOWS.c.deleted_at <= bindparam("cut"))
    .returning(FLOWS.c.id)
)


def forget_flows(workspace: str, ids: Sequence[str], cut: int) -> Statement:
    """Those that were deleted before `cut`, and not restored since they were looked at."""
    return Statement(_FORGET_FLOWS, {"workspace": workspace, "ids": one_of.value(ids), "cut": cut})


_FORGET_HISTORY = Shape(
    delete(REVISIONS).where(owned(REVISIONS), one_of(REVISIONS.c.flow_id, "ids")).returning(REVISIONS.c.position)
)


def forget_history(workspace: str, ids: Sequence[str]) -> Statement:
    return Statement(_FORGET_HISTORY, {"workspace": workspace, "ids": one_of.value(ids)})
