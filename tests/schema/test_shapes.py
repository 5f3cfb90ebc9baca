"""Objects of lists: written like dicts, and no more kinds of them than are allowed."""

import msgspec

from graphql_api.schema.shapes import Shapes


def test_they_are_written_as_objects_with_these_members_in_this_order() -> None:
    shape = Shapes().shape(("class", "id", "__typename"))
    assert shape is not None
    assert msgspec.json.encode([shape(1, "f1", None)]) == b'[{"class":1,"id":"f1","__typename":null}]'


def test_the_same_members_are_the_same_shape_and_too_many_have_none() -> None:
    shapes = Shapes(most=1)
    assert shapes.shape(("id",)) is shapes.shape(("id",)) is not None
    assert shapes.shape(("name",)) is None
