"""What happens, gathered in plain numbers first, which cost a request little; `metrics` brings its metrics up to them.

Their library is imported when the first answers are out, or with the first thing that is rare; what happened before is
told then.
"""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable

import msgspec

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds between which durations are counted."""

MOMENT = 0.1

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder that the workers of one server share; the library of the metrics looks for it under this name."""

Label = tuple[str, str, int, str]
"""Route, first field of the operation, status, and the way that it was carried out ("" for none)."""


class Count(msgspec.Struct):
    """Requests of one label: the sum of their seconds and points, and how many there are between two bounds."""

    seconds: float = 0.0
    points: int = 0
    slots: list[int] = msgspec.field(default_factory=lambda: [0] * (len(SECONDS) + 1))


class Gathered:
    """Requests by their labels, and batches by their size."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.counts: defaultdict[Label, Count] = defaultdict(Count)
        self.batches: dict[float, int] = {}
        self._bring_up: Callable[[], None] | None = None
        self._is_due = True  # until there is somebody to tell

    def note(self, label: Label, seconds: float, points: int) -> None:
        count = self.counts[label]
        count.seconds += seconds
        count.points += points
        count.slots[bisect_left(SECONDS, seconds)] += 1
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(MOMENT, self.tell)

    def note_batch(self, size: float) -> None:
        """By one thread only, before the requests of the batch are noted, which bring the metrics up."""
        self.batches[size] = self.batches.get(size, 0) + 1

    def tell_to(self, bring_up: Callable[[], None]) -> None:
        """Calls it now, and from now on a moment after requests."""
        self._bring_up = bring_up
        self.tell()

    def tell(self) -> None:
        if self._bring_up is not None:
            self._is_due = False
            self._bring_up()


GATHERED = Gathered()


def hear(name: str, amount: float) -> None:
    """Something that has happened; all but batches is rare, and told to the metrics at once."""
    if name == "batch":
        GATHERED.note_batch(amount)
        return
    try:
        from graphql_api.web import metrics  # mostly there by now
    except (OSError, ImportError):  # clients have taken the descriptors that its files are opened with: not counted
        return
    metrics.HEARD_OF[name](amount)
