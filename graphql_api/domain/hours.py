"""Open at an instant? When does that change? Which stretches are open? By the wall clock of the zone, to the second.

All three come from one walk over whole seconds of UTC. While a zone keeps its offset the wall clock runs evenly and the
next edge of the window is a sum; where the offset changes on the way there, the walk stops and looks again.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from graphql_api.domain import zones
from graphql_api.domain.errors import refused
from graphql_api.domain.instants import EPOCH

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
LONGEST_RANGE = timedelta(days=62)

SECOND = timedelta(seconds=1)
DAY = 86_400
FIRST, LAST = (EARLIEST - EPOCH) // SECOND, (LATEST - EPOCH) // SECOND


class Hours(Protocol):
    """Stored working hours: times are `HH:MM` and differ, only `end` may be `24:00`, the zone's name is canonical."""

    @property
    def enabled(self) -> bool: ...
    @property
    def start(self) -> str: ...
    @property
    def end(self) -> str: ...
    @property
    def timezone(self) -> str: ...


class Transition(msgspec.Struct, frozen=True):
    """The first instant (UTC) of being open, or of being closed."""

    at: datetime
    opens: bool


class Opening(msgspec.Struct, frozen=True):
    """Open from `start` until just before `end`, both in UTC."""

    start: datetime
    end: datetime


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the wall clock lies in [start, end); always, when the hours are not enabled."""
    return not hours.enabled or _window(hours.start, hours.end, hours.timezone).holds(_second(at))


def next_transition(hours: Hours, after: datetime) -> Transition | None:
    """The first instant later than `after` at which `is_open` changes; None when it never does, up to the year 9999."""
    for second, opens in _transitions(hours, after):
        return Transition(_instant(second), opens)
    return None


def openings(hours: Hours, start: datetime, end: datetime) -> list[Opening]:
    """The open stretches of [start, end), cut to it, in order and never touching; refuses over 62 days."""
    start, end = whole_range(start, end)
    edges = [start] if start < end and is_open(hours, start) else []
    edges += takewhile(lambda at: at < end, (_instant(second) for second, _ in _transitions(hours, start)))
    if len(edges) % 2:
        edges.append(end)
    return [Opening(*stretch) for stretch in zip(edges[::2], edges[1::2], strict=True)]


def whole_range(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Both ends in UTC; refuses a range that runs backwards or is longer than 62 days."""
    start, end = _in_utc(start), _in_utc(end)
    if end < start:
        raise refused("BAD_REQUEST", "to lies before from; send a later instant")
    if end - start > LONGEST_RANGE:
        raise refused("BAD_REQUEST", f"to lies more than {LONGEST_RANGE.days} days after from; ask in parts")
    return start, end


def _transitions(hours: Hours, after: datetime) -> Iterator[tuple[int, bool]]:
    """Every second later than `after` at which `is_open` changes, in order, with what it changes to."""
    if hours.enabled:
        yield from _window(hours.start, hours.end, hours.timezone).changes(max(_second(after), FIRST - 1))


class _Window(msgspec.Struct, frozen=True):
    """Opening and closing time in seconds of the day; `closes` is below `opens` overnight and may be 86,400."""

    opens: int
    closes: int
    zone: ZoneInfo

    def holds(self, second: int) -> bool:
        """Whether the zone's wall clock is inside at that second of UTC."""
        return self._holds_at(second + ahead(self.zone, second))

    def changes(self, second: int) -> Iterator[tuple[int, bool]]:
        """Every later second at which `holds` changes, in order, with what it changes to, up to the year 9999."""
        if self.closes - self.opens == DAY:
            return
        shift = ahead(self.zone, second)
        is_open = self._holds_at(second + shift)
        while second < LAST:
            edge = self.closes if is_open else self.opens
            second = even_until(self.zone, second, second + (edge - second - shift) % DAY, shift)
            shift = ahead(self.zone, second)
            if self._holds_at(second + shift) != is_open and second <= LAST:
                is_open = not is_open
                yield second, is_open

    def _holds_at(self, wall: int) -> bool:
        time = wall % DAY
        if self.opens < self.closes:
            return self.opens <= time < self.closes
        return not self.closes <= time < self.opens


@lru_cache(maxsize=4096)
def _window(start: str, end: str, timezone: str) -> _Window:
    return _Window(_second_of_day(start), _second_of_day(end), zones.zone(timezone))


def _second_of_day(time: str) -> int:
    return int(time[:2]) * 3600 + int(time[3:]) * 60


def even_until(zone: ZoneInfo, second: int, until: int, shift: int) -> int:
    """The first second after `second` whose shift is not `shift`; `until`, at most a day later, if that comes sooner.

    To look at `until` is enough, and to bisect is exact: no zone changes its offset twice in a day (a test holds that).
    """
    if ahead(zone, until) == shift:
        return until
    return second + bisect_left(range(second, until), True, key=lambda later: ahead(zone, later) != shift)


def ahead(zone: ZoneInfo, second: int) -> int:
    """What to add to a second of UTC for the time on the zone's wall clock."""
    offset = wall(zone, second).utcoffset()
    assert offset is not None
    return offset // SECOND


def wall(zone: ZoneInfo, second: int) -> datetime:
    """On the first and the last day of the calendar, where the zone's date may not exist, that of the day beside it."""
    return datetime.fromtimestamp(min(max(second, FIRST + DAY), LAST - DAY), zone)


def _second(at: datetime) -> int:
    return (at - EPOCH) // SECOND


def _instant(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)


def _in_utc(at: datetime) -> datetime:
    """In UTC; an instant before year 1 or after year 9999 becomes the nearest one that UTC can write."""
    return min(max(at, EARLIEST), LATEST).astimezone(UTC)
