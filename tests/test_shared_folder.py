"""Nothing stays of servers that were killed, and nothing of anybody else is removed."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graphql_api.shared_folder import LOCK, PREFIX, shared_folder

SERVER = """
from graphql_api.shared_folder import shared_folder
with shared_folder() as folder:
    open(f"{folder}/counter_1.db", "x").close()
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@contextmanager
def server() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has such a folder, until it is told to end."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def begin() -> None:
    """A server that begins, and ends as it should."""
    with shared_folder() as made:
        folder = Path(made)
        assert folder.is_dir()
    assert not folder.exists()


def test_what_a_killed_server_has_left_is_removed_by_the_next_one_and_a_living_one_keeps_its_folder() -> None:
    with server() as (killed, left), server() as (_, kept):
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert left.is_dir()
        begin()
        assert not left.exists()
        assert {path.name for path in kept.iterdir()} == {"counter_1.db", LOCK}


def test_that_of_a_server_which_has_just_begun_is_left(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At no moment is its lock there and free."""
    lock = fcntl.flock

    def late(*how: int) -> None:
        monkeypatch.undo()
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        begin()
        lock(*how)

    monkeypatch.setattr("fcntl.flock", late)
    begin()


@pytest.mark.parametrize("odd", ["nothing", "its mode", "a link", "its name", "its owner"])
def test_what_is_not_as_a_server_makes_it_is_left(temporary: Path, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = temporary / ("flows-x" if odd == "its name" else f"{PREFIX}x")
    made = temporary / "elsewhere" if odd == "a link" else folder
    made.mkdir(0o750 if odd == "its mode" else 0o700)
    (made / LOCK).touch()
    if odd == "a link":
        folder.symlink_to(made)
    if odd == "its owner":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    begin()
    assert folder.exists() == (odd != "nothing")


def test_without_locks_nothing_is_removed(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    left = temporary / f"{PREFIX}x"
    left.mkdir(0o700)
    (left / LOCK).touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    begin()
    assert left.is_dir()


def test_no_file_stays_open_with_a_folder_that_is_gone(temporary: Path) -> None:
    left = temporary / f"{PREFIX}x"
    left.mkdir(0o700)
    (left / LOCK).touch()
    before = {*os.listdir("/proc/self/fd")}
    begin()
    assert not left.exists()
    assert {*os.listdir("/proc/self/fd")} <= before
