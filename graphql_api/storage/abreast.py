"""Scripts of one transaction side by side: what many of them ask or write at the same time is one statement."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from graphql_api.storage.engine import Row, Script, Several, Shape, Statement

T = TypeVar("T")

AT_ONCE = 64
"""Scripts."""

TEXT = 128 * 2**10
"""Characters that scripts wait to send, from which on no more of them begin, and of one statement: what is longer takes
PostgreSQL more time and memory together than one by one."""


class Running(Generic[T]):
    """A script at its first statement; `statement` is None once it is over, and `outcome` what it has come to."""

    def __init__(self, script: Script[T]) -> None:
        self.script = script
        self.outcome: Any = None
        self.go_on(None)

    def go_on(self, rows: Any) -> None:
        self.statement: Any = None
        try:
            self.statement = self.script.send(rows)
        except StopIteration as end:
            self.outcome = end.value

    def text(self) -> int:
        """Characters of what its statement is given."""
        values = self.statement.values.values() if self.statement else ()
        return sum(len(value) for value in values if isinstance(value, str))


def abreast(scripts: Iterable[Script[T]]) -> Script[list[T]]:
    """What each of the scripts comes to, none of which may depend on what another writes; an error of one ends all."""
    outcomes: list[T] = []
    rest = iter(scripts)
    some: list[Running[T]] = []
    try:
        while some := _begun(rest):
            while waiting := [one for one in some if one.statement is not None]:
                for piece in _pieces(waiting):
                    answers = yield from _answered([one.statement for one in piece])
                    for one, rows in zip(piece, answers, strict=True):
                        one.go_on(rows)
            outcomes += [one.outcome for one in some]
    finally:
        for one in some:
            one.script.close()
    return outcomes


def _begun(rest: Iterator[Script[T]]) -> list[Running[T]]:
    """As many of the scripts as run at a time."""
    some: list[Running[T]] = []
    text = 0
    for script in islice(rest, AT_ONCE):
        some.append(Running(script))
        text += some[-1].text()
        if text > TEXT:
            break
    return some


def _pieces(waiting: Sequence[Running[T]]) -> Iterator[list[Running[T]]]:
    """Those whose statements may be sent together."""
    alike: dict[Shape, list[Running[T]]] = {}
    for one in waiting:
        alike.setdefault(one.statement.shape, []).append(one)
    for shape, those in alike.items():
        piece: list[Running[T]] = []
        text = 0
        for one in those:
            if piece and (text + one.text() > TEXT or not shape.single):
                yield piece
                piece, text = [], 0
            piece.append(one)
            text += one.text()
        yield piece


def _answered(statements: Sequence[Statement]) -> Generator[Statement, Any, Sequence[Sequence[Row]]]:
    first, *others = statements
    if not others:
        return [(yield first)]
    return (yield Several(first.shape, {}, statements=statements))  # type: ignore[no-any-return]
