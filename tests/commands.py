"""`message-flows` as a process of its own, as an operator runs it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


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
    """Runs the command to its end with `given` as standard input."""
    done = subprocess.run(
        command(*words),
        input=given,
        capture_output=True,
        env=environment(database_url, **variables),
        cwd=cwd,
        timeout=60,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())
