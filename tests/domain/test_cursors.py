"""Cursors of changes as text: read as they were written, for the workspace that they were told to."""

import msgspec
import pytest

from graphql_api.domain import cursors
from graphql_api.domain.cursors import ChangeCursor, change_cursor
from graphql_api.domain.errors import Refused


def encoded(*parts: object) -> str:
    return cursors.encoded(msgspec.json.encode(parts))


@pytest.mark.parametrize("position", [0, 7, 2**63 - 1])
def test_a_cursor_is_read_as_it_was_written(position: int) -> None:
    cursor = ChangeCursor("stream", "ws1", position)
    assert change_cursor(cursor.text(), "ws1") == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "ä",
        encoded("stream", "ws1"),
        encoded("stream", "ws1", "7"),
        encoded("stream", "ws1", -1),
        encoded("stream", "ws1", 2**63),
        encoded("stream", "ws1", 7) + "!!!!",
    ],
)
def test_any_other_text_is_no_cursor_of_a_change(text: str) -> None:
    with pytest.raises(Refused, match=r"^after is not a cursor of a change"):
        change_cursor(text, "ws1")


def test_a_cursor_is_that_of_its_workspace_alone() -> None:
    with pytest.raises(Refused, match=r"^after is a cursor of another workspace$"):
        change_cursor(ChangeCursor("stream", "ws1", 7).text(), "ws2")
