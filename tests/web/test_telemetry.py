"""One line a request, sampled, without anything that callers wrote; counts that a scraper can trust."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from graphql_api import app, config
from graphql_api.edits import Desk, keys
from graphql_api.web import metrics, telemetry
from graphql_api.web.telemetry import Telemetry

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
    monkeypatch.setattr(telemetry, "told", told)
    return told


def client(desk: Desk, **settings: Any) -> httpx2.AsyncClient:
    made = app.made(config.load(**settings), desk)
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
    assert [(line["level"], line["method"], line["route"], line["operation"], line["status"]) for line in lines] == [
        ("info", "POST", "/graphql", "Make", 200),
        ("info", "GET", "/v1/api/message-flows/{id}", "GetMessageFlow", 200),
        ("warning", "GET", "other", "", 404),
        ("warning", "other", "/graphql", "", 405),
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


async def test_a_client_that_went_away_is_told_as_499() -> None:
    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        return

    told = Lines()
    await Telemetry(gone, 1, told)({"type": "http", "method": "GET", "path": "/graphql"}, gone, gone)  # type: ignore[arg-type]
    assert [(line["status"], line["level"]) for line in told] == [(499, "warning")]


# Metrics


async def read(http: httpx2.AsyncClient, **headers: str) -> dict[str, float]:
    response = await http.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return parsed(response.text)


OTHERS_AGE = 5 * metrics.MOMENT
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
def serving(tmp_path: Path) -> Iterator[Any]:
    running: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> tuple[str, subprocess.Popen[str], Path]:
        named = {f"MESSAGE_FLOWS_{name.upper()}": value for name, value in settings.items()}
        url = f"sqlite+aiosqlite:///{tmp_path}/flows.db"
        command = [sys.executable, "-m", "graphql_api", "serve", "--port", "0", "--migrate", "--demo"]
        environment = {**os.environ, "MESSAGE_FLOWS_DATABASE_URL": url, **named}
        log = tmp_path / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True)
        running.append(process)
        assert process.stdout is not None
        greeting = process.stdout.readline().split()
        assert greeting, log.read_text()
        return greeting[1].removesuffix("/graphql"), process, log

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def test_lines_are_json_where_nobody_looks_on(serving: Any) -> None:
    at, process, log = serving(log_sample="1")
    fetched(f"{at}/health/live")
    process.terminate()
    process.wait(20)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("route") == "/health/live"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert (line["event"], line["level"], line["status"], line["key"]) == ("request", "info", 200, None)


def test_several_workers_are_counted_together(serving: Any) -> None:
    at, _, log = serving(workers="2", log_sample="0")
    for _ in range(40):
        fetched(f"{at}/health/live")
    time.sleep(OTHERS_AGE)
    name = 'message_flows_requests_total{operation="",route="/health/live",status="200"}'
    counts = [parsed(fetched(f"{at}/metrics"))[name] for _ in range(5)]
    assert counts == [40] * 5
    time.sleep(OTHERS_AGE)
    found = parsed(fetched(f"{at}/metrics"))
    assert found["message_flows_requests_in_flight"] == 1
    assert [name for name in found if name.startswith("message_flows_info{")] != []
    assert log.read_text() == ""


def test_a_worker_that_was_killed_is_in_flight_no_more(serving: Any) -> None:
    at, process, _ = serving(workers="2", log_sample="0")
    fetched(f"{at}/health/live")
    children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    os.kill(next(pid for pid in children if "spawn_main" in names[pid]), signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if parsed(fetched(f"{at}/metrics"))["message_flows_requests_in_flight"] == 1:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the gauge still counts a request of the dead worker")


def test_metrics_have_a_port_of_their_own(serving: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    at, _, _ = serving(metrics_port=str(port))
    fetched(f"{at}/health/live")
    found = parsed(fetched(f"http://127.0.0.1:{port}/metrics"))
    assert found['message_flows_request_seconds_count{route="/health/live"}'] == 1
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(f"http://127.0.0.1:{port}/")
