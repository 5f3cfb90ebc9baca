"""One real `message-flows serve` a module and database, and whole minutes."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.served import started
from tests.web.sockets import Server
from tests.web.sockets import request as asking


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves the example flow; bodies have half a second to arrive."""
    folder = tmp_path_factory.mktemp("served")
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), folder / 'flows.db')}"
    else:
        url = str(request.getfixturevalue("emptied_postgres")())
    log = folder / "log"
    with started(url, log, "--demo", body_timeout="0.5") as process:
        server = Server(int(process.at.rpartition(":")[2]), log)
        assert server.tell(asking("GET", "/health/ready")).status == 200
        yield server


@pytest.fixture
def _whole_minute() -> None:
    """A test that counts within one minute does not begin in its last seconds."""
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)


@pytest.fixture(scope="module")
def begun(server: Server) -> Any:
    """What it serves before it is asked for anything: no request of the module may change that."""
    return server.state()
