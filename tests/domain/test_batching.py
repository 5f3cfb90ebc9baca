"""Many things come a few at a time, in their order, and none of them before it is asked for."""

from collections.abc import Iterator

from graphql_api.domain.batching import batched


def test_the_last_few_may_be_fewer() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batched("", 2)) == []


def test_no_more_are_taken_than_were_asked_for() -> None:
    taken: list[int] = []

    def things() -> Iterator[int]:
        for one in range(6):
            taken.append(one)
            yield one

    assert next(batched(things(), 2)) == [0, 1]
    assert taken == [0, 1]
