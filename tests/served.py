"""The server as a process of its own, on a free port."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.commands import LONG, Command, environment, nursery

ROOT = Path(__file__).parent.parent
GREETING = 4
"""Lines."""


@dataclass
class Served:
    at: str
    greeting: list[str]
    process: Command
    log: Path
    """What it says on standard error."""

    def workers(self) -> set[int]:
        """The process beside them that multiprocessing starts for itself is none."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid) for pid in listed if b"spawn_main" in _command(pid)}

    def listening(self) -> set[int]:
        """Workers whose event loop waits for connections."""
        port = f":{urlsplit(self.at).port:04X} "
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines() if port in line]
        listeners = {f"socket:[{one[9]}]" for one in sockets if one[3] == "0A"}
        return {pid for pid in self.workers() if not listeners.isdisjoint(_waited_for(pid))}


def _waited_for(pid: int) -> Iterator[str]:
    """What the epoll instances of a process watch; it may open and close files meanwhile, as one that starts does."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if os.readlink(fd) == "anon_inode:[eventpoll]":
                for line in Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text().splitlines():
                    if line.startswith("tfd:"):
                        yield os.readlink(fd.with_name(line.split()[1]))


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
        return b""


@contextmanager
def started(database_url: str | None, log: Path, *words: str, **settings: str) -> Iterator[Served]:
    """A server that listens, run in the folder of its log, where its database is without a URL.

    It is killed when the block ends, if it has not ended. Workers inherit a standard input that uvicorn opens anew and
    leaves open, which is no warning of ours.
    """
    variables = {f"MESSAGE_FLOWS_{name.upper()}": value for name, value in {"port": "0", **settings}.items()}
    reading, writing = os.pipe()
    with log.open("wb") as written, open(os.devnull, "rb") as nothing, os.fdopen(reading) as out:
        files = (nothing.fileno(), writing, written.fileno())
        process = Command(
            nursery(), ["serve", *words], environment(database_url, PYTHONWARNINGS="", **variables), log.parent, files
        )
        os.close(writing)
        try:
            greeting = [out.readline() for _ in range(GREETING)]
            assert greeting[0], log.read_text("utf-8")
            at = urlsplit(greeting[0].split()[1])
            assert at.port is not None
            _accepting(at.port)
            yield Served(f"{at.scheme}://{at.netloc}", greeting, process, log)
        finally:
            process.end()


def _accepting(port: int) -> None:
    """Returns when connections are: a server greets just before."""
    give_up = time.monotonic() + LONG
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 10).close()
        except ConnectionRefusedError:
            assert time.monotonic() < give_up, f"nobody listens on port {port}"
            time.sleep(0.01)


@contextmanager
def serving(database_url: str, log: Path, **settings: str) -> Iterator[str]:
    """The address of a server that stops when the block ends, and must not have ended before."""
    with started(database_url, log, **{"sqlite_synchronous": "NORMAL", **settings}) as server:
        yield server.at
        assert server.process.poll() is None, f"the server died:\n{log.read_text('utf-8')}"
        server.process.terminate()
        server.process.wait(LONG)
