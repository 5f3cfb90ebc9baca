"""Apollo Client and urql, told that no document is kept under its hash, send documents from then on."""

import json
from typing import Any

import pytest

from tests.conformance.conftest import Run, succeeded

METHODS = {"Apollo": "POST", "Apollo by GET": "GET", "urql": "POST", "urql by GET": "GET"}
"""How a client sends the hash of a query; that of a mutation is always posted."""


@pytest.fixture(scope="module")
def told(node: Run, server: str) -> dict[str, Any]:
    """By client, and by what it begins with."""
    return json.loads(succeeded(node("persisted.mjs", server)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("client", METHODS)
@pytest.mark.parametrize(("first", "answers"), [("query", [0, "new", 1]), ("mutation", ["new", 1, "new"])])
def test_one_hash_is_refused_and_then_documents_are_sent(
    client: str, first: str, answers: list[Any], told: dict[str, Any]
) -> None:
    story = told[client][first]
    assert story["answers"] == answers
    hashed, *others = story["requests"]
    assert hashed == f"{METHODS[client] if first == 'query' else 'POST'} hash 400"
    assert [request.split(" ", 1)[1] for request in others] == ["document 200"] * len(answers)
