"""How big a document may be, and what its text alone tells, before the recursive parser sees it."""

import re

import graphql
import msgspec
from graphql.language import ast

from graphql_api.schema.prices import MANY

# Unterminated strings match as well: the parser reports them, and no character is scanned twice.
# Early Pythons 3.11 go on from the wrong place after a possessive group that failed midway: hence the atomic one.
TOKEN = re.compile(
    r"""(?:
    [_A-Za-z][_0-9A-Za-z]*+
    | (?P<opens>[{(\[]) | (?P<closes>[})\]]) | (?P<directive>@) | [!$&:=|] | \.{3}
    | (?P<whole>-?[0-9]++) (?:\.[0-9]++)?+ (?:[Ee][+-]?[0-9]++)?+
    | "{3} (?>(?:[^"\\]++ | \\"{3} | \\ | "(?!""))*) (?:"{3})?+
    | " (?:[^"\\\n\r]++ | \\[^\n\r])*+ "?+
    | \#[^\n\r]*+
    )[\s,\ufeff]*+""",
    re.VERBOSE,
)


class Limits(msgspec.Struct, frozen=True):
    """The most a document may have: first as a whole, then (from depth on) in one operation with its fragments.

    Tokens include comments. Nesting counts brackets of any kind, and selection sets through fragments; far above 100
    it would meet the recursion limit of Python. Lines are counted for each error, to tell its place. Digits are those
    before a point, with the sign. Depth counts fields: the introspection query of GraphiQL has 15.
    Overlaps are pairs of fields at one place of the answer. Cost is that of one request.
    """

    characters: int = 200_000
    lines: int = 10_000
    tokens: int = 2_000
    nesting: int = 64
    integer_digits: int = 20
    directives: int = 50
    selections: int = 5_000
    overlaps: int = 10_000
    depth: int = 15
    aliases: int = 50
    root_fields: int = 20
    cost: int = 10_000


FIXED = frozenset({"characters", "lines", "nesting", "overlaps"})
"""Limits that no setting moves."""


class LimitExceeded(Exception):
    """Nothing of the document was run. For tokens, and from MANY on, `found` is where the counting stopped."""

    def __init__(self, name: str, allowed: int, found: int) -> None:
        number = f"at least {found}" if name == "tokens" or found >= MANY else str(found)
        saying = SAYINGS.get(name, "has {} " + name.replace("_", " ")).format(number)
        setting = "" if name in FIXED else f" (max_{name})"
        super().__init__(f"the document {saying}; the limit is {allowed}{setting}")
        self.name, self.allowed, self.found = name, allowed, found


SAYINGS = {
    "integer_digits": "has a number of {} digits",
    "depth": "has depth {}",
    "nesting": "is nested {} levels deep",
    "cost": "costs {} points",
}


def parse(text: str, limits: Limits) -> ast.DocumentNode:
    """Raises GraphQLSyntaxError, or LimitExceeded for what characters and tokens alone can tell."""
    hold(limits, characters=len(text))
    hold(limits, lines=1 + text.count("\n") + text.count("\r") - text.count("\r\n"))
    nesting = deepest = directives = digits = 0
    for tokens, token in enumerate(TOKEN.finditer(text), 1):
        if tokens > limits.tokens:
            raise LimitExceeded("tokens", limits.tokens, tokens)
        kind = token.lastgroup
        nesting += (kind == "opens") - (kind == "closes")
        deepest = max(deepest, nesting)
        directives += kind == "directive"
        if kind == "whole":
            digits = max(digits, len(token["whole"]))
    hold(limits, nesting=deepest, directives=directives, integer_digits=digits)
    return _unchained(graphql.parse(text))


def _unchained(document: ast.DocumentNode) -> ast.DocumentNode:
    """Without the chain of its tokens, in which each knows the one before, so that nothing outlives its last user."""
    token = document.loc and document.loc.start_token
    while token:
        token.prev, token.next, token = None, None, token.next
    return document


def tokens(text: str) -> int:
    return sum(1 for _ in TOKEN.finditer(text))


def hold(limits: Limits, **found: int) -> None:
    """Raises LimitExceeded for the first number that is above its limit."""
    for name, number in found.items():
        if number > getattr(limits, name):
            raise LimitExceeded(name, getattr(limits, name), number)
