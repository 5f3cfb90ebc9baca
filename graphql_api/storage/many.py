"""A statement carried out for many values at once, on PostgreSQL: its parameters become columns of what is given.

So PostgreSQL sets up one statement, with the checks of its tables, instead of as many as there are values. They are
given as one JSON text: asyncpg asks of each element of an array whether it is one itself, which was a tenth of what an
edit costs the server.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    String,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql import visitors
from sqlalchemy.types import TypeEngine, UserDefinedType

ORDINAL = "ordinal"
"""The column that tells which of the values a row answers, counted from 1."""

ONE: ColumnElement[int] = literal_column("1")
WRITER = msgspec.json.Encoder()


class Jsonb(UserDefinedType[Any]):
    """As PostgreSQL has it, without all else that its dialect brings along for a server on SQLite."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSONB"


def given(kinds: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """Rows of parameters by their names, all of which are bound as one text, `as_given`."""
    columns = [column(name, _bare(kind)) for name, kind in kinds.items()]
    rows = func.jsonb_to_recordset(cast(bindparam("given", type_=Text()), Jsonb))
    return rows.table_valued(*columns, column(ORDINAL, Integer())).render_derived(name="given", with_types=True)


def as_given(values: Iterable[Mapping[str, Any]]) -> str:
    return WRITER.encode([{**row, ORDINAL: number} for number, row in enumerate(values, 1)]).decode()


def by_place(rows: Iterable[Mapping[str, Any]], number: int) -> list[Sequence[Mapping[str, Any]]]:
    """What answers each of so many values: a row or none."""
    answers: list[Sequence[Mapping[str, Any]]] = [()] * number
    for row in rows:
        answers[row[ORDINAL] - 1] = (row,)
    return answers


def _bare(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Texts of a record are of no collation; the columns that they are compared with are."""
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
