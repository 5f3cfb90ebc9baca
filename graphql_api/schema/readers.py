"""Variables read as the schema's input types say, without the general executor; anything odd is left to that one."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    is_required_input_field,
)

from graphql_api.schema.scalars import understood

Reader = Callable[[Any], Any]


class Unusual(Exception):
    """Not as a plan expects it: the general executor answers, and finds the words when it is wrong."""


def reader(kind: GraphQLInputType) -> Reader:
    """Reads a JSON value of an input type: enums as their names, input objects as dicts of what was there."""
    if isinstance(kind, GraphQLNonNull):
        return _present(reader(kind.of_type))
    if isinstance(kind, GraphQLList):
        return _nullable(_each(reader(kind.of_type)))
    if isinstance(kind, GraphQLEnumType):
        return _nullable(_name(frozenset(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        return _nullable(_members(kind))
    assert isinstance(kind, GraphQLScalarType)
    return _nullable(SCALARS[kind.name])


def _present(read: Reader) -> Reader:
    def present(value: Any) -> Any:
        if value is None:
            raise Unusual
        return read(value)

    return present


def _nullable(read: Reader) -> Reader:
    def nullable(value: Any) -> Any:
        return None if value is None else read(value)

    return nullable


def _each(read: Reader) -> Reader:
    def each(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Unusual
        return [read(one) for one in value]

    return each


def _name(names: frozenset[str]) -> Reader:
    def name(value: Any) -> str:
        if type(value) is not str or value not in names:
            raise Unusual
        return value

    return name


def _members(kind: GraphQLInputObjectType) -> Reader:
    readers = {name: reader(field.type) for name, field in kind.fields.items()}
    required = tuple(name for name, field in kind.fields.items() if is_required_input_field(field))
    defaults = {name: _default(field) for name, field in kind.fields.items() if _default(field) is not Undefined}

    def members(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Unusual
        try:
            read = {name: readers[name](member) for name, member in value.items()}
        except KeyError:
            raise Unusual from None
        for name in required:
            if name not in read:
                raise Unusual
        return {**defaults, **read} if defaults else read

    return members


def _default(field: Any) -> Any:
    value = field.default_value
    return getattr(value, "name", value)


def text(value: Any) -> str:
    if type(value) is not str:
        raise Unusual
    return value


def identifier(value: Any) -> str:
    return str(value) if type(value) is int else text(value)


def whole_number(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise Unusual
    return value


def number(value: Any) -> float:
    if type(value) is int and -(2**53) <= value <= 2**53:
        return float(value)
    if type(value) is float and math.isfinite(value):
        return value
    raise Unusual


def flag(value: Any) -> bool:
    if type(value) is not bool:
        raise Unusual
    return value


def instant(value: Any) -> Any:
    try:
        return understood(value)
    except GraphQLError:
        raise Unusual from None


SCALARS: Mapping[str, Reader] = {
    "String": text,
    "ID": identifier,
    "Int": whole_number,
    "Float": number,
    "Boolean": flag,
    "DateTime": instant,
}
