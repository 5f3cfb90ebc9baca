"""Flows as this process wrote them last: an edit may begin on one without reading it, and writes under its guard.

That is a guess until the guarded write has gone through, which it only does where the flow is still at that version. No
refusal, no answer and no other write rests on a guess: whatever else comes of one, the edit runs again and reads.
"""

from collections.abc import Awaitable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from msgspec import msgpack

from graphql_api.storage.engine import Raced, Row, Statement, Step

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


class Known(NamedTuple):
    until: float
    values: bytes

    @property
    def size(self) -> int:
        return OVERHEAD + len(self.values)


class Recalled:
    """The flows of one process; those that were written longest ago are forgotten first."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._names: tuple[str, ...] = ()
        self._flows: dict[Flow, Known] = {}
        self._size = 0
        self._trust = TRUST

    def row(self, flow: Flow) -> Row | None:
        if self._trust < 0:
            self._trust += 1
            return None
        known = self._flows.get(flow)
        if known is None or known.until < monotonic():
            return None
        return dict(zip(self._names, msgpack.decode(known.values), strict=True))

    def was(self, right: bool) -> None:
        """What a guess has come to."""
        if right:
            self._trust = min(self._trust + 1, TRUST)
        else:
            self._trust = self._trust - 2 if self._trust > 1 else -PAUSE

    def keep(self, flow: Flow, after: Mapping[str, Any]) -> None:
        """`after` has the same columns in the same order for all flows."""
        self.forget(flow)
        self._names = self._names or tuple(after)
        known = Known(monotonic() + self._seconds, msgpack.encode(list(after.values())))
        if known.size > LONGEST:
            return
        self._flows[flow] = known
        self._size += known.size
        while self._size > self._most:
            self.forget(next(iter(self._flows)))

    def forget(self, flow: Flow) -> None:
        known = self._flows.pop(flow, None)
        if known is not None:
            self._size -= known.size


class Guess:
    """The steps of one run of a script."""

    __slots__ = ("_recalled", "_step", "is_open")

    def __init__(self, recalled: Recalled, step: Step) -> None:
        self.is_open = False
        """Whether the script has been told what is recalled, and nothing has proven it."""
        self._recalled = recalled
        self._step = step

    def step(self, statement: Statement) -> Awaitable[Sequence[Row]]:
        if statement.after is not None:
            return self._written(statement, statement.after)
        if statement.recalls is not None:
            row = self._recalled.row(statement.recalls)
            if row is not None:
                self.is_open = True
                return _told(row)
        elif self.is_open and statement.shape.writes:
            raise Raced
        return self._step(statement)

    async def _written(self, statement: Statement, after: Mapping[str, Any]) -> Sequence[Row]:
        """What the database says now is no guess any more, be it an error."""
        assert statement.recalls is not None
        was_open, self.is_open = self.is_open, False
        self._recalled.forget(statement.recalls)
        rows = await self._step(statement)
        if was_open:
            self._recalled.was(right=bool(rows))
        if rows:
            self._recalled.keep(statement.recalls, after)
        else:
            self.is_open = was_open
        return rows


async def _told(row: Row) -> Sequence[Row]:
    return (row,)
