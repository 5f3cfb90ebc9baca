"""Node and what npm installed beside this file, and the server as a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
STARTED_WITHIN = 30
"""Seconds."""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def node() -> Run:
    """Runs node in this folder; a package's program is named by its path below node_modules."""
    beside_python = Path(sys.executable).with_name("node")
    program = str(beside_python) if beside_python.exists() else shutil.which("node")
    assert program, "node is missing: `make test` gets it"
    assert (HERE / "node_modules").is_dir(), "what package-lock.json lists is not installed: `make test` does it"

    def run(*arguments: str | Path, cwd: Path = HERE) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300)

    return run


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """What the program printed; fails with all of it when the program failed."""
    assert done.returncode == 0, f"{done.args} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server on SQLite."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(migrated_sqlite, folder / "flows.db")
    with serving(f"sqlite+aiosqlite:///{folder / 'flows.db'}", folder / "log") as address:
        yield address


@contextmanager
def serving(database_url: str, log: Path, **settings: str) -> Iterator[str]:
    """A server process of this checkout until the block ends; its log is shown if it does not start or dies."""
    port = str(free_port())
    given = {"database_url": database_url, "port": port, "sqlite_synchronous": "NORMAL", **settings}
    environment = os.environ | {f"MESSAGE_FLOWS_{name.upper()}": value for name, value in given.items()}
    command = [sys.executable, "-c", "from graphql_api.cli import app; app()", "serve"]
    # A pipe that nobody empties would stop the server at its first full one.
    with log.open("w") as written:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=written, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health/ready", process, log)
        yield address
        assert process.poll() is None, f"the server died:\n{log.read_text('utf-8')}"
    finally:
        process.terminate()
        process.wait(timeout=STARTED_WITHIN)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, f"the server did not start:\n{log.read_text('utf-8')}"
            assert time.monotonic() < give_up, f"nothing answered at {url} within {STARTED_WITHIN} s"
            time.sleep(0.1)
