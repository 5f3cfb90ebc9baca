"""`message-flows` as a process of its own, as an operator runs it."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests import shared

ROOT = Path(__file__).parent.parent
LONG = 60.0
NOBODY = "postgresql+asyncpg://flows:secret@127.0.0.1:1/flows"
"""A database that is away."""
NURSERY = "TESTS_NURSERY"
"""The variable that tells a shell's commands where they are started."""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Spoken = Callable[..., Said]
"""A command that is run in the process of the tests."""


def environment(database_url: str | None = None, **variables: str) -> dict[str, str]:
    """The environment without the settings, and without the manner of Python, of whoever runs the tests."""
    others = ("MESSAGE_FLOWS_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(others)}
    chosen = {} if database_url is None else {"MESSAGE_FLOWS_DATABASE_URL": database_url}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **chosen, **variables}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "graphql_api", *words]


class Command:
    """A command that runs: forked by `nursery`, leader of a session, and asked about as subprocess.Popen is."""

    def __init__(
        self,
        nursery: str,
        words: Sequence[str],
        environment: dict[str, str],
        cwd: Path,
        files: tuple[int, int, int],
    ) -> None:
        """`files` are its standard input, output and error."""
        asked = {"words": list(words), "cwd": str(cwd), "environment": environment}
        self.returncode: int | None = None
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(nursery)
            socket.send_fds(connection, [b"!"], files)
            connection.sendall(json.dumps(asked).encode())
            connection.shutdown(socket.SHUT_WR)
            self._told = socket.fromfd(connection.fileno(), connection.family, connection.type)
        self.pid = self._number()

    def _number(self) -> int:
        digits = b""
        while not digits.endswith(b"\n"):
            read = self._told.recv(1)
            assert read, "the nursery is gone"
            digits += read
        return int(digits)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal; TimeoutError when it does not end in so many seconds."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            self.returncode = self._number()
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except BlockingIOError:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """With all that it started; it need not be running."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait(LONG)


def say(
    words: Sequence[str],
    database_url: str | None = None,
    *,
    given: bytes = b"",
    cwd: Path | None = None,
    **variables: str,
) -> Said:
    """Runs the command to its end with `given` as standard input."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(given)
        source.seek(0)
        files = (source.fileno(), out.fileno(), err.fileno())
        code = Command(nursery(), words, environment(database_url, **variables), cwd or Path.cwd(), files).wait(LONG)
        out.seek(0)
        err.seek(0)
        return Said(code, out.read().decode(), err.read().decode())


def shown(words: Sequence[str], database_url: str, *, both: bool = False) -> Said:
    """Runs the command before a terminal that shows its standard error, and its output too if `both`."""
    ours, theirs = pty.openpty()
    with tempfile.TemporaryFile() as out:
        files = (theirs, theirs if both else out.fileno(), theirs)
        code = Command(nursery(), words, environment(database_url, TERM="xterm"), Path.cwd(), files).wait(LONG)
        os.close(theirs)
        out.seek(0)
        said = Said(code, out.read().decode(), _all_of(ours).decode())
    os.close(ours)
    return said


def _all_of(terminal: int) -> bytes:
    """What was written to it by those who have all closed it, which comes in parts: Linux ends it by an error."""
    parts: list[bytes] = []
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65_536):
            parts.append(part)
    return b"".join(parts)


@cache
def nursery() -> str:
    """The address at which all processes of a run of the tests have commands started, until its end."""
    folder = shared.part("nursery")
    with (folder / "pid").open("a") as pid:
        fcntl.flock(pid, fcntl.LOCK_EX)
        if not os.fstat(pid.fileno()).st_size:  # now, not when it was opened
            pid.write(f"{_spawned(folder / 'socket')}\n")
    return f"{folder}/socket"


def _spawned(address: Path) -> int:
    """The id of a nursery that is ready."""
    reading, writing = os.pipe()
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    words = [sys.executable, "-m", "tests.nursery", str(address)]
    pid = os.posix_spawn(sys.executable, words, environment(), file_actions=files, setsid=True)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.readline() == "ready\n"
    return pid


def shell_environment(folder: Path) -> dict[str, str]:
    """For a shell that finds `message-flows`, which `folder` then has, on its path."""
    program = folder / "message-flows"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.commands "$@"\n')
    program.chmod(0o755)
    return environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", **{NURSERY: nursery()})


if __name__ == "__main__":
    given = dict(os.environ)
    sys.exit(Command(given.pop(NURSERY), sys.argv[1:], given, Path.cwd(), (0, 1, 2)).wait())
