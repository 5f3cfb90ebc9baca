"""What is no instant is refused where it stands, however it comes."""

from typing import Any

import pytest

from tests.conftest import Execute

NO_DATE = "DateTime must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z; this is not an RFC 3339 date-time"
NO_TEXT = "DateTime must be a string, RFC 3339 with an offset, such as 2026-03-08T02:30:00Z"


@pytest.mark.parametrize(
    ("document", "variables", "message", "column"),
    [
        ('{ messageFlows(filter: {updatedSince: "today"}) { totalCount } }', {}, NO_DATE, 39),
        ("{ messageFlows(filter: {updatedSince: 7}) { totalCount } }", {}, NO_TEXT, 39),
        ('query ($at: DateTime = "x") { messageFlows(filter: {updatedSince: $at}) { totalCount } }', {}, NO_DATE, 24),
        ("query ($at: DateTime) { messageFlows(filter: {updatedSince: $at}) { totalCount } }", {"at": "x"}, NO_DATE, 8),
    ],
)
async def test_what_is_no_instant_is_refused_with_its_place(
    execute: Execute, document: str, variables: dict[str, Any], message: str, column: int
) -> None:
    [error] = (await execute(document, **variables))["errors"]
    assert message in error["message"]
    assert error["locations"] == [{"line": 1, "column": column}]
