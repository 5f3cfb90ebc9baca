"""Flows as this process wrote them last: an edit may begin on one without reading it, and writes under its guard.

That is a guess until the guarded write has gone through, which it only does where the flow is still at that version. No
refusal, no answer and no other write rests on a guess: whatever else comes of one, the edit runs again and reads.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar

from msgspec import msgpack

from graphql_api.storage.engine import Raced, Row, Script, Statement

T = TypeVar("T")

MOST = 12 * 2**20
"""Bytes of flows that are recalled, about."""

LONGEST = 2**16
SECONDS = 60
"""How long a flow is recalled at most: who changes rows past the server and its versions is believed by then."""

OVERHEAD = 500
"""Bytes that a flow takes besides its values, which are kept as MessagePack: a third of what they take as objects."""

TRUST = 16
"""Right guesses that are remembered; a wrong one, which costs a write, counts as two."""

PAUSE = 64
"""Edits that begin without a guess when so many were wrong: others then write the same flows as this process does."""

Flow = tuple[str, str]
"""Workspace and id."""


Known = tuple[float, bytes]
"""Until when a flow is recalled, and its values."""

READER = msgpack.Decoder()
WRITER = msgpack.Encoder()


class Recalled:
    """The flows of one process; those that were written longest ago are forgotten first."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._names: tuple[str, ...] = ()
        self._flows: dict[Flow, Known] = {}
        self._size = 0
        self._trust = TRUST

    def row(self, flow: Flow) -> dict[str, Any] | None:
        """As `flows.values` makes it of a row."""
        if self._trust < 0:
            self._trust += 1
            return None
        known = self._flows.get(flow)
        if known is None or known[0] < monotonic():
            return None
        return dict(zip(self._names, READER.decode(known[1]), strict=True))

    def was(self, right: bool) -> None:
        """What a guess has come to."""
        if right:
            self._trust = min(self._trust + 1, TRUST)
        else:
            self._trust = self._trust - 2 if self._trust > 1 else -PAUSE

    def keep(self, flow: Flow, after: Mapping[str, Any]) -> None:
        """`after` has the same columns in the same order for all flows."""
        self.forget(flow)
        if self._trust < 0:
            return
        self._names = self._names or tuple(after)
        packed = WRITER.encode(list(after.values()))
        if len(packed) > LONGEST:
            return
        self._flows[flow] = monotonic() + self._seconds, packed
        self._size += len(packed) + OVERHEAD
        while self._size > self._most:
            self.forget(next(iter(self._flows)))

    def forget(self, flow: Flow) -> None:
        known = self._flows.pop(flow, None)
        if known is not None:
            self._size -= len(known[1]) + OVERHEAD

    def clear(self) -> None:
        self._flows.clear()
        self._size = 0


def recalling(recalled: Recalled, script: Callable[[], Script[T]]) -> Script[T]:
    """The same script on what is recalled; where nothing comes of a guess, once more on what the database says."""
    guess = Guess(recalled)
    try:
        done = yield from _guessing(guess, script())
    except Exception:
        if not guess.is_open:
            raise
    else:
        if not guess.is_open:
            return done
    return (yield from script())


def _guessing(guess: "Guess", script: Script[T]) -> Script[T]:
    """Yields only the statements that the database has to be asked."""
    try:
        statement = next(script)
        while True:
            rows = guess.told(statement)
            if not rows:
                rows = yield statement
                guess.heard(statement, rows)
            statement = script.send(rows)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        script.close()


class Guess:
    """One run of a script."""

    __slots__ = ("_has_written", "_recalled", "_was_open", "is_open")

    def __init__(self, recalled: Recalled) -> None:
        self._recalled = recalled
        self._was_open = False
        self._has_written = False
        self.is_open = False
        """Whether the script has been told what is recalled, and nothing has proven it."""

    def told(self, statement: Statement) -> Sequence[Row]:
        """Nothing where the database has to be asked; raises Raced where it would write what rests on a guess.

        Behind a write nothing is guessed: the script could not be run again in the same transaction.
        """
        if statement.after is not None:
            assert statement.recalls is not None
            # What the database says is no guess any more, be it an error; others may ask for the flow meanwhile.
            self._was_open, self.is_open = self.is_open, False
            self._recalled.forget(statement.recalls)
        elif statement.recalls is not None:
            row = None if self._has_written else self._recalled.row(statement.recalls)
            if row is not None:
                self.is_open = True
                return (row,)
        elif self.is_open and statement.shape.writes:
            raise Raced
        return ()

    def heard(self, statement: Statement, rows: Sequence[Row]) -> None:
        """What the database has said."""
        if statement.after is None:
            self._has_written = self._has_written or statement.shape.writes
            return
        assert statement.recalls is not None
        if self._was_open:
            self._recalled.was(right=bool(rows))
        if rows:
            self._has_written = True
            self._recalled.keep(statement.recalls, statement.after)
        else:
            self.is_open = self._was_open
