"""Prepared operations whose shape we know, from variables to the answer without the general executor.

A plan is only a shortcut: it calls the same edits and reads, and whatever it does not expect (`Unusual`, `NotCompiled`)
is left to the general executor before anything is written. Tests hold that both ways agree byte for byte.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    Visitor,
    type_from_ast,
    visit,
)
from graphql.pyutils import gather_with_cancel

from graphql_api.domain.errors import Refused
from graphql_api.schema.arguments import ABSENT, FieldArguments, giving
from graphql_api.schema.context import Arguments, Context, RunPlan
from graphql_api.schema.history_plans import HistoryRefused
from graphql_api.schema.literals import Variables, plain
from graphql_api.schema.plan_document import Document, NotCompiled
from graphql_api.schema.plans import plan
from graphql_api.schema.readers import Reader, Unusual, reader

MOST_PLANS = 16
"""Combinations of skipped and included parts of one operation."""

NONE: Mapping[str, Exception] = {}
Outcome = tuple[dict[str, Any] | None, Mapping[str, Exception]]
"""The data, and what took the place of all or some of it, by the names of fields at the root."""


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
        """Raises Unusual or NotCompiled before anything is written."""
        given = self._read(variables)
        return (self._only or self._chosen(given)).run(given, variables, context)

    def errors(self, refused: Mapping[str, Exception], variables: Variables) -> list[GraphQLError]:
        """Of an outcome with these variables."""
        chosen = self._only or self._chosen(self._read(variables))
        return [chosen.error(key, refusal) for key, refusal in refused.items()]

    def _read(self, variables: Variables) -> Variables:
        given = {}
        for name, read, is_needed, default in self._readers:
            if name in variables:
                given[name] = read(variables[name])
            elif is_needed:
                raise Unusual
            elif default is not ABSENT:
                given[name] = default
        return given

    def _chosen(self, given: Variables) -> "_Plan":
        switches = tuple([given[name] for name in self._switches])
        known = self._plans.get(switches)
        if known is None:
            if len(self._plans) >= MOST_PLANS or None in switches:
                raise Unusual
            known = self._plans[switches] = self._plan(switches)
        return known


class _Root:
    """A field at the root, under its name in the answer."""

    def __init__(
        self,
        key: str,
        nodes: Sequence[FieldNode],
        kind: GraphQLObjectType,
        document: Document,
        operation: OperationDefinitionNode,
    ) -> None:
        self.run: RunPlan = plan(kind.name, document, nodes)
        field = kind.fields[nodes[0].name.value]
        self.key = key
        self.is_nullable = not str(field.type).endswith("!")
        self.arguments = FieldArguments(field, nodes[0], operation)


class _Plan:
    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, document: Document) -> None:
        kind = schema.get_root_type(operation.operation)
        assert kind is not None
        fields = document.fields([operation.selection_set], kind.name)
        self._document = document
        self._nodes = {key: nodes for key, nodes in fields.items() if nodes[0].name.value != "__typename"}
        self._only_reads = kind is schema.query_type
        if not self._nodes:
            raise NotCompiled
        self._members = {key: None if key in self._nodes else kind.name for key in fields}
        self._roots = [_Root(key, nodes, kind, document, operation) for key, nodes in self._nodes.items()]
        self._only = self._roots[0] if len(self._roots) == 1 else None
        if document.arguments and not (self._only or self._only_reads):
            raise NotCompiled  # what is computed behind one edit may be Unusual when another is made
        self._below = tuple(
            (giving(node, reader(schema.type_map[kind])) if node else None, is_needed)  # type: ignore[arg-type]
            for node, kind, is_needed in document.arguments
        )

    async def run(self, given: Variables, sent: Variables, context: Context) -> Outcome:
        if self._below:
            context.given = tuple(self._given_below(given, sent))
        root = self._only
        if root is None:
            several = [one.arguments.of(given, sent) for one in self._roots]
            return await (self._together if self._only_reads else self._in_order)(several, context)
        arguments = root.arguments.of(given, sent)
        try:
            value = await root.run(arguments, context)
        except Refused as refusal:
            self._must_be_told(refusal)
            return dict(self._members) if root.is_nullable else None, {root.key: refusal}
        except Unusual:
            raise
        except Exception as error:
            if self._only_reads:
                raise Unusual from error
            return None, {root.key: error}  # in place of a payload, as in `_in_order`
        return {root.key: value} if len(self._members) == 1 else {**self._members, root.key: value}, NONE

    async def _together(self, arguments: Sequence[Arguments], context: Context) -> Outcome:
        """Several reads, which a database answers at once. As the general executor has it, the first one that cannot
        be null and is refused ends the others, and is told behind those that were refused until then."""
        data, refused, fatal = dict(self._members), dict[str, Refused](), dict[str, Refused]()

        async def read(root: _Root, given: Arguments) -> None:
            try:
                data[root.key] = await root.run(given, context)
            except Refused as refusal:
                self._must_be_told(refusal)
                if not root.is_nullable:
                    fatal[root.key] = refusal
                    raise
                refused[root.key] = refusal

        try:
            await gather_with_cancel(*map(read, self._roots, arguments))
        except Refused:
            key = next(iter(fatal))
            return None, {**refused, key: fatal[key]}
        except Exception as error:
            raise Unusual from error  # what the others came to is told beside a fault of ours
        return data, refused

    async def _in_order(self, arguments: Sequence[Arguments], context: Context) -> Outcome:
        """Several edits, each of which is done before the next begins; all need the same scope, so the first is refused
        to who may not make them. None may be made once more, so a fault is told at its path as well."""
        data = dict(self._members)
        for root, given in zip(self._roots, arguments, strict=True):
            try:
                data[root.key] = await root.run(given, context)
            except Exception as error:  # in place of a payload, which cannot be null
                return None, {root.key: error}
        return data, NONE

    def error(self, key: str, refusal: Exception) -> GraphQLError:
        """Of a field at the root with this name, or of a history below it."""
        nodes, path = self._nodes[key], [key]
        if isinstance(refusal, HistoryRefused):
            below = self._document.fields((node.selection_set for node in nodes), "MessageFlow")
            nodes, path = below[refusal.name], [key, refusal.name]
        return GraphQLError(str(refusal), nodes, path=path, original_error=refusal)

    def _must_be_told(self, refusal: Refused) -> None:
        """Raises Unusual for a read that is refused, unless it was waited for long enough."""
        if self._only_reads and refusal.problems[0].code != "UNAVAILABLE":
            raise Unusual from refusal

    def _given_below(self, given: Variables, sent: Variables) -> Iterator[Any]:
        for give, is_needed in self._below:
            value = ABSENT if give is None else give(given, sent)
            if is_needed and (value is ABSENT or value is None):
                raise Unusual
            yield None if value is ABSENT else value


def _switches(document: DocumentNode) -> set[str]:
    """The variables that stand in @skip and @include."""
    found: set[str] = set()

    class Collect(Visitor):
        def enter_directive(self, node: Any, *_: Any) -> None:
            found.update(argument.value.name.value for argument in node.arguments if hasattr(argument.value, "name"))

    visit(document, Collect())
    return found
