"""Which columns an operation's selection needs, so that only those are read."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.execution.values import get_directive_values

from graphql_api.domain.flow import TREE, Block

Needs = Mapping[str, Any]
"""Field -> the columns that it needs (a tuple), or the needs of what it contains."""

HOURS = "settings.responseSettings.workingHours"
WINDOW = tuple(f"response_settings_working_hours_{name}" for name in ("enabled", "start", "end", "timezone"))
COMPUTED = {"isOpen": WINDOW, "nextTransition": WINDOW, "openings": WINDOW, "utcOffsets": WINDOW}


def needs(block: Block) -> Needs:
    return {
        name: (needs(member) if isinstance(member, Block) else (member.column,))
        for name, member in block.members.items()
    } | (COMPUTED if block.path == HOURS else {})


FLOW: Needs = {
    **needs(TREE),
    "id": ("id",),
    "workspaceId": ("workspace_id",),
    "createdAt": ("created_at",),
    "updatedAt": ("updated_at",),
    "version": ("version",),
    "revisions": ("id",),
}
CONNECTION: Needs = {"nodes": FLOW, "edges": {"node": FLOW}}


def columns(info: GraphQLResolveInfo[Any], wanted: Needs) -> tuple[str, ...]:
    """The columns below the field that is being resolved, each fragment walked once."""
    walk = Walk(info)
    for node in info.field_nodes:
        walk.into(node.selection_set, wanted)
    return tuple(sorted(walk.found))


class Walk:
    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.found: set[str] = set()
        self._fragments: Mapping[str, FragmentDefinitionNode] = info.fragments  # type: ignore[assignment]
        self._variables = info.variable_values
        self._walked: set[tuple[str, int]] = set()

    def into(self, selection: SelectionSetNode | None, wanted: Needs) -> None:
        for node in selection.selections if selection else ():
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                self._field(node, wanted.get(node.name.value))
            elif isinstance(node, InlineFragmentNode):
                self.into(node.selection_set, wanted)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(node.name.value, wanted)

    def _field(self, node: FieldNode, needed: Any) -> None:
        if isinstance(needed, tuple):
            self.found.update(needed)
        elif needed is not None:
            self.into(node.selection_set, needed)

    def _spread(self, name: str, wanted: Needs) -> None:
        if (name, id(wanted)) not in self._walked:
            self._walked.add((name, id(wanted)))
            self.into(self._fragments[name].selection_set, wanted)

    def _included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])
