"""The table of errors in the docs is the one in the code."""

from pathlib import Path

from graphql_api.domain import errors

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_page_holds_every_code_as_the_code_has_it() -> None:
    assert errors.table() in PAGE.read_text("utf-8")
