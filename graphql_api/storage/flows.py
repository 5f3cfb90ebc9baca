"""Rows of message_flows, always those of one workspace, and the one statement that writes a flow with its history."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Insert,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from graphql_api.domain.checks import whole
from graphql_api.domain.flow import COLUMNS, LEAVES, Values
from graphql_api.storage.changes import NEXT
from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.many import ONE, ORDINAL, Jsonb, for_each, given
from graphql_api.storage.replays import Replay
from graphql_api.storage.revisions import Revision
from graphql_api.storage.sets import one_of
from graphql_api.storage.tables import FLOWS, REPLAYS, REVISIONS, owned

FLAGS = frozenset(leaf.column for leaf in LEAVES if leaf.kind is bool)
DELAY = "response_settings_delay"

FEW = 100
"""Flows that are looked up by their ids at once, without a place among the long reads."""


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


# Reading


def read(workspace: str, id: str, columns: Sequence[str]) -> Statement:
    """Some columns of a flow that is not deleted."""
    return Statement(_read(tuple(columns)), {"workspace": workspace, "id": id})


@lru_cache(maxsize=512)
def _read(columns: tuple[str, ...]) -> Shape:
    chosen: list[ColumnElement[Any]] = [FLOWS.c[column] for column in columns]
    chosen = chosen or [literal_column("1").label("found")]
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
    not know how many flows a workspace has, would read them all."""
    ids = func.jsonb_array_elements_text(cast(bindparam("ids", type_=Text()), Jsonb)).table_valued("value")
    flow = select(*_ALL).where(owned(FLOWS), FLOWS.c.id == ids.c.value).limit(ONE).lateral("flow")
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

ANY_FLOW = Statement(Shape(select(FLOWS.c.id).limit(literal_column("1"))), {})


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


# Writing


def create(workspace: str, row: Values, revision: Revision, replay: Replay | None) -> Statement:
    """A new row with its first revision."""
    row = _stored(row)
    shape, names = _write(True, tuple(row), replay is not None)
    return Statement(shape, _bound(names, (workspace,), row, revision, replay))


def save(
    workspace: str,
    id: str,
    seen: int,
    row: Values,
    revision: Revision,
    replay: Replay | None,
    after: Values | None = None,
) -> Statement:
    """Writes the columns of `row` if the flow is still at version `seen`; no row back means that it is not.

    `after` is the whole flow as it will be then, to be recalled.
    """
    row = _stored(row)
    shape, names = _write(False, tuple(row), replay is not None)
    values = _bound(names, (workspace, id, seen), row, revision, replay)
    return Statement(shape, values, recalls=(workspace, id) if after else None, after=after)


def _stored(row: Values) -> Values:
    return {**row, "name_folded": row["name"].casefold()} if "name" in row else row


def _bound(
    names: Sequence[str], seen: Sequence[Any], row: Values, revision: Revision, replay: Replay | None
) -> dict[str, Any]:
    kept = () if replay is None else replay.row()
    return dict(zip(names, (*seen, *row.values(), *revision.row(), *kept), strict=True))


NEW = {column.name: f"new_{column.name}" for column in FLOWS.c}
REVISION = tuple(f"revision_{name}" for name in Revision.__struct_fields__[2:])
REPLAY = tuple(f"replay_{name}" for name in Replay.__struct_fields__)

WORKSPACE = bindparam("workspace", type_=FLOWS.c.workspace_id.type)
ID = bindparam("id", type_=FLOWS.c.id.type)
PLACE: ColumnElement[Any] = literal_column("message_flows.ctid")
"""Where a row lies on PostgreSQL, until it is written the next time."""

SEEN = (owned(FLOWS), FLOWS.c.id == ID, FLOWS.c.version == bindparam("seen"))
"""The flow as the script has seen it."""

FREE: Mapping[str, Any] = {"key_share": True, "skip_locked": True}
"""How rows are locked that nobody else has locked; all others are passed over."""

Parameters = Mapping[str, BindParameter[Any]]
"""Columns of a table, and the parameters whose values are written into them."""


