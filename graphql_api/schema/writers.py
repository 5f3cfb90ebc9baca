"""Selections turned into code that makes the answer of one object straight from a row.

A writer is the source of a Python expression in which `f` is what it is made from and `c` the context. Only names of
this schema and response names of the document (GraphQL names: letters, digits, `_`) ever get into that source.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from graphql import FieldNode

from graphql_api.domain import hours, instants
from graphql_api.domain.flow import TREE, Block, Leaf, paths
from graphql_api.schema import history, scalars
from graphql_api.schema.hours import openings, utc_offsets
from graphql_api.schema.plan_document import Document, NotCompiled, as_dict
from graphql_api.schema.selection import HOURS, WINDOW

Access = Callable[[str], str]
"""Column -> the expression that reads it from `f`."""

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
    "__builtins__": {},
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
    "revision_id": history.id_of,
    "revision_cursor": history.cursor,
    "shown_value": history.shown_value,
}
"""What the source of a writer may use."""


Make = Callable[[Mapping[str, str]], str]
"""The expressions of members -> the expression of the object that they make."""

Forms = Mapping[str, str | Callable[[Document, Sequence[FieldNode]], str]]
"""Fields of a type -> their expressions, or what makes them of what is selected below."""


def flow(document: Document, nodes: Sequence[FieldNode], access: Access, make: Make = as_dict) -> str:
    """The expression that makes a MessageFlow as these fields select it."""
    return block(document, TREE, nodes, access, make)


def block(document: Document, declared: Block, nodes: Sequence[FieldNode], access: Access, make: Make) -> str:
    kind = declared.shape.__name__
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
    if declared is TREE and name == "revisions" and isinstance(access, ByPlace):
        return access.history(fields)
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
    return f"is_open({_window(access)}, {_instant(document, fields, 'at')})"


def _next_transition(document: Document, fields: list[FieldNode], access: Access) -> str:
    forms = {"at": "serialized(t.at)", "opens": "t.opens"}
    found = f"next_transition({_window(access)}, {_instant(document, fields, 'after')})"
    return f"(lambda t: None if t is None else {written(document, fields, 'WorkingHoursTransition', forms)})({found})"


def _openings(document: Document, fields: list[FieldNode], access: Access) -> str:
    opening = written(document, fields, "Opening", {"from": "serialized(o.start)", "to": "serialized(o.end)"})
    return f"[{opening} for o in openings({_window(access)}, {_range(document, fields)})]"


def _utc_offsets(document: Document, fields: list[FieldNode], access: Access) -> str:
    forms = {"from": "serialized(o.start)", "to": "serialized(o.end)", "seconds": "o.seconds", "name": "o.name"}
    offset = written(document, fields, "UtcOffset", forms)
    return f"[{offset} for o in utc_offsets({_window(access)}, {_range(document, fields)})]"


def _range(document: Document, fields: list[FieldNode]) -> str:
    start, to = (document.argument(fields[0], name, "DateTime", is_needed=True) for name in ("from", "to"))
    document.ranges.append((start, to))
    return f"c.given[{start}], c.given[{to}]"


def _instant(document: Document, fields: list[FieldNode], name: str) -> str:
    """The expression for the one that an argument names."""
    return f"c.instant({document.argument(fields[0], name, 'DateTime')})"


COMPUTED = {
    "isOpen": _is_open,
    "nextTransition": _next_transition,
    "openings": _openings,
    "utcOffsets": _utc_offsets,
}


def _window(access: Access) -> str:
    return f"window({', '.join(map(access, WINDOW))})"


def written(document: Document, nodes: Sequence[FieldNode], kind: str, forms: Forms) -> str:
    """The expression that makes an object of a type whose fields all have a form."""
    forms = {**forms, "__typename": repr(kind)}
    members = {}
    for name, found in document.fields((node.selection_set for node in nodes), kind).items():
        form = forms[found[0].name.value]
        members[name] = form if isinstance(form, str) else form(document, found)
    return as_dict(members)


def code(source: str) -> Callable[..., Any]:
    """The function of `f`, of `c`, and of the histories `h` where there are some, that an expression is."""
    return eval(f"lambda f, c=None, h=(): {source}", NAMES)  # type: ignore[no-any-return]


def code_of_list(source: str, place: "ByPlace", document: Document, *, has_cursors: bool = False) -> Callable[..., Any]:
    """The function that makes a list of what an expression is, of rows, of `c`, and with cursors of one for each row.

    The rows hold the columns of `place`, and whatever else behind them.
    """
    row = ", ".join([*map(place.unpacked, range(len(place.columns))), "*_,"])
    every = f"cursor, ({row}) in zip(cursors, rows)" if has_cursors else f"{row} in rows"
    text = f"lambda rows, c{', cursors' if has_cursors else ''}: [{source} for {every}]"
    return eval(text, {**NAMES, **document.shapes})  # type: ignore[no-any-return]


class ByPlace:
    """Reads columns from a row by their place, and knows which columns the row must have; and which histories of the
    flow must be read with it."""

    def __init__(self, *, is_unpacked: bool = False) -> None:
        """`is_unpacked`: each column of the row has a name of its own, as in a list, whose rows are taken apart."""
        self._columns: dict[str, int] = {}
        self._is_unpacked = is_unpacked
        self.histories: list[list[FieldNode]] = []

    def __call__(self, column: str) -> str:
        place = self._columns.setdefault(column, len(self._columns))
        return self.unpacked(place) if self._is_unpacked else f"f[{place}]"

    def history(self, fields: list[FieldNode]) -> str:
        """Refuses in a list, of whose flows each would have to be asked for its own."""
        if self._is_unpacked:
            raise NotCompiled
        self.histories.append(fields)
        return f"h[{len(self.histories) - 1}]"

    def unpacked(self, place: int) -> str:
        return f"v{place}"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)
