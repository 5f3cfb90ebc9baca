"""Cursors of changes as text: read as they were written, for the workspace that they were told to."""

import msgspec
import pytest

from graphql_api.domain import cursors, places
from graphql_api.domain.errors import Refused
from graphql_api.domain.places import Place


def encoded(*parts: object) -> str:
    return cursors.encoded(msgspec.json.encode(parts))


@pytest.mark.parametrize("position", [0, 7, 2**63 - 1])
def test_a_place_is_read_as_it_was_written(position: int) -> None:
    place = Place("stream", "ws1", position)
    assert places.place(place.text(), "ws1") == place


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
        places.place(text, "ws1")


def test_a_place_is_that_of_its_workspace_alone() -> None:
    with pytest.raises(Refused, match=r"^after is a cursor of another workspace$"):
        places.place(Place("stream", "ws1", 7).text(), "ws2")
