"""A statement carried out for many values at once, on PostgreSQL: its parameters become columns of what is given.

So PostgreSQL sets up one statement, with the checks of its tables, instead of as many as there are values.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Select,
    String,
    TableValuedAlias,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql import visitors
from sqlalchemy.types import TypeEngine

ORDINAL = "ordinal"
"""The column that tells which of the values a row answers, counted from 1."""

ONE: ColumnElement[int] = literal_column("1")


def given(kinds: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """Rows of parameters by their names, each of which is bound to an array.

    The arrays stand in subqueries, where the planner does not see their sizes: it would plan anew for each.
    """
    arrays = [select(bindparam(name, type_=ARRAY(_bare(kind)))).scalar_subquery() for name, kind in kinds.items()]
    columns = [column(name, kind) for name, kind in kinds.items()]
    return func.unnest(*arrays).table_valued(*columns, with_ordinality=ORDINAL).render_derived(name="given")


def _bare(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Arrays of texts are of no collation; the columns that they are compared with are."""
    return Text() if isinstance(kind, String) else kind


def for_each(single: Select[Any]) -> Select[Any]:
    """A query of at most one row for each row of what is given; its limit has PostgreSQL look them up one by one."""
    parameters = (one for one in visitors.iterate(single) if isinstance(one, BindParameter))
    rows = given({one.key: one.type for one in parameters})

    def column_of(element: Any, **_: Any) -> Any:
        return rows.c[element.key] if isinstance(element, BindParameter) else None

    each: Any = visitors.replacement_traverse(single.limit(ONE), {}, column_of)
    answered = each.lateral("answered")
    return select(*answered.c, rows.c[ORDINAL]).select_from(rows.join(answered, true()))
