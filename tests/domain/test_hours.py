"""Working hours by the wall clock: edges, overnight, clock changes by name, the ends of the calendar, and agreement."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphql_api.domain import zones
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import WorkingHours
from graphql_api.domain.hours import EARLIEST, LATEST, Opening, is_open, next_transition, openings
from tests.sampling import sampled

MICROSECOND, MINUTE, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(days=1)


def kept(start: str, end: str, zone: str = "UTC") -> WorkingHours:
    return WorkingHours(enabled=True, start=start, end=end, timezone=zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stretches(hours: WorkingHours, start: str, end: str) -> list[tuple[str, str]]:
    """Openings as `MM-DD HH:MM`."""
    return [(f"{o.start:%m-%d %H:%M}", f"{o.end:%m-%d %H:%M}") for o in openings(hours, utc(start), utc(end))]


@pytest.mark.parametrize(
    ("start", "end", "opened", "closed"),
    [
        ("09:00", "17:00", ["09:00:00", "12:34:56", "16:59:59.999999"], ["08:59:59.999999", "17:00:00", "00:00:00"]),
        ("22:00", "06:00", ["22:00:00", "23:59:59", "00:00:00", "05:59:59"], ["06:00:00", "21:59:59", "12:00:00"]),
        ("22:00", "00:00", ["22:00:00", "23:59:59"], ["00:00:00", "21:59:59"]),
        ("22:00", "24:00", ["22:00:00", "23:59:59"], ["00:00:00", "21:59:59"]),
        ("00:00", "00:01", ["00:00:00", "00:00:59"], ["00:01:00", "23:59:59"]),
        ("00:01", "00:00", ["00:01:00", "23:59:59"], ["00:00:00", "00:00:59"]),
        ("00:00", "24:00", ["00:00:00", "12:00:00", "23:59:59.999999"], []),
    ],
)
def test_open_from_start_to_just_before_end(start: str, end: str, opened: list[str], closed: list[str]) -> None:
    hours = kept(start, end)
    assert [is_open(hours, utc(f"2026-05-04T{time}")) for time in opened] == [True] * len(opened)
    assert [is_open(hours, utc(f"2026-05-04T{time}")) for time in closed] == [False] * len(closed)


@pytest.mark.parametrize("hours", [kept("00:00", "24:00", "Africa/Cairo"), WorkingHours(enabled=False)])
def test_always_open_has_no_transition_and_one_opening(hours: WorkingHours) -> None:
    start, end = utc("2026-04-01"), utc("2026-06-02")
    assert is_open(hours, start)
    assert next_transition(hours, start) is None
    assert openings(hours, start, end) == [Opening(start, end)]
    assert openings(hours, start, start) == []


def test_the_zone_of_the_question_does_not_matter() -> None:
    hours = kept("09:00", "17:00", "Asia/Tokyo")
    for zone in ("UTC", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Tokyo"):
        at = utc("2026-05-04T00:00").astimezone(zones.zone(zone))
        assert is_open(hours, at)
        assert not is_open(hours, at - MICROSECOND)
        opening = openings(hours, at - DAY / 2, at + DAY)[0]
        assert opening == Opening(utc("2026-05-04T00:00"), utc("2026-05-04T08:00"))
        assert opening.start.tzinfo is opening.end.tzinfo is UTC


# zone, window, asked after, and the next transitions: all instants in UTC
BY_NAME = [
    ("America/New_York", "02:30-10:00", "2026-03-07T16:00", ["2026-03-08T07:00", "2026-03-08T14:00"]),
    ("America/New_York", "02:00-03:00", "2026-03-07T16:00", ["2026-03-09T06:00", "2026-03-09T07:00"]),
    ("America/New_York", "22:00-02:30", "2026-03-08T00:00", ["2026-03-08T03:00", "2026-03-08T07:00"]),
    ("America/New_York", "01:00-02:00", "2026-11-01T00:00", ["2026-11-01T05:00", "2026-11-01T07:00"]),
    (
        "America/New_York",
        "00:30-01:30",
        "2026-11-01T04:30",
        ["2026-11-01T05:30", "2026-11-01T06:00", "2026-11-01T06:30"],
    ),
    ("Australia/Lord_Howe", "02:15-09:00", "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-03T22:00"]),
    ("Australia/Lord_Howe", "02:10-02:20", "2026-10-03T12:00", ["2026-10-04T15:10", "2026-10-04T15:20"]),
    (
        "Australia/Lord_Howe",
        "01:40-01:50",
        "2026-04-04T14:40",
        ["2026-04-04T14:50", "2026-04-04T15:10", "2026-04-04T15:20"],
    ),
    ("Africa/Cairo", "00:30-08:00", "2026-04-23T12:00", ["2026-04-23T22:00", "2026-04-24T05:00"]),
    ("Africa/Cairo", "00:00-01:00", "2026-04-23T12:00", ["2026-04-24T21:00", "2026-04-24T22:00"]),
    ("Africa/Cairo", "18:00-24:00", "2026-04-23T12:00", ["2026-04-23T16:00", "2026-04-23T22:00"]),
    ("Africa/Cairo", "18:00-24:00", "2026-10-29T12:00", ["2026-10-29T15:00", "2026-10-29T22:00"]),
    ("Pacific/Apia", "09:00-17:00", "2011-12-29T12:00", ["2011-12-29T19:00", "2011-12-30T03:00", "2011-12-30T19:00"]),
    ("Pacific/Apia", "22:00-06:00", "2011-12-30T00:00", ["2011-12-30T08:00", "2011-12-30T16:00"]),
    ("Pacific/Apia", "00:00-09:00", "2011-12-30T00:00", ["2011-12-30T10:00", "2011-12-30T19:00"]),
    ("Europe/Lisbon", "01:30-05:00", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-29T04:00"]),
    ("Europe/Lisbon", "01:30-05:00", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"]),
    ("America/St_Johns", "02:30-08:00", "2026-03-07T12:00", ["2026-03-08T05:30", "2026-03-08T10:30"]),
    ("America/St_Johns", "00:30-08:00", "2011-03-12T12:00", ["2011-03-13T03:31", "2011-03-13T10:30"]),
    ("Asia/Kathmandu", "09:00-17:00", "2026-05-04T00:00", ["2026-05-04T03:15", "2026-05-04T11:15"]),
    ("Asia/Kathmandu", "00:10-17:00", "1985-12-31T12:00", ["1985-12-31T18:30", "1986-01-01T11:15"]),
    ("Africa/Casablanca", "09:00-17:00", "2026-02-14T12:00", ["2026-02-14T16:00", "2026-02-15T09:00"]),
    (
        "Africa/Casablanca",
        "02:30-04:00",
        "2026-02-15T00:00",
        ["2026-02-15T01:30", "2026-02-15T02:00", "2026-02-15T02:30"],
    ),
    ("Africa/Casablanca", "02:30-04:00", "2026-03-21T12:00", ["2026-03-22T02:00", "2026-03-22T03:00"]),
    ("Europe/Dublin", "01:30-09:00", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-29T08:00"]),
    ("America/Nuuk", "23:30-06:00", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-29T07:00"]),
    ("Africa/Monrovia", "09:00-17:00", "1972-01-06T00:00", ["1972-01-06T09:44:30", "1972-01-06T17:44:30"]),
    ("Etc/GMT+12", "09:00-17:00", "2026-05-04T00:00", ["2026-05-04T05:00", "2026-05-04T21:00"]),
]


@pytest.mark.parametrize(("zone", "window", "after", "expected"), BY_NAME)
def test_transitions_by_name(zone: str, window: str, after: str, expected: list[str]) -> None:
    start, _, end = window.partition("-")
    hours, at = kept(start, end, zone), utc(after)
    opens = not is_open(hours, at)
    for instant in expected:
        transition = next_transition(hours, at)
        assert transition is not None
        assert (transition.at, transition.opens) == (utc(instant), opens)
        at, opens = transition.at, not opens


def test_a_window_in_the_repeated_hour_is_open_twice() -> None:
    hours = kept("01:15", "01:45", "America/New_York")
    twice = [("11-01 05:15", "11-01 05:45"), ("11-01 06:15", "11-01 06:45")]
    assert stretches(hours, "2026-11-01", "2026-11-02") == twice


def test_a_window_over_all_of_the_repeated_hour_is_one_opening() -> None:
    assert stretches(kept("01:00", "02:00", "America/New_York"), "2026-11-01", "2026-11-02") == [
        ("11-01 05:00", "11-01 07:00")
    ]


def test_the_day_that_apia_skipped_has_no_opening_of_its_own() -> None:
    days = stretches(kept("09:00", "17:00", "Pacific/Apia"), "2011-12-29T12:00", "2011-12-31T12:00")
    assert days == [("12-29 19:00", "12-30 03:00"), ("12-30 19:00", "12-31 03:00")]


def test_openings_are_cut_to_the_range_to_the_microsecond() -> None:
    start, end = utc("2026-05-04T10:00:00.000001"), utc("2026-05-05T09:00:00.000001")
    closing, opening = utc("2026-05-04T17:00"), utc("2026-05-05T09:00")
    assert openings(kept("09:00", "17:00"), start, end) == [Opening(start, closing), Opening(opening, end)]
    assert openings(kept("09:00", "17:00"), start, opening) == [Opening(start, closing)]
    assert openings(kept("09:00", "17:00"), closing, opening) == []


def test_a_range_may_have_62_days_and_must_not_run_backwards() -> None:
    hours, start = kept("09:00", "17:00"), utc("2026-05-04")
    assert len(openings(hours, start, start + 62 * DAY)) == 62
    with pytest.raises(Refused, match="to lies more than 62 days after from; ask in parts"):
        openings(hours, start, start + 62 * DAY + MICROSECOND)
    with pytest.raises(Refused, match="to lies before from; send a later instant"):
        openings(hours, start, start - MICROSECOND)


def test_a_range_is_measured_in_elapsed_time_not_by_the_wall_clock() -> None:
    """New York's 62 days over the spring change are an hour shorter than 62 days, those over the autumn one longer."""
    zone, hours = zones.zone("America/New_York"), kept("09:00", "17:00")
    spring, autumn = datetime(2026, 3, 1, tzinfo=zone), datetime(2026, 10, 1, tzinfo=zone)
    assert openings(hours, spring, spring + 62 * DAY)
    with pytest.raises(Refused):
        openings(hours, autumn, autumn + 62 * DAY)


