"""What an operation costs, in points: worked out once for a document, then for each request by its variables.

An object costs 1, a leaf nothing except those of `LEAF_POINTS`. A connection multiplies what its `nodes` and `edges`
cost by its page size: `first`, else `last`, else that of `DEFAULT_SIZES`. A mutation costs 10 for every flow it writes,
or the price of its answer where that is more. What is selected twice at one place is answered once and costs once. A
long text that the same way through the schema leads to again, at another place or in a list within another one, costs a
point for every 2,000 characters there.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

from graphql.language import ast

from graphql_api.domain import flow
from graphql_api.domain.checks import Text

DEFAULT_SIZES: Mapping[str, int] = {"messageFlows": 50, "revisions": 50, "webhooks": 50}
ROWS = frozenset({"nodes", "edges"})
LEAF_POINTS: Mapping[str, int] = {"totalCount": 10}
INTROSPECTION: Mapping[str, int] = {"types": 10, "fields": 4, "inputFields": 4, "enumValues": 4, "possibleTypes": 4}
"""Lists of the schema are charged for fewer than there are, as they cost little to tell: all of it is some two thousand
points, and lists of it within one another are soon more than anybody may spend."""
ROW_COUNTS: Mapping[str, int] = {
    "updateMessageFlows": 100,
    "openings": 62,
    "utcOffsets": 4,
    "deliveries": 100,
    "testWebhook": 250,
    **INTROSPECTION,
}
"""Mutations of the flows in `ids`, and for how many they are charged when a filter chooses the flows; deliveries are
charged by `first`. Openings have no count at all, so they are charged for a window a day over the longest range, and
offsets for a clock change every three weeks."""
TEXTS: Mapping[str, Any] = {leaf.path.rpartition(".")[2]: leaf.rule.check for leaf in flow.LEAVES}
AGAIN = {name: text.longest // 2_000 for name, text in TEXTS.items() if isinstance(text, Text)}
AGAIN |= dict.fromkeys(("before", "after"), max(AGAIN.values()))
"""Points of a text at each further place of the same way, so that no answer is much longer than a page with each text
once."""
WRITE = 10
MANY = 10**9
"""Where counts stop: doubling fragments would make them grow without end."""

RowCounts = frozenset[tuple[int | str, ...]]
"""Numbers of rows, each the first usable of literals and variables by name; the last is always usable."""
ONE: RowCounts = frozenset({(1,)})
Way = tuple[frozenset[str], ...]
"""Names of fields from the root on, whatever they are called in the answer."""


class Price(NamedTuple):
    """Points that every request costs, and parts: the largest of some counts times a row's price, `least` or more."""

    points: int = 0
    parts: tuple[tuple[RowCounts, int, "Price"], ...] = ()

    def of(self, variables: Mapping[str, Any]) -> int:
        points = self.points
        for counts, least, row in self.parts:
            points += max(_number(count, variables) for count in counts) * max(least, row.of(variables))
        return min(MANY, points)


class FieldGroup(NamedTuple):
    """Fields that answer under one name, more than one where they overlap; below a leaf is None."""

    fields: list[ast.FieldNode]
    below: list["FieldGroup"] | None


def operation_price(operation: ast.OperationDefinitionNode, answer: list[FieldGroup]) -> Price:
    least = WRITE if operation.operation is ast.OperationType.MUTATION else 0
    told: set[Way] = set()
    return total(_price(group, ONE, (), told, least) for group in answer)


def _price(group: FieldGroup, page: RowCounts, above: Way, told: set[Way], least: int = 0) -> Price:
    """Of a group whose fields differ in name and arguments only where their types exclude each other."""
    names = frozenset(field.name.value for field in group.fields)
    if group.below is None:
        return Price(max(LEAF_POINTS.get(name, 0) for name in names) + _again(names, above, told))
    own_page = frozenset(_count(field, DEFAULT_SIZES, "first", "last") for field in group.fields)
    below = total(_price(each, own_page, (*above, names), told) for each in group.below)
    counts = [
        page if field.name.value in ROWS else {_count(field, ROW_COUNTS, "ids", "first")} for field in group.fields
    ]
    return _times(frozenset().union(*counts), least, Price(1 + below.points, below.parts))


def _again(names: frozenset[str], above: Way, told: set[Way]) -> int:
    """A list within the rows of another one has many of the same place."""
    ways = {name: (*above, frozenset({name})) for name in names & AGAIN.keys()}
    is_again = sum(not step.isdisjoint(ROWS) for step in above) > 1
    points = max((AGAIN[name] for name, way in ways.items() if is_again or way in told), default=0)
    told.update(ways.values())
    return points


def _times(counts: RowCounts, least: int, row: Price) -> Price:
    if counts == ONE and not least:
        return row
    price = Price(parts=((counts, least, row),))
    varies = row.parts or any(isinstance(number, str) for count in counts for number in count)
    return price if varies else Price(price.of({}))


def total(prices: Iterable[Price]) -> Price:
    points, parts = zip(Price(), *prices, strict=True)
    return Price(min(MANY, sum(points)), tuple(chain.from_iterable(parts)))


def _count(field: ast.FieldNode, usual: Mapping[str, int], *arguments: str) -> tuple[int | str, ...]:
    if field.name.value not in usual:
        return (1,)
    given = {argument.name.value: _literal(argument.value) for argument in field.arguments or ()}
    return (*(given[name] for name in arguments if name in given), usual[field.name.value])


def _literal(value: ast.ValueNode | None) -> int | str:
    """A variable's name, a list's length, a number, else 0; ten digits are MANY or more, and more are not read."""
    if isinstance(value, ast.VariableNode):
        return value.name.value
    if isinstance(value, ast.ListValueNode):
        return len(value.values)
    return int(value.value[:10]) if isinstance(value, ast.IntValueNode) else 0


def _number(count: Iterable[int | str], variables: Mapping[str, Any]) -> int:
    values = (variables.get(one) if isinstance(one, str) else one for one in count)
    return next(filter(None, map(_usable, values)))


def _usable(value: Any) -> int:
    """Rows asked for, as GraphQL would make an Int of it, or the length of a list; 0 for anything else."""
    if isinstance(value, list | tuple):
        return len(value)
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return max(0, min(MANY, int(value))) if whole else 0


def defaults(operations: Iterable[ast.OperationDefinitionNode]) -> Mapping[str, int | str]:
    variables = [variable for operation in operations for variable in operation.variable_definitions or ()]
    return {node.variable.name.value: _literal(node.default_value) for node in variables if node.default_value}
