"""`message-flows hours`: the week of a flow as a picture, to the letter."""

import io
import subprocess
from datetime import date, datetime

import httpx2
import pytest
from rich.console import Console

from graphql_api import week as weeks
from graphql_api.domain.flow import WorkingHours
from graphql_api.edits import Desk
from graphql_api.sentences import Unfit
from tests.commands import command, environment, say
from tests.conftest import CREATE, WORKSPACE, Clock

NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
AXIS = "           00    03    06    09    12    15    18    21    24"


def picture(hours: WorkingHours, day: str, now: datetime = NOW) -> list[str]:
    monday = weeks.monday(day, date.min)
    return [line.plain for line in weeks.drawn(weeks.week("Sale", hours, now, monday))]


def test_a_spring_week_in_new_york() -> None:
    hours = WorkingHours(enabled=True, start="02:30", end="10:00", timezone="America/New_York")
    now = datetime.fromisoformat("2026-03-08T15:59:00-04:00")
    assert picture(hours, "2026-W10", now) == [
        "Sale",
        "2026-W10 · America/New_York · open from 02:30 to 10:00",
        "",
        AXIS,
        "Mon 02 Mar ·····███████████████····························",
        "Tue 03 Mar ·····███████████████····························",
        "Wed 04 Mar ·····███████████████····························",
        "Thu 05 Mar ·····███████████████····························",
        "Fri 06 Mar ·····███████████████····························",
        "Sat 07 Mar ·····███████████████····························",
        "Sun 08 Mar ····//██████████████····························",
        "               ▲ 02:00 → 03:00, the clock goes forward",
        "                       now, 15:59: closed ▲",
    ]


def test_an_autumn_week_in_cairo_where_the_hour_before_midnight_comes_twice() -> None:
    hours = WorkingHours(enabled=True, start="22:00", end="06:15", timezone="Africa/Cairo")
    assert picture(hours, "2026-10-30")[4:] == [
        "Mon 26 Oct ████████████▌·······························████",
        "Tue 27 Oct ████████████▌·······························████",
        "Wed 28 Oct ████████████▌·······························████",
        "Thu 29 Oct ████████████▌·······························████",
        "                  Fri 00:00 → 23:00, the clock goes back ▲",
        "Fri 30 Oct ████████████▌·······························████",
        "Sat 31 Oct ████████████▌·······························████",
        "Sun 01 Nov ████████████▌·······························████",
    ]


def test_a_day_that_apia_skipped() -> None:
    hours = WorkingHours(enabled=True, start="09:45", end="17:01", timezone="Pacific/Apia")
    assert picture(hours, "2012-01-01")[7:] == [
        "Thu 29 Dec ···················▐██████████████▌·············",
        "Fri 30 Dec ////////////////////////////////////////////////",
        "           ▲ 00:00 → Sat 00:00, the clock goes forward",
        "Sat 31 Dec ···················▐██████████████▌·············",
        "Sun 01 Jan ···················▐██████████████▌·············",
    ]


def test_half_an_hour_of_lord_howe() -> None:
    hours = WorkingHours(enabled=True, start="02:15", end="02:30", timezone="Australia/Lord_Howe")
    assert picture(hours, "2026-W40")[9:] == [
        "Sat 03 Oct ····▐···········································",
        "Sun 04 Oct ····/···········································",
        "               ▲ 02:00 → 02:30, the clock goes forward",
    ]


def test_hours_that_are_not_enabled_and_now_on_its_day() -> None:
    lines = picture(WorkingHours(), "2026-11-16")
    assert lines[1] == "2026-W47 · UTC · always open, working hours are not enabled"
    assert {line[11:] for line in lines[4:11]} == {"█" * 48}
    assert lines[10:] == [f"Sun 22 Nov {'█' * 48}", "                  now, 12:00: open ▲"]


