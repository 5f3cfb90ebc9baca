"""Chances, and selections made with them: the same fields in any of the forms that GraphQL has for them."""

from collections.abc import Sequence
from random import Random
from typing import Any

from graphql import get_named_type

from graphql_api.domain.flow import TREE, Block
from graphql_api.schema.prepared import GRAPHQL

Tree = dict[str, Any]


def whole(block: Block) -> Tree:
    """All that a block may be asked for, below each name."""
    members = {name: whole(member) if isinstance(member, Block) else None for name, member in block.members.items()}
    return members | {"__typename": None}


SETTINGS: Tree = whole(TREE)["settings"]
FLOW = [name for name in whole(TREE) if name != "settings"]
FLOW += ["id", "workspaceId", "createdAt", "updatedAt", "version"]
NEXT = {"at": None, "opens": None, "__typename": None}
COMPUTED: Tree = {
    "isOpen": None,
    "soon: isOpen(at: $at)": None,
    "nextTransition": NEXT,
    'then: nextTransition(after: "2026-03-08T02:30:00+01:00")': NEXT,
    'openings(from: "2026-03-28T00:00:00Z", to: $to)': dict.fromkeys(["from", "to"]),
    'utcOffsets(from: "2026-03-28T00:00:00Z", to: "2026-03-30T00:00:00Z")': dict.fromkeys(["from", "to", "seconds"]),
}
HOURS = SETTINGS["responseSettings"]["workingHours"] | COMPUTED
ANSWERED = SETTINGS | {"responseSettings": SETTINGS["responseSettings"] | {"workingHours": HOURS}}
"""Settings as a selection may have them, with what is computed."""

PAGE_INFO = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"]
CHANGE: Tree = dict.fromkeys(["path", "before", "after", "__typename"])
REVISION: Tree = dict.fromkeys(
    ["id", "version", "at", "actor", "source", "operation", "note", "requestId", "__typename"]
)
REVISION |= {"changes": CHANGE}
HISTORY: Tree = {
    "nodes": REVISION,
    "edges": {"cursor": None, "node": REVISION, "__typename": None},
    "pageInfo": dict.fromkeys(PAGE_INFO),
    "__typename": None,
}

SWITCHING = ["skip", "include"]


class Dice(Random):
    """For one document after the other.

    `written` is the share of values that are written out. `made` are the documents so far and what was sent with them;
    `fragments` are those of the present one, by their names: type and fields.
    """

    def __init__(self, seed: int, written: float = 0.15) -> None:
        super().__init__(seed)
        self.written = written
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.fragments: dict[str, tuple[str, str]] = {}

    def chance(self, share: float) -> bool:
        return self.random() < share

    def some(self, names: list[str]) -> list[str]:
        return self.sample(names, self.randint(1, len(names)))

    def directive(self, share: float = 0.1) -> str:
        if not self.chance(share):
            return ""
        names = self.choice([["skip"], ["include"], ["skip"], ["include"], ["skip", "include"]])
        return "".join(f" @{name}(if: {self.choice(['$on', '$off', 'true', 'false'])})" for name in names)

    def leaf(self, name: str) -> str:
        alias = f"a{self.randint(0, 99)}{name.strip('_')}: " if self.chance(0.1) and name.isidentifier() else ""
        return f"{alias}{name}{self.directive()}"

    def block(self, kind: str, tree: Tree) -> str:
        parts = []
        for name in self.some(list(tree)):
            below = tree[name]
            parts.append(self.leaf(name) if below is None else self.field(kind, name, below))
        return self.selection(kind, parts)

    def field(self, kind: str, name: str, tree: Tree) -> str:
        """A field with arguments and alias as they stand in its name."""
        bare = name.partition("(")[0].split(": ")[-1]
        of: Any = GRAPHQL.type_map[kind]
        return f"{name}{self.directive()} {self.block(str(get_named_type(of.fields[bare].type)), tree)}"

    def flow_with_history(self) -> str:
        """Its arguments are variables that each document may have."""
        given = self.choice(["", "(first: $many)", "(first: $many, after: $behind)", "(after: $behind)"])
        others = [f"past: revisions(first: 1) {self.block('RevisionConnection', HISTORY)}"] if self.chance(0.2) else []
        return self.flow(more=[self.field("MessageFlow", f"revisions{given}", HISTORY), *others])

    def flow(self, kind: str = "MessageFlow", more: Sequence[str] = ()) -> str:
        parts = [*more]
        parts += [self.leaf(name) for name in self.some(FLOW)]
        for share in (0.6, 0.1):
            if self.chance(share):
                parts.append(self.field(kind, "settings", ANSWERED if self.chance(0.3) else SETTINGS))
        if self.chance(0.1):
            parts.append("... on Node {id}")
        return self.selection(kind, parts)

    def selection(self, kind: str, parts: list[str]) -> str:
        """These fields in any order, some of them twice or in fragments."""
        self.shuffle(parts)
        parts += [part for part in parts if self.chance(0.03)]
        if self.chance(0.15):
            place = self.randrange(len(parts))
            parts[place:] = [self._fragment(kind, "{" + " ".join(parts[place:]) + "}")]
        known = [name for name, (other, _) in self.fragments.items() if other == kind]
        if known and self.chance(0.3):
            parts.insert(self.randint(0, len(parts)), f"...{self.choice(known)}{self.directive(0.4)}")
        return "{" + " ".join(parts) + "}"

    def _fragment(self, kind: str, fields: str) -> str:
        switch = self.directive(0.3)
        if self.chance(0.5):
            return f"...{self.choice(['', f' on {kind}'])}{switch} {fields}"
        name = f"F{len(self.fragments)}"
        self.fragments[name] = kind, fields
        return f"...{name}{switch}"
