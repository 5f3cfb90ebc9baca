"""What the general executor is held to beyond GraphQL: what it refuses before it writes, what it says of variables."""

from collections.abc import Awaitable, Iterator, Mapping
from itertools import islice
from typing import Any

from graphql import (
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_named_type,
    located_error,
    type_from_ast,
)
from graphql.pyutils import Path

from graphql_api.domain.errors import Refused
from graphql_api.domain.words import printable
from graphql_api.schema.context import Context
from graphql_api.schema.field_checks import check_fields
from graphql_api.schema.mutations import SCOPES

MOST_UNKNOWN = 10
"""Members that a type does not have, of one object, that are told one by one, each with the name that it is near to."""


class CheckedExecutor(Executor[Context]):
    def execute_fields_serially(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, list[Any]],
        position_context: Context | None,
    ) -> Awaitable[dict[str, Any]] | dict[str, Any]:
        """The fields of a mutation, of which none writes where one of them, or what they select, is refused anyway."""
        for name, fields in grouped_field_set.items():
            _check_scope(self.context_value, name, [field.node for field in fields])
        check_fields(self, parent_type, grouped_field_set)
        return super().execute_fields_serially(parent_type, source_value, path, grouped_field_set, position_context)


def _check_scope(context: Context, name: str, nodes: list[FieldNode]) -> None:
    scope = SCOPES.get(nodes[0].name.value)
    try:
        if scope is not None:
            context.caller.within(scope)
    except Refused as refusal:
        raise located_error(refusal, nodes, [name]) from None


def overfull(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Iterator[GraphQLError]:
    """Objects with more unknown members than are told one by one, for each of which the whole object would be shown."""
    for node in operation.variable_definitions or ():
        name = node.variable.name.value
        if name in variables:
            yield from _overfull(
                type_from_ast(schema, node.type), variables[name], f"'${name}' has invalid value", node
            )


def _overfull(kind: Any, value: Any, place: str, node: VariableDefinitionNode) -> Iterator[GraphQLError]:
    kind = get_named_type(kind)
    if not isinstance(kind, GraphQLInputObjectType) or not isinstance(value, dict):
        return
    unknown = len(value) - len(value.keys() & kind.fields.keys())
    if unknown > MOST_UNKNOWN:
        names = islice((name for name in value if name not in kind.fields), MOST_UNKNOWN)
        told = ", ".join(f"'{printable(name)}'" for name in names)
        more = f"{told} and {unknown - MOST_UNKNOWN} more"
        yield GraphQLError(
            f"Variable {place}: Expected value of type '{kind}' not to include unknown fields {more}.", node
        )
    for name, field in kind.fields.items():
        if name in value:
            at = "" if " at " in place else " at "
            yield from _overfull(field.type, value[name], f"{place}{at}.{name}", node)
