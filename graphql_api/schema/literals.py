"""Literals of a document as JSON would write them."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from graphql_api.schema.readers import Unusual

Variables = Mapping[str, Any]


def has_variables(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(map(has_variables, node.values))
    if isinstance(node, ObjectValueNode):
        return any(has_variables(field.value) for field in node.fields)
    return isinstance(node, VariableNode)


def plain(node: ValueNode) -> Any:
    """Of a literal without variables; raises Unusual."""
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, BooleanValueNode | StringValueNode | EnumValueNode):
        return node.value
    if isinstance(node, IntValueNode):
        if node.value == "-0":  # an ID keeps the sign
            raise Unusual
        return int(node.value)
    if isinstance(node, FloatValueNode):
        return float(node.value)
    if isinstance(node, ListValueNode):
        return list(map(plain, node.values))
    assert isinstance(node, ObjectValueNode)
    return {field.name.value: plain(field.value) for field in node.fields}


def with_variables(node: ValueNode) -> Callable[[Variables], Any]:
    """What makes the value from variables; a member whose variable is absent is absent. Raises Unusual at once."""
    if isinstance(node, VariableNode):
        own = node.name.value
        return lambda variables: variables.get(own)
    if not has_variables(node):
        value = plain(node)
        return lambda variables: value
    if isinstance(node, ListValueNode):
        items = list(map(with_variables, node.values))
        return lambda variables: [item(variables) for item in items]
    assert isinstance(node, ObjectValueNode)
    members = [(field.name.value, _variable(field.value), with_variables(field.value)) for field in node.fields]
    return lambda variables: {
        name: member(variables) for name, variable, member in members if variable is None or variable in variables
    }


def _variable(node: ValueNode) -> str | None:
    return node.name.value if isinstance(node, VariableNode) else None
