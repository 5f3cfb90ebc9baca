"""A folder that all processes of a run of the tests share, and the end of what any of them has started there."""

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from graphql_api.shared_folder import LOCK, locked

FOLDER = "TESTS_SHARED"
"""The variable that tells where it is."""


def prepare() -> None:
    """By the process that begins the run; what runs that were killed have left is ended first."""
    for lock in Path("/tmp").glob(f"run*/{LOCK}"):
        with contextlib.suppress(OSError):
            _end_if_killed(lock)
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="run", dir="/tmp")
    locked(Path(os.environ[FOLDER]))  # until this process is gone
    # Where the PostgreSQL package keeps its locks; it warns when the variable is not set.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(part("runtime")))


def part(name: str) -> Path:
    """A folder in it."""
    path = Path(os.environ[FOLDER], name)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def end() -> None:
    """By the process that began the run, when it and all others are done."""
    _stop(Path(os.environ[FOLDER]), lambda _: True)
    shutil.rmtree(os.environ[FOLDER])


def _stop(folder: Path, is_of_it: Callable[[int], bool]) -> None:
    postgres = folder / "postgres" / "postmaster.pid"
    for started, how in ((folder / "nursery" / "pid", signal.SIGKILL), (postgres, signal.SIGQUIT)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int(started.read_text().splitlines()[0])
            if is_of_it(pid):
                os.killpg(pid, how)
    give_up = time.monotonic() + 10
    while postgres.exists() and time.monotonic() < give_up:
        time.sleep(0.02)


def _end_if_killed(lock: Path) -> None:
    folder = lock.parent
    with lock.open("r+b") as held:
        if os.fstat(held.fileno()).st_uid == os.geteuid() and not folder.is_symlink():
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop(folder, lambda pid: _is_of(folder, pid))
            while rest := _started_in(folder):  # such as servers, and databases of single tests
                for pid in rest:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)
            shutil.rmtree(folder)


def _started_in(folder: Path) -> list[int]:
    return [pid for pid in (int(one.name) for one in Path("/proc").glob("[0-9]*")) if _is_of(folder, pid)]


def _is_of(folder: Path, pid: int) -> bool:
    """Whether a process was started in the run of a folder: numbers of those that have ended are given to others."""
    with contextlib.suppress(OSError):
        return f"{FOLDER}={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False
