"""Watches flows while they are edited and tells what each watcher missed, how late it came and what it cost.

    python bench/live.py                        # SQLite, then PostgreSQL; 2 workers each
    python bench/live.py --sqlite --watchers 50 --seconds 5 --idle 200
    python bench/live.py --postgres --url postgresql+asyncpg://user@host/empty_database

Half of the watchers are WebSockets, half event streams. The exit status is 0 when nothing is missing, doubled or out of
order, also after a worker was killed. Linux only.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import uvloop

from bench.telling import asking, table
from bench.torturing.clients import HEADERS, PATH, created
from bench.torturing.servers import Database, Given, Postgres, Server, Sqlite
from bench.torturing.wire import Broken, Connection
from bench.watching import processes
from bench.watching.editors import Editors
from bench.watching.ledger import judged, waits
from bench.watching.report import ROWS, Report
from bench.watching.watchers import WAYS, Watcher

WORKERS = 2
EDITORS = 16
AT_ONCE = 50
"""Watchers that connect at the same time; they come in like this, so that all workers get some."""

PATIENCE = 60.0
"""Seconds in which all that was edited must have come."""

UNLIMITED = {"max_subscriptions": 1_000_000, "log_sample": 0}


@dataclass(frozen=True)
class Plan:
    """How much of it; `edits` in each of the `seconds`."""

    watchers: int = 500
    flows: int = 50
    edits: int = 200
    seconds: float = 30.0
    idle: int = 2_000


async def watched(database: Database, plan: Plan) -> Report:
    server = Server(database.url, WORKERS, **UNLIMITED)
    try:
        await server.start()
        report = await Live(server, plan, await created(server.port, plan.flows)).report(database.name)
        report.faults += [line for line in server.said().splitlines() if "failed" in line or '"status":500' in line]
        return report
    finally:
        server.close()


class Live:
    """A server that is up, and the flows that are watched and edited."""

    def __init__(self, server: Server, plan: Plan, flows: list[str]) -> None:
        self._plan = plan
        self._server = server
        self._port = server.port
        self._flows = flows
        self._editors = Editors(self._port, flows, EDITORS)

    async def report(self, name: str) -> Report:
        plan = self._plan
        edit_cpu = await self._edits_alone()
        watchers = await self._watchers(plan.watchers)
        await self._all_begun(watchers)
        since = await self._newest()
        self._editors.edits.clear()
        workers, began = self._workers, time.process_time()
        used = processes.seconds(workers)
        await self._editors.work(plan.edits, plan.seconds)
        newest = await self._all_told(watchers)
        used = processes.seconds(workers) - used
        client_cpu = (time.process_time() - began) / plan.seconds
        calm = judged(watchers, newest, since)
        edits = self._editors.edits[:]
        waited = waits(watchers, edits, processes.served_by(workers, self._port))
        await asyncio.gather(self._editors.work(plan.edits, plan.seconds), self._kill(watchers, plan.seconds / 2))
        killed = judged(watchers, await self._all_told(watchers), newest)
        for watcher in watchers:
            watcher.leave()
        self._editors.close()
        idle_cpu, idle_kilobytes = await self._idle()
        return Report(
            f"{name}, {WORKERS} workers",
            calm,
            killed,
            *waited,
            len(edits),
            Counter({status: times for status, times in self._editors.answers.items() if status != 200}),
            sum(watcher.connections > 1 for watcher in watchers),
            sum(watcher.refusals for watcher in watchers),
            edit_cpu,
            (used - edit_cpu * len(edits)) / calm.deliveries,
            client_cpu,
            idle_cpu,
            idle_kilobytes,
        )

    @property
    def _workers(self) -> list[int]:
        return processes.workers(self._server.pid)

    async def _edits_alone(self) -> float:
        await self._editors.work(self._plan.edits, self._plan.seconds / 10)
        used, done = processes.seconds(self._workers), len(self._editors.edits)
        await self._editors.work(self._plan.edits, self._plan.seconds / 3)
        return (processes.seconds(self._workers) - used) / (len(self._editors.edits) - done)

    async def _watchers(self, count: int) -> list[Watcher]:
        """For each flow as many of one way of watching as of the other."""
        flows, found = self._flows, list[Watcher]()
        for number in range(count):
            found.append(Watcher(flows[number // 2 % len(flows)], WAYS[number % 2]))
        for start in range(0, count, AT_ONCE):
            some = found[start : start + AT_ONCE]
            await asyncio.gather(*(watcher.connect(self._port) for watcher in some))
            await until(lambda: all(watcher.is_begun for watcher in found[: start + AT_ONCE]))  # noqa: B023
        return found

    async def _all_begun(self, watchers: Sequence[Watcher]) -> None:
        """Nothing tells over WebSocket when a subscription has begun: flows are edited until all were told of one."""
        while not all(watcher.heard for watcher in watchers):
            for flow in self._flows:
                await self._editors.edit(flow)
            await asyncio.sleep(0.5)

    async def _all_told(self, watchers: Sequence[Watcher]) -> Mapping[str, int]:
        newest = await self._newest()
        with_all = lambda: all(w.newest >= newest[w.flow] for w in watchers)  # noqa: E731
        await until(with_all)
        await asyncio.sleep(0.5)  # for what might come twice
        return newest

    async def _newest(self) -> dict[str, int]:
        found: dict[str, int] = {}
        async with Connection(self._port) as connection:
            while len(found) < len(self._flows):
                flow = self._flows[len(found)]
                try:
                    answer = await connection.send("GET", f"{PATH}/{flow}", HEADERS)
                except Broken:
                    continue
                found[flow] = int(answer.headers["etag"].strip('"'))
        return found

    async def _kill(self, watchers: Sequence[Watcher], after: float) -> None:
        """The worker that serves the most of them, with the signal that nobody can catch."""
        await asyncio.sleep(after)
        served = processes.served_by(self._workers, self._port)
        ((busiest, _),) = Counter(served[w.port] for w in watchers if w.port in served).most_common(1)
        os.kill(busiest, signal.SIGKILL)

    async def _idle(self) -> tuple[float, float]:
        await until(lambda: len(self._workers) == WORKERS)
        await asyncio.sleep(1)
        before = processes.kilobytes(self._workers)
        watchers = await self._watchers(self._plan.idle)
        await asyncio.sleep(min(2.0, self._plan.seconds))
        used, span = processes.seconds(self._workers), min(20.0, self._plan.seconds)
        await asyncio.sleep(span)
        cpu = (processes.seconds(self._workers) - used) / span
        kilobytes = (processes.kilobytes(self._workers) - before) / max(1, len(watchers))
        for watcher in watchers:
            watcher.leave()
        return cpu, kilobytes


async def until(is_so: Callable[[], bool]) -> None:
    """Or until patience is over: the verdict then shows what did not come."""
    deadline = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def asked() -> argparse.Namespace:
    parser = asking(__doc__)
    parser.add_argument("--watchers", type=int, default=Plan.watchers)
    parser.add_argument("--flows", type=int, default=Plan.flows)
    parser.add_argument("--edits", type=int, default=Plan.edits, help="edits a second")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="of the calm run, and of that with a kill")
    parser.add_argument("--idle", type=int, default=Plan.idle, help="watchers of flows that nobody edits")
    return parser.parse_args()


def main() -> int:
    options = asked()
    plan = Plan(options.watchers, options.flows, options.edits, options.seconds, options.idle)
    both = options.sqlite == options.postgres
    reports: list[Report] = []
    gc.disable()
    if both or options.sqlite:
        reports.append(with_database(Sqlite(), plan))
    if both or options.postgres:
        reports.append(with_database(Given(options.url) if options.url else Postgres(), plan))
    print(table(reports, ROWS))
    for report in reports:
        for example in [*report.calm.examples[:5], *report.killed.examples[:5]]:
            print(f"{report.title}: {example}")
        for fault in report.faults[:5]:
            print(f"{report.title}: {fault}")
    return 0 if all(report.is_clean for report in reports) else 1


def with_database(database: Database, plan: Plan) -> Report:
    try:
        return uvloop.run(watched(database, plan))
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
