"""Rows of message_flows as they are read, always those of one workspace; saving.py writes them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    func,
    select,
    text,
    true,
)

from graphql_api.domain.checks import whole
from graphql_api.domain.flow import COLUMNS, LEAVES
from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.many import ONE, ORDINAL, Jsonb
from graphql_api.storage.sets import one_of
from graphql_api.storage.tables import FLOWS, owned

FLAGS = frozenset(leaf.column for leaf in LEAVES if leaf.kind is bool)
DELAY = "response_settings_delay"

FEW = 100
"""Flows that are looked up by their ids at once, without a slot of the long reads."""


def values(row: Row) -> dict[str, Any]:
    """A row as the domain knows it: booleans where SQLite has 0 and 1, whole seconds without a fraction.

    A flow that was recalled comes as a dictionary of its own, and as the domain left it.
    """
    if type(row) is dict:
        return row
    flow = dict(row)
    flags = FLAGS & flow.keys()
    flow.update(zip(flags, map(bool, map(flow.__getitem__, flags)), strict=True))
    flow.pop(ORDINAL, None)
    if DELAY in flow:
        flow[DELAY] = whole(flow[DELAY])
    return flow


def read(workspace: str, id: str, columns: Sequence[str]) -> Statement:
    """Some columns of a flow that is not deleted."""
    return Statement(_read(tuple(columns)), {"workspace": workspace, "id": id})


@lru_cache(maxsize=512)
def _read(columns: tuple[str, ...]) -> Shape:
    chosen: list[ColumnElement[Any]] = [FLOWS.c[column] for column in columns]
    chosen = chosen or [ONE.label("found")]
    living = select(*chosen).where(owned(FLOWS), FLOWS.c.id == bindparam("id"), FLOWS.c.deleted_at.is_(None))
    return Shape(living, single=True)


def read_whole(workspace: str, id: str) -> Statement:
    """All columns of a flow, also of a deleted one, for an edit."""
    return Statement(_WHOLE, {"workspace": workspace, "id": id})


def recall(workspace: str, id: str) -> Statement:
    """As `read_whole`, but the flow may be told as this process wrote it last."""
    return Statement(_WHOLE, {"workspace": workspace, "id": id}, recalls=(workspace, id))


_ALL = [*(FLOWS.c[column] for column in COLUMNS), FLOWS.c.deleted_at]
_WHOLE = Shape(select(*_ALL).where(owned(FLOWS), FLOWS.c.id == bindparam("id")), locks=True, single=True)


def read_many(workspace: str, ids: Sequence[str]) -> Statement:
    """All columns of the flows with these ids, also of deleted ones, by id."""
    values = {"workspace": workspace, "ids": one_of.value(sorted(ids))}
    return Statement(_MANY, values, scans=len(ids) > FEW)


def _one_by_one() -> Select[Any]:
    """By the primary key, and locked in the order of the ids. For a condition on all of them PostgreSQL, while it does
    not know how many flows a workspace has, would read them all; and of a workspace that it has not met when it last
    looked it believes that it has none, and would read them all for each id: which one it is it must not know."""
    workspace = select(bindparam("workspace", type_=FLOWS.c.workspace_id.type)).scalar_subquery()
    ids = func.jsonb_array_elements_text(cast(bindparam("ids", type_=Text()), Jsonb)).table_valued("value")
    found = select(*_ALL).where(FLOWS.c.workspace_id == workspace, FLOWS.c.id == ids.c.value)
    flow = found.limit(ONE).lateral("flow")
    return select(*flow.c).select_from(ids.join(flow, true())).order_by(flow.c.id)


_MANY = Shape(
    select(*_ALL).where(owned(FLOWS), one_of(FLOWS.c.id, "ids")).order_by(FLOWS.c.id),
    postgresql=_one_by_one(),
    locks=True,
)

PLAN_ANEW = Statement(
    Shape(select(ONE), postgresql=select(func.set_config("plan_cache_mode", "force_custom_plan", true()))), {}
)
"""For a transaction that adds many flows: PostgreSQL plans each statement by what is there by then, and keeps none of
the plans for a table with few rows, which is to read it."""

COUNT_ANEW = Statement(Shape(select(ONE), postgresql=text("ANALYZE message_flows")), {})
"""For when many flows were added: PostgreSQL plans pages by how many flows it takes a workspace to have. A role that
may not do so is warned and passed over."""

ANY_FLOW = Statement(Shape(select(FLOWS.c.id).limit(ONE)), {})


def export(workspace: str | None) -> Statement:
    """Every flow of a workspace, or of all, oldest first; not the deleted ones."""
    chosen = select(*_ALL).where(FLOWS.c.deleted_at.is_(None))
    if workspace is None:
        return Statement(Shape(chosen.order_by(FLOWS.c.workspace_id, FLOWS.c.created_at, FLOWS.c.id)), {})
    return Statement(
        Shape(chosen.where(owned(FLOWS)).order_by(FLOWS.c.created_at, FLOWS.c.id)), {"workspace": workspace}
    )


def names(workspace: str) -> Statement:
    """Id, name and version of every flow of a workspace that is not deleted, by id."""
    return Statement(_NAMES, {"workspace": workspace}, scans=True)


_NAMES = Shape(
    select(FLOWS.c.id, FLOWS.c.name, FLOWS.c.version)
    .where(owned(FLOWS), FLOWS.c.deleted_at.is_(None))
    .order_by(FLOWS.c.id)
)