names = st.sampled_from(zones.NAMES)
times = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
windows = st.tuples(times, times | st.just("24:00")).filter(lambda times: times[0] != times[1])
any_hours = st.builds(
    lambda window, zone, enabled: WorkingHours(enabled, window[0], window[1], zone),
    windows,
    names,
    st.integers(0, 9).map(bool),
)
instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
offsets = st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
any_zone = offsets | names.map(zones.zone) | st.just(UTC)
first_days = st.datetimes(datetime.min, datetime.min + 3 * DAY)
last_days = st.datetimes(datetime.max - 3 * DAY, datetime.max)


def edges(stretches: list[Opening]) -> list[datetime]:
    return [edge for opening in stretches for edge in (opening.start, opening.end)]


def chain(hours: WorkingHours, after: datetime, until: datetime) -> list[datetime]:
    """The instants of `next_transition`, each asked from the one before, that lie before `until`."""
    found = []
    while (transition := next_transition(hours, after)) and transition.at < until:
        assert transition.at > after
        assert transition.opens is is_open(hours, transition.at) is not is_open(hours, transition.at - MICROSECOND)
        after = transition.at
        found.append(after)
    return found


@given(any_hours, instants)
@settings(derandomize=True, deadline=None, max_examples=sampled(300))
def test_transitions_alternate_and_are_the_edges_of_the_openings(hours: WorkingHours, start: datetime) -> None:
    end = start + 3 * DAY
    found = edges(openings(hours, start, end))
    assert [edge for edge in found if start < edge < end] == chain(hours, start, end)
    assert all(before < after for before, after in pairwise(found))


