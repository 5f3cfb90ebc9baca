"""Statements of upkeep: the only ones that look across workspaces, and only to find what is old."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select, tuple_

from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.sets import one_of
from graphql_api.storage.tables import FLOWS, REPLAYS, REVISIONS, owned

_KEYS = list(REPLAYS.primary_key.columns)
_OLD = select(*_KEYS).where(REPLAYS.c.at <= bindparam("cut")).limit(bindparam("limit"))
_FORGET_REPLAYS = Shape(delete(REPLAYS).where(tuple_(*_KEYS).in_(_OLD)).returning(REPLAYS.c.at))


def forget_replays(cut: int, limit: int) -> Statement:
    return Statement(_FORGET_REPLAYS, {"cut": cut, "limit": limit})


_PLACE = tuple_(FLOWS.c.workspace_id, FLOWS.c.id)
_AFTER = tuple_(bindparam("workspace", type_=FLOWS.c.workspace_id.type), bindparam("id", type_=FLOWS.c.id.type))
_BEHIND = Shape(
    select(FLOWS.c.workspace_id, FLOWS.c.id)
    .where(_PLACE > _AFTER)
    .order_by(FLOWS.c.workspace_id, FLOWS.c.id)
    .limit(bindparam("limit"))
)


def flows_behind(place: tuple[str, str], limit: int) -> Statement:
    """Workspace and id of the next flows in the order of the primary key, also of deleted ones."""
    return Statement(_BEHIND, {"workspace": place[0], "id": place[1], "limit": limit}, scans=True)


_OTHER = REVISIONS.alias("other")
_KEPT = (
    select(func.max(_OTHER.c.version))
    .where(
        _OTHER.c.workspace_id == REVISIONS.c.workspace_id,
        _OTHER.c.flow_id == REVISIONS.c.flow_id,
        _OTHER.c.at <= bindparam("cut"),
    )
    .scalar_subquery()
)
_FORGET_REVISIONS = Shape(
    delete(REVISIONS)
    .where(owned(REVISIONS), one_of(REVISIONS.c.flow_id, "ids"), REVISIONS.c.version < _KEPT)
    .returning(REVISIONS.c.position)
)


def forget_revisions(workspace: str, ids: Sequence[str], cut: int) -> Statement:
    """All revisions before the newest one that is not younger than `cut`."""
    return Statement(_FORGET_REVISIONS, {"workspace": workspace, "ids": one_of.value(ids), "cut": cut})


_NAMED = select(REPLAYS.c.target).where(owned(REPLAYS))
_FORGET_FLOWS = Shape(
    delete(FLOWS)
    .where(owned(FLOWS), one_of(FLOWS.c.id, "ids"), FLOWS.c.deleted_at <= bindparam("cut"), FLOWS.c.id.not_in(_NAMED))
    .returning(FLOWS.c.id)
)


def forget_flows(workspace: str, ids: Sequence[str], cut: int) -> Statement:
    """Flows deleted before `cut`; not those that a replay names, as one of a repeated delete does."""
    return Statement(_FORGET_FLOWS, {"workspace": workspace, "ids": one_of.value(ids), "cut": cut})


_FORGET_HISTORY = Shape(
    delete(REVISIONS).where(owned(REVISIONS), one_of(REVISIONS.c.flow_id, "ids")).returning(REVISIONS.c.position)
)


def forget_history(workspace: str, ids: Sequence[str]) -> Statement:
    return Statement(_FORGET_HISTORY, {"workspace": workspace, "ids": one_of.value(ids)})
