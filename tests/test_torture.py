"""A small torture in every run of the tests: clients on the same flows, one kill, one database that goes away."""

import asyncio

import pytest

from bench.telling import table
from bench.torture import ROWS, Plan, tortured
from bench.torturing.ledger import Edit, Flow, Revision, judged
from bench.torturing.servers import Postgres, Sqlite
from tests import shared

SMALL = Plan(clients=16, edits=200, edits_under_blows=100, kills=1, edits_after_pauses=10)


@pytest.mark.parametrize(("kind", "workers"), [(Sqlite, 2), (Postgres, 1)])
def test_nothing_is_lost_and_nothing_is_there_twice(kind: type[Sqlite] | type[Postgres], workers: int) -> None:
    database = kind(shared.part("own"))
    try:
        reports = asyncio.run(tortured(database, workers, SMALL))
    finally:
        database.close()
    found = [example for report in reports for example in [*report.verdict.examples, *report.account.faults]]
    assert found == []
    assert all(report.is_clean for report in reports), table(reports, ROWS)
    assert reports[0].verdict.acknowledged == 200
    *_, with_pauses = reports
    assert [report.blows for report in reports] == [0, *[1] * (len(reports) - 2), 0]
    assert with_pauses.verdict.acknowledged == 10


def flow(autopilot: bool, *history: Revision, name: str = "v2") -> Flow:
    leaves = dict.fromkeys(LEAVES_BUT_NAME, "") | {"name": name, "autopilot": autopilot}
    first = Revision(0, "", dict.fromkeys([*LEAVES_BUT_NAME, "name"], "") | {"autopilot": False})
    return Flow("f", len(history), leaves, [first, *history])


LEAVES_BUT_NAME = (
    "description",
    "agent",
    "prompt",
    "settings.responseSettings.delay",
    "settings.responseSettings.workingHours.outOfHoursMessage",
    "settings.emailSettings.subjectLine",
    "settings.emailSettings.signature",
)
RENAMED = Edit("c1-1", "f", "name", "v1", version=1)
AGAIN = Edit("c2-2", "f", "name", "v2", version=2)
FIRST = Revision(1, "c1-1", {"name": "v1"})
SECOND = Revision(2, "c2-2", {"name": "v2"})


def test_the_ledger_finds_nothing_where_nothing_is_wrong() -> None:
    assert judged([RENAMED, AGAIN], [flow(False, FIRST, SECOND)]).is_clean


def test_the_ledger_finds_a_lost_update() -> None:
    verdict = judged([RENAMED, AGAIN], [flow(False, FIRST, name="v1")])
    assert (verdict.lost, verdict.wrong_leaves) == (1, 1)


def test_the_ledger_finds_an_edit_that_is_there_twice() -> None:
    toggle = Edit("c3-3", "f", "autopilot", version=1)
    twice = [Revision(1, "c3-3", {"autopilot": True}), Revision(2, "c3-3", {"autopilot": False})]
    verdict = judged([toggle], [flow(False, *twice, name="")])
    assert (verdict.doubled, verdict.wrong_leaves) == (1, 1)


def test_the_ledger_finds_a_gap_in_the_versions() -> None:
    assert judged([AGAIN], [flow(False, SECOND, name="v2")]).wrong_versions == 1
