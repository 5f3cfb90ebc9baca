"""A run of the tests that is killed leaves nothing behind once another one has begun."""

import subprocess
import sys
import time
from pathlib import Path

RUN = """
import subprocess, sys
from tests import shared
shared.prepare()
waiting = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
print(shared.part("x").parent, waiting.pid, flush=True)
sys.stdin.read()
waiting.kill()
waiting.wait()
shared.end()
"""


def begun() -> tuple[subprocess.Popen[str], Path, Path]:
    """A run, its folder, and a process that it has started."""
    run = subprocess.Popen([sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    folder, pid = run.stdout.readline().split()
    return run, Path(folder), Path("/proc", pid)


def test_the_next_run_ends_what_was_started_and_removes_the_folder_and_another_s_stay() -> None:
    killed, left, orphan = begun()
    killed.kill()
    killed.communicate()
    other, kept, child = begun()
    give_up = time.monotonic() + 20
    while is_alive(orphan) and time.monotonic() < give_up:
        time.sleep(0.01)
    for run, folder, process in (begun(), (other, kept, child)):
        assert [left.exists(), is_alive(orphan)] == [False, False]
        assert [folder.is_dir(), is_alive(process)] == [True, True]
        run.communicate()
        assert [run.returncode, folder.exists()] == [0, False]


def is_alive(process: Path) -> bool:
    """Nor is it a zombie, for which nobody waits."""
    try:
        return ") Z " not in (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
