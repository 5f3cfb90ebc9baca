"""One line a request, sampled, without anything that callers wrote; counts that a scraper can trust."""

import errno
import io
import json
import logging
import os
import re
import select
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import generate_latest
from starlette.types import Receive, Scope, Send

from graphql_api import app, web
from graphql_api.edits import Desk, keys
from graphql_api.web import gathered, metrics, telemetry
from graphql_api.web import lines as lines_of
from graphql_api.web.telemetry import Telemetry
from tests.conftest import configured
from tests.scarcity import no_descriptors
from tests.served import Served, started
from tests.web.sockets import reserved

SECRET = "Nobody-may-read-this"
CREATE = (
    'mutation Make($prompt: String!) {createMessageFlow(input: {name: "Nobody-may-read-this", direction: INBOUND,'
    ' agent: "a", prompt: $prompt, initiationMessage: "i", messageChannel: SMS}) {messageFlow {id} errors {message}}}'
)


class Lines(list[dict[str, Any]]):
    def __call__(self, level: str, **members: Any) -> None:
        self.append({"level": level, **members})


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    told = Lines()
    monkeypatch.setattr(telemetry, "write_line", told)
    return told


def client(desk: Desk, **settings: Any) -> httpx2.AsyncClient:
    made = app.made(configured(**settings), desk)
    headers = {"x-workspace-id": "ws1"}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(made), base_url="http://localhost", headers=headers)


async def test_a_line_tells_what_was_asked_by_whom_and_how_it_ended(desk: Desk, lines: Lines) -> None:
    issued = await keys.create(desk.store, 0, ["ws1"], {"flows:read", "flows:write"})
    async with client(desk, log_sample=1, auth="keys") as http:
        http.headers["x-api-key"] = issued.secret
        created = await http.post("/graphql", json={"query": CREATE, "variables": {"prompt": SECRET}})
        id = created.json()["data"]["createMessageFlow"]["messageFlow"]["id"]
        await http.get(f"/v1/api/message-flows/{id}", headers={"x-request-id": "abc"})
        await http.get(f"/v1/api/message-flows/{SECRET}/{SECRET}?{SECRET}={SECRET}")
        await http.request(SECRET, "/graphql")
        streamed = {"query": "query Stream { changeCursor }"}
        await http.post("/graphql", json=streamed, headers={"accept": "text/event-stream"})
    assert [(line["level"], line["method"], line["route"], line["operation"], line["status"]) for line in lines] == [
        ("info", "POST", "/graphql", "Make", 200),
        ("info", "GET", "/v1/api/message-flows/{id}", "GetMessageFlow", 200),
        ("warning", "GET", "other", "", 404),
        ("warning", "other", "/graphql", "", 405),
        ("info", "POST", "/graphql", "Stream", 200),
    ]
    assert lines[1] == {
        "level": "info",
        "method": "GET",
        "route": "/v1/api/message-flows/{id}",
        "operation": "GetMessageFlow",
        "status": 200,
        "ms": lines[1]["ms"],
        "key": issued.secret[:12],
        "workspace": "ws1",
        "request_id": "abc",
        "cost": lines[1]["cost"],
        "plan": "compiled",
    }
    assert lines[1]["cost"] > 0 < lines[1]["ms"]
    assert SECRET not in repr(lines)
    assert issued.secret not in repr(lines)


async def test_answers_are_sampled_and_refusals_are_not(desk: Desk, lines: Lines) -> None:
    async with client(desk, log_sample=0) as http:
        assert [(await http.get(path)).status_code for path in ("/health/live", "/nowhere")] == [200, 404]
    assert [line["status"] for line in lines] == [404]


