"""`message-flows` as a process of its own, as an operator runs it."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONG = 60.0


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Spoken = Callable[..., Said]
"""A command that is run in the process of the tests."""


def environment(database_url: str | None = None, **variables: str) -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("MESSAGE_FLOWS_")}
    chosen = {} if database_url is None else {"MESSAGE_FLOWS_DATABASE_URL": database_url}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **chosen, **variables}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "graphql_api", *words]


def say(
    words: Sequence[str],
    database_url: str | None = None,
    *,
    given: bytes = b"",
    cwd: Path | None = None,
    **variables: str,
) -> Said:
    """Runs the command to its end with `given` as standard input, in a process that `nursery` starts."""
    asked = {"words": list(words), "cwd": str(cwd or Path.cwd()), "environment": environment(database_url, **variables)}
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        source.write(given)
        source.seek(0)
        connection.settimeout(LONG)
        connection.connect(_nursery())
        socket.send_fds(connection, [b"!"], [file.fileno() for file in (source, out, err)])
        connection.sendall(json.dumps(asked).encode())
        connection.shutdown(socket.SHUT_WR)
        code = int(connection.makefile("rb").read())
        out.seek(0)
        err.seek(0)
        return Said(code, out.read().decode(), err.read().decode())


@cache
def _nursery() -> str:
    """The address at which commands are started, from now until the tests end."""
    address = f"{tempfile.mkdtemp(prefix='say', dir='/tmp')}/socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.nursery", address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        cwd=ROOT,
        start_new_session=True,
    )

    def end() -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        shutil.rmtree(Path(address).parent)

    atexit.register(end)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return address
