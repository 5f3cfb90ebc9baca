"""The table of errors in the docs is the one in the code."""

from pathlib import Path

from graphql_api.domain import errors

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_no_code_of_rest_alone_is_one_of_graphql() -> None:
    package = PAGE.parents[1] / "graphql_api"
    behind = [path for room in ("schema", "edits", "domain") for path in (package / room).glob("*.py")]
    for path in behind:
        if path.name not in ("errors.py", "importing.py"):
            assert not [code for code in errors.REST_ALONE if f'"{code}"' in path.read_text("utf-8")], path


def test_the_page_holds_every_code_as_the_code_has_it() -> None:
    assert errors.table() in PAGE.read_text("utf-8")
