"""Working hours against an oracle that reads the wall clock minute by minute and knows no arithmetic of time zones."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from re import findall
from struct import calcsize, unpack_from
from zoneinfo import ZoneInfo

import pytest

from graphql_api.domain import zones
from graphql_api.domain.flow import WorkingHours
from graphql_api.domain.hours import LONGEST_RANGE, is_open, next_transition, openings
from tests.sampling import sampled

SEED, CASES = 20_261_105, sampled(5_000)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# each with the first of the ten years in which it is at its oddest
AWKWARD = {
    "Africa/Cairo": 2008,  # at midnight; twice a summer in 2010 and 2014, Ramadan left out
    "Africa/Casablanca": 2017,  # Ramadan
    "Africa/Monrovia": 1970,  # 44 minutes and 30 seconds
    "America/Caracas": 2007,  # half an hour back, half an hour forth
    "America/New_York": 2020,
    "America/Nuuk": 2020,  # an hour before midnight
    "America/Sao_Paulo": 2010,  # at midnight
    "America/St_Johns": 2004,  # a minute past midnight
    "Antarctica/Casey": 2010,  # three hours
    "Antarctica/Troll": 2017,  # two hours
    "Asia/Gaza": 2012,
    "Asia/Kathmandu": 1980,  # a quarter of an hour
    "Asia/Pyongyang": 2012,  # half an hour
    "Asia/Tehran": 2015,
    "Australia/Lord_Howe": 2020,  # half an hour
    "Europe/Dublin": 2020,  # winter is what saves
    "Europe/Lisbon": 1990,
    "Pacific/Apia": 2007,  # a day skipped
    "Pacific/Chatham": 2090,  # by rule alone
    "Pacific/Kwajalein": 1988,  # a day skipped
}


def inside(hours: WorkingHours, wall: datetime) -> bool:
    clock = wall.isoformat()[11:16]
    if hours.start < hours.end:
        return hours.start <= clock < hours.end
    return clock >= hours.start or clock < hours.end


def every(step: timedelta, start: datetime, end: datetime) -> list[datetime]:
    return [start + n * step for n in range((end - start) // step)]


def offset_changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """The changes of offset, each as the whole hour after it."""
    days = [day for day in every(DAY, start, end) if (day + DAY).astimezone(zone).utcoffset() != offset(zone, day)]
    hours = [hour for day in days for hour in every(HOUR, day, day + DAY)]
    return [hour + HOUR for hour in hours if offset(zone, hour) != offset(zone, hour + HOUR)]


def offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def hours_near(random: Random, zone: str, at: datetime) -> WorkingHours:
    """Hours that mostly open or close within a few hours of an instant."""
    wall = at.astimezone(zones.zone(zone))
    start = (wall.hour * 60 + wall.minute + random.randint(-120, 240)) % 1440
    end = (start + random.choice((1, 29, 30, 60, random.randint(1, 1439)))) % 1440
    opens, closes = (f"{time // 60:02}:{time % 60:02}" for time in (start, end))
    return WorkingHours(True, opens, "24:00" if closes == "00:00" else closes, zone)


def assert_agreement(hours: WorkingHours, minutes: list[datetime]) -> int:
    """All three answers are those of the oracle, at every one of the minutes; returns how often the state changed."""
    zone = zones.zone(hours.timezone)
    expected = [inside(hours, minute.astimezone(zone)) for minute in minutes]
    changes = [
        next(at for at in every(SECOND, before, after + SECOND) if inside(hours, at.astimezone(zone)) != was)
        for (before, was), (after, now) in pairwise(zip(minutes, expected, strict=True))
        if was != now
    ]
    assert [is_open(hours, minute) for minute in minutes] == expected, (hours, minutes[0])
    assert within_openings(hours, minutes) == expected, (hours, minutes[0])
    assert transitions(hours, minutes[0], minutes[-1]) == changes, (hours, minutes[0])
    return len(changes)


def within_openings(hours: WorkingHours, instants: list[datetime]) -> list[bool]:
    found = openings(hours, instants[0], instants[-1] + SECOND)
    edges = [edge for opening in found for edge in (opening.start, opening.end)]
    return [bisect_right(edges, at) % 2 == 1 for at in instants]


def transitions(hours: WorkingHours, after: datetime, until: datetime) -> list[datetime]:
    found = [after]
    while (transition := next_transition(hours, found[-1])) and transition.at <= until:
        found.append(transition.at)
    return found[1:]


def test_random_cases_minute_by_minute() -> None:
    """Zones of every name, the years 1970 to 2100, every other case about a change of offset where the year has one."""
    print("seed", SEED)
    random, changes = Random(SEED), 0
    for _ in range(CASES):
        zone, year = random.choice(zones.NAMES), datetime(random.randint(1970, 2100), 1, 1, tzinfo=UTC)
        shifts = offset_changes(zones.zone(zone), year, year + 365 * DAY) if random.random() < 0.5 else []
        middle = random.choice(shifts or [year + random.randrange(365 * 24) * HOUR]) + random.randrange(3600) * SECOND
        length = random.randint(30, 300) * MINUTE
        changes += assert_agreement(
            hours_near(random, zone, middle), every(MINUTE, middle - length / 2, middle + length)
        )
    assert changes > CASES


@pytest.mark.parametrize(("zone", "year"), AWKWARD.items())
def test_ten_years_of_an_awkward_zone(zone: str, year: int) -> None:
    """Minute by minute about each change of offset, hour by hour between them."""
    random, clock = Random(zone), zones.zone(zone)
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 10, 1, 1, tzinfo=UTC)
    shifts = offset_changes(clock, start, end)
    assert shifts
    for shift in shifts:
        minutes = every(MINUTE, shift - 3 * HOUR, shift + 3 * HOUR)
        for _ in range(sampled(4)):
            assert_agreement(hours_near(random, zone, shift), minutes)
    hours = hours_near(random, zone, start)
    parts = every(LONGEST_RANGE - DAY, start, end)
    for part in random.sample(parts, sampled(len(parts))):
        instants = every(HOUR, part, part + LONGEST_RANGE - DAY)
        assert within_openings(hours, instants) == [inside(hours, at.astimezone(clock)) for at in instants]


def explicit_changes(zone: str) -> tuple[int, ...]:
    """The instants that a zone's file lists, read as RFC 8536 lays them out: the second block, 64 bits each."""
    content = zones.TZDATA.joinpath("zoneinfo", zone).read_bytes()
    header, block = ">20x6l", 0
    for width in (4, 8):
        utc, standard, leap, times, types, letters = unpack_from(header, content, block)
        instants = block + calcsize(header)
        block = instants + times * (width + 1) + types * 6 + letters + leap * (width + 4) + standard + utc
    return unpack_from(f">{times}q", content, instants)


def rule(zone: str) -> str:
    """The rule for the time after the listed changes: the last line of the file."""
    return zones.TZDATA.joinpath("zoneinfo", zone).read_bytes().splitlines()[-1].decode("ascii")


def test_the_listed_changes_are_read_right() -> None:
    assert int(datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp()) in explicit_changes("Pacific/Apia")
    assert rule("Pacific/Chatham") == "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45"


def test_no_zone_changes_its_offset_twice_within_a_day() -> None:
    """What the bisection of `hours` relies on, held against the installed tzdata: no two listed changes within a day,
    none by the rule within two days of the last listed one, and those by the rule in months well apart."""
    for zone in zones.NAMES:
        listed = explicit_changes(zone)
        assert all(after - before > 86_400 for before, after in pairwise(listed)), zone
        months = [int(month) for month in findall(r",M(\d+)\.", rule(zone))]
        assert len(months) == rule(zone).count(","), zone
        assert all(2 <= abs(a - b) <= 10 for a, b in pairwise(months)), zone
        last = datetime(1970, 1, 1, tzinfo=UTC) + (listed[-1] if listed else 0) * SECOND
        assert len({offset(zones.zone(zone), at) for at in every(HOUR, last, last + 2 * DAY)}) == 1, zone
