"""Tortures the server over HTTP and tells what it lost: many clients, the same flows, kill -9, databases that go away.

    python bench/torture.py                     # SQLite with 2 workers, then PostgreSQL with 4
    python bench/torture.py --sqlite --edits 2000 --kills 3 --edits-after-pauses 50
    python bench/torture.py --postgres --url postgresql+asyncpg://user@host/empty_database

The exit status is 0 when nothing was lost, doubled or answered wrongly.
"""

import argparse
import asyncio
import itertools
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.telling import asking, milliseconds, table
from bench.torturing.clients import Account, Client, created, told
from bench.torturing.ledger import Verdict, judged
from bench.torturing.servers import Database, Given, Postgres, Server, Sqlite
from bench.torturing.wire import LossyProxy

FLOWS = 10
PAUSE = 0.12
TIMEOUT = 0.1
"""Seconds a statement may run where edits follow pauses: what is left of one statement has run out before the next."""


@dataclass(frozen=True)
class Plan:
    """How much of it: edits in the calm run, edits and blows in a run with blows, edits that each follow a pause."""

    clients: int = 64
    edits: int = 20_000
    edits_under_blows: int = 5_000
    kills: int = 20
    edits_after_pauses: int = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """One run."""

    title: str
    account: Account
    verdict: Verdict
    seconds: float
    blows: int
    damaged: int
    locked: int
    is_calm: bool

    @property
    def is_clean(self) -> bool:
        answers = self.account.answers
        refused = sum(times for status, times in answers.items() if status >= 500 and status != 503)
        unwanted = refused + (answers[503] if self.is_calm else 0) + self.damaged + self.locked
        return self.verdict.is_clean and not self.account.faults and not unwanted


async def tortured(database: Database, workers: int, plan: Plan) -> list[Report]:
    """A calm run, one in which the server is killed, one in which the database is, if it can be, one with pauses."""
    title = f"{database.name}, {workers} workers"
    server = Server(database.url, workers)
    try:
        await server.start()
        reports = [await run(f"{title}: calm", server, plan.clients, plan.edits)]
        kill = Blows(lambda: killed(server, database), plan.kills)
        reports.append(await run(f"{title}: kill -9", server, plan.clients, plan.edits_under_blows, kill))
        if isinstance(database, Postgres):
            stop = Blows(lambda: stopped(database), plan.kills)
            reports.append(await run(f"{title}: stop -m immediate", server, plan.clients, plan.edits_under_blows, stop))
    finally:
        server.close()
    server = Server(database.url, 1, statement_timeout=TIMEOUT)
    try:
        await server.start()
        title = f"{database.name}, 1 worker: pauses"
        reports.append(await run(title, server, 1, plan.edits_after_pauses, pause=PAUSE))
    finally:
        server.close()
    return reports


class Blows:
    """Strikes at even distances of edits; a blow tells whether the database is whole after it."""

    def __init__(self, strike: Callable[[], Awaitable[bool]], count: int) -> None:
        self._strike = strike
        self.count = count
        self.struck = 0
        self.damaged = 0

    async def fall(self, account: Account, edits: int) -> None:
        while self.struck < self.count:
            if len(account.edits) >= edits * (self.struck + 1) // (self.count + 1):
                self.damaged += not await self._strike()
                self.struck += 1
            await asyncio.sleep(0.01)


async def killed(server: Server, database: Database) -> bool:
    server.kill()
    is_whole = await asyncio.to_thread(database.is_whole)
    await server.start()
    return is_whole


async def stopped(database: Postgres) -> bool:
    await asyncio.to_thread(database.stop)
    await asyncio.sleep(random.uniform(0.0, 0.5))
    await asyncio.to_thread(database.start)
    return True


