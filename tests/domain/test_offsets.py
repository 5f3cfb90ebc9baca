"""How far a wall clock is ahead of UTC: by name, and agreeing with zoneinfo at every instant."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphql_api.domain import zones
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import WorkingHours
from graphql_api.domain.hours import EARLIEST, LATEST, SECOND
from graphql_api.domain.offsets import offsets
from tests.domain.test_hours import any_hours, instants, kept, utc
from tests.sampling import sampled


def told(zone: str, start: str, end: str) -> list[tuple[str, str, int, str]]:
    found = offsets(kept("09:00", "17:00", zone), utc(start), utc(end))
    return [(f"{o.start:%m-%d %H:%M}", f"{o.end:%m-%d %H:%M}", o.seconds // 60, o.name) for o in found]


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        ("UTC", "2026-01-01", "2026-02-01", [("01-01 00:00", "02-01 00:00", 0, "UTC")]),
        (
            "Europe/Berlin",
            "2026-10-24",
            "2026-10-26",
            [("10-24 00:00", "10-25 01:00", 120, "CEST"), ("10-25 01:00", "10-26 00:00", 60, "CET")],
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-03T13:00",
            "2026-10-03T17:30",
            [("10-03 13:00", "10-03 15:30", 630, "+1030"), ("10-03 15:30", "10-03 17:30", 660, "+11")],
        ),
        (
            "Pacific/Apia",
            "2011-12-29",
            "2011-12-31",
            [("12-29 00:00", "12-30 10:00", -600, "-10"), ("12-30 10:00", "12-31 00:00", 840, "+14")],
        ),
        (
            "Africa/Casablanca",
            "2026-02-01",
            "2026-04-01",
            [
                ("02-01 00:00", "02-15 02:00", 60, "+01"),
                ("02-15 02:00", "03-22 02:00", 0, "+00"),
                ("03-22 02:00", "04-01 00:00", 60, "+01"),
            ],
        ),
        ("Europe/Berlin", "2026-10-25T01:00", "2026-10-25T01:00", []),
    ],
)
def test_the_stretches_of_a_zone(zone: str, start: str, end: str, expected: list[tuple[str, str, int, str]]) -> None:
    assert told(zone, start, end) == expected


@given(any_hours, instants, st.integers(0, 61 * 24 * 60), st.floats(0, 1))
@settings(derandomize=True, deadline=None, max_examples=sampled(300))
def test_they_tile_the_range_and_agree_with_the_zone(
    hours: WorkingHours, start: datetime, minutes: int, share: float
) -> None:
    end = start + timedelta(minutes=minutes)
    found = offsets(hours, start, end)
    assert [o.start for o in found] + [end] == [start] + [o.end for o in found]
    at = start + timedelta(minutes=round(minutes * share))
    ahead = at.astimezone(zones.zone(hours.timezone)).utcoffset()
    assert ahead is not None
    assert [o.seconds for o in found if o.start <= at < o.end] in ([], [ahead // SECOND])
    assert at == end or any(o.start <= at < o.end for o in found)


def test_the_ends_of_the_calendar_are_instants_like_others() -> None:
    for zone in ("America/New_York", "Asia/Tokyo"):
        for start, end in ((EARLIEST, EARLIEST + timedelta(days=2)), (LATEST - timedelta(days=2), LATEST)):
            (only,) = offsets(kept("09:00", "17:00", zone), start, end)
            assert (only.start, only.end) == (start, end)


def test_a_range_of_more_than_62_days_is_refused() -> None:
    with pytest.raises(Refused, match="more than 62 days"):
        offsets(kept("09:00", "17:00"), utc("2026-01-01"), utc("2026-03-05"))
