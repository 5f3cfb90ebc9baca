"""What is remembered by a key does not grow: the oldest goes for a new one."""

from graphql_api.web.bounded_cache import with_room


def test_the_oldest_goes_for_a_new_one() -> None:
    remembered: dict[str, int] = {}
    for number, name in enumerate("abc"):
        with_room(remembered, 2)[name] = number
    assert remembered == {"b": 1, "c": 2}
