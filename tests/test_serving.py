"""`message-flows serve` as processes, asked over HTTP: it starts, it is looked after, and it stops without loss."""

import asyncio
import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import asyncpg
import httpx2
import pytest
from prometheus_client import Gauge

from graphql_api import __version__
from graphql_api.domain.example import EXAMPLE, WORKSPACE
from graphql_api.serving import _setup
from graphql_api.storage import migrations
from graphql_api.web import metrics
from graphql_api.web.gathered import SHARED
from graphql_api.workers import shared_by
from tests.commands import ROOT, Said, Spoken, environment, say
from tests.conftest import configured
from tests.served import GREETING, Served, started
from tests.test_commands import renumbered
from tests.web.live import connected
from tests.web.sockets import reserved

pytestmark = pytest.mark.processes

LONG = 30.0
EXAMPLE_PATH = f"/v1/api/message-flows/{EXAMPLE['_id']}"


of_processes = pytest.mark.parametrize("database", ["sqlite"])
"""Workers are started and stopped alike whatever the database."""

Start = Callable[..., contextlib.AbstractAsyncContextManager[tuple[Served, httpx2.AsyncClient]]]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Start:
    return lambda *words, **settings: serving(database_url, tmp_path / "log", *words, **settings)


@contextlib.asynccontextmanager
async def serving(
    database_url: str, log: Path, *words: str, **settings: str
) -> AsyncIterator[tuple[Served, httpx2.AsyncClient]]:
    headers = {"x-workspace-id": WORKSPACE}
    with started(database_url, log, "--demo", *words, **settings) as server:
        async with httpx2.AsyncClient(base_url=server.at, headers=headers, timeout=LONG) as http:
            yield server, http