@lru_cache(maxsize=1024)
def _write(is_new: bool, columns: tuple[str, ...], keyed: bool) -> tuple[Shape, tuple[str, ...]]:
    """The row, and only if it was written its revision and its replay; and the names of its values in their order.

    On PostgreSQL it is one statement, in which the position of the revision is drawn while the row is locked, so that
    those of a flow follow its versions. A row that others have locked is taken for one that they have written, which it
    mostly is by the time that they are done: nobody waits for it but the script that runs again.
    """
    new: Parameters = {column: bindparam(NEW[column], type_=FLOWS.c[column].type) for column in columns}
    flow: Parameters = {"flow_id": new["id"] if is_new else ID, "version": new["version"]}
    others: dict[Table, Parameters] = {REVISIONS: {**_parameters(REVISIONS, "revision"), **flow}}
    if keyed:
        others[REPLAYS] = _parameters(REPLAYS, "replay")
    first: Insert | Update = update(FLOWS).where(*SEEN).values(new)
    if_free: Insert | Update = update(FLOWS).where(*SEEN, _free() == PLACE).values(new)
    if is_new:
        new = {"workspace_id": WORKSPACE, **new}
        first = if_free = insert(FLOWS).values(new)
    saved = if_free.returning(FLOWS.c.version).cte("saved")
    whole = select(saved.c.version).add_cte(*(_follows(saved, table, own) for table, own in others.items()))
    steps = [insert(table).values(own) for table, own in others.items()]
    steps[0] = steps[0].values(position=NEXT)
    many = partial(_create_many if is_new else _save_many, new, others)
    shape = Shape(first, *steps, postgresql=whole, many=many, single=True)
    seen = ("workspace",) if is_new else ("workspace", "id", "seen")
    return shape, (*seen, *map(NEW.__getitem__, columns), *REVISION, *(REPLAY if keyed else ()))


def _free() -> ColumnElement[Any]:
    """The place of the flow as it was seen, which is locked with it; none while others have it locked."""
    return select(PLACE).where(*SEEN).with_for_update(**FREE).correlate(None).scalar_subquery()


def _follows(saved: CTE, table: Table, values: Mapping[str, ColumnElement[Any]]) -> CTE:
    rows = select(*values.values()).select_from(saved)
    return insert(table).from_select(list(values), rows).cte(f"with_{table.name}")


def _save_many(new: Parameters, others: Mapping[Table, Parameters]) -> Select[Any]:
    """The locked rows are written where they lie, which is asked for twice: to join them by their ids, or by their
    places alone, PostgreSQL may go through the whole table instead.
    """
    seen = select(PLACE.label("place"), FLOWS.c.id, *_labels(new, others)).where(*SEEN)
    held = for_each(seen.with_for_update(**FREE)).cte("held")
    places = func.array(select(held.c.place).scalar_subquery())
    changed = update(FLOWS).where(held.c.place == PLACE, any_(places) == PLACE)
    saved = changed.values(_out_of(held, new)).returning(*held.c).cte("saved")
    return _numbered(saved, others)


def _create_many(new: Parameters, others: Mapping[Table, Parameters]) -> Select[Any]:
    kinds = {one.name: one.type for one in _labels(new, others)}
    rows = select(*given(kinds).c).cte("rows")
    return _numbered(rows, others).add_cte(_follows(rows, FLOWS, _out_of(rows, new)))


def _numbered(saved: CTE, others: Mapping[Table, Parameters]) -> Select[Any]:
    followers = (_follows(saved, table, _out_of(saved, own)) for table, own in others.items())
    return select(saved.c.new_version.label("version"), saved.c[ORDINAL]).add_cte(*followers)


def _labels(new: Parameters, others: Mapping[Table, Parameters]) -> Iterable[ColumnElement[Any]]:
    """All parameters but the id of a flow that is there, each once, as columns of their own names."""
    parameters = {one.key: one for values in (new, *others.values()) for one in values.values() if one is not ID}
    return [one.label(name) for name, one in parameters.items()]


def _out_of(rows: CTE, parameters: Parameters) -> Mapping[str, ColumnElement[Any]]:
    return {column: rows.c[one.key] for column, one in parameters.items()}


def _parameters(table: Table, prefix: str) -> Parameters:
    others = ("workspace_id", "position")
    rest = {c.name: bindparam(f"{prefix}_{c.name}", type_=c.type) for c in table.c if c.name not in others}
    return {"workspace_id": WORKSPACE, **rest}
