"""Variables read as the schema's input types say, without the general executor; anything odd is left to that one."""

import math
from collections.abc import Callable, Iterator, Mapping
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

from graphql_api.domain.flow import TREE, Block, Leaf
from graphql_api.domain.patch import Sent
from graphql_api.schema.scalars import understood

Reader = Callable[[Any], Any]

OF_FLOWS = frozenset({"CreateMessageFlowInput", "UpdateMessageFlowInput"})
TOGGLE = "toggleAutopilot"


class Unusual(Exception):
    """Not as a plan expects it: the general executor answers, and finds the words when it is wrong."""


def reader(kind: GraphQLInputType) -> Reader:
    """Reads a JSON value of an input type: enums as names, objects as dicts of what was there, flows as `Sent`."""
    return _present(kind.of_type) if isinstance(kind, GraphQLNonNull) else _nullable(_present(kind))


def _present(kind: Any) -> Reader:
    """To all of these null is odd."""
    if isinstance(kind, GraphQLList):
        return _each(reader(kind.of_type))
    if isinstance(kind, GraphQLEnumType):
        return _name(frozenset(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return _sent(kind) if kind.name in OF_FLOWS else _members(kind)
    assert isinstance(kind, GraphQLScalarType)
    return SCALARS[kind.name]


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


def _sent(kind: GraphQLInputObjectType) -> Reader:
    """What was sent of a flow, leaf by leaf."""
    gather = _gathers(kind, TREE)
    required = tuple(name for name, field in kind.fields.items() if is_required_input_field(field))
    can_toggle = TOGGLE in kind.fields

    def sent(value: Any) -> Sent:
        if type(value) is not dict:
            raise Unusual
        toggles = False
        if can_toggle and TOGGLE in value:
            value = dict(value)
            told = value.pop(TOGGLE)
            toggles = told is not None and flag(told)
        values: dict[str, Any] = {}
        null_blocks: list[str] = []
        try:
            gather(value, values, null_blocks)
        except KeyError:
            raise Unusual from None
        for name in required:
            if value.get(name) is None:
                raise Unusual
        return Sent(values, tuple(sorted(null_blocks, key=BLOCKS.index)) if null_blocks else (), toggles)

    return sent


def _blocks(block: Block) -> Iterator[str]:
    for member in block.members.values():
        if isinstance(member, Block):
            yield member.path
            yield from _blocks(member)


BLOCKS = tuple(_blocks(TREE))
"""The paths of all blocks in the order of the declaration."""

Gather = Callable[[Mapping[str, Any], dict[str, Any], list[str]], None]


def _gathers(kind: GraphQLInputObjectType, block: Block) -> Gather:
    """Gathers the leaves of a block by their columns, and the paths of the blocks in it that are null.

    Raises KeyError for a member that there is not.
    """
    members = {name: _gathered(kind.fields[name].type, member) for name, member in block.members.items()}

    def gather(given: Mapping[str, Any], values: dict[str, Any], null_blocks: list[str]) -> None:
        for name, value in given.items():
            place, read, inner = members[name]
            if inner is None:
                values[place] = None if value is None else read(value)
            elif type(value) is dict:
                inner(value, values, null_blocks)
            elif value is None:
                null_blocks.append(place)
            else:
                raise Unusual

    return gather


def _gathered(kind: GraphQLInputType, member: Leaf | Block) -> tuple[str, Any, Gather | None]:
    """A leaf: its column and its reader; a block: its path and what gathers it."""
    bare: Any = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(member, Leaf):
        read = _name(frozenset(bare.values)) if isinstance(bare, GraphQLEnumType) else SCALARS[bare.name]
        return member.column, read, None
    return member.path, None, _gathers(bare, member)


def _default(field: Any) -> Any:
    value = field.default_value
    return getattr(value, "name", value)


def text(value: Any) -> str:
    if type(value) is not str:
        raise Unusual
    return value


def identifier(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise Unusual


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
