"""The server as a process of its own, for clients that are none of ours."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
STARTED_WITHIN = 30
"""Seconds."""


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
