"""The arguments of a field of a compiled operation, made from variables."""

from collections.abc import Callable, Iterator
from typing import Any

from graphql import FieldNode, GraphQLField, NonNullTypeNode, OperationDefinitionNode, ValueNode, VariableNode

from graphql_api.schema.context import Arguments
from graphql_api.schema.literals import Variables, has_variables, plain, with_variables
from graphql_api.schema.readers import Reader, Unusual, reader

ABSENT = object()
Give = Callable[[Variables, Variables], Any]
"""The value of an argument, or ABSENT, from the variables as they were read and as they were sent."""


class FieldArguments:
    def __init__(self, field: GraphQLField, node: FieldNode, operation: OperationDefinitionNode) -> None:
        self._all = tuple(_arguments(field, node))
        self._are_variables = self._is_each_a_variable(operation)

    def _is_each_a_variable(self, operation: OperationDefinitionNode) -> bool:
        """Whether each is the variable of its own name, as most clients write it, and nothing else is."""
        kinds = {node.variable.name.value: node.type for node in operation.variable_definitions or ()}
        return kinds.keys() == {name for name, *_ in self._all} and all(
            name == variable and (not is_needed or isinstance(kinds[name], NonNullTypeNode))
            for name, variable, _, is_needed in self._all
        )

    def of(self, given: Variables, sent: Variables) -> Arguments:
        """From the variables as they were read and as they were sent; raises Unusual."""
        if self._are_variables:
            return given
        arguments = {}
        for name, variable, give, is_needed in self._all:
            value = given.get(variable, ABSENT) if give is None else give(given, sent)
            if value is ABSENT or (value is None and is_needed):
                if is_needed:
                    raise Unusual
                continue
            arguments[name] = value
        return arguments


def _arguments(field: GraphQLField, node: FieldNode) -> Iterator[tuple[str, str, Give | None, bool]]:
    """Name, and the variable that it is or what gives it, and whether it is needed."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    for name, argument in field.args.items():
        is_needed = str(argument.type).endswith("!")
        value = given.get(name)
        if isinstance(value, VariableNode):
            yield name, value.name.value, None, is_needed
        elif value is not None:
            yield name, "", giving(value, reader(argument.type)), is_needed


def giving(node: ValueNode, read: Reader) -> Give:
    """Variables were read already; literals are read once, unless variables stand in them."""
    if isinstance(node, VariableNode):
        name = node.name.value
        return lambda given, sent: given.get(name, ABSENT)
    if has_variables(node):
        write = with_variables(node)
        return lambda given, sent: read(write({**given, **sent}))
    value = read(plain(node))
    return lambda given, sent: value
