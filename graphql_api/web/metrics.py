"""What the server counts, in the form that Prometheus reads; one declaration for each metric."""

import os
import socket
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from graphql_api.domain.webhooks import OUTCOMES
from graphql_api.web.gathered import GATHERED, SECONDS, SHARED, Count, Label
from graphql_api.web.reserved import reserve

MEDIA = CONTENT_TYPE_LATEST.encode()
SILENCE = 10.0
"""Seconds that a connection to the port of the metrics may say nothing."""

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)

OWN = CollectorRegistry()
reserve()


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"message_flows_{name}", meaning, labels, registry=OWN)


def _gauge(name: str, meaning: str, *labels: str, together: str = "livesum") -> Gauge:
    return Gauge(f"message_flows_{name}", meaning, labels, registry=OWN, multiprocess_mode=together)  # type: ignore[arg-type]


REQUESTS = _counter(
    "requests", "Requests answered, by route, first field of the operation and status.", "route", "operation", "status"
)
LATENCY = Histogram("message_flows_request_seconds", "Time to an answer.", ["route"], registry=OWN, buckets=SECONDS)
IN_FLIGHT = _gauge("requests_in_flight", "Requests that are being answered.")
PLANS = _counter("plans", "Operations carried out by a compiled plan, or by the general executor.", "way")
POINTS = _counter("points", "Points of cost that operations were charged.")
BATCHES = Histogram(
    "message_flows_batch_size", "Edits in a commit, or statements sent together.", registry=OWN, buckets=SIZES
)
CONFLICTS = _counter("conflicts", "Edits that were refused because the flow had changed.")
REPLAYS = _counter("replays", "Requests under an idempotency key that were answered again.")
CONNECTIONS = _gauge("pool_connections", "PostgreSQL: connections, by whether they are at work.", "state")
WAL_BYTES = _gauge("wal_bytes", "SQLite: size of the write-ahead log.", together="livemax")
SUBSCRIPTIONS = _gauge("subscriptions", "Subscriptions that are open.")
DELIVERIES = _counter("deliveries", "Changes that were sent to subscribers.")
LAG = Histogram("message_flows_delivery_lag_seconds", "From an edit to its delivery.", registry=OWN, buckets=SECONDS)
WEBHOOK_DELIVERIES = _counter("webhook_deliveries", "Attempts to deliver a webhook's message.", "outcome")
WEBHOOK_LAG = Histogram(
    "message_flows_webhook_lag_seconds",
    "From a change to the delivery of its message.",
    registry=OWN,
    buckets=(*SECONDS[5:], 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0),
)
WEBHOOKS_PARKED = _gauge("webhooks_parked", "Webhooks whose endpoints are dead.", together="livemax")
LOST_LINES = _counter("log_lines_lost", "Lines of the log that standard error did not take.")
INFO = _gauge("info", "1, with the version of the server and of its tables.", "version", "revision", together="livemax")


class MetricsUpdater:
    """Brings the metrics up to what is gathered.

    The metrics of this process are brought up whenever they are read, and a moment after requests for those who read
    the counts of all workers together.
    """

    def __init__(self) -> None:
        self._requests: dict[Label, Count] = {}
        self._batches: Mapping[float, int] = {}
        self._lock = threading.Lock()

    def bring_up(self) -> None:
        with self._lock:
            IN_FLIGHT.set(GATHERED.in_flight)
            for label, count in list(GATHERED.counts.items()):
                before = self._requests.get(label)
                if before is None or before.slots != count.slots:
                    now = self._requests[label] = Count(count.seconds, count.points, count.slots[:])
                    _add(label, now, before or Count())
            self._bring_up_batches()

    def _bring_up_batches(self) -> None:
        now, before = dict(GATHERED.batches), self._batches
        self._batches = now
        slots = [0] * (len(SIZES) + 1)
        for size, times in now.items():
            slots[bisect_left(SIZES, size)] += times - before.get(size, 0)
        total = sum(size * (times - before.get(size, 0)) for size, times in now.items())
        _observed(BATCHES, total, slots)


def _add(label: Label, now: Count, before: Count) -> None:
    route, field, status, way = label
    more = sum(now.slots) - sum(before.slots)
    REQUESTS.labels(route, field, str(status)).inc(more)
    if way:
        PLANS.labels(way).inc(more)
        POINTS.inc(now.points - before.points)
    slots = [slot - old for slot, old in zip(now.slots, before.slots, strict=True)]
    _observed(LATENCY.labels(route), now.seconds - before.seconds, slots)


def _observed(histogram: Any, total: float, slots: Sequence[int]) -> None:
    """The library has no public way to add many observations at once; a test holds that this one works."""
    histogram._sum.inc(total)
    for bucket, times in zip(histogram._buckets, slots, strict=True):
        if times:
            bucket.inc(times)


GATHERED.tell_to(MetricsUpdater().bring_up)


def _delivered(lag: float) -> None:
    DELIVERIES.inc()
    LAG.observe(lag)


HEARD_OF: Mapping[str, Callable[[float], None]] = {
    "conflicts": CONFLICTS.inc,
    "replays": REPLAYS.inc,
    "subscriptions": SUBSCRIPTIONS.inc,
    "delivery_lag": _delivered,
    "webhook_lag": WEBHOOK_LAG.observe,
    "webhooks_parked": WEBHOOKS_PARKED.set,
    "lost_line": LOST_LINES.inc,
    **{f"webhook_{outcome.lower()}": WEBHOOK_DELIVERIES.labels(outcome.lower()).inc for outcome in OUTCOMES},
}
"""What is heard of, by its name; see `gathered.hear`."""


def note_store(figures: Mapping[str, float]) -> None:
    """What a store says about itself."""
    if "wal_bytes" in figures:
        WAL_BYTES.set(figures["wal_bytes"])
    for state in ("busy", "idle"):
        if f"connections_{state}" in figures:
            CONNECTIONS.labels(state).set(figures[f"connections_{state}"])


def registry() -> CollectorRegistry:
    """This process's own counts, or those of all workers where there are several."""
    GATHERED.tell()
    folder = os.environ.get(SHARED)
    if not folder:
        return OWN
    _forget_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
    return together


def text() -> bytes:
    return generate_latest(registry())


def _forget_dead(folder: Path) -> None:
    """A worker that was killed is not in flight any more; what it counted stays."""
    for process in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*_*.db")}:
        if not Path(f"/proc/{process}").exists():
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]


def listen(host: str, port: int) -> None:
    """Serves `/metrics` alone, in threads, to whoever reaches the address."""
    from socketserver import ThreadingMixIn  # for this only, all of them
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

    def answer(environ: Any, start: Any) -> list[bytes]:
        found = environ["PATH_INFO"] == "/metrics"
        start("200 OK" if found else "404 Not Found", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [text()] if found else []

    class Quiet(WSGIRequestHandler):
        timeout = SILENCE

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingMixIn, WSGIServer):
        """Whoever connects and says nothing holds up nobody, and is hung up on."""

        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return

    server = make_server(host, port, answer, Server, Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
