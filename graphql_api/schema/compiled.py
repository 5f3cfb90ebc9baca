"""Prepared operations whose shape we know, from variables to the answer without the general executor.

A plan is only a shortcut: it calls the same edits and reads, and whatever it does not expect (`Unusual`, `NotCompiled`)
is left to the general executor before anything is written. Tests hold that both ways agree byte for byte.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    Visitor,
    type_from_ast,
    visit,
)

from graphql_api.domain.errors import Refused
from graphql_api.schema.context import Arguments, Context, RunPlan
from graphql_api.schema.literals import Variables, has_variables, plain, with_variables
from graphql_api.schema.plan_document import Document, NotCompiled
from graphql_api.schema.plans import plan
from graphql_api.schema.readers import Reader, Unusual, reader

MOST_PLANS = 16
"""Combinations of skipped and included parts of one operation."""

ABSENT = object()
Give = Callable[[Variables, Variables], Any]
"""The value of an argument, or ABSENT, from the variables as they were read and as they were sent."""

Outcome = tuple[dict[str, Any] | None, GraphQLError | None]


class Compiled:
    """The plans of one operation, one for each combination of the variables that skip and include."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        makes_dicts: bool = False,
    ) -> None:
        """Raises NotCompiled. The document has no other operation.

        `makes_dicts`: for who looks into the answer; else lists hold what only JSON can be made of.
        """
        self._schema = schema
        self._operation = operation
        self._makes_dicts = makes_dicts
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._readers = tuple(self._variable_readers())
        self._switches = tuple(sorted(_switches(document)))
        self._plans: dict[tuple[bool, ...], _Plan] = {}
        self._only = None if self._switches else self._plan(())

    @property
    def most_plans(self) -> int:
        return min(MOST_PLANS, 1 << len(self._switches))

    def _variable_readers(self) -> Iterator[tuple[str, Reader, bool, Any]]:
        for node in self._operation.variable_definitions or ():
            kind = type_from_ast(self._schema, node.type)
            default = ABSENT
            if node.default_value is not None:
                default = reader(kind)(plain(node.default_value))  # type: ignore[arg-type]
            is_needed = isinstance(node.type, NonNullTypeNode) and default is ABSENT
            yield node.variable.name.value, reader(kind), is_needed, default  # type: ignore[arg-type]

    def _plan(self, switches: tuple[bool, ...]) -> "_Plan":
        switched = dict(zip(self._switches, switches, strict=True))
        document = Document(self._fragments, switched, self._makes_dicts)
        return _Plan(self._schema, self._operation, document)

    def run(self, variables: Variables, context: Context) -> Awaitable[Outcome]:
        """The data, or the error that took its place; raises Unusual or NotCompiled before anything is written."""
        given = {}
        for name, read, is_needed, default in self._readers:
            if name in variables:
                given[name] = read(variables[name])
            elif is_needed:
                raise Unusual
            elif default is not ABSENT:
                given[name] = default
        return (self._only or self._chosen(given)).run(given, variables, context)

    def _chosen(self, given: Variables) -> "_Plan":
        switches = tuple([given[name] for name in self._switches])
        known = self._plans.get(switches)
        if known is None:
            if len(self._plans) >= MOST_PLANS or None in switches:
                raise Unusual
            known = self._plans[switches] = self._plan(switches)
        return known


class _Plan:
    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, document: Document) -> None:
        root = schema.get_root_type(operation.operation)
        assert root is not None
        self._only_reads = root is schema.query_type
        fields = document.fields([operation.selection_set], root.name)
        named = {key: nodes for key, nodes in fields.items() if nodes[0].name.value != "__typename"}
        if len(named) != 1:
            raise NotCompiled
        self._keys = [(key, None if key in named else root.name) for key in fields]
        (self._key, self._nodes), *_ = named.items()
        self._run: RunPlan = plan(root.name, document, self._nodes)
        self._is_nullable = not str(root.fields[self._nodes[0].name.value].type).endswith("!")
        instant = reader(schema.type_map["DateTime"])  # type: ignore[arg-type]
        self._instants = tuple((_give(node, instant) if node else None, needed) for node, needed in document.instants)
        self._arguments = tuple(_arguments(root.fields[self._nodes[0].name.value], self._nodes[0]))
        self._are_variables = self._arguments_are_variables(operation)

    def _arguments_are_variables(self, operation: OperationDefinitionNode) -> bool:
        """Whether each argument is the variable of its own name, as most clients write it, and nothing else is."""
        kinds = {node.variable.name.value: node.type for node in operation.variable_definitions or ()}
        return kinds.keys() == {name for name, *_ in self._arguments} and all(
            name == variable and (not is_needed or isinstance(kinds[name], NonNullTypeNode))
            for name, variable, _, is_needed in self._arguments
        )

    async def run(self, given: Variables, sent: Variables, context: Context) -> Outcome:
        arguments = given if self._are_variables else self._given(given, sent)
        if self._instants:
            context.instants = tuple(self._asked_instants(given, sent))
        try:
            value = await self._run(arguments, context)
        except Refused as refusal:
            if self._only_reads and refusal.problems[0].code != "UNAVAILABLE":  # that one was waited for long enough
                raise Unusual from refusal
            data = dict(self._keys) if self._is_nullable else None
            return data, GraphQLError(str(refusal), self._nodes, path=[self._key], original_error=refusal)
        if len(self._keys) == 1:
            return {self._key: value}, None
        return {key: value if name is None else name for key, name in self._keys}, None

    def _asked_instants(self, given: Variables, sent: Variables) -> Iterator[Any]:
        for give, is_needed in self._instants:
            value = ABSENT if give is None else give(given, sent)
            if is_needed and (value is ABSENT or value is None):
                raise Unusual
            yield None if value is ABSENT else value

    def _given(self, given: Variables, sent: Variables) -> Arguments:
        arguments = {}
        for name, variable, give, is_needed in self._arguments:
            value = given.get(variable, ABSENT) if give is None else give(given, sent)
            if value is ABSENT or (value is None and is_needed):
                if is_needed:
                    raise Unusual
                continue
            arguments[name] = value
        return arguments


def _arguments(field: GraphQLField, node: Any) -> Iterator[tuple[str, str, Give | None, bool]]:
    """Name, and the variable that it is or what gives it, and whether it is needed."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    for name, argument in field.args.items():
        is_needed = str(argument.type).endswith("!")
        value = given.get(name)
        if isinstance(value, VariableNode):
            yield name, value.name.value, None, is_needed
        elif value is not None:
            yield name, "", _give(value, reader(argument.type)), is_needed


def _give(node: ValueNode, read: Reader) -> Give:
    """Variables were read already; literals are read once, unless variables stand in them."""
    if isinstance(node, VariableNode):
        name = node.name.value
        return lambda given, sent: given.get(name, ABSENT)
    if has_variables(node):
        write = with_variables(node)
        return lambda given, sent: read(write({**given, **sent}))
    value = read(plain(node))
    return lambda given, sent: value


def _switches(document: DocumentNode) -> set[str]:
    """The variables that stand in @skip and @include."""
    found: set[str] = set()

    class Collect(Visitor):
        def enter_directive(self, node: Any, *_: Any) -> None:
            found.update(argument.value.name.value for argument in node.arguments if hasattr(argument.value, "name"))

    visit(document, Collect())
    return found
