"""Selections turned into code that makes the answer of one object straight from a row.

A writer is the source of a Python expression in which `f` is what it is made from. Only names of this schema and
response names of the document (GraphQL names: letters, digits, `_`) ever get into that source.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from graphql_api.domain import instants
from graphql_api.domain.checks import whole
from graphql_api.domain.flow import TREE, Block, Leaf

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
KEPT = {
    "id": ("id", "{}"),
    "workspaceId": ("workspace_id", "{}"),
    "createdAt": ("created_at", "text({})"),
    "updatedAt": ("updated_at", "text({})"),
    "version": ("version", "{}"),
}
NAMES: dict[str, Any] = {"text": instants.text, "whole": whole}
"""What the source of a writer may use."""


class NotCompiled(Exception):
    """The document has a part that plans do not know; the general executor answers it."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a selection is read with: its fragments, and the values of the variables that skip and include."""

    fragments: Mapping[str, FragmentDefinitionNode]
    switches: Mapping[str, bool]

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


def flow(document: Document, nodes: Sequence[FieldNode], access: Access) -> str:
    """The expression that makes a MessageFlow as these fields select it."""
    return block(document, TREE, nodes, access)


def block(document: Document, declared: Block, nodes: Sequence[FieldNode], access: Access) -> str:
    kind = TYPES[declared.path]
    members = []
    for name, fields in document.fields((node.selection_set for node in nodes), kind).items():
        members.append(f"{name!r}: {member(document, declared, kind, fields, access)}")
    return "{" + ", ".join(members) + "}"


def member(document: Document, declared: Block, kind: str, fields: list[FieldNode], access: Access) -> str:
    name = fields[0].name.value
    if name == "__typename":
        return repr(kind)
    if declared is TREE and name in KEPT:
        column, form = KEPT[name]
        return form.format(access(column))
    known = declared.members.get(name)
    if known is None:
        raise NotCompiled
    if isinstance(known, Block):
        return block(document, known, fields, access)
    return leaf(known, access)


def leaf(known: Leaf, access: Access) -> str:
    """SQLite answers booleans as 0 and 1, and both databases answer whole seconds as floats."""
    if known.kind is bool:
        return f"{access(known.column)} == 1"
    if known.kind is float:
        return f"whole({access(known.column)})"
    assert known.kind is str or issubclass(known.kind, Enum)
    return access(known.column)


def code(source: str) -> Callable[[Any], Any]:
    """The function of `f` that an expression is."""
    return eval(f"lambda f: {source}", {"__builtins__": {}, **NAMES})  # type: ignore[no-any-return]


def by_name(column: str) -> str:
    return f"f[{column!r}]"


class ByPlace:
    """Reads columns from a row by their place, and knows which columns the row must have."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}

    def __call__(self, column: str) -> str:
        return f"f[{self._columns.setdefault(column, len(self._columns))}]"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)
