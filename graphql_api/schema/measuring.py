"""How much a document selects: one linear pass over it, with all fragments written out, before it is validated or run.

`measure` holds a document to its limits, `charge` prices one request with its variables. Validation compares the fields
that meet at one place of the answer pair by pair, so these pairs have a limit as well. `@skip` and `@include` are not
looked at: every number is an upper bound.
"""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, NamedTuple, TypeGuard

from graphql import GraphQLError
from graphql.language import ast

from graphql_api.schema.limits import LimitExceeded, Limits, hold
from graphql_api.schema.prices import MANY, FieldGroup, Price, defaults, operation_price, total


class Size(NamedTuple):
    """What is selected below a node, its fragments written out.

    Root fields are those of the first level, objects those that have fields of their own.
    """

    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    root_fields: int = 0
    selections: int = 0
    objects: int = 0


Parent = ast.OperationDefinitionNode | ast.FragmentDefinitionNode | ast.InlineFragmentNode | ast.FieldNode
Fragments = Mapping[str, ast.FragmentDefinitionNode]


class Measured(NamedTuple):
    """A document within its limits; `defaults` are those of the operation's variables, lists by their length."""

    size: Size
    overlaps: int
    price: Price
    defaults: Mapping[str, int | str]


def measure(document: ast.DocumentNode, limits: Limits, operation_name: str | None = None) -> Measured:
    """Hold a document that need not be valid to its limits; without a name, each of its operations.

    Unknown fragments count nothing: validation refuses them. Raises LimitExceeded, or GraphQLError for fragments that
    form a cycle, of which validation names only short ones.
    """
    fragments = _fragments(document)
    sizes: dict[str, Size] = {}
    for name, fragment in fragments.items():
        sizes[name] = _size(fragment, sizes)
    roots = [(root, _size(root, sizes)) for root in _roots(document, fragments)]
    nesting = max((size.nesting for _, size in roots), default=0)
    hold(limits, nesting=nesting, selections=sum(size.selections for _, size in roots))
    chosen = [(root, size) for root, size in roots if _is_chosen(root, operation_name)]
    largest = Size(*map(max, zip(Size(), *(size for _, size in chosen), strict=True)))
    hold(limits, depth=largest.depth, aliases=largest.aliases, root_fields=largest.root_fields)
    answers = {id(root): _field_groups([root], fragments) for root, _ in roots}
    overlaps = sum(map(_overlaps, answers.values()))
    hold(limits, overlaps=overlaps)
    price = total(operation_price(root, answers[id(root)]) for root, _ in chosen)
    return Measured(largest, overlaps, price, defaults(root for root, _ in chosen))


def charge(measured: Measured, variables: Mapping[str, Any] | None, limits: Limits) -> int:
    """The points of one request; raises LimitExceeded above `limits.cost`. Variables of wrong types count nothing."""
    price = measured.price
    points = price.of({**measured.defaults, **(variables or {})}) if price.parts else price.points
    if points > limits.cost:
        raise LimitExceeded("cost", limits.cost, points)
    return points


def _fragments(document: ast.DocumentNode) -> Fragments:
    """By name, each after those that it spreads."""
    defined = {node.name.value: node for node in document.definitions if isinstance(node, ast.FragmentDefinitionNode)}
    spreads = {name: {node.name.value: node for node in _spreads(fragment)} for name, fragment in defined.items()}
    try:
        return {name: defined[name] for name in TopologicalSorter(spreads).static_order() if name in defined}
    except CycleError as error:
        raise _cyclic(error.args[1], spreads) from None


def _cyclic(cycle: list[str], spreads: Mapping[str, Mapping[str, ast.FragmentSpreadNode]]) -> GraphQLError:
    """Worded as validation would; the cycle ends where it begins, and each of its fragments is spread by the next."""
    names = cycle[:0:-1]
    first = names.index(next(name for name in spreads if name in cycle))
    names = [*names[first:], *names[:first]]
    via = f" via {', '.join(map(repr, names[1:]))}" if names[1:] else ""
    nodes = [spreads[name][after] for name, after in pairwise((*names, names[0]))]
    return GraphQLError(f"Cannot spread fragment '{names[0]}' within itself{via}.", nodes)


def _selections(parent: Parent) -> Iterable[ast.SelectionNode]:
    return parent.selection_set.selections if parent.selection_set else ()


def _spreads(parent: Parent) -> Iterator[ast.FragmentSpreadNode]:
    for selection in _selections(parent):
        if isinstance(selection, ast.FragmentSpreadNode):
            yield selection
        elif isinstance(selection, Parent):
            yield from _spreads(selection)


def _roots(document: ast.DocumentNode, fragments: Fragments) -> list[Parent]:
    """Definitions that are written out in no other one: all that validation reads hangs below these."""
    parents = [node for node in document.definitions if isinstance(node, Parent)]
    spread = {node.name.value for parent in parents for node in _spreads(parent)}
    written_out = {id(fragment) for name, fragment in fragments.items() if name in spread}
    return [parent for parent in parents if id(parent) not in written_out]


def _is_chosen(root: Parent, name: str | None) -> TypeGuard[ast.OperationDefinitionNode]:
    return isinstance(root, ast.OperationDefinitionNode) and name in (None, root.name and root.name.value)


def _size(parent: Parent, known: Mapping[str, Size]) -> Size:
    parts = [_selection_size(selection, known) for selection in _selections(parent)]
    depths, nestings, *sums = zip(Size(), *parts, strict=True)
    return Size(max(depths), bool(parts) + max(nestings), *(min(MANY, sum(column)) for column in sums))


def _selection_size(selection: ast.SelectionNode, known: Mapping[str, Size]) -> Size:
    if isinstance(selection, ast.FieldNode):
        below = _size(selection, known) if selection.selection_set else Size()
        aliases = below.aliases + (selection.alias is not None)
        objects = below.objects + (selection.selection_set is not None)
        return Size(1 + below.depth, below.nesting, aliases, 1, 1 + below.selections, objects)
    below = _size(selection, known) if isinstance(selection, ast.InlineFragmentNode) else Size()
    if isinstance(selection, ast.FragmentSpreadNode):
        below = known.get(selection.name.value, Size())
    return below._replace(selections=1 + below.selections)


def _field_groups(parents: Iterable[Parent], fragments: Fragments) -> list[FieldGroup]:
    """The answer below these parents; a fragment counts once at each place, as when it is executed."""
    fields: dict[str, list[ast.FieldNode]] = {}
    waiting, entered = list(parents), set[str]()
    while waiting:
        for selection in _selections(waiting.pop()):
            if isinstance(selection, ast.FieldNode):
                fields.setdefault((selection.alias or selection.name).value, []).append(selection)
            elif isinstance(selection, ast.InlineFragmentNode):
                waiting.append(selection)
            elif isinstance(selection, ast.FragmentSpreadNode) and (name := selection.name.value) not in entered:
                entered.add(name)
                waiting.extend([fragments[name]] if name in fragments else [])
    return [_field_group(same, fragments) for same in fields.values()]


def _field_group(fields: list[ast.FieldNode], fragments: Fragments) -> FieldGroup:
    objects = [field for field in fields if field.selection_set]
    return FieldGroup(fields, _field_groups(objects, fragments) if objects else None)


def _overlaps(answer: list[FieldGroup]) -> int:
    return sum(len(fields) * (len(fields) - 1) // 2 + _overlaps(below or []) for fields, below in answer)
