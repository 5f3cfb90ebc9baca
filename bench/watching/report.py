"""What came of watching one database, and the rows in which it is told."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.telling import milliseconds
from bench.watching.ledger import Verdict


@dataclass
class Report:
    """One database: a calm run, one in which a worker is killed, and watchers of flows that nobody edits."""

    title: str
    calm: Verdict
    killed: Verdict
    from_answer: Sequence[float]
    from_sending: Sequence[float]
    edits: int
    others: Counter[int]
    """Answers to edits other than 200, by status."""
    reconnected: int
    refusals: int
    """Subscriptions that were refused and then tried again, as the database had too much to do."""
    edit_cpu: float
    """Seconds that an edit costs the workers while nobody watches."""
    change_cpu: float
    """Seconds that a change costs them for each who is told of it, the edit itself taken off."""
    client_cpu: float
    """Part of a core that this program used in the calm run."""
    idle_cpu: float
    """Seconds a second, of all workers, for all who watch."""
    idle_kilobytes: float
    faults: list[str] = field(default_factory=list)
    """What the server says of errors of its own."""

    @property
    def is_clean(self) -> bool:
        lost = [found for one in (self.calm, self.killed) for found in (one.missing, one.doubled, one.disordered)]
        return not any(lost) and not self.faults and not set(self.others) - {503}


ROWS: dict[str, Callable[[Report], str]] = {
    "edits": lambda report: f"{report.edits:,}",
    "changes delivered": lambda report: f"{report.calm.deliveries:,}",
    "**missing**": lambda report: str(report.calm.missing),
    "**doubled**": lambda report: str(report.calm.doubled),
    "**out of order**": lambda report: str(report.calm.disordered),
    "from the answer to a client of the other worker, p50": lambda report: milliseconds(report.from_answer, 0.5),
    "from the answer to a client of the other worker, p99": lambda report: milliseconds(report.from_answer, 0.99),
    "from the sending of the edit to it, p50": lambda report: milliseconds(report.from_sending, 0.5),
    "from the sending of the edit to it, p99": lambda report: milliseconds(report.from_sending, 0.99),
    "CPU of an edit that nobody watches": lambda report: f"{report.edit_cpu * 1e6:,.0f} µs",
    "CPU of a delivered change": lambda report: f"{report.change_cpu * 1e6:,.0f} µs",
    "a worker killed: changes delivered": lambda report: f"{report.killed.deliveries:,}",
    "… watchers that connected again": lambda report: str(report.reconnected),
    "… subscriptions refused and tried again": lambda report: str(report.refusals),
    "… edits answered 503": lambda report: str(report.others[503]),
    "… **missing**": lambda report: str(report.killed.missing),
    "… **doubled**": lambda report: str(report.killed.doubled),
    "… **out of order**": lambda report: str(report.killed.disordered),
    "idle watchers: CPU": lambda report: f"{report.idle_cpu * 1000:,.0f} ms/s",
    "… memory of each": lambda report: f"{report.idle_kilobytes:,.0f} KiB",
    "core used by this program": lambda report: f"{report.client_cpu:.0%}",
}
