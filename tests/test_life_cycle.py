"""Stopping, restarting, proxies and TLS, as the network sees them."""

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from graphql_api import config, serving
from graphql_api.config import ConfigError
from tests.commands import say
from tests.conftest import configured
from tests.served import Served, started

pytestmark = pytest.mark.processes

Start = Callable[..., Served]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/flows.db"


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as running:

        def begin(**settings: str) -> Served:
            server = started(database_url, tmp_path / "log", "--migrate", "--demo", **settings)
            return running.enter_context(server)

        yield begin


def status(url: str, context: ssl.SSLContext | None = None, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=sent), timeout=60, context=context) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_stops_is_unready_first_and_answers_on(start: Start, workers: str) -> None:
    server = start(drain_seconds="6", workers=workers)
    assert status(f"{server.at}/health/ready") == 200
    server.process.send_signal(signal.SIGTERM)
    until = time.monotonic() + 5
    while status(f"{server.at}/health/ready") != 503:
        assert time.monotonic() < until
    assert status(f"{server.at}/health/live") == 200
    assert status(f"{server.at}/v1/api/message-flows", x_workspace_id="exampleWorkspaceId1") == 200
    assert server.process.wait(30) == 0
    with pytest.raises(urllib.error.URLError):
        status(f"{server.at}/health/live")


def accepts(address: tuple[str, int]) -> bool:
    """A connection that is being made while the socket is closed is reset: the next one is refused."""
    try:
        socket.create_connection(address, 60).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_comes_after_the_drain_is_refused_at_once_while_others_are_answered(start: Start, workers: str) -> None:
    server = start(drain_seconds="0.2", shutdown_seconds="120", body_timeout="120", workers=workers)
    address = ("127.0.0.1", int(server.at.rpartition(":")[2]))
    with socket.create_connection(address, 60) as before:
        head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        before.sendall(head + b"content-length: 24\r\nexpect: 100-continue\r\n\r\n")
        assert before.recv(100).startswith(b"HTTP/1.1 100 ")
        server.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 30
        while accepts(address):
            assert time.monotonic() < until
        before.sendall(b'{"query":"{__typename}"}')
        assert before.recv(100).startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(30) == 0


async def test_workers_that_restart_one_after_the_other_lose_no_request(start: Start) -> None:
    server = start(workers="2", drain_seconds="0.2", log_sample="0")
    statuses: list[int] = []
    stop = asyncio.Event()

    async def ask(**headers: str) -> None:
        async with httpx2.AsyncClient(timeout=20, headers=headers) as http:
            while not stop.is_set():
                statuses.append((await http.get(f"{server.at}/health/live")).status_code)

    askers = [asyncio.create_task(ask(connection="close")) for _ in range(3)]
    askers.append(asyncio.create_task(ask()))

    async def more() -> None:
        enough = len(statuses) + 50
        for _ in range(1_200):
            if len(statuses) >= enough:
                return
            await asyncio.sleep(0.05)
        pytest.fail("no more answers")

    await more()
    before = server.workers()
    for worker in before:
        os.kill(worker, signal.SIGTERM)
        for _ in range(1_200):
            if worker not in server.workers() and len(server.workers()) == 2:
                break
            await asyncio.sleep(0.05)
        await more()
    stop.set()
    await asyncio.gather(*askers)
    assert not before & server.workers()
    assert set(statuses) == {200}


def test_on_sighup_workers_are_replaced_by_as_many(start: Start) -> None:
    server = start(workers="2", drain_seconds="0")
    assert status(f"{server.at}/health/live") == 200
    before = server.workers()
    assert len(before) == 2
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 60
    while before & (after := server.workers()) or len(after) != 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(1.5)
    assert server.workers() == after


