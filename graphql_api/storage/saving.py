"""The one statement that writes a flow: with its history and its replay, or not at all."""

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
    Update,
    any_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)

from graphql_api.domain.flow import Values
from graphql_api.storage.changes import NEXT
from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.many import ONE, ORDINAL, for_each, given
from graphql_api.storage.replays import Replay
from graphql_api.storage.revisions import Revision
from graphql_api.storage.tables import FLOWS, REPLAYS, REVISIONS, owned


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
    """Writes the columns of `row` if the flow is still at version `seen` and the key of `replay` was not used before;
    no row back means that one of them is not so.

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

Conditions = Sequence[ColumnElement[bool]]

KEY_IS_NEW = ~exists(
    select(ONE)
    .where(owned(REPLAYS), REPLAYS.c.scope == bindparam("replay_scope"))
    .correlate_except(REPLAYS)  # in a batch with the row of its own, not with any of them
)

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
    seen = (*SEEN, KEY_IS_NEW) if keyed else SEEN
    first: Insert | Update = update(FLOWS).where(*seen).values(new)
    if_free: Insert | Update = update(FLOWS).where(*SEEN, _free(seen) == PLACE).values(new)
    if is_new:
        new = {"workspace_id": WORKSPACE, **new}
        first = if_free = insert(FLOWS).values(new)
    saved = if_free.returning(FLOWS.c.version).cte("saved")
    whole = select(saved.c.version).add_cte(*(_follows(saved, table, own) for table, own in others.items()))
    steps = [insert(table).values(own) for table, own in others.items()]
    steps[0] = steps[0].values(position=NEXT)
    many = partial(_create_many, new, others) if is_new else partial(_save_many, seen, new, others)
    shape = Shape(first, *steps, postgresql=whole, many=many, single=True)
    found_by = ("workspace",) if is_new else ("workspace", "id", "seen")
    return shape, (*found_by, *map(NEW.__getitem__, columns), *REVISION, *(REPLAY if keyed else ()))


def _free(seen: Conditions) -> ColumnElement[Any]:
    """The place of the flow as it was seen, which is locked with it; none while others have it locked."""
    return select(PLACE).where(*seen).with_for_update(**FREE).correlate(None).scalar_subquery()


def _follows(saved: CTE, table: Table, values: Mapping[str, ColumnElement[Any]]) -> CTE:
    rows = select(*values.values()).select_from(saved)
    return insert(table).from_select(list(values), rows).cte(f"with_{table.name}")


def _save_many(seen: Conditions, new: Parameters, others: Mapping[Table, Parameters]) -> Select[Any]:
    """The locked rows are written where they lie, which is asked for twice: to join them by their ids, or by their
    places alone, PostgreSQL may go through the whole table instead.
    """
    free = select(PLACE.label("place"), FLOWS.c.id, *_labels(new, others)).where(*seen)
    held = for_each(free.with_for_update(**FREE)).cte("held")
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
