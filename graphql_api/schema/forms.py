"""Documents that differ in nothing but the texts and numbers written into them, known again by all the rest.

Who puts documents together by hand sends a new one with each request. Without its literals it is a form; a variable in
the place of each makes of it a document that is prepared once for all of them. It is only a shortcut: what it is not
sure of stays in the form, or is left to the document as it was written. Tests hold that both ways agree byte for byte.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
from graphql import (
    SKIP,
    DocumentNode,
    GraphQLInputType,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    TypeNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse_type,
    visit,
)

from graphql_api.schema.plan_document import NotCompiled
from graphql_api.schema.readers import Reader, reader

LITERAL = re.compile(
    r"""(["\#0-9-](?:
    (?<=") (?:"" (?>(?:[^"\\]++ | \\"{3} | \\ | "(?!""))*) (?:"{3})?+ | (?:[^"\\\n\r]++ | \\[^\n\r])*+ "?+)
    | (?<=\#) [^\n\r]*+
    | (?<![_0-9A-Za-z.-][0-9-]) (?<=[0-9-]) [0-9]*+ (?![_0-9A-Za-z.])
    ))""",
    re.VERBOSE,
)
"""A string of either kind, closed or not; a comment, in which there may be quotes; a number that may be a whole one."""

PLAIN_TEXT = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f\ud800-\udfff]|\\["\\/bfnrt])*+"')
PLAIN_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,8}")

MOST_DIGITS = 10
"""Of a number that is taken out, with its sign."""

LONGEST = 8_192
"""Characters of a form that is looked for."""

MOST_LITERALS = 1_000
"""Of a document whose form is looked for, with its comments: who sends many more is refused for them, and soon."""

TEXT, NUMBER = "\0", "\1"
"""What stands in a form where a literal was; no document that is valid has these characters."""


class Written(NamedTuple):
    """A document as its form and the values of the literals that were taken out of it, in their order."""

    form: str
    values: tuple[str | int, ...]


def written(text: str) -> Written | None:
    """None for what has no literals that could be taken out, or too many."""
    parts = LITERAL.split(text, MOST_LITERALS + 1)
    if not 1 < len(parts) <= 2 * MOST_LITERALS + 1 or TEXT in text or NUMBER in text:
        return None
    values = []
    for place in range(1, len(parts), 2):
        value = _value(parts[place])
        if value is not None:
            values.append(value)
            parts[place] = TEXT if type(value) is str else NUMBER
    form = "".join(parts)
    return Written(form, tuple(values)) if values and len(form) <= LONGEST else None


def _value(literal: str) -> str | int | None:
    """Of one that JSON and GraphQL read alike."""
    if PLAIN_TEXT.fullmatch(literal):
        return msgspec.json.decode(literal, type=str) if "\\" in literal else literal[1:-1]
    return int(literal) if PLAIN_NUMBER.fullmatch(literal) else None


class Lifted(NamedTuple):
    """A document with a variable in the place of each literal that was taken out, and the readers of these variables.

    Their names are numbers, which names that callers give cannot be.
    """

    document: DocumentNode
    readers: Mapping[str, Reader]

    def variables(self, values: Sequence[str | int]) -> Mapping[str, str | int]:
        """The values by the names of their variables; raises Unusual for one that its place may not hold."""
        for read, value in zip(self.readers.values(), values, strict=True):
            read(value)
        return dict(zip(self.readers, values, strict=True))


def lifted(schema: GraphQLSchema, text: str, document: DocumentNode) -> Lifted:
    """Of a valid document with one operation; raises NotCompiled where a literal cannot be a variable."""
    places = [found.start() for found in LITERAL.finditer(text) if _value(found[0]) is not None]
    lift = _Lift(schema, frozenset(places))
    changed = visit(document, TypeInfoVisitor(lift.types, lift))
    if lift.lifted != places:
        raise NotCompiled
    definitions = [
        replace(one, variable_definitions=(*(one.variable_definitions or ()), *lift.declared))
        if isinstance(one, OperationDefinitionNode)
        else one
        for one in changed.definitions
    ]
    return Lifted(replace(changed, definitions=tuple(definitions)), lift.readers)


class _Lift(Visitor):
    """Puts variables in the place of the literals that begin at some places, and gathers them."""

    def __init__(self, schema: GraphQLSchema, places: Container[int]) -> None:
        super().__init__()
        self.types = TypeInfo(schema)
        self.lifted: list[int] = []
        self.declared: list[VariableDefinitionNode] = []
        self.readers: dict[str, Reader] = {}
        self._places = places
        self._kinds: dict[str, tuple[TypeNode, Reader]] = {}

    def enter_variable_definition(self, *_: Any) -> Any:
        """Its default can be no variable."""
        return SKIP

    def enter_string_value(self, node: StringValueNode, *_: Any) -> VariableNode | None:
        return self._lift(node)

    def enter_int_value(self, node: IntValueNode, *_: Any) -> VariableNode | None:
        return self._lift(node)

    def _lift(self, node: StringValueNode | IntValueNode) -> VariableNode | None:
        kind = self.types.get_input_type()
        if kind is None or node.loc is None or node.loc.start not in self._places:
            return None
        name = str(len(self.lifted))
        variable = VariableNode(name=NameNode(value=name))
        self.lifted.append(node.loc.start)
        type, self.readers[name] = self._kind(kind)
        self.declared.append(VariableDefinitionNode(variable=variable, type=type))
        return variable

    def _kind(self, kind: GraphQLInputType) -> tuple[TypeNode, Reader]:
        """Made once for all literals of a kind: a list may have hundreds."""
        known = self._kinds.get(str(kind))
        if known is None:
            known = self._kinds[str(kind)] = parse_type(str(kind)), reader(kind)
        return known