@of_processes
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_takes_as_many_descriptors_as_the_system_grants(
    database_url: str, tmp_path: Path, workers: str
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    variables = environment(database_url, MESSAGE_FLOWS_PORT="0", MESSAGE_FLOWS_WORKERS=workers)
    command = [sys.executable, "-c", FEW, sys.executable, "-m", "graphql_api", "serve"]
    with subprocess.Popen(
        command, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith(b"GraphQL")
            assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (hard, hard)
        finally:
            server.terminate()


FEW = """import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
os.execv(sys.argv[1], sys.argv[1:])"""


@of_processes
def test_under_nohup_a_server_outlives_its_terminal(database_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", NOHUP, sys.executable, "-m", "graphql_api", "serve"]
    variables = environment(database_url, MESSAGE_FLOWS_PORT="0", MESSAGE_FLOWS_DRAIN_SECONDS="0")
    with subprocess.Popen(
        command, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        try:
            assert server.stdout is not None
            at = server.stdout.readline().split()[1].decode()
            assert urllib.request.urlopen(urljoin(at, "/health/live"), timeout=LONG).status == 200
            server.send_signal(signal.SIGHUP)
            time.sleep(1)
            assert urllib.request.urlopen(urljoin(at, "/health/live"), timeout=LONG).status == 200
        finally:
            server.terminate()


NOHUP = """import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])"""


async def stopped(server: Served, stop: Callable[[], None]) -> tuple[int, list[str]]:
    """Exit code and what was said on standard error beside the log of requests."""
    stop()
    code = await asyncio.to_thread(server.process.wait, LONG)
    return code, [line for line in server.log.read_text("utf-8").splitlines() if '"level":"info"' not in line]


async def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def has_read(server: Served) -> None:
    """Of its connections nothing lies unread in the system, and nobody waits to be accepted."""
    port = f"{urlsplit(server.at).port:04X}"

    def unread() -> list[str]:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return [row[4] for row in rows if row[1].endswith(f":{port}") and not row[4].endswith(":00000000")]

    await until(lambda: not unread())


async def begun(server: Served, http: httpx2.AsyncClient, *names: str) -> list["asyncio.Task[httpx2.Response]"]:
    """Edits that the server has read, and that are not done as long as the database is held."""
    sent: list[str] = []

    async def trace(event: str, info: object) -> None:
        if event == "http11.send_request_body.complete":
            sent.append(event)

    edits = [
        asyncio.create_task(http.put(EXAMPLE_PATH, json={"name": name}, extensions={"trace": trace})) for name in names
    ]
    await until(lambda: len(sent) == len(edits))
    await has_read(server)
    return edits


async def test_the_addresses_that_are_printed_answer(start: Start) -> None:
    async with start() as (server, http):
        at = server.at
        assert server.greeting == [
            f"GraphQL       {at}/graphql\n",
            f"REST example  {at}{EXAMPLE_PATH}  (header x-workspace-id: {WORKSPACE})\n",
            f"In a browser  {at}/  (playground)  {at}/docs  (reference)  {at}/flows\n",
            f"Health        {at}/health/ready\n",
        ]
        example = await http.get(EXAMPLE_PATH)
        assert example.json() == {name: value for name, value in EXAMPLE.items() if name != "initiationMessage"}
        answer = await http.post("/graphql", json={"query": "{ messageFlows { totalCount } }"})
        assert answer.json() == {"data": {"messageFlows": {"totalCount": 1}}}
        for path in ("/health/live", "/health/ready"):
            health = await http.get(path)
            assert (health.status_code, health.json()) == (200, {"status": "ok"})
        assert await stopped(server, server.process.terminate) == (0, [])


def test_a_request_is_printed_that_is_answered_without_the_example_too(database_url: str, tmp_path: Path) -> None:
    with started(database_url, tmp_path / "log") as server:
        at, _, headers = server.greeting[1].removeprefix("REST").strip().partition("  ")
        assert headers == "(header x-workspace-id: NAME)"
        with urllib.request.urlopen(urllib.request.Request(at, headers={"x-workspace-id": "NAME"})) as answer:
            assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_log_tells_that_a_server_began_and_what_ended_it(
    database_url: str, tmp_path: Path, workers: str, stop: signal.Signals
) -> None:
    with started(database_url, tmp_path / "log", "--workers", workers, log_sample="0", drain_seconds="0") as server:
        end = time.monotonic() + LONG
        while not server.log.read_text():
            assert time.monotonic() < end
            time.sleep(0.05)
        os.killpg(server.process.pid, stop)
        assert server.process.wait(LONG) == 0
        told = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert all(line.pop("timestamp") for line in told)
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    start = {"event": "start", "at": server.at, "version": __version__, "database": kind, "workers": int(workers)}
    assert told == [{"level": "info", **start}, {"level": "info", "event": "stop", "signal": stop.name}]


@of_processes
async def test_behind_a_proxy_that_cuts_a_path_off_the_addresses_here_are_without_it(start: Start) -> None:
    async with start(root_path="/crm") as (server, http):
        assert server.greeting[3] == f"Health        {server.at}/health/ready\n"
        assert "/crm" not in "".join(server.greeting)
        assert (await http.get("/health/ready")).status_code == 200
        assert (await http.get("/openapi.json")).json()["servers"][0]["url"] == "/crm"


async def test_ready_tells_when_the_tables_are_not_current(start: Start, database_url: str) -> None:
    async with start() as (_, http):
        await renumbered(database_url, "0001")
        older = await http.get("/health/ready")
        await renumbered(database_url, "9999")
        ready, live = await http.get("/health/ready"), await http.get("/health/live")
        await renumbered(database_url, migrations.newest())
        assert [answer.json()["error"]["message"] for answer in (older, ready)] == [
            "the tables are not current; run message-flows migrate",
            "the tables are not current; a newer version of message-flows has migrated them",
        ]
        assert (ready.status_code, live.status_code) == (503, 200)
        assert ready.json()["error"]["code"] == "unavailable"
        assert ready.headers["retry-after"] == "1"
        assert (await http.get("/health/ready")).status_code == 200


@of_processes
async def test_workers_share_the_address_and_one_that_dies_is_replaced(start: Start) -> None:
    async with start("--workers", "2") as (server, http):
        await http.get(EXAMPLE_PATH)
        before = server.workers()
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        await until(lambda: len(server.workers() - {min(before)}) == 2)
        for number in range(10):
            answer = await http.put(EXAMPLE_PATH, json={"description": f"d{number}"})
            assert (answer.status_code, answer.headers["etag"]) == (200, f'"{number + 1}"')
        assert await stopped(server, lambda: interrupt(server)) == (0, [])


@pytest.mark.parametrize("database", ["postgresql"])
async def test_workers_tell_each_other_what_they_wrote(start: Start) -> None:
    async with start("--workers", "2") as (server, http), asyncio.timeout(2 * LONG):
        http.headers["connection"] = "close"  # the next one may lead to the other worker
        await http.get("/health/ready")
        before: set[str] = set()
        version = 0
        for _ in range(2):
            while len(listening := sockets(server)) != 2 or listening == before:
                answer = await http.put(EXAMPLE_PATH, json={"name": f"n{version}"})
                version += 1
                assert (answer.status_code, answer.headers["etag"]) == (200, f'"{version}"')
            before = listening
            os.kill(min(server.workers()), signal.SIGKILL)


def sockets(server: Served) -> set[str]:
    """Those at which workers hear of each other's edits."""
    variables = Path(f"/proc/{max(server.workers())}/environ").read_text().split("\0")
    shared = dict(one.split("=", 1) for one in variables if one)[SHARED]
    return {path.name for path in Path(shared).glob("*.heard")}


@of_processes
async def test_workers_do_not_outlive_their_parent(start: Start) -> None:
    async with start("--workers", "2") as (server, http):
        await http.get("/health/live")
        workers = server.workers()
        server.process.kill()
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def terminate(server: Served) -> None:
    server.process.terminate()


def interrupt(server: Served) -> None:
    """As Ctrl-C in a terminal does, which reaches the parent and its workers at once."""
    os.killpg(server.process.pid, signal.SIGINT)


@pytest.mark.parametrize(
    ("workers", "stop", "is_renewed"),
    [
        *(("1", terminate, False), ("2", terminate, False)),
        *(("1", interrupt, False), ("2", interrupt, False), ("2", interrupt, True)),
    ],
)
async def test_an_edit_in_flight_is_finished_when_the_server_is_told_to_stop(
    start: Start, database_url: str, workers: str, stop: Callable[[Served], None], is_renewed: bool
) -> None:
    async with start("--workers", workers, drain_seconds="0", acquire_timeout="10") as (server, http):
        assert (await http.get(EXAMPLE_PATH)).status_code == 200
        if is_renewed:
            before = server.workers()
            server.process.send_signal(signal.SIGHUP)
            await until(lambda: not before & server.workers())
        async with held(database_url):
            (edit,) = await begun(server, http, "last")
            stop(server)
            await asyncio.sleep(1)
            assert not edit.done()
        answer = await edit
        assert (answer.status_code, answer.json()["name"]) == (200, "last")
        assert await stopped(server, lambda: None) == (0, [])
        with pytest.raises(httpx2.ConnectError):
            await http.get(EXAMPLE_PATH)


async def test_what_a_websocket_began_is_finished_when_the_server_is_told_to_stop(
    start: Start, database_url: str
) -> None:
    edit = 'updateMessageFlow(id: "%s", input: {%s}) { messageFlow { version } }'
    both = " ".join(
        f"{name}: {edit % (EXAMPLE['_id'], changed)}" for name, changed in [("a", 'name: "n"'), ("b", 'prompt: "p"')]
    )
    async with start(drain_seconds="0", acquire_timeout="10") as (server, http):
        before = (await http.get(EXAMPLE_PATH)).json()
        async with held(database_url):
            async with connected(server.at.partition("://")[2]) as socket:
                await socket.begin(**{"x-workspace-id": WORKSPACE})
                await socket.subscribe("1", f"mutation {{ {both} }}")
                await has_read(server)
                server.process.terminate()
                assert (await socket.closed())[0] == 1012
            await asyncio.sleep(0.3)
        assert await stopped(server, lambda: None) == (0, [])
    async with start() as (_, http):
        after = (await http.get(EXAMPLE_PATH)).json()
    assert (after["name"], after["prompt"], before["name"] != "n") == ("n", "p", True)


@of_processes
async def test_one_ctrl_c_while_workers_are_replaced_waits_for_the_edits_of_those_that_leave(
    start: Start, database_url: str
) -> None:
    async with start("--workers", "2", drain_seconds="0", acquire_timeout="20") as (server, http):
        assert (await http.get(EXAMPLE_PATH)).status_code == 200
        async with held(database_url):
            edits = await begun(server, http, *(f"n{number}" for number in range(8)))
            server.process.send_signal(signal.SIGHUP)
            await until(lambda: len(server.workers()) == 3)
            await asyncio.sleep(2)  # until the new one is ready, and an old one has been told
            interrupt(server)
            await asyncio.sleep(0.6)
        assert {(await edit).status_code for edit in edits} == {200}
        assert await stopped(server, lambda: None) == (0, [])


RENAME = f'mutation {{ updateMessageFlow(id: "{EXAMPLE["_id"]}", input: {{name: "n"}}) {{ changedFields }} }}'


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_second_ctrl_c_waits_for_nothing_that_a_websocket_began(
    start: Start, database_url: str, workers: str
) -> None:
    settings = {"workers": workers, "shutdown_seconds": "120", "acquire_timeout": "1"}
    async with start(**settings) as (server, _), held(database_url), connected(urlsplit(server.at).netloc) as live:
        await live.begin(**{"x-workspace-id": WORKSPACE})
        await live.subscribe("1", RENAME)
        await has_read(server)
        interrupt(server)
        assert (await live.closed())[0] == 1012
        await asyncio.sleep(1)
        assert server.process.poll() is None
        began = time.monotonic()
        code, said = await stopped(server, lambda: interrupt(server))
        assert (code, [line for line in said if '"level":"error"' in line]) == (0, [])
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("database", ["postgresql"])
async def test_requests_and_websockets_have_the_same_seconds_to_come_to_their_end(
    start: Start, database_url: str
) -> None:
    settings = {"drain_seconds": "0", "shutdown_seconds": "4", "acquire_timeout": "1", "body_timeout": "120"}
    async with start(**settings) as (server, _), held(database_url):
        at = urlsplit(server.at)
        async with connected(at.netloc) as live:
            await live.begin(**{"x-workspace-id": WORKSPACE})
            await live.subscribe("1", RENAME)
            with socket.create_connection((at.hostname, at.port), LONG) as unfinished:
                head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                unfinished.sendall(head + b"content-length: 100\r\nexpect: 100-continue\r\n\r\n{")
                assert unfinished.recv(100).startswith(b"HTTP/1.1 100 ")
                began = time.monotonic()
                server.process.terminate()
                await asyncio.to_thread(server.process.wait, LONG)
                assert 3.5 < time.monotonic() - began < 7


@contextlib.asynccontextmanager
async def held(database_url: str) -> AsyncIterator[None]:
    """Nobody else can write meanwhile."""
    if database_url.startswith("sqlite"):
        holder = sqlite3.connect(database_url.partition("///")[2], isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.close()
        return
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.execute("LOCK TABLE message_flows IN EXCLUSIVE MODE")
        yield
    await connection.close()


async def test_answers_tell_when_they_were_given_but_not_what_serves(start: Start) -> None:
    async with start() as (server, http):
        for path in ("/health/live", EXAMPLE_PATH, "/nothing"):
            told = (await http.get(path)).headers
            assert "server" not in told
            assert abs(time.time() - parsedate_to_datetime(told["date"]).timestamp()) < LONG
        async with connected(urlsplit(server.at).netloc) as socket:
            assert "server" not in socket.headers


async def test_a_message_of_a_websocket_may_be_as_long_as_a_body(start: Start) -> None:
    async with start(max_body_bytes="2000") as (server, _), connected(urlsplit(server.at).netloc) as socket:
        await socket.begin(**{"x-workspace-id": WORKSPACE})
        ping = '{"type": "ping", "payload": {"%s": 1}}'
        await socket.say(ping % ("x" * (2_000 - len(ping % ""))))
        assert await socket.hear() == {"type": "pong"}
        await socket.say(ping % ("x" * (2_001 - len(ping % ""))))
        assert (await socket.closed())[0] == 1009


async def test_serve_migrates_when_it_is_told_to(tmp_path: Path) -> None:
    async with serving(f"sqlite+aiosqlite:///{tmp_path}/new.db", tmp_path / "log", "--migrate") as (_, http):
        assert (await http.get(EXAMPLE_PATH)).status_code == 200


@of_processes
def test_workers_that_always_end_before_they_have_served_end_the_server(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os, sys\nif 'spawn_main' in str(sys.orig_argv): os._exit(7)\n")
    told = say(["serve", "--port", "0", "--workers", "2"], database_url, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (told.code, told.out.count("\n")) == (2, GREETING)
    began, sentence = told.err.splitlines()
    assert '"event":"start"' in began
    assert sentence == "Workers end before they have served; what they said before this tells why."


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_that_says_nothing_keeps_nobody_from_the_metrics(
    host: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics, "SILENCE", 0.5)
    with reserved(host) as port:
        address = (host, port)
        metrics.listen(*address)
    with socket.create_connection(address, 10) as silent:
        with urllib.request.urlopen(f"http://{f'[{host}]' if ':' in host else host}:{address[1]}/metrics") as answer:
            assert b"message_flows_wal_bytes" in answer.read()
        assert silent.recv(1) == b"", "it is hung up on in the end"
    assert capfd.readouterr().err == ""


def test_what_a_worker_says_of_the_moment_is_forgotten_with_it() -> None:
    gauges = [one for one in vars(metrics).values() if isinstance(one, Gauge)]
    assert len(gauges) > 4
    assert [one for one in gauges if not one._multiprocess_mode.startswith("live")] == []


@of_processes
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_for_metrics_that_is_taken_is_told_before_the_server_greets(database_url: str, host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = say(
            ["serve", "--port", "0"], database_url, MESSAGE_FLOWS_METRICS_HOST=host, MESSAGE_FLOWS_METRICS_PORT=port
        )
    where = f"MESSAGE_FLOWS_METRICS_HOST {host}, MESSAGE_FLOWS_METRICS_PORT {port}"
    in_use = "Address already in use; choose another one."
    assert told == Said(2, "", f"The address cannot be listened on ({where}): {in_use}\n")


def test_two_that_begin_at_the_same_address_at_once_are_told_apart(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        async def listen_first(_: object) -> None:
            other.listen()

        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        monkeypatch.setattr("graphql_api.serving._prepare", listen_first)
        told = spoken("serve", "--port", str(port))
    where = f"MESSAGE_FLOWS_HOST 127.0.0.1, MESSAGE_FLOWS_PORT {port}"
    in_use = "Address already in use; choose another one."
    assert told == Said(2, "", f"The address cannot be listened on ({where}): {in_use}\n")


def test_a_server_begins_though_standard_output_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert _setup(configured()).workers == 1


def test_a_single_worker_shares_no_folder_with_whoever_else_has_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SHARED, str(tmp_path))
    assert [shared_by(configured(workers=workers)) for workers in (1, 2)] == [None, tmp_path]
    monkeypatch.delenv(SHARED)
    assert shared_by(configured(workers=2)) is None


@of_processes
def test_a_server_whose_standard_files_are_closed_answers_all_the_same(database_url: str) -> None:
    words = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", sys.executable, "-m", "graphql_api", "serve"]
    variables = environment(database_url, MESSAGE_FLOWS_PORT="0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=variables, text=True) as server:
        try:
            assert server.stdout is not None
            at = urlsplit(server.stdout.readline().split()[1])
            server.stdout.readline()
            asking = http.client.HTTPConnection(at.netloc, timeout=LONG)
            for _ in range(3):
                asking.request("GET", "/v1/api/message-flows/none", headers={"x-workspace-id": WORKSPACE})
                answer = asking.getresponse()
                assert (answer.status, b"not_found" in answer.read()) == (404, True)
            asking.close()
            held = [os.readlink(f"/proc/{server.pid}/fd/{number}") for number in (0, 2)]
            assert held == [os.devnull] * 2, "no file of ours, such as the database, has got their numbers"
            server.terminate()
            assert server.wait(LONG) == 0
        finally:
            server.kill()
