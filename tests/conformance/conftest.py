"""Node and what npm installed beside this file, and the server that its programs talk to."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.served import serving

HERE = Path(__file__).parent

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