async def run(
    title: str, server: Server, clients: int, edits: int, blows: Blows | None = None, pause: float = 0.0
) -> Report:
    account = Account()
    numbers = itertools.islice(itertools.count(1), edits)
    flows = await created(server.port, FLOWS)
    started = time.perf_counter()
    async with LossyProxy(server.port, random.Random(edits)) as proxy, asyncio.TaskGroup() as group:
        if blows is not None:
            group.create_task(blows.fall(account, edits))
        for name in range(clients):
            client = Client(f"c{name}", flows, server.port, proxy.port, account)
            group.create_task(client.work(numbers, pause))
    seconds = time.perf_counter() - started
    verdict = judged(account.edits, [await told(server.port, flow) for flow in flows])
    locked = server.said().count("database is locked")
    struck, damaged = (blows.struck, blows.damaged) if blows else (0, 0)
    return Report(title, account, verdict, seconds, struck, damaged, locked, not (blows or pause))


# Telling


ROWS: dict[str, Callable[[Report], str]] = {
    "edits": lambda report: f"{len(report.account.edits):,}",
    "acknowledged": lambda report: f"{report.verdict.acknowledged:,}",
    "not acknowledged, yet there": lambda report: str(report.verdict.unacknowledged_but_there),
    "sent again under the same key": lambda report: f"{report.account.resent:,}",
    "… answered as the first time": lambda report: f"{report.account.replayed:,}",
    "412, read again": lambda report: f"{report.account.answers[412]:,}",
    "kills or stops": lambda report: str(report.blows),
    "503": lambda report: f"{report.account.answers[503]:,}",
    "slowest 503": lambda report: f"{report.account.slowest_refusal:.2f} s",
    "edits/s": lambda report: f"{report.verdict.acknowledged / report.seconds:,.0f}",
    "p50": lambda report: milliseconds(sorted(report.account.seconds), 0.5),
    "p99": lambda report: milliseconds(sorted(report.account.seconds), 0.99),
    "slowest": lambda report: milliseconds(sorted(report.account.seconds), 1.0),
    "**lost updates**": lambda report: str(report.verdict.lost),
    "**doubled edits**": lambda report: str(report.verdict.doubled),
    "**leaves with a wrong value**": lambda report: str(report.verdict.wrong_leaves),
    "**wrong versions**": lambda report: str(report.verdict.wrong_versions),
    "**damaged files**": lambda report: str(report.damaged),
    "**database is locked**": lambda report: str(report.locked),
    "**5xx other than 503**": lambda report: str(others(report)),
}


def others(report: Report) -> int:
    return sum(times for status, times in report.account.answers.items() if status >= 500 and status != 503)


def asked() -> argparse.Namespace:
    parser = asking(__doc__)
    parser.add_argument("--clients", type=int, default=Plan.clients)
    parser.add_argument("--edits", type=int, default=Plan.edits, help="edits of the calm run")
    parser.add_argument("--edits-under-blows", type=int, default=Plan.edits_under_blows)
    parser.add_argument("--kills", type=int, default=Plan.kills, help="kills of the server, and stops of PostgreSQL")
    parser.add_argument("--edits-after-pauses", type=int, default=Plan.edits_after_pauses)
    parser.add_argument("--sqlite-workers", type=int, default=2)
    parser.add_argument("--postgres-workers", type=int, default=4)
    return parser.parse_args()


def main() -> int:
    options = asked()
    plan = Plan(options.clients, options.edits, options.edits_under_blows, options.kills, options.edits_after_pauses)
    both = options.sqlite == options.postgres
    reports: list[Report] = []
    if both or options.sqlite:
        reports += with_database(Sqlite(), options.sqlite_workers, plan)
    if both or options.postgres:
        reports += with_database(Given(options.url) if options.url else Postgres(), options.postgres_workers, plan)
    print(table(reports, ROWS))
    for report in reports:
        for reason, times in report.account.refusals.most_common():
            print(f"{report.title}: 503, {times} times: {reason}")
        for example in [*report.verdict.examples[:5], *report.account.faults[:5]]:
            print(f"{report.title}: {example}")
    return 0 if all(report.is_clean for report in reports) else 1


def with_database(database: Database, workers: int, plan: Plan) -> list[Report]:
    try:
        return asyncio.run(tortured(database, workers, plan))
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