def test_the_picture_is_coloured_on_a_terminal() -> None:
    hours = WorkingHours(enabled=True, start="02:30", end="10:00", timezone="America/New_York")
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system="standard", soft_wrap=True)
    with terminal.capture() as capture:
        for line in weeks.drawn(weeks.week("Sale", hours, NOW, date(2026, 3, 2))):
            terminal.print(line)
    assert "\x1b[33m//\x1b[0m\x1b[32m██████████████\x1b[0m" in capture.get()


def test_a_name_cannot_write_to_the_terminal() -> None:
    week = weeks.week("a\x1b[2Jb\nc", WorkingHours(), NOW, date(2026, 3, 2))
    assert next(weeks.drawn(week)).plain == "a\ufffd[2Jb\ufffdc"


@pytest.mark.parametrize(
    ("named", "first"),
    [
        (None, date(2026, 11, 16)),
        ("2026-W10", date(2026, 3, 2)),
        ("2026-W53", date(2026, 12, 28)),
        ("2026-03-08", date(2026, 3, 2)),
        ("2026-03-02", date(2026, 3, 2)),
    ],
)
def test_a_week_is_named_by_its_number_or_by_a_day_in_it(named: str | None, first: date) -> None:
    assert weeks.monday(named, NOW.date()) == first


@pytest.mark.parametrize("named", ["", "2026", "2026-W54", "2026-10", "2026-02-30", "next", "W10", "0001-01-01"])
def test_anything_else_is_no_week(named: str) -> None:
    with pytest.raises(
        Unfit, match=r"^--week must (be a week such as 2026-W10, or a day|lie in the years 0002 to 9998)"
    ):
        weeks.monday(named, NOW.date())


async def test_this_week_is_that_of_the_flows_zone(desk: Desk, clock: Clock, http: httpx2.AsyncClient) -> None:
    """Sunday noon in Greenwich is Monday on Kiritimati."""
    id = await created(http, {"enabled": True, "timezone": "Pacific/Kiritimati"})
    found = await weeks.of_flow(desk, WORKSPACE, id, None)
    assert (found.monday, found.hours.timezone) == (date(2026, 11, 23), "Pacific/Kiritimati")


async def created(http: httpx2.AsyncClient, hours: dict[str, object]) -> str:
    new = {**CREATE, "direction": "inbound", "settings": {"responseSettings": {"workingHours": hours}}}
    return str((await http.post("/v1/api/message-flows", json=new)).json()["_id"])


def in_ascii(id: str, database_url: str) -> list[str]:
    done = subprocess.run(
        command("hours", id, "--workspace", WORKSPACE, "--week", "2026-W10"),
        env=environment(database_url, PYTHONIOENCODING="ascii"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.processes
async def test_the_command_draws_plain_text_where_there_is_no_terminal(
    http: httpx2.AsyncClient, database_url: str
) -> None:
    id = await created(http, {"enabled": True, "start": "2:30", "end": "10:00", "timezone": "america/new_york"})
    said = say(["hours", id, "--workspace", WORKSPACE, "--week", "2026-03-08"], database_url)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "New Years Sale",
        *picture(WorkingHours(enabled=True, start="02:30", end="10:00", timezone="America/New_York"), "2026-W10")[1:],
    ]


@pytest.mark.processes
@pytest.mark.parametrize("database", ["sqlite"])
async def test_where_output_is_ascii_the_picture_is_too(http: httpx2.AsyncClient, database_url: str) -> None:
    id = await created(http, {"enabled": True, "start": "2:30", "end": "10:00", "timezone": "america/new_york"})
    assert in_ascii(id, database_url)[-2:] == [
        "Sun 08 Mar ....//##############............................",
        "               ^ 02:00 > 03:00, the clock goes forward",
    ]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["unknown", "--workspace", "ws1"], "There is no message flow unknown in the workspace ws1."),
        (["a b", "--workspace", "ws1"], "There is no message flow a b in the workspace ws1."),
        (["unknown"], "Missing option '--workspace'"),
        (["unknown", "--workspace", "a b"], "workspace must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -"),
    ],
)
def test_what_is_wrong_with_the_command_is_one_sentence(words: list[str], sentence: str, database_url: str) -> None:
    said = say(["hours", *words], database_url)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
