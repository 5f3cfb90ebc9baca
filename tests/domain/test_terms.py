"""On which terms an edit may be asked for: what is just right is taken, what is one too much is refused."""

import pytest

from graphql_api.domain.errors import Refused
from graphql_api.domain.terms import LONGEST_KEY, LONGEST_NOTE, Terms

SEEN = frozenset({0})


def told(terms: Terms, target: str | None = "f1") -> list[tuple[str, str]]:
    """Code and path of all that is wrong."""
    try:
        terms.check(target)
    except Refused as refusal:
        return [(problem.code, ".".join(problem.path)) for problem in refusal.problems]
    return []


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        Terms(if_versions=SEEN),
        Terms(if_versions=frozenset()),
        Terms(if_versions=SEEN, merge=True),
        Terms(key="~" * LONGEST_KEY, note="é" * LONGEST_NOTE),
        Terms(validate_only=True, note=""),
    ],
)
def test_terms_that_hold(terms: Terms) -> None:
    assert told(terms) == told(terms, None) == []


@pytest.mark.parametrize(
    ("terms", "problems"),
    [
        (Terms(if_versions=frozenset({-1})), [("OUT_OF_RANGE", "ifVersion")]),
        (Terms(merge=True), [("REQUIRED", "ifVersion")]),
        (Terms(if_versions=frozenset({1, 2}), merge=True), [("REQUIRED", "ifVersion")]),
        (Terms(key=""), [("BLANK", "idempotencyKey")]),
        (Terms(key="k" * (LONGEST_KEY + 1)), [("TOO_LONG", "idempotencyKey")]),
        (Terms(key="\x7f"), [("INVALID_CHARACTER", "idempotencyKey")]),
        (Terms(key="k", validate_only=True), [("CONFLICTING_FIELDS", "validateOnly")]),
        (Terms(note="n" * LONGEST_NOTE + "\0"), [("TOO_LONG", "note"), ("INVALID_CHARACTER", "note")]),
        (Terms(note="\ud800"), [("INVALID_CHARACTER", "note")]),
    ],
)
def test_terms_that_do_not(terms: Terms, problems: list[tuple[str, str]]) -> None:
    assert told(terms) == problems
    assert told(terms, None) == problems
    assert told(terms, "a b") == told(terms, "") == [("INVALID_ID", "id"), *problems]
