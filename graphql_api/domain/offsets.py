"""How far the wall clock of a zone is ahead of UTC, and when that changes: what a drawing of hours stands on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from graphql_api.domain import zones
from graphql_api.domain.hours import DAY, SECOND, Hours, ahead, even_until, wall, whole_range
from graphql_api.domain.instants import EPOCH


class Offset(msgspec.Struct, frozen=True):
    """From `start` until just before `end`, both in UTC, the wall clock is `seconds` ahead; named as in CEST or +03."""

    start: datetime
    end: datetime
    seconds: int
    name: str


def offsets(hours: Hours, start: datetime, end: datetime) -> list[Offset]:
    """The stretches of [start, end) that keep one offset, cut to it, in order; refuses over 62 days."""
    start, end = whole_range(start, end)
    return list(_stretches(zones.zone(hours.timezone), start, end))


def _stretches(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Offset]:
    while start < end:
        second = (start - EPOCH) // SECOND
        changes = _change(zone, second, (end - EPOCH) // SECOND)
        until = end if changes is None else EPOCH + timedelta(seconds=changes)
        yield Offset(start, until, ahead(zone, second), wall(zone, second).tzname() or "")
        start = until


def _change(zone: ZoneInfo, second: int, last: int) -> int | None:
    """The first second up to `last` at which the offset is another one than at `second`."""
    shift = ahead(zone, second)
    while second < last:
        second = even_until(zone, second, min(second + DAY, last), shift)
        if ahead(zone, second) != shift:
            return second
    return None
