"""A week of working hours as a picture: a line a day, half an hour a column, on the wall clock of the flow's zone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter

from rich.console import Console
from rich.text import Text

from graphql_api import reads
from graphql_api.domain import flow as domain
from graphql_api.domain import instants, zones
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import refused
from graphql_api.domain.flow import COLUMNS, WorkingHours
from graphql_api.domain.hours import is_open
from graphql_api.domain.words import printable
from graphql_api.edits import Desk
from graphql_api.sentences import Unfit

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FARTHEST = timedelta(hours=26)
"""No wall clock is farther from UTC."""

COLUMN = 30
QUARTER = 15
"""Minutes."""

MARGIN = 11
GLYPHS: Mapping[tuple[bool, bool], str] = {
    (True, True): "█",
    (True, False): "▌",
    (False, True): "▐",
    (False, False): "·",
}
SKIPPED = "/"
ASCII = str.maketrans("█▌▐·▲→", "###.^>")

OPEN, CLOSED, CHANGED, NOW = "green", "dim", "yellow", "bold cyan"


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The wall clock as it would have gone on, and as it did."""

    before: datetime
    after: datetime

    @property
    def place(self) -> datetime:
        """Where the time begins that is skipped or comes twice."""
        return min(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Week:
    """`quarters`: each quarter of an hour that there is on the wall clock, and whether it has an open minute."""

    monday: date
    name: str
    hours: WorkingHours
    now: datetime
    quarters: Mapping[datetime, bool]
    changes: Sequence[ClockChange]


async def of_flow(desk: Desk, workspace: str, id: str, named: str | None) -> Week:
    """The week that `named` tells (2026-W10, or a day in it), else this one; refuses an unknown flow."""
    values = await reads.flow(desk.store, Caller(workspace, source="CLI"), id, COLUMNS)
    if values is None:
        raise refused("NOT_FOUND", f"there is no message flow {printable(id)} in the workspace {workspace}")
    flow = domain.built(values)
    hours = flow.settings.response_settings.working_hours
    now = instants.instant(desk.now())
    return week(flow.name, hours, now, monday(named, now.astimezone(zones.zone(hours.timezone)).date()))


def monday(named: str | None, today: date) -> date:
    try:
        day = today if named is None else date.fromisoformat(named)
    except ValueError:
        raise Unfit(f"--week must be a week such as 2026-W10, or a day such as 2026-03-08, not {named!r}.") from None
    if not 2 <= day.year <= 9998:
        raise Unfit("--week must lie in the years 0002 to 9998.")
    return day - day.weekday() * DAY


def week(name: str, hours: WorkingHours, now: datetime, first: date) -> Week:
    """Looks at every minute: a clock change may make a day of any length."""
    zone = zones.zone(hours.timezone)
    quarters: dict[datetime, bool] = {}
    changes = []
    expected = None
    for at in _minutes(first):
        wall = at.astimezone(zone).replace(tzinfo=None, second=0)
        if expected not in (None, wall):
            changes.append(ClockChange(expected, wall))
        expected = wall + MINUTE
        quarter = wall.replace(minute=wall.minute // QUARTER * QUARTER)
        quarters[quarter] = quarters.get(quarter, False) or is_open(hours, at)
    return Week(first, name, hours, now, quarters, changes)


def _minutes(first: date) -> Iterator[datetime]:
    at = datetime.combine(first, time(), UTC) - FARTHEST
    while at < datetime.combine(first + 7 * DAY, time(), UTC) + FARTHEST:
        yield at
        at += MINUTE


def drawn(week: Week) -> Iterator[Text]:
    """The lines of the picture."""
    hours = week.hours
    told = f"open from {hours.start} to {hours.end}" if hours.enabled else "always open, working hours are not enabled"
    year, number, _ = week.monday.isocalendar()
    yield Text(printable(week.name), "bold")
    yield Text(f"{year:04}-W{number:02} · {hours.timezone} · {told}")
    yield Text()
    yield Text(" " * MARGIN + "    ".join(f"{hour:02}" for hour in range(0, 25, 3)), CLOSED)
    for number in range(7):
        yield from _day(week, week.monday + number * DAY)


def _day(week: Week, day: date) -> Iterator[Text]:
    line = Text(f"{day:%a %d %b} ")
    columns = (datetime.combine(day, time()) + column * COLUMN * MINUTE for column in range(24 * 60 // COLUMN))
    for style, cells in groupby((_cell(week, at) for at in columns), key=itemgetter(1)):
        line.append("".join(glyph for glyph, _ in cells), style)
    yield line
    for change in week.changes:
        if change.place.date() == day:
            yield _note(change.place, _told(change), CHANGED)
    now = week.now.astimezone(zones.zone(week.hours.timezone)).replace(tzinfo=None)
    if now.date() == day:
        yield _note(now, f"now, {now:%H:%M}: {'open' if is_open(week.hours, week.now) else 'closed'}", NOW)


def _cell(week: Week, at: datetime) -> tuple[str, str]:
    halves = [week.quarters.get(at + half * QUARTER * MINUTE) for half in range(2)]
    if halves == [None, None]:
        return SKIPPED, CHANGED
    return GLYPHS[bool(halves[0]), bool(halves[1])], OPEN if any(halves) else CLOSED


def _told(change: ClockChange) -> str:
    """Times with the day where it is another than that of the line."""
    day = change.place.date()
    before, after = (f"{at:%H:%M}" if at.date() == day else f"{at:%a %H:%M}" for at in (change.before, change.after))
    return f"{before} → {after}, the clock goes {'forward' if change.after > change.before else 'back'}"


def _note(at: datetime, told: str, style: str) -> Text:
    """A mark below the column of `at`, with the words on the side where there is more room."""
    column = MARGIN + (at.hour * 60 + at.minute) // COLUMN
    if at.hour < 12:
        return Text(f"{'':{column}}▲ {told}", style)
    return Text(f"{f'{told} ▲':>{column + 1}}", style)


def show(week: Week) -> None:
    """Prints the picture; in colours on a terminal, in ASCII where the output knows no more."""
    console = Console(soft_wrap=True, highlight=False)
    for line in drawn(week):
        if console.options.ascii_only:
            line.plain = line.plain.translate(ASCII).encode("ascii", "replace").decode()
        console.print(line)
