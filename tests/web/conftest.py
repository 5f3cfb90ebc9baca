"""One real `message-flows serve` a module and database, a real Redis, and whole minutes."""

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphql_api import app
from tests.conftest import TABLES
from tests.served import started
from tests.web.sockets import Server, reserved
from tests.web.sockets import request as asking


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("served") / "flows.db"
        return f"sqlite+aiosqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), path)}"
    return str(request.getfixturevalue("emptied_postgres")())


@pytest.fixture(scope="module")
def server(served_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves the example flow; bodies have half a second to arrive."""
    log = tmp_path_factory.mktemp("serving") / "log"
    with started(served_url, log, "--demo", body_timeout="0.5") as process:
        server = Server(int(process.at.rpartition(":")[2]), log)
        assert server.tell(asking("GET", "/health/ready")).status == 200
        yield server


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server, which `make test` installs where it is missing."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with reserved() as port:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--daemonize", "no"]
        server = subprocess.Popen(["redis-server", *options], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert any("Ready to accept connections" in line for line in server.stdout)
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()
        server.communicate(timeout=30)


@pytest.fixture(params=[True, False], ids=["compiled", "general"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Operations are carried out by their plans, or without any; those that other tests have prepared are forgotten."""
    if not request.param:
        monkeypatch.setattr("graphql_api.schema.prepared.compiled", lambda *_: None)
    app.operations_of.cache_clear()
    yield
    app.operations_of.cache_clear()


@pytest.fixture
def _whole_minute() -> None:
    """A test that counts within one minute does not begin in its last seconds."""
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)


@pytest.fixture(scope="module")
def nothing_written(server: Server, served_url: str, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Holds that all rows are those that were there before the server was asked for anything."""

    def in_sqlite() -> Any:
        with closing(sqlite3.connect(served_url.partition("///")[2])) as database:
            return [database.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]

    def in_postgres() -> Any:
        tables = ", ".join(f"(SELECT json_agg({table}) FROM {table})" for table in TABLES)
        return request.getfixturevalue("beside_postgres").value(f"SELECT json_build_array({tables})::text")

    rows = in_sqlite if served_url.startswith("sqlite") else in_postgres
    begun = rows()

    def held() -> None:
        assert rows() == begun

    return held