@given(any_hours, instants, st.integers(0, 600))
@settings(derandomize=True, deadline=None, max_examples=sampled(100))
def test_openings_tile_exactly_the_minutes_that_are_open(hours: WorkingHours, start: datetime, minutes: int) -> None:
    found = openings(hours, start, start + minutes * MINUTE)
    for minute in range(minutes):
        at = start + minute * MINUTE
        assert is_open(hours, at) == any(opening.start <= at < opening.end for opening in found)


@given(any_hours, first_days | last_days, any_zone)
@settings(derandomize=True, deadline=None, max_examples=sampled(500))
def test_the_ends_of_the_calendar_are_instants_like_others(hours: WorkingHours, wall: datetime, zone: tzinfo) -> None:
    """Also where the instant has no date in UTC, or the zone has no date for the instant."""
    at = wall.replace(tzinfo=zone)
    start, end = (EARLIEST, at) if wall.year == 1 else (at, LATEST)
    start, end = max(start, EARLIEST), min(max(end, EARLIEST), LATEST)
    found = edges(openings(hours, start, end)) if start <= end else []
    assert [edge for edge in found if start < edge < end] == chain(hours, start, end)


@given(any_hours, first_days | last_days, any_zone)
@settings(derandomize=True, deadline=None, max_examples=sampled(500))
def test_an_instant_without_a_date_in_utc_is_answered(hours: WorkingHours, wall: datetime, zone: tzinfo) -> None:
    at = wall.replace(tzinfo=zone)
    transition = next_transition(hours, at)
    assert transition is None or (transition.at > at and transition.opens is is_open(hours, transition.at))
    assert is_open(hours, at) in (True, False)
    assert openings(hours, at, at) == []
