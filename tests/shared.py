"""A folder that all processes of a run of the tests share, and the end of what any of them has started there."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

FOLDER = "TESTS_SHARED"
"""The variable that tells where it is."""


def prepare() -> None:
    """By the process that begins the run."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="run", dir="/tmp")
    # Where the PostgreSQL package keeps its locks; it warns when the variable is not set.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(part("runtime")))


def part(name: str) -> Path:
    """A folder in it."""
    path = Path(os.environ[FOLDER], name)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def end() -> None:
    """By the process that began the run, when it and all others are done."""
    postgres = part("postgres") / "postmaster.pid"
    for started, how in ((part("nursery") / "pid", signal.SIGKILL), (postgres, signal.SIGQUIT)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.killpg(int(started.read_text().splitlines()[0]), how)
    give_up = time.monotonic() + 10
    while postgres.exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    shutil.rmtree(os.environ[FOLDER])
