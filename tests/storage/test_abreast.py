"""Scripts side by side: each comes to what it would alone, and what they ask at the same time is asked together."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import column, select

from graphql_api.storage.abreast import AT_ONCE, TEXT, abreast
from graphql_api.storage.engine import Row, Script, Several, Shape, Statement, drive

SINGLE = Shape(select(column("a")), single=True)
OTHER = Shape(select(column("b")), single=True)
ALONE = Shape(select(column("c")))


def asking(number: int, *shapes: Shape) -> Script[list[int]]:
    """Asks for its number with each shape."""
    told = []
    for shape in shapes:
        for row in (yield Statement(shape, {"number": number})):
            told.append(row["number"])
    return told


def answered(script: Script[Any]) -> tuple[Any, list[list[int]]]:
    """What a script comes to where odd numbers are found, and the numbers of each statement."""
    asked: list[list[int]] = []

    def rows(statement: Statement) -> Sequence[Row]:
        number = statement.values["number"]
        return ({"number": number},) if number % 2 else ()

    def run(statement: Statement) -> Sequence[Any]:
        several = statement.statements if isinstance(statement, Several) else (statement,)
        assert {one.shape for one in several} == {statement.shape}
        asked.append([one.values["number"] for one in several])
        return [rows(one) for one in several] if isinstance(statement, Several) else rows(statement)

    return drive(script, run), asked


def test_what_is_asked_at_the_same_time_is_asked_together() -> None:
    scripts = [asking(1, SINGLE, OTHER), asking(2), asking(3, OTHER), asking(5, SINGLE), asking(4, SINGLE, ALONE)]
    told, asked = answered(abreast(scripts))
    assert told == [[1, 1], [], [3], [5], []]
    assert asked == [[1, 5, 4], [3], [1], [4]]


def test_what_may_answer_many_rows_is_asked_one_by_one() -> None:
    told, asked = answered(abreast([asking(1, ALONE), asking(3, ALONE)]))
    assert (told, asked) == ([[1], [3]], [[1], [3]])


def test_so_many_scripts_run_at_a_time() -> None:
    told, asked = answered(abreast(asking(n, SINGLE) for n in range(2 * AT_ONCE + 1)))
    assert told == [[n] * (n % 2) for n in range(2 * AT_ONCE + 1)]
    assert [len(numbers) for numbers in asked] == [AT_ONCE, AT_ONCE, 1]


def saying(number: int, length: int, begun: list[int]) -> Script[int]:
    begun.append(number)
    rows = yield Statement(SINGLE, {"number": number, "text": "t" * length})
    return len(rows)


def test_long_texts_are_sent_one_by_one() -> None:
    lengths = [1, TEXT - 1, 1, TEXT + 1, TEXT // 2, TEXT // 2, 1]
    told, asked = answered(abreast(saying(number, length, []) for number, length in enumerate(lengths)))
    assert told == [0, 1, 0, 1, 0, 1, 0]
    assert asked == [[0, 1], [2], [3], [4, 5], [6]]


def test_no_more_scripts_begin_than_have_texts_to_send() -> None:
    begun: list[int] = []
    script = abreast(saying(number, TEXT // 2, begun) for number in range(9))
    first = next(script)
    assert isinstance(first, Several)
    assert (len(first.statements), begun) == (2, [0, 1, 2])
    script.close()


def test_no_scripts_ask_nothing() -> None:
    assert answered(abreast([])) == ([], [])


def test_an_error_of_one_ends_the_others() -> None:
    ended = []

    def ending() -> Script[None]:
        try:
            yield Statement(SINGLE, {"number": 1})
            yield Statement(SINGLE, {"number": 1})
        finally:
            ended.append(1)

    def failing() -> Script[None]:
        yield Statement(SINGLE, {"number": 1})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answered(abreast([ending(), failing(), ending()]))
    assert ended == [1, 1]
