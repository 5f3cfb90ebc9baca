"""The npm clients graphql-ws and graphql-sse watch a flow, and go on without a gap after their connection is gone."""

import json
from typing import Any

import pytest

from tests.conformance.conftest import Run, succeeded

CLIENTS = ("graphql-ws", "graphql-sse")


@pytest.fixture(scope="module")
def told(node: Run, server: str) -> dict[str, Any]:
    """What each client was told."""
    return json.loads(succeeded(node("live.mjs", server)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_goes_on_where_its_connection_was_dropped(client: str, told: dict[str, Any]) -> None:
    changes = told[client]["changes"]
    first = changes[0]["version"]
    assert [change["version"] for change in changes] == list(range(first, first + len(changes)))
    assert {change["operation"] for change in changes} == {"UPDATE"}
    assert [change["messageFlow"]["name"] for change in changes[-2:]] == ["missed", "seen"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_syntax_error_reaches_the_client(client: str, told: dict[str, Any]) -> None:
    (error,) = told[client]["errors"]
    assert error["message"].startswith("Syntax Error")
    assert error["extensions"] == {"code": "BAD_REQUEST"}
