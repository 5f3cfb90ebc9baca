"""Selections turned into code that makes the answer of one object straight from a row.

A writer is the source of a Python expression in which `f` is what it is made from and `c` the context. Only names of
this schema and response names of the document (GraphQL names: letters, digits, `_`) ever get into that source.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    ValueNode,
)

from graphql_api.domain import hours, instants
from graphql_api.domain.flow import TREE, Block, Leaf, paths
from graphql_api.schema import scalars
from graphql_api.schema.hours import openings, utc_offsets
from graphql_api.schema.selection import HOURS, WINDOW
from graphql_api.schema.shapes import SHAPES

Access = Callable[[str], str]
"""Column -> the expression that reads it from `f`."""

TYPES: Mapping[str, str] = {
    "": "MessageFlow",
    "settings": "MessageFlowSettings",
    "settings.responseSettings": "ResponseSettings",
    "settings.responseSettings.workingHours": "WorkingHours",
    "settings.security": "SecuritySettings",
    "settings.emailSettings": "EmailSettings",
}
INTERFACES = {"MessageFlow": {"Node"}}
SYSTEM_FIELDS = {
    "id": ("id", "{}"),
    "workspaceId": ("workspace_id", "{}"),
    "createdAt": ("created_at", "text({})"),
    "updatedAt": ("updated_at", "text({})"),
    "version": ("version", "{}"),
}


class Window(NamedTuple):
    """The columns that tell when a flow is open."""

    enabled: bool
    start: str
    end: str
    timezone: str


NAMES: dict[str, Any] = {
    "text": instants.text,
    "serialized": scalars.serialized,
    "paths": paths,
    "int": int,
    "zip": zip,
    "window": Window,
    "is_open": hours.is_open,
    "next_transition": hours.next_transition,
    "openings": openings,
    "utc_offsets": utc_offsets,
}
"""What the source of a writer may use."""


class NotCompiled(Exception):
    """The document has a part that plans do not know; the general executor answers it."""


class Document(msgspec.Struct, frozen=True):
    """What a selection is read with: its fragments, and the values of the variables that skip and include.

    `instants` gathers the arguments of computed fields on the way; None where there is none. `shapes` gathers the types
    that objects of lists are made of, by the names that sources have for them.
    """

    fragments: Mapping[str, FragmentDefinitionNode]
    switches: Mapping[str, bool]
    makes_dicts: bool = False
    instants: list[tuple[ValueNode | None, bool]] = msgspec.field(default_factory=list)
    shapes: dict[str, type] = msgspec.field(default_factory=dict)

    def listed(self, members: Mapping[str, str]) -> str:
        """The expression for one of many objects with these members, each of which is an expression."""
        shape = None if self.makes_dicts else SHAPES.shape(tuple(members))
        if shape is None:
            return alone(members)
        name = f"Object{len(self.shapes)}"
        self.shapes[name] = shape
        return f"{name}({', '.join(members.values())})"

    def instant(self, node: FieldNode, name: str, *, is_needed: bool = False) -> str:
        """The expression for the instant that an argument names."""
        given = (argument.value for argument in node.arguments or () if argument.name.value == name)
        self.instants.append((next(given, None), is_needed))
        return f"c.instant({len(self.instants) - 1})"

    def fields(self, selections: Iterable[SelectionSetNode | None], kind: str) -> dict[str, list[FieldNode]]:
        """Response name -> the fields that meet there, in the order of the answer; each fragment is entered once."""
        found: dict[str, list[FieldNode]] = {}
        entered: set[str] = set()
        for selection in selections:
            self._collect(selection, kind, found, entered)
        return found

    def _collect(
        self, selection: SelectionSetNode | None, kind: str, found: dict[str, list[FieldNode]], entered: set[str]
    ) -> None:
        for node in selection.selections if selection else ():
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or _is(kind, node.type_condition.name.value):
                    self._collect(node.selection_set, kind, found, entered)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in entered:
                entered.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if _is(kind, fragment.type_condition.name.value):
                    self._collect(fragment.selection_set, kind, found, entered)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name not in ("skip", "include"):
                raise NotCompiled
            value = directive.arguments[0].value
            given = self.switches[value.name.value] if hasattr(value, "name") else value.value
            if given is (name == "skip"):
                return False
        return True


def _is(kind: str, wanted: str) -> bool:
    return wanted == kind or wanted in INTERFACES.get(kind, ())


Make = Callable[[Mapping[str, str]], str]
"""The expressions of members -> the expression of the object that they make."""


def alone(members: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name!r}: {source}" for name, source in members.items()) + "}"


def flow(document: Document, nodes: Sequence[FieldNode], access: Access, make: Make = alone) -> str:
    """The expression that makes a MessageFlow as these fields select it."""
    return block(document, TREE, nodes, access, make)


def block(document: Document, declared: Block, nodes: Sequence[FieldNode], access: Access, make: Make) -> str:
    kind = TYPES[declared.path]
    found = document.fields((node.selection_set for node in nodes), kind).items()
    return make({name: member(document, declared, kind, fields, access, make) for name, fields in found})


def member(document: Document, declared: Block, kind: str, fields: list[FieldNode], access: Access, make: Make) -> str:
    name = fields[0].name.value
    if name == "__typename":
        return repr(kind)
    if declared is TREE and name in SYSTEM_FIELDS:
        column, form = SYSTEM_FIELDS[name]
        return form.format(access(column))
    if declared.path == HOURS and name in COMPUTED:
        return COMPUTED[name](document, fields, access)
    known = declared.members.get(name)
    if known is None:
        raise NotCompiled
    if isinstance(known, Block):
        return block(document, known, fields, access, make)
    return leaf(known, access)


def leaf(known: Leaf, access: Access) -> str:
    """SQLite answers booleans as 0 and 1, and both databases answer whole seconds as floats."""
    if known.kind is bool:
        return f"{access(known.column)} == 1"
    if known.kind is float:
        value = access(known.column)
        return f"({value} if {value} % 1 else int({value}))"
    assert known.kind is str or issubclass(known.kind, Enum)
    return access(known.column)


def _is_open(document: Document, fields: list[FieldNode], access: Access) -> str:
    return f"is_open({_window(access)}, {document.instant(fields[0], 'at')})"


def _next_transition(document: Document, fields: list[FieldNode], access: Access) -> str:
    forms = {"at": "serialized(t.at)", "opens": "t.opens"}
    written = _written(document, fields, "WorkingHoursTransition", forms)
    found = f"next_transition({_window(access)}, {document.instant(fields[0], 'after')})"
    return f"(lambda t: None if t is None else {written})({found})"


def _openings(document: Document, fields: list[FieldNode], access: Access) -> str:
    written = _written(document, fields, "Opening", {"from": "serialized(o.start)", "to": "serialized(o.end)"})
    return f"[{written} for o in openings({_window(access)}, {_range(document, fields)})]"


def _utc_offsets(document: Document, fields: list[FieldNode], access: Access) -> str:
    forms = {"from": "serialized(o.start)", "to": "serialized(o.end)", "seconds": "o.seconds", "name": "o.name"}
    written = _written(document, fields, "UtcOffset", forms)
    return f"[{written} for o in utc_offsets({_window(access)}, {_range(document, fields)})]"


def _range(document: Document, fields: list[FieldNode]) -> str:
    return ", ".join(document.instant(fields[0], name, is_needed=True) for name in ("from", "to"))


COMPUTED = {
    "isOpen": _is_open,
    "nextTransition": _next_transition,
    "openings": _openings,
    "utcOffsets": _utc_offsets,
}


def _window(access: Access) -> str:
    """Refuses after a write: a zone that is not known is then too late to be left to the general executor."""
    if not isinstance(access, ByPlace):
        raise NotCompiled
    return f"window({', '.join(map(access, WINDOW))})"


def _written(document: Document, fields: list[FieldNode], kind: str, forms: Mapping[str, str]) -> str:
    forms = {**forms, "__typename": repr(kind)}
    inner = document.fields((node.selection_set for node in fields), kind).items()
    return "{" + ", ".join(f"{name!r}: {forms[found[0].name.value]}" for name, found in inner) + "}"


def code(source: str) -> Callable[..., Any]:
    """The function of `f`, and of `c` where a plan only reads, that an expression is."""
    return eval(f"lambda f, c=None: {source}", {"__builtins__": {}, **NAMES})  # type: ignore[no-any-return]


def code_of_list(source: str, place: "ByPlace", document: Document, *, has_cursors: bool = False) -> Callable[..., Any]:
    """The function that makes a list of what an expression is, of rows, of `c`, and with cursors of one for each row.

    The rows hold the columns of `place`, and whatever else behind them.
    """
    row = ", ".join([*map(place.unpacked, range(len(place.columns))), "*_,"])
    every = f"cursor, ({row}) in zip(cursors, rows)" if has_cursors else f"{row} in rows"
    text = f"lambda rows, c{', cursors' if has_cursors else ''}: [{source} for {every}]"
    return eval(text, {"__builtins__": {}, **NAMES, **document.shapes})  # type: ignore[no-any-return]


class ByPlace:
    """Reads columns from a row by their place, and knows which columns the row must have."""

    def __init__(self, *, is_unpacked: bool = False) -> None:
        """`is_unpacked`: each column of the row has a name of its own, as in a list, whose rows are taken apart."""
        self._columns: dict[str, int] = {}
        self._is_unpacked = is_unpacked

    def __call__(self, column: str) -> str:
        place = self._columns.setdefault(column, len(self._columns))
        return self.unpacked(place) if self._is_unpacked else f"f[{place}]"

    def unpacked(self, place: int) -> str:
        return f"v{place}"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)