async def test_floods_are_a_line_a_second_that_says_how_many_there_were(
    desk: Desk, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(telemetry, "monotonic", lambda: now)
    async with client(desk, auth="keys") as http:
        for _ in range(30):
            await http.get("/v1/api/message-flows")
        now += 1.5
        await http.get("/v1/api/message-flows")
    assert [(line["status"], line.get("unsaid")) for line in lines] == [(401, None), (401, 29)]


@pytest.mark.parametrize("auth", ["open", "keys"])
async def test_refusals_that_need_no_key_are_a_line_a_second_for_each_status(
    desk: Desk, lines: Lines, monkeypatch: pytest.MonkeyPatch, auth: str
) -> None:
    now = 100.0
    monkeypatch.setattr(telemetry, "monotonic", lambda: now)
    async with client(desk, auth=auth) as http:

        async def refused() -> set[int]:
            answers = [
                await http.get("/nothing"),
                await http.delete("/graphql"),
                await http.get("/nothing", headers={"host": "x" * 20_000}),
            ]
            return {answer.status_code for answer in answers}

        for _ in range(10):
            statuses = await refused()
        now += 1.5
        await refused()
    assert statuses >= {404, 405}
    first, later = lines[: len(statuses)], lines[len(statuses) :]
    assert {line["status"] for line in first} == {line["status"] for line in later} == statuses
    assert not any("unsaid" in line for line in first)
    assert {line["unsaid"] for line in later if line["status"] in (404, 405)} == {9}


async def test_refusals_of_a_key_have_a_line_each(desk: Desk, lines: Lines) -> None:
    issued = await keys.create(desk.store, 0, ["ws1"], {"flows:read"})
    async with client(desk, auth="keys") as http:
        for _ in range(3):
            await http.get("/v1/api/message-flows/none", headers={"x-api-key": issued.secret})
    assert [line["status"] for line in lines] == [404] * 3


async def test_a_client_that_went_away_is_told_as_499() -> None:
    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        return

    told = Lines()
    await Telemetry(gone, 1, told)({"type": "http", "method": "GET", "path": "/graphql"}, gone, gone)  # type: ignore[arg-type]
    assert [(line["status"], line["level"]) for line in told] == [(499, "warning")]


# A standard error that takes no lines


class Disk(io.BytesIO):
    is_full = True

    def write(self, data: Any) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@contextmanager
def full_disk() -> Iterator[Disk]:
    """Takes what goes to standard error, once it is not full any more."""
    disk = Disk()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", io.TextIOWrapper(disk))
        forget_standard_error()
        yield disk
        disk.is_full = False
    forget_standard_error()


def forget_standard_error() -> None:
    lines_of.writer.cache_clear()
    lines_of._reader.cache_clear()


def lost_lines() -> float:
    return metrics.OWN.get_sample_value("message_flows_log_lines_lost_total") or 0


async def test_a_line_that_cannot_be_written_costs_no_request_its_answer(desk: Desk) -> None:
    before = lost_lines()
    with full_disk() as disk:
        async with client(desk, log_sample=1) as http:
            created = await http.post("/graphql", json={"query": CREATE, "variables": {"prompt": SECRET}})
            assert created.json()["data"]["createMessageFlow"]["errors"] == []
            assert (await http.get("/nowhere")).status_code == 404
            assert lost_lines() == before + 2
            disk.is_full = False
            for _ in range(2):
                await http.get("/health/live")
        written = [json.loads(line) for line in disk.getvalue().splitlines()]
    assert [(line["route"], line.get("lost")) for line in written] == [("/health/live", 2), ("/health/live", None)]
    assert lost_lines() == before + 2


async def test_a_pipe_that_nobody_empties_holds_up_no_request(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lost_lines()
    out, into = os.pipe()
    with os.fdopen(out, "rb") as reader, os.fdopen(into, "w") as error:
        monkeypatch.setattr(sys, "stderr", error)
        forget_standard_error()
        while select.select([], [into], [], 0)[1]:
            os.write(into, b"." * 4096)
        async with client(desk, log_sample=1) as http:
            assert (await http.get("/nowhere")).status_code == 404
            telemetry.Handler().handle(logging.makeLogRecord({"msg": "a warning"}))
            assert lost_lines() == before + 2
            assert os.read(out, 2**20).strip(b".") == b""
            await http.get("/health/live")
        error.flush()
        assert json.loads(reader.readline())["lost"] == 1
        assert lost_lines() == before + 2
    monkeypatch.undo()
    forget_standard_error()


def test_a_line_of_a_library_that_cannot_be_written_is_counted_too() -> None:
    before = lost_lines()
    with full_disk():
        telemetry.Handler().handle(logging.makeLogRecord({"msg": "a warning"}))
    assert lost_lines() == before + 1


async def test_a_line_that_cannot_even_be_imported_costs_no_request_its_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For want of descriptors, which clients took before there was a first line."""
    monkeypatch.delitem(sys.modules, lines_of.__name__)
    monkeypatch.delattr(web, "lines")
    before = lost_lines()
    async with client(desk) as http:
        with no_descriptors():
            assert (await http.get("/nowhere")).status_code == 404
            telemetry.Handler().handle(logging.makeLogRecord({"msg": "a warning"}))
    assert lost_lines() == before + 2


# Metrics


async def read(http: httpx2.AsyncClient, **headers: str) -> dict[str, float]:
    response = await http.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return parsed(response.text)


OTHERS_AGE = 5 * gathered.MOMENT
"""Seconds after which every worker has laid down what it counted."""


def parsed(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_metrics_count_requests_plans_conflicts_and_replays(desk: Desk) -> None:
    async with client(desk) as http:
        before = await read(http)
        document = CREATE.replace("createMessageFlow(", 'createMessageFlow(idempotencyKey: "k", ')
        for _ in range(2):
            created = await http.post("/graphql", json={"query": document, "variables": {"prompt": "p"}})
        id = created.json()["data"]["createMessageFlow"]["messageFlow"]["id"]
        path = f"/v1/api/message-flows/{id}"
        assert (await http.put(path, json={"name": "n"}, headers={"if-match": '"7"'})).status_code == 412
        update = f'mutation {{updateMessageFlow(id: "{id}", ifVersion: 7, input: {{name: "n"}}) {{errors {{code}}}}}}'
        assert (await http.post("/graphql", json={"query": update})).status_code == 200
        after = await read(http)

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    requests = 'message_flows_requests_total{operation="%s",route="%s",status="%s"}'
    assert grown(requests % ("createMessageFlow", "/graphql", 200)) == 2
    assert grown(requests % ("updateMessageFlow", "/v1/api/message-flows/{id}", 412)) == 1
    assert grown("message_flows_conflicts_total") == 2
    assert grown("message_flows_replays_total") == 1
    assert grown('message_flows_plans_total{way="compiled"}') + grown('message_flows_plans_total{way="general"}') >= 4
    assert grown('message_flows_request_seconds_count{route="/graphql"}') == 3
    assert grown("message_flows_batch_size_count") >= 1
    assert after["message_flows_requests_in_flight"] == 1
    assert not any(id in name or "ws1" in name for name in after)


@pytest.mark.usefixtures("_whole_minute")
async def test_what_is_refused_for_its_points_counts_as_a_request_and_not_as_an_operation(desk: Desk) -> None:
    async with client(desk, address_points=50) as http:
        before = await read(http)
        answers = [await http.get(f"/v1/api/message-flows?limit={limit}") for limit in (1, 8, 1_000)]
    after = parsed(metrics.text().decode())

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert [answer.status_code for answer in answers] == [200, 429, 400]
    for status in (200, 429, 400):
        labels = f'operation="messageFlows",route="/v1/api/message-flows",status="{status}"'
        assert grown(f"message_flows_requests_total{{{labels}}}") == 1
    assert grown("message_flows_points_total") == 1 + 1 + 6
    assert grown('message_flows_plans_total{way="compiled"}') + grown('message_flows_plans_total{way="general"}') == 1


async def test_times_are_counted_below_the_bounds_that_they_do_not_exceed() -> None:
    for seconds in (0.0025, 0.003, 11.0):
        gathered.GATHERED.note(("/slow", "", 200, ""), seconds, 0)
    counted = parsed(generate_latest(metrics.registry()).decode())
    buckets = {
        bound: counted[f'message_flows_request_seconds_bucket{{le="{bound}",route="/slow"}}']
        for bound in ("0.001", "0.0025", "0.005", "10.0", "+Inf")
    }
    assert buckets == {"0.001": 0, "0.0025": 1, "0.005": 2, "10.0": 2, "+Inf": 3}
    assert counted['message_flows_request_seconds_sum{route="/slow"}'] == pytest.approx(11.0055)


def test_batches_are_counted_together_as_if_one_by_one() -> None:
    def sizes() -> dict[str, float]:
        text = generate_latest(metrics.registry()).decode()
        return {name: value for name, value in parsed(text).items() if name.startswith("message_flows_batch_size")}

    before = sizes()
    for size in (1, 3, 3, 200):
        gathered.hear("batch", size)
    grown = {name: value - before[name] for name, value in sizes().items() if value != before[name]}
    buckets = {f'message_flows_batch_size_bucket{{le="{bound}"}}': 3 for bound in ("4.0", "8.0", "16.0", "32.0")}
    buckets |= {f'message_flows_batch_size_bucket{{le="{bound}"}}': 3 for bound in ("64.0", "128.0")}
    buckets |= {f'message_flows_batch_size_bucket{{le="{bound}"}}': 1 for bound in ("1.0", "2.0")}
    whole = {"message_flows_batch_size_count": 4, "message_flows_batch_size_sum": 207}
    assert grown == {**buckets, **whole, 'message_flows_batch_size_bucket{le="+Inf"}': 4}


async def test_metrics_are_for_keys_with_the_scope_admin(desk: Desk) -> None:
    admin = await keys.create(desk.store, 0, ["ws1"], {"admin"})
    other = await keys.create(desk.store, 0, ["ws1"], {"flows:read", "flows:write", "history:read"})
    async with client(desk, auth="keys") as http:
        assert (await http.get("/metrics")).status_code == 401
        assert (await http.get("/metrics", headers={"x-api-key": other.secret})).status_code == 403
        assert "message_flows_requests_in_flight" in await read(http, **{"x-api-key": admin.secret})


async def test_metrics_on_a_port_of_their_own_are_not_beside_the_rest(desk: Desk) -> None:
    async with client(desk, metrics_port=9_000) as http:
        assert (await http.get("/metrics")).status_code == 404


# As processes


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    with ExitStack() as running:

        def begin(**settings: str) -> Served:
            server = started(
                f"sqlite+aiosqlite:///{tmp_path}/flows.db", tmp_path / "log", "--migrate", "--demo", **settings
            )
            return running.enter_context(server)

        yield begin


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:
        return str(response.read().decode())


@pytest.mark.processes
def test_lines_are_json_where_nobody_looks_on(start: Callable[..., Served]) -> None:
    server = start(log_sample="1")
    fetched(f"{server.at}/health/live")
    server.process.terminate()
    assert server.process.wait(20) == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("route") == "/health/live"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert (line["event"], line["level"], line["status"], line["key"]) == ("request", "info", 200, None)


@pytest.mark.processes
def test_several_workers_are_counted_together(start: Callable[..., Served]) -> None:
    server = start(workers="2", log_sample="0")
    at = server.at
    for _ in range(40):
        fetched(f"{at}/health/live")
    name = 'message_flows_requests_total{operation="",route="/health/live",status="200"}'
    until = time.monotonic() + 20  # a worker counts for others once its first answers are out
    while parsed(fetched(f"{at}/metrics")).get(name) != 40 and time.monotonic() < until:
        time.sleep(0.05)
    counts = [parsed(fetched(f"{at}/metrics"))[name] for _ in range(5)]
    assert counts == [40] * 5
    time.sleep(OTHERS_AGE)
    found = parsed(fetched(f"{at}/metrics"))
    assert found["message_flows_requests_in_flight"] == 1
    assert [name for name in found if name.startswith("message_flows_info{")] != []
    assert [json.loads(line)["event"] for line in server.log.read_text().splitlines()] == ["start"]


@pytest.mark.processes
def test_a_worker_that_was_killed_is_in_flight_no_more(start: Callable[..., Served]) -> None:
    server = start(workers="2", log_sample="0")
    at = server.at
    fetched(f"{at}/health/live")
    os.kill(min(server.workers()), signal.SIGKILL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if parsed(fetched(f"{at}/metrics"))["message_flows_requests_in_flight"] == 1:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the gauge still counts a request of the dead worker")


@pytest.mark.processes
def test_metrics_have_a_port_of_their_own(start: Callable[..., Served]) -> None:
    with reserved() as port:
        at = start(metrics_port=str(port)).at
    fetched(f"{at}/health/live")
    found = parsed(fetched(f"http://127.0.0.1:{port}/metrics"))
    assert found['message_flows_request_seconds_count{route="/health/live"}'] == 1
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        fetched(f"http://127.0.0.1:{port}/")
    refused.value.close()


def test_what_cannot_be_counted_for_want_of_descriptors_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost line of the log is told from within the log, whose caller would be struck."""
    monkeypatch.delattr("graphql_api.web.metrics")
    monkeypatch.setitem(sys.modules, "graphql_api.web.metrics", None)
    gathered.hear("lost_line", 1)
