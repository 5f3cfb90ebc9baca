"""What the two databases spell differently: one of many texts, a text within a text, and what leads to no index."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class one_of(ColumnElement[bool]):
    """The column is one of the texts bound to `name` as `one_of.value(texts)`, all in one parameter."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[str], name: str) -> None:
        self.column = column
        self.texts = bindparam(name, type_=Text())

    @staticmethod
    def value(texts: Iterable[str]) -> str:
        return msgspec.json.encode(list(texts)).decode()


@compiles(one_of, "sqlite")
def _sqlite(element: one_of, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = compiler.process(element.column, **how), compiler.process(element.texts, **how)
    return f"{column} IN (SELECT value FROM json_each({texts}))"


@compiles(one_of, "postgresql")
def _postgresql(element: one_of, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = compiler.process(element.column, **how), compiler.process(element.texts, **how)
    return f"{column} IN (SELECT jsonb_array_elements_text(CAST({texts} AS jsonb)))"


class contains(ColumnElement[bool]):
    """The text bound to `name` stands within the column, character by character: `%` and `_` are themselves."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[str], name: str) -> None:
        self.column = column
        self.text = bindparam(name, type_=Text())


@compiles(contains, "sqlite")
def _sqlite_contains(element: contains, compiler: SQLCompiler, **how: Any) -> str:
    return f"instr({compiler.process(element.column, **how)}, {compiler.process(element.text, **how)}) > 0"


@compiles(contains, "postgresql")
def _postgresql_contains(element: contains, compiler: SQLCompiler, **how: Any) -> str:
    return f"strpos({compiler.process(element.column, **how)}, {compiler.process(element.text, **how)}) > 0"


class without_index(ColumnElement[Any]):
    """The same, but SQLite, which knows no sizes, finds and orders no rows by it through an index."""

    inherit_cache = False

    def __init__(self, inner: ColumnElement[Any]) -> None:
        self.inner = inner.self_group()
        self.type = inner.type


@compiles(without_index, "sqlite")
def _sqlite_without_index(element: without_index, compiler: SQLCompiler, **how: Any) -> str:
    return f"+{compiler.process(element.inner, **how)}"


@compiles(without_index, "postgresql")
def _postgresql_without_index(element: without_index, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(element.inner, **how)
