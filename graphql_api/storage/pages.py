"""Filter, order, keyset cursor: one page of flows, found by its place in an index and never by counting rows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, tuple_

from graphql_api.domain.search import Cursor, Filter, Order, OrderField, Span
from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.many import ONE
from graphql_api.storage.sets import contains, one_of, without_index
from graphql_api.storage.tables import FLOWS, owned

EQUAL = {
    "message_channel": FLOWS.c.message_channel,
    "direction": FLOWS.c.direction,
    "is_active": FLOWS.c.is_active,
    "autopilot": FLOWS.c.autopilot,
    "hipaa_compliance": FLOWS.c.security_hipaa_compliance,
    "agent": FLOWS.c.agent,
}
CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "ids": one_of(FLOWS.c.id, "ids"),
    **{name: column == bindparam(name, type_=column.type) for name, column in EQUAL.items()},
    "name_contains": contains(FLOWS.c.name_folded, "name_contains"),
    "updated_since": FLOWS.c.updated_at >= bindparam("updated_since", type_=FLOWS.c.updated_at.type),
}
"""What each member of a filter asks of a flow."""

SLOT: ColumnElement[int] = literal_column("20")
"""Bits of a time that its slot leaves out, by which an index leads to places in the order of updatedAt."""


def page(workspace: str, columns: Sequence[str], filter: Filter, order: Order, span: Span) -> Statement:
    """One flow more than asked for, from the end backwards for `last`; adds the sort key as `place`."""
    shape = _page(tuple(columns), _form(filter), order, span.last, span.after is not None, span.before is not None)
    places = {**_place("after", span.after), **_place("before", span.before)}
    return Statement(
        shape, {**_asked(workspace, filter), **places, "limit": span.limit + 1}, scans=_scans(filter, order)
    )


def matching(workspace: str, columns: Sequence[str], filter: Filter, limit: int) -> Statement:
    """All columns named of up to `limit` flows by id, for an edit of them all."""
    return Statement(
        _matching(tuple(columns), _form(filter)), {**_asked(workspace, filter), "limit": limit}, scans=True
    )


def count(workspace: str, filter: Filter) -> Statement:
    return Statement(_count(_form(filter)), _asked(workspace, filter), scans=True)


def outside(workspace: str, filter: Filter, order: Order, place: Cursor, *, backwards: bool) -> Statement:
    """A row if a flow lies at `place` or behind it, or before it if `backwards`."""
    values = {**_asked(workspace, filter), **_place("after", place)}
    return Statement(_outside(_form(filter), order, backwards), values, scans=_scans(filter, order))


def _scans(filter: Filter, order: Order) -> bool:
    """Whether rows are read that no index leads to; many flows may have been changed in one slot."""
    return order.field is OrderField.UPDATED_AT or bool(filter.asked())


def _form(filter: Filter) -> tuple[str, ...]:
    return tuple(filter.asked())


def _asked(workspace: str, filter: Filter) -> dict[str, Any]:
    asked = {"workspace": workspace, **filter.asked()}
    if filter.ids is not None:
        asked["ids"] = one_of.value(filter.ids)
    if "name_contains" in asked:
        asked["name_contains"] = asked["name_contains"].casefold()
    return asked


def _place(name: str, cursor: Cursor | None) -> dict[str, Any]:
    if cursor is None:
        return {}
    return {f"{name}_key": cursor.key, f"{name}_id": cursor.id}


@lru_cache(maxsize=512)
def _page(
    columns: tuple[str, ...], form: tuple[str, ...], order: Order, last: bool, after: bool, before: bool
) -> Shape:
    found = _found(columns, form, order)
    if after:
        found = found.where(*_behind(form, order, "after", backwards=False))
    if before:
        found = found.where(*_behind(form, order, "before", backwards=True))
    return Shape(_ordered(found, form, order, backwards=last).limit(bindparam("limit")))


@lru_cache(maxsize=64)
def _matching(columns: tuple[str, ...], form: tuple[str, ...]) -> Shape:
    chosen = select(*(FLOWS.c[column] for column in columns)).where(*_conditions(form))
    return Shape(chosen.order_by(FLOWS.c.id).limit(bindparam("limit")), locks=True)


@lru_cache(maxsize=64)
def _count(form: tuple[str, ...]) -> Shape:
    """Of recent changes by their slots; else in the order of the primary key. SQLite would take the index of the slots
    for it, and jump from row to row: five times as long."""
    total = select(func.count().label("total")).select_from(FLOWS).where(*_conditions(form))
    if "ids" in form:
        return Shape(total)
    if "updated_since" in form:
        return Shape(total.where(FLOWS.c.updated_slot >= _slot("updated_since")))
    return Shape(total.where(FLOWS.c.id > literal_column("''")), postgresql=total)


@lru_cache(maxsize=64)
def _outside(form: tuple[str, ...], order: Order, backwards: bool) -> Shape:
    found = _found((), form, order).where(*_behind(form, order, "after", backwards=backwards, inclusive=True))
    return Shape(_ordered(found, form, order, backwards).limit(ONE))


def _found(columns: tuple[str, ...], form: tuple[str, ...], order: Order) -> Select[Any]:
    chosen = (FLOWS.c[column] for column in columns)
    place = (FLOWS.c[order.field.value].label("place"), FLOWS.c.id.label("place_id"))
    found = select(*chosen, *place).where(*_conditions(form))
    if _goes_by_slot(form, order) and "updated_since" in form:
        found = found.where(FLOWS.c.updated_slot >= _slot("updated_since"))
    return found


def _goes_by_slot(form: tuple[str, ...], order: Order) -> bool:
    """Whether the index of slots leads to places in an order; ids lead to their flows by themselves."""
    return order.field is OrderField.UPDATED_AT and "ids" not in form


def _key(form: tuple[str, ...], order: Order) -> ColumnElement[Any]:
    """What is sorted by: through an index of it SQLite would look for a few ids among all flows of the workspace."""
    column = FLOWS.c[order.field.value]
    return without_index(column) if "ids" in form else column


def _slot(name: str) -> ColumnElement[int]:
    """Of the time that a parameter is."""
    return bindparam(name, type_=FLOWS.c.updated_at.type).bitwise_rshift(SLOT)


def _conditions(form: tuple[str, ...]) -> list[ColumnElement[bool]]:
    return [owned(FLOWS), FLOWS.c.deleted_at.is_(None), *(CONDITIONS[name] for name in form)]


def _behind(
    form: tuple[str, ...], order: Order, name: str, *, backwards: bool, inclusive: bool = False
) -> Iterator[ColumnElement[bool]]:
    column = _key(form, order)
    is_before = order.descending != backwards
    here = tuple_(column, FLOWS.c.id)
    there = tuple_(bindparam(f"{name}_key", type_=column.type), bindparam(f"{name}_id", type_=FLOWS.c.id.type))
    if inclusive:
        yield here <= there if is_before else here >= there
    else:
        yield here < there if is_before else here > there
    if _goes_by_slot(form, order):
        slot = _slot(f"{name}_key")
        yield FLOWS.c.updated_slot <= slot if is_before else FLOWS.c.updated_slot >= slot


def _ordered(found: Select[Any], form: tuple[str, ...], order: Order, backwards: bool) -> Select[Any]:
    columns = [_key(form, order), FLOWS.c.id]
    if _goes_by_slot(form, order):
        columns.insert(0, FLOWS.c.updated_slot)
    if order.descending != backwards:
        return found.order_by(*(column.desc() for column in columns))
    return found.order_by(*columns)
