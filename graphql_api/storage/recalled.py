"""What an edit may begin on unread: its flow as it was written last here or by a neighbour, and that its key is new.

These are guesses until the guarded write has gone through, which it only does where the flow is still at that version
and nobody has used the key. No refusal, no answer and no other write rests on a guess: whatever else comes of one, the
edit runs again and reads.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar

import msgspec
from msgspec import msgpack
from msgspec.structs import asdict

from graphql_api.storage.engine import FlowKey, Row, Script, Several, Statement

T = TypeVar("T")

MOST = 12 * 2**20
"""Bytes of flows that are recalled, about."""

LONGEST = 2**16
SECONDS = 60
"""Seconds for which a flow is recalled at most: so rows that were changed past the server and its versions are seen."""

OVERHEAD = 320
"""Bytes that a flow takes besides its values, which are kept as MessagePack: a third of what they take as objects."""

TRUST = 16
"""Right guesses that are remembered; a wrong one, which costs a write, counts as two."""

PAUSE = 64
"""Edits that begin without a guess when so many were wrong: others then write the same flows as this process does."""

CachedFlow = tuple[float, bytes]
"""Until when a flow is recalled, and its values."""

WRITER = msgpack.Encoder()


class Recalled:
    """The flows of one process; those that were written longest ago are forgotten first."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self.tell: Callable[[FlowKey, bytes], None] | None = None
        """Hears of each flow that is kept, as it is kept; set where there are neighbours."""
        self._most = most
        self._seconds = seconds
        self._reader: msgpack.Decoder[Any] | None = None
        self._packed = bytearray()
        self._flows: dict[FlowKey, CachedFlow] = {}
        self._size = 0
        self._trust = TRUST
        self._cleared = 0.0

    def guess(self, statement: Statement) -> Sequence[Row] | None:
        """What it will answer; None when the database has to be asked."""
        if statement.rechecked:
            return ()
        row = None if statement.recalls is None else self.row(statement.recalls)
        return None if row is None else (row,)

    def row(self, flow: FlowKey) -> dict[str, Any] | None:
        """As `flows.values` makes it of a row."""
        if self._trust < 0:
            self._trust += 1
            return None
        known = self._flows.get(flow)
        if known is None or known[0] < monotonic():
            return None
        assert self._reader is not None
        return asdict(self._reader.decode(known[1]))

    def was(self, right: bool) -> None:
        """What a guess has come to."""
        if right:
            if self._trust < TRUST:
                self._trust += 1
        else:
            self._trust = self._trust - 2 if self._trust > 1 else -PAUSE

    def keep(self, flow: FlowKey, after: Mapping[str, Any]) -> None:
        """`after` has the same columns in the same order for all flows."""
        self.forget(flow)
        if self._trust < 0:
            return
        if self._reader is None:
            self._reader = msgpack.Decoder(msgspec.defstruct("Flow", [*after], array_like=True))
        WRITER.encode_into([*after.values()], self._packed)
        if len(self._packed) > LONGEST:
            return
        packed = bytes(self._packed)  # as long as it is: bytes that are made shorter leave a gap behind them
        self._put(flow, packed)
        if self.tell is not None:
            self.tell(flow, packed)

    def hear(self, moment: float, flow: FlowKey, packed: bytes) -> None:
        """What a neighbour kept, and told at that moment; from before all was forgotten it is not believed."""
        if self._reader is None or self._trust < 0 or moment <= self._cleared:
            return
        self.forget(flow)
        self._put(flow, packed)

    def _put(self, flow: FlowKey, packed: bytes) -> None:
        self._flows[flow] = monotonic() + self._seconds, packed
        self._size += len(packed) + OVERHEAD
        while self._size > self._most:
            self.forget(next(iter(self._flows)))

    def forget(self, flow: FlowKey) -> None:
        known = self._flows.pop(flow, None)
        if known is not None:
            self._size -= len(known[1]) + OVERHEAD

    def forget_written(self, statement: Statement) -> None:
        """The flows that it writes."""
        for one in statement.statements if isinstance(statement, Several) else (statement,):
            if one.recalls is not None and one.after is not None:
                self.forget(one.recalls)

    def clear(self) -> None:
        self._flows.clear()
        self._size = 0
        self._cleared = monotonic()


def recalling(recalled: Recalled, script: Callable[[], Script[T]]) -> Script[T]:
    """The same script on guesses; where nothing comes of them, once more on what the database says.

    Yields only the statements that the database has to be asked. Behind a write nothing is guessed: the script could
    not be run again in the same transaction.
    """
    is_guess = has_written = False
    guessed: int | None = None
    rows: Any = None
    attempt = script()
    try:
        while True:
            try:
                statement = attempt.send(rows)
            except StopIteration as end:
                if is_guess:
                    break
                return end.value  # type: ignore[no-any-return]
            except Exception:
                if is_guess:
                    break
                raise
            flow = statement.recalls
            if flow is not None and statement.after is not None:
                rests_on_guess = is_guess
                recalled.forget(flow)
                rows = yield statement
                is_guess = rests_on_guess and not rows
                if rows:
                    has_written = True
                    if guessed is not None:
                        recalled.was(right=True)
                    recalled.keep(flow, statement.after)
            elif not has_written and (guess := recalled.guess(statement)) is not None:
                is_guess, rows = True, guess
                guessed = guess[0]["version"] if guess else guessed
            elif is_guess and statement.shape.writes:
                break  # it would write what rests on a guess
            else:
                rows = yield statement
                has_written = has_written or statement.shape.writes
    finally:
        attempt.close()
    return (yield from _asking(recalled, script(), guessed))


def _asking(recalled: Recalled, attempt: Script[T], guessed: int | None) -> Script[T]:
    """All of it as the database says, by which the version that was guessed is judged."""
    rows: Any = None
    try:
        while True:
            statement = attempt.send(rows)
            rows = yield statement
            if guessed is not None and statement.recalls is not None:
                recalled.was(right=bool(rows) and rows[0]["version"] == guessed)
                guessed = None
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        attempt.close()
