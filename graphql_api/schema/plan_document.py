"""A document as plans read it: which fields meet under a name, which arguments they have."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    ValueNode,
)

from graphql_api.schema.shapes import SHAPES

INTERFACES = {"MessageFlow": {"Node"}, "Revision": {"Node"}}


class NotCompiled(Exception):
    """The document has a part that plans do not know; the general executor answers it."""


class Document(msgspec.Struct, frozen=True):
    """What a selection is read with: its fragments, and the values of the variables that skip and include.

    `arguments` gathers those of fields below the root on the way: None where there is none, the name of its type, and
    whether it is needed; `ranges` the places of those that say from when to when. `shapes` gathers the types that
    objects of lists are made of, by the names that sources have for them.
    """

    fragments: Mapping[str, FragmentDefinitionNode]
    switches: Mapping[str, bool]
    makes_dicts: bool = False
    arguments: list[tuple[ValueNode | None, str, bool]] = msgspec.field(default_factory=list)
    ranges: list[tuple[int, int]] = msgspec.field(default_factory=list)
    shapes: dict[str, type] = msgspec.field(default_factory=dict)

    def listed(self, members: Mapping[str, str]) -> str:
        """The same as `as_dict` for one of many objects, which may be of a type of their own."""
        shape = None if self.makes_dicts else SHAPES.shape(tuple(members))
        if shape is None:
            return as_dict(members)
        name = f"Object{len(self.shapes)}"
        self.shapes[name] = shape
        return f"{name}({', '.join(members.values())})"

    def argument(self, node: FieldNode, name: str, kind: str, *, is_needed: bool = False) -> int:
        """The place at which `Context.given` has it."""
        given = (argument.value for argument in node.arguments or () if argument.name.value == name)
        self.arguments.append((next(given, None), kind, is_needed))
        return len(self.arguments) - 1

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


def as_dict(members: Mapping[str, str]) -> str:
    """The expression for an object with these members, each of which is an expression."""
    return "{" + ", ".join(f"{name!r}: {source}" for name, source in members.items()) + "}"
