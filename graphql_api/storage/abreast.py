"""Scripts of one transaction side by side: what many of them ask or write at the same time is one statement."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from graphql_api.storage.engine import Row, Script, Several, Shape, Statement

T = TypeVar("T")

AT_ONCE = 64
"""Scripts."""

TEXT = 128 * 2**10
"""Characters of one statement: what is longer takes PostgreSQL more time and memory together than one by one."""


def abreast(scripts: Iterable[Script[T]]) -> Script[list[T]]:
    """What each of the scripts comes to, none of which may depend on what another writes; an error of one ends all."""
    outcomes: list[T] = []
    rest = iter(scripts)
    while some := list(islice(rest, AT_ONCE)):
        outcomes += yield from _together(some)
    return outcomes


def _together(scripts: Sequence[Script[T]]) -> Script[list[T]]:
    outcomes: dict[int, T] = {}
    answers: dict[int, Any] = dict.fromkeys(range(len(scripts)))
    try:
        while answers:
            asked: dict[Shape, dict[int, Statement]] = {}
            for number, rows in answers.items():
                try:
                    statement = scripts[number].send(rows)
                except StopIteration as end:
                    outcomes[number] = end.value
                else:
                    asked.setdefault(statement.shape, {})[number] = statement
            answers = {}
            for statements in asked.values():
                for piece in _pieces(statements):
                    answers.update((yield from _answered(piece)))
    finally:
        for script in scripts:
            script.close()
    return [outcomes[number] for number in range(len(scripts))]


def _pieces(statements: Mapping[int, Statement]) -> Iterator[Mapping[int, Statement]]:
    """What may be sent together of the statements of one shape."""
    piece: dict[int, Statement] = {}
    total = 0
    for number, statement in statements.items():
        size = sum(len(value) for value in statement.values.values() if isinstance(value, str))
        if piece and (total + size > TEXT or not statement.shape.single):
            yield piece
            piece, total = {}, 0
        piece[number] = statement
        total += size
    yield piece


def _answered(piece: Mapping[int, Statement]) -> Generator[Statement, Any, Iterable[tuple[int, Sequence[Row]]]]:
    first, *others = statements = tuple(piece.values())
    answers = (yield Several(first.shape, {}, statements=statements)) if others else ((yield first),)
    return zip(piece, answers, strict=True)
