"""Operations parsed, limited, validated, priced and planned once, and remembered."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import lru_cache, partial
from sys import getsizeof
from typing import Any

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
from msgspec.structs import replace

from graphql_api.schema import SCHEMA, forms, limits, measuring
from graphql_api.schema.compiled import Compiled
from graphql_api.schema.forms import Lifted
from graphql_api.schema.limits import LimitExceeded, Limits
from graphql_api.schema.measuring import Measured
from graphql_api.schema.plan_document import NotCompiled
from graphql_api.schema.readers import Unusual
from graphql_api.schema.remembered import Remembered
from graphql_api.schema.rules import NO_INTROSPECTION, RULES
from graphql_api.schema.shown import Rejected, failure, shown, tacit

REMEMBERED = 64 * 1024 * 1024
"""Bytes that what is remembered may take, by `takes`: more than a thousand operations as clients usually send them."""
LARGEST_REMEMBERED = REMEMBERED // 16
"""Larger ones are prepared anew each time."""
FORMS_REMEMBERED = REMEMBERED // 4
"""Bytes that forms may take beside them."""
ENTRY = 256
"""Bytes, about, of remembering anything."""

MOST_ERRORS = 10

OUR_OWN = Limits()
"""What documents of ours are held to."""

GRAPHQL = SCHEMA._schema
"""Strawberry offers no public way to carry out a document that is parsed already; a test holds that this one works."""


class Prepared(msgspec.Struct, frozen=True):
    """An operation and what is known of it before it has variables, whose names are `declared`.

    `field` is the first one at the root: a name of the schema, of which there are few. Where the document was made of a
    form, `literals` are the variables that stand for those of the text, and `as_written` prepares that very text.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    measured: Measured
    compiled: Compiled | None
    name: str
    field: str
    declared: frozenset[str]
    only_reads: bool
    goes_on: bool
    literals: Mapping[str, Any] = {}
    as_written: Callable[[], "Prepared"] | None = None

    def whole(self) -> "Prepared":
        """Of the very text, whose places errors name."""
        return self.as_written() if self.as_written else self


Asked = tuple[str, str | None]
"""The text of a document, or its form, and the name of the operation in it that is meant."""


class Form(msgspec.Struct, frozen=True):
    """A form that is prepared, for all documents that are written in it."""

    prepared: Prepared
    lifted: Lifted

    def filled(self, values: Sequence[str | int], as_written: Callable[[], Prepared]) -> Prepared | None:
        """None for values that their places may not hold."""
        try:
            literals = self.lifted.variables(values)
        except Unusual:
            return None
        return replace(self.prepared, literals=literals, as_written=as_written)


class Met(Enum):
    """Forms that are not prepared: what is met once may never be met again, and of some nothing can be made."""

    ONCE = auto()
    IN_VAIN = auto()


class Documents:
    """Prepares operations of documents under one set of limits and remembers them."""

    def __init__(self, limits: Limits, *, introspection: bool, suggestions: bool, compiles: bool) -> None:
        self._limits = limits
        self._shown = shown if suggestions else tacit
        self._hide_suggestions = not suggestions
        self._compiles = compiles
        self._knows_forms = compiles and limits.integer_digits >= forms.MOST_DIGITS
        self._rules = RULES if introspection else (*RULES, NO_INTROSPECTION)
        self._documents: Remembered[Asked, Prepared] = Remembered(REMEMBERED, LARGEST_REMEMBERED)
        self._forms: Remembered[Asked, Form | Met] = Remembered(FORMS_REMEMBERED, LARGEST_REMEMBERED)
        self.prepare_each = lru_cache(maxsize=1)(self._prepare_each)

    def prepare(self, text: str, name: str | None = None) -> Prepared:
        """Raises Rejected; an empty name is none."""
        asked = text, name or None
        return self._documents.get(asked) or self._by_form(*asked)

    def _by_form(self, text: str, name: str | None) -> Prepared:
        """Of a document that is not remembered; its form is prepared when it is met for the second time."""
        written = forms.written(text) if self._knows_forms and len(text) <= self._limits.characters else None
        if written is None:
            return self._learned(text, name)
        known = self._forms.get((written.form, name))
        if isinstance(known, Form):
            filled = known.filled(written.values, partial(self._learned, text, name))
            return filled or self._learned(text, name)
        prepared = self._learned(text, name)
        if known is not Met.IN_VAIN:
            met = Met.ONCE if known is None else self._form(text, prepared)
            taken = takes(text, prepared) if isinstance(met, Form) else ENTRY + getsizeof(written.form + prepared.name)
            self._forms.put((written.form, name), met, taken)
        return prepared

    def _form(self, text: str, prepared: Prepared) -> Form | Met:
        if prepared.compiled is None or takes(text, prepared) > LARGEST_REMEMBERED:
            return Met.IN_VAIN
        try:
            lifted = forms.lifted(GRAPHQL, text, prepared.document)
            self._validate(lifted.document)  # fields that meet may differ in their literals from now on
        except (NotCompiled, Rejected):
            return Met.IN_VAIN
        measured = measuring.measure(lifted.document, self._limits)
        return Form(self._prepared(lifted.document, _chosen(lifted.document, None), measured), lifted)

    def _learned(self, text: str, name: str | None) -> Prepared:
        """Prepared now, and remembered."""
        prepared = self._prepare(text, name)
        self._documents.put((text, name), prepared, takes(text, prepared))
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
        first = next(iter(operation.selection_set.selections), None)
        return Prepared(
            document,
            operation,
            measured,
            compiled(document, operation, makes_dicts) if self._compiles else None,
            operation.name.value if operation.name else "",
            first.name.value if isinstance(first, FieldNode) else operation.operation.value,
            frozenset(one.variable.name.value for one in operation.variable_definitions or ()),
            operation.operation is OperationType.QUERY,
            operation.operation is OperationType.SUBSCRIPTION,
        )


def takes(text: str, prepared: Prepared) -> int:
    """Bytes in memory, about: its text, what was made of its tokens, and the fields of as many plans as it may have.

    A name is there twice more: where the document was read into, and where it was asked for. Many objects have code of
    their own in each plan.
    """
    plans = prepared.compiled.most_plans if prepared.compiled else 0
    texts = getsizeof(text) + 2 * getsizeof(prepared.name)
    size = prepared.measured.size
    return 8_192 + texts + 640 * limits.tokens(text) + plans * (100 * size.selections + 900 * size.objects)


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
