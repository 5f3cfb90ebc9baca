"""A small run of `bench/live.py` on both databases: nobody misses a change, also when a worker is killed."""

import asyncio

import pytest

from bench.live import Plan, watched
from bench.telling import table
from bench.torturing.servers import Postgres, Sqlite
from bench.watching.ledger import judged
from bench.watching.report import ROWS
from bench.watching.watchers import Watcher

SMALL = Plan(watchers=24, flows=3, edits=40, seconds=2.0, idle=10)


@pytest.mark.parametrize("kind", [Sqlite, Postgres])
def test_everybody_is_told_everything_once(kind: type[Sqlite] | type[Postgres]) -> None:
    database = kind()
    try:
        report = asyncio.run(watched(database, SMALL))
    finally:
        database.close()
    assert [*report.calm.examples, *report.killed.examples, *report.faults] == []
    assert report.is_clean, table([report], ROWS)
    assert report.calm.deliveries >= report.edits * 8
    assert report.reconnected > 0


def watcher(*versions: int) -> Watcher:
    return Watcher("f", "sse", [(0.0, b'{"messageFlowChanged":{"version":%d}}' % version) for version in versions])


def test_the_ledger_finds_nothing_where_nothing_is_wrong() -> None:
    verdict = judged([watcher(3, 4, 5), watcher(4, 5)], {"f": 5}, {"f": 3})
    assert (verdict.deliveries, verdict.examples) == (4, [])


@pytest.mark.parametrize(
    ("versions", "missing", "doubled", "disordered"),
    [((4, 5), 1, 0, 0), ((4, 6), 1, 0, 0), ((), 3, 0, 0), ((4, 5, 5, 6), 0, 1, 0), ((5, 4, 6), 0, 0, 1)],
)
def test_the_ledger_finds_what_is_wrong(versions: tuple[int, ...], missing: int, doubled: int, disordered: int) -> None:
    verdict = judged([watcher(*versions)], {"f": 6}, {"f": 3})
    assert (verdict.missing, verdict.doubled, verdict.disordered) == (missing, doubled, disordered)
    assert len(verdict.examples) == 1
