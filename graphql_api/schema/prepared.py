"""Operations parsed, limited, validated, priced and planned once, and remembered."""

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property, lru_cache
from sys import getsizeof

import graphql
import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    separate_operations,
    validate,
)

from graphql_api.schema import SCHEMA, limits, measuring
from graphql_api.schema.compiled import Compiled
from graphql_api.schema.limits import LimitExceeded, Limits
from graphql_api.schema.measuring import Measured
from graphql_api.schema.plan_document import NotCompiled
from graphql_api.schema.readers import Unusual
from graphql_api.schema.rules import NO_INTROSPECTION, RULES
from graphql_api.schema.shown import Rejected, failure, shown, tacit

REMEMBERED = 64 * 1024 * 1024
"""Bytes that what is remembered may take, by `takes`: more than a thousand operations as clients usually send them."""
LARGEST_REMEMBERED = REMEMBERED // 16
"""Larger ones are prepared anew each time."""

MOST_ERRORS = 10

OUR_OWN = Limits()
"""What documents of ours are held to."""

GRAPHQL = SCHEMA._schema
"""Strawberry offers no public way to carry out a document that is parsed already; a test holds that this one works."""


class Prepared(msgspec.Struct, frozen=True, dict=True):
    document: DocumentNode
    operation: OperationDefinitionNode
    measured: Measured
    compiled: Compiled | None

    @cached_property
    def name(self) -> str:
        return self.operation.name.value if self.operation.name else ""

    @cached_property
    def field(self) -> str:
        """The first field at the root: a name of the schema, of which there are few."""
        first = next(iter(self.operation.selection_set.selections), None)
        return first.name.value if isinstance(first, FieldNode) else self.operation.operation.value

    @cached_property
    def only_reads(self) -> bool:
        return self.operation.operation is OperationType.QUERY

    @cached_property
    def declared(self) -> frozenset[str]:
        """Its variables."""
        return frozenset(one.variable.name.value for one in self.operation.variable_definitions or ())

    @cached_property
    def goes_on(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION


class Documents:
    """Prepares operations of documents under one set of limits and remembers them."""

    def __init__(self, limits: Limits, *, introspection: bool, suggestions: bool, compiles: bool) -> None:
        self._limits = limits
        self._shown = shown if suggestions else tacit
        self._hide_suggestions = not suggestions
        self._compiles = compiles
        self._rules = RULES if introspection else (*RULES, NO_INTROSPECTION)
        self._remembered: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._taken = 0
        self.prepare_each = lru_cache(maxsize=1)(self._prepare_each)

    def prepare(self, text: str, name: str | None = None) -> Prepared:
        """Raises Rejected; an empty name is none."""
        asked = text, name or None
        known = self._remembered.get(asked)
        if known is None:
            return self._learned(*asked)
        self._remembered.move_to_end(asked)
        return known

    def _learned(self, text: str, name: str | None) -> Prepared:
        """Prepared now; those that were asked for longest ago are forgotten for it."""
        prepared = self._prepare(text, name)
        taken = takes(text, prepared)
        if taken <= LARGEST_REMEMBERED:
            self._taken += taken
            self._remembered[text, name] = prepared
        while self._taken > REMEMBERED:
            (oldest, _), forgotten = self._remembered.popitem(last=False)
            self._taken -= takes(oldest, forgotten)
        return prepared

    def _prepare(self, text: str, name: str | None) -> Prepared:
        try:
            document = limits.parse(text, self._limits)
            measured = measuring.measure(document, self._limits, name)
        except LimitExceeded as exceeded:
            raise Rejected([failure("LIMIT_EXCEEDED", str(exceeded))]) from None
        except GraphQLSyntaxError as error:
            raise Rejected([shown(error)]) from None
        except GraphQLError as error:
            raise Rejected([self._shown(error)]) from None
        operation = _chosen(document, name)
        self._validate(document)
        return self._prepared(_alone(document, operation), operation, measured)

    def _prepare_each(self, text: str) -> Mapping[str, Prepared]:
        """The operations of a document of ours, by their names, whose answers are dictionaries that can be looked into.

        It is parsed and validated once for all of them. What callers may send does not limit it; what an operation may
        cost does.
        """
        document = graphql.parse(text)
        self._validate(document)
        return {
            name: self._prepared(alone, _chosen(alone, name), measuring.measure(alone, OUR_OWN), makes_dicts=True)
            for name, alone in separate_operations(document).items()
        }

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(
            GRAPHQL, document, self._rules, max_errors=MOST_ERRORS, hide_suggestions=self._hide_suggestions
        )
        if errors:
            raise Rejected([self._shown(error) for error in errors])

    def _prepared(
        self, document: DocumentNode, operation: OperationDefinitionNode, measured: Measured, makes_dicts: bool = False
    ) -> Prepared:
        plans = compiled(document, operation, makes_dicts) if self._compiles else None
        return Prepared(document, operation, measured, plans)


def takes(text: str, prepared: Prepared) -> int:
    """Bytes in memory, about: its text, what was made of its tokens, and the fields of as many plans as it may have."""
    plans = prepared.compiled.most_plans if prepared.compiled else 0
    return 8_192 + getsizeof(text) + 640 * limits.tokens(text) + 100 * plans * prepared.measured.size.selections


def compiled(document: DocumentNode, operation: OperationDefinitionNode, makes_dicts: bool) -> Compiled | None:
    try:
        return Compiled(GRAPHQL, document, operation, makes_dicts=makes_dicts)
    except (Unusual, NotCompiled):
        return None


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    if name is None:
        asked = (
            "operationName is needed: the document has several operations" if operations else "no operation is given"
        )
        raise Rejected([failure("BAD_REQUEST", asked)])
    for operation in operations:
        if operation.name and operation.name.value == name:
            return operation
    raise Rejected([failure("BAD_REQUEST", "operationName names no operation of the document")])


def _alone(document: DocumentNode, operation: OperationDefinitionNode) -> DocumentNode:
    """An operation with its fragments, without the others, which may use variables of the same names for other ends."""
    return separate_operations(document)[operation.name.value if operation.name else ""]
