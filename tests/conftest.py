"""Databases, a clock that stands still, and the server in one process; every test runs on SQLite and PostgreSQL."""

import asyncio
import gc
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import hypothesis
import pytest

from graphql_api import app, cli, config, storage
from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.domain.instants import HOUR
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.schema.prepared import GRAPHQL
from graphql_api.schema.readers import reader
from graphql_api.storage import migrations
from graphql_api.storage.engine import Store
from tests import cluster, shared
from tests.commands import Said, Spoken
from tests.sampling import sampled
from tests.statements import keep_the_version, look_across

NOW = instants.milliseconds(instants.parse("2026-11-22T12:00:00Z"))
WORKSPACE = "ws1"
CREATE = {
    "name": "New Years Sale",
    "direction": "BIDIRECTIONAL",
    "agent": "agent1",
    "prompt": "You are a helpful AI.",
    "initiationMessage": "Hi!",
    "messageChannel": "SMS",
}
"""The smallest input that creates a flow."""


def sent(input: dict[str, Any]) -> Sent:
    """What an input of a new flow sends."""
    return reader(GRAPHQL.type_map["CreateMessageFlowInput"])(input)  # type: ignore[arg-type,no-any-return]


TABLES = (
    "message_flows",
    "message_flow_revisions",
    "message_flow_replays",
    "api_keys",
    "webhooks",
    "webhook_deliveries",
    "webhook_attempts",
)
NOBODY_SENDS = "UPDATE webhook_sender SET owner = NULL, beat = 0, edition = 0, position = 0;"

RAN: set[str] = set()
"""The SQL of every statement that the tests of this process have run."""

configured = cache(config.load)
"""Settings for a server; to read them takes longer than many a request."""

Execute = Callable[..., Awaitable[dict[str, Any]]]


@dataclass
class Clock:
    """Milliseconds since 1970; goes on by a second with every reading, or stands where a test puts it."""

    now: int = NOW
    step: int = 1_000

    def __call__(self) -> int:
        self.now += self.step
        return self.now


@dataclass
class Noise:
    """Bytes for ids that are the same in every run."""

    drawn: int = 0

    def __call__(self) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(8, "big")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shared.prepare()
        config.add_cleanup(shared.end)
    examples = hypothesis.settings.get_profile("default").max_examples
    slowly = [hypothesis.HealthCheck.too_slow]  # which a busy machine is for every test
    hypothesis.settings.register_profile(
        "sampled", max_examples=sampled(examples), deadline=None, suppress_health_check=slowly
    )
    hypothesis.settings.load_profile("sampled")

    gc.disable()


def pytest_collection_finish() -> None:
    """What is there by now stays there: the collector of garbage need never look at it."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def migrated_postgres(worker_id: str) -> str:
    """A real PostgreSQL: TEST_DATABASE_URL, or one that is started here."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        migrations.upgrade(given)
    return given or asyncio.run(cluster.database(worker_id))


@pytest.fixture
def empty_postgres(migrated_postgres: str) -> Iterator[str]:
    """A schema of its own without tables, beside the one that the other tests share."""
    asyncio.run(told_to(migrated_postgres, "DROP SCHEMA IF EXISTS empty CASCADE; CREATE SCHEMA empty"))
    yield f"{migrated_postgres}{'&' if '?' in migrated_postgres else '?'}search_path=empty"
    asyncio.run(told_to(migrated_postgres, "DROP SCHEMA empty CASCADE"))


async def told_to(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    for sql in statements:
        await connection.execute(sql)
    await connection.close()


class Beside:
    """A connection for plain SQL to the database that the tests of a process share."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection) -> None:
        self._runner = runner
        self._connection = connection

    def do(self, statements: str) -> None:
        self._runner.run(self._connection.execute(statements))

    def value(self, query: str) -> Any:
        return self._runner.run(self._connection.fetchval(query))


@pytest.fixture(scope="session")
def beside_postgres(migrated_postgres: str) -> Iterator[Beside]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(migrated_postgres.replace("+asyncpg", "")))
        yield Beside(runner, connection)
        runner.run(connection.close())


@pytest.fixture(scope="session")
def emptied_postgres(migrated_postgres: str, beside_postgres: Beside) -> Callable[..., str]:
    """Takes all rows out of the database that the tests of a process share, and tells its address."""

    def emptied(then: str = "") -> str:
        # For so few rows cheaper than TRUNCATE, which makes new files for tables and indexes.
        beside_postgres.do("".join(f"DELETE FROM {table};" for table in TABLES) + NOBODY_SENDS + then)
        return migrated_postgres

    return emptied


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrations.upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with current tables and no flows."""
    if database == "sqlite":
        path = tmp_path / "flows.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite+aiosqlite:///{path}"
    return str(request.getfixturevalue("emptied_postgres")())


@pytest.fixture
def neighbours(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where processes tell each other what they wrote; nowhere, unless a test says so."""
    return tmp_path if getattr(request, "param", False) else None


@pytest.fixture
def patience() -> float:
    """Seconds for which the store waits for a connection or for others: more than they take on a busy machine."""
    return 20


@pytest.fixture
async def store(database_url: str, neighbours: Path | None, patience: float) -> AsyncIterator[Store]:
    store = storage.opened(database_url, neighbours=neighbours, patience=patience)
    store.heard = RAN.add
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    return Desk(store, clock, Noise(), 24 * HOUR)


@pytest.fixture
def caller() -> Caller:
    return Caller(WORKSPACE, request_id="r1")


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """The whole server without a socket; the workspace is `ws1`."""
    transport = httpx2.ASGITransport(app.made(configured(), desk))
    headers = {"x-workspace-id": WORKSPACE}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


@pytest.fixture
def execute(http: httpx2.AsyncClient) -> Execute:
    """Sends a GraphQL document with variables; answers the whole response body."""

    async def send(query: str, **variables: Any) -> dict[str, Any]:
        response = await http.post("/graphql", json={"query": query, "variables": variables})
        return dict(response.json())

    return send


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """With a certificate for this machine that it has signed itself: `cert.pem` in `tmp_path`."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*words.split(), "-out", certificate, "-keyout", key], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.fixture
def heard(store: Store) -> list[str]:
    """The SQL of every statement that the store runs."""
    statements: list[str] = []

    def hear(sql: str) -> None:
        RAN.add(sql)
        statements.append(sql)

    store.heard = hear
    return statements


@pytest.fixture(scope="session", autouse=True)
def within_workspaces() -> Iterator[None]:
    """No statement that any test of this process ran looks across workspaces, or changes a flow but not its version."""
    yield
    assert look_across(RAN) == []
    assert keep_the_version(RAN) == []


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Spoken:
    """Runs a command in this process, in an empty directory: a tenth of the time of a process."""
    for name in [name for name in os.environ if name.upper().startswith("MESSAGE_FLOWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Said:
        monkeypatch.setattr("sys.argv", ["message-flows", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capfd.readouterr()
        return Said(int(end.value.code or 0), told.out, told.err)

    return run