def test_a_connection_waits_for_its_next_request_as_long_as_the_setting_says(start: Start) -> None:
    """Longer than nginx keeps one (60 s), so that the proxy closes it first and never sends into one that is closed."""
    assert config.load().keep_alive_seconds > 60
    port = int(start(keep_alive_seconds="1").at.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        parts = [connection.recv(4_096)]
        answered = time.monotonic()
        parts += iter(lambda: connection.recv(4_096), b"")
    assert b"".join(parts).startswith(b"HTTP/1.1 200 ")
    assert 0.5 < time.monotonic() - answered < 4, "the server's own would be five seconds"


def test_forwarded_addresses_are_believed_only_from_proxies_that_are_trusted(start: Start) -> None:
    def statuses(server: Served) -> list[int]:
        path = f"{server.at}/graphql?query=%7B__typename%7D"
        if time.time() % 60 > 55:
            time.sleep(60 - time.time() % 60)
        return [status(path, x_forwarded_for=address) for address in ("9.9.9.1", "9.9.9.2", "9.9.9.1")]

    assert statuses(start(address_points="3")) == [200, 200, 200]
    assert statuses(start(address_points="1")) == [200, 429, 429]
    assert statuses(start(address_points="1", trusted_proxies="127.0.0.0/8")) == [200, 200, 429]


def signed(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_https_with_a_certificate(start: Start, tmp_path: Path) -> None:
    certificate, key = signed(tmp_path)
    server = start(tls_certificate=str(certificate), tls_key=str(key))
    assert server.at.startswith("https://127.0.0.1:")
    assert status(f"{server.at}/health/ready", ssl.create_default_context(cafile=str(certificate))) == 200
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        assert status(f"http{server.at.removeprefix('https')}/health/ready") != 200


def test_on_sighup_workers_are_kept_where_new_ones_cannot_begin(start: Start, tmp_path: Path) -> None:
    certificate, key = signed(tmp_path)
    trusted = ssl.create_default_context(cafile=str(certificate))
    server = start(workers="2", drain_seconds="0", tls_certificate=str(certificate), tls_key=str(key))
    until = time.monotonic() + 60
    while len(before := server.listening()) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    certificate.write_text("")
    server.process.send_signal(signal.SIGHUP)
    while "was not ready in time" not in server.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(1)
    assert server.workers() == before
    assert status(f"{server.at}/health/live", trusted) == 200


def test_a_certificate_that_is_none_is_told(database_url: str) -> None:
    told = say(["serve", "--migrate"], database_url, MESSAGE_FLOWS_TLS_CERTIFICATE="/nowhere.pem")
    assert (told.code, told.err) == (
        2,
        "MESSAGE_FLOWS_TLS_CERTIFICATE and MESSAGE_FLOWS_TLS_KEY must name a certificate and its key, in PEM:"
        " No such file or directory.\n",
    )


def test_a_key_with_a_passphrase_is_refused_and_not_asked_for(database_url: str, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -passout pass:x -subj /CN=a -out {certificate} -keyout {key}"
    subprocess.run(made.split(), check=True, capture_output=True)
    told = say(["serve"], database_url, MESSAGE_FLOWS_TLS_CERTIFICATE=str(certificate), MESSAGE_FLOWS_TLS_KEY=str(key))
    sentence = "MESSAGE_FLOWS_TLS_KEY must name a key without a passphrase: openssl pkey takes it off.\n"
    assert (told.code, told.err) == (2, sentence)


def test_sighup_stops_one_worker_in_order(start: Start) -> None:
    server = start(drain_seconds="0")
    assert status(f"{server.at}/health/live") == 200
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(30) == 0


def test_one_worker_needs_no_temporary_folder_and_several_name_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "-")

    monkeypatch.setattr("graphql_api.shared_folder.tempfile.mkdtemp", refuse)
    with serving._sharing(configured()):
        pass
    with pytest.raises(ConfigError) as refused, serving._sharing(configured(workers=2)):
        pytest.fail("it begins")
    need = "Workers need a folder for temporary files, which TMPDIR names: Read-only file system."
    assert str(refused.value) == need


def test_another_address_than_loopback_is_refused_without_keys_and_served_with_them(
    start: Start, database_url: str
) -> None:
    refused = say(["serve", "--migrate", "--host", "0.0.0.0"], database_url)
    assert refused.code == 2
    assert "Set MESSAGE_FLOWS_AUTH=keys and make a key with `message-flows keys create" in refused.err
    server = start(auth="keys", host="0.0.0.0")
    words = ["keys", "create", "--workspace", "exampleWorkspaceId1", "--scope", "flows:read"]
    made = say(words, database_url).out.strip()
    path = f"{server.at}/v1/api/message-flows".replace("0.0.0.0", "127.0.0.1")
    assert status(path, x_workspace_id="exampleWorkspaceId1") == 401
    assert status(path, x_workspace_id="exampleWorkspaceId1", x_api_key=made) == 200
    assert say(["keys", "revoke", made[:12]], database_url).code == 0
    until = time.monotonic() + 5
    while status(path, x_workspace_id="exampleWorkspaceId1", x_api_key=made) != 401:
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_waits_for_no_subscription(start: Start, workers: str) -> None:
    server = start(shutdown_seconds="120", drain_seconds="120", workers=workers)
    asked = "?query=subscription%7BmessageFlowChanged%7Bcursor%7D%7D"
    headers = {"accept": "text/event-stream", "x-workspace-id": "exampleWorkspaceId1"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{server.at}/graphql{asked}", headers=headers), timeout=60
    ) as on:
        assert on.status == 200
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(30) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("pause", [0.2, 1])
def test_a_second_ctrl_c_waits_for_nothing(start: Start, workers: str, pause: float) -> None:
    server = start(shutdown_seconds="120", body_timeout="120", workers=workers)
    port = int(server.at.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        connection.sendall(head + b"content-length: 100\r\nexpect: 100-continue\r\n\r\n{")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        for _ in range(2):
            os.killpg(server.process.pid, signal.SIGINT)
            time.sleep(pause)
        assert server.process.wait(30) == 0
    assert '"level":"error"' not in server.log.read_text()


def test_ctrl_c_is_heard_while_workers_are_replaced(start: Start) -> None:
    server = start(drain_seconds="60", workers="2")
    assert status(f"{server.at}/health/live") == 200
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 30
    while len(server.workers()) < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(2)  # until the new one is ready, and the old one drains
    assert len(server.workers()) == 3
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(30) == 0
    assert '"level":"error"' not in server.log.read_text()
    last = json.loads(server.log.read_text().splitlines()[-1])
    assert (last["event"], last["signal"]) == ("stop", "SIGINT")


def test_ctrl_c_while_workers_begin_ends_them_without_a_word(start: Start) -> None:
    server = start(workers="2")
    until = time.monotonic() + 30
    while len(server.workers()) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(0.2)  # Python has begun in them, uvicorn has not
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(30) == 0
    assert {json.loads(line)["event"] for line in server.log.read_text().splitlines()} <= {"start", "stop"}
