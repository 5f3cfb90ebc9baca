"""One real `message-flows serve` a module and database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.web.sockets import Server
from tests.web.sockets import request as asking


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves the example flow; bodies have half a second to arrive."""
    folder = tmp_path_factory.mktemp("served")
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{folder}/flows.db"
    else:
        url = str(request.getfixturevalue("emptied_postgres")())
    log = folder / "log"
    command = [sys.executable, "-m", "graphql_api", "serve", "--port", "0", "--migrate", "--demo"]
    settings = {"MESSAGE_FLOWS_DATABASE_URL": url, "MESSAGE_FLOWS_BODY_TIMEOUT": "0.5"}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **settings}, text=True
        )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().split()
        assert address[:1] == ["GraphQL"], log.read_text()
        yield _listening(Server(int(address[1].split(":")[2].split("/")[0]), log))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


def _listening(server: Server) -> Server:
    assert server.tell(asking("GET", "/health/ready")).status == 200
    return server
