"""The server put together: what it imports before it answers, and what it does while it lives."""

import asyncio
import contextlib
import errno
import subprocess
import sys
from collections.abc import AsyncIterator, MutableMapping
from types import ModuleType
from typing import Any

import httpx2
import pytest
from msgspec import structs
from starlette.types import ASGIApp

from graphql_api import app, config, living
from graphql_api.domain.addresses import networks
from graphql_api.domain.errors import Refused
from graphql_api.domain.instants import HOUR
from graphql_api.domain.webhooks import NoPost
from graphql_api.edits import Desk, keys
from graphql_api.opening import desk_of
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.web.http import BodyLimits
from tests.commands import environment
from tests.conftest import Clock, configured
from tests.edits.conftest import contents
from tests.web.test_rest import NEW


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after the statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    return set(done.stdout.split())


@pytest.mark.processes
def test_a_worker_imports_nothing_that_only_commands_need() -> None:
    loaded = loaded_by("from graphql_api import app")
    assert "graphql_api.schema.prepared" in loaded
    assert not loaded & {"alembic", "typer", "uvicorn", "mako", "psycopg", "graphql_api.transfer"}


@pytest.mark.processes
def test_a_worker_answers_before_it_imports_what_the_first_answers_can_do_without() -> None:
    loaded = loaded_by("from graphql_api import app; made = app.made()")
    spared = {"structlog", "rich", "limits", "prometheus_client", "http.server", "websockets"}
    spared |= {"sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "strawberry.federation.schema_directives"}
    spared |= {"graphql_api.web.openapi", "graphql_api.delivery.sender"}
    assert not loaded & spared


async def test_operations_of_rest_are_prepared_when_they_are_first_asked_for(desk: Desk) -> None:
    app.operations_of.cache_clear()
    made = app.made(config.load(), desk)
    operations = app.operations_of(Operations, app.limits_of(config.load()), True, True)
    assert operations.prepare_each.cache_info().misses == 0
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(made), base_url="http://127.0.0.1") as http:
        for _ in range(2):
            assert (await http.get("/v1/api/message-flows", headers={"x-workspace-id": "ws1"})).status_code == 200
    assert operations.prepare_each.cache_info().misses == 1


async def test_limits_of_documents_do_not_limit_the_operations_of_rest(desk: Desk) -> None:
    made = app.made(config.load(max_tokens=1, max_depth=1, max_aliases=0, max_root_fields=1, max_selections=1), desk)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(made), base_url="http://127.0.0.1") as http:
        http.headers["x-workspace-id"] = "ws1"
        assert (await http.get("/v1/api/message-flows")).json() == []
        refused = (await http.post("/graphql", json={"query": "{__typename}"})).json()["errors"][0]
    assert refused["extensions"] == {"code": "LIMIT_EXCEEDED"}


STARTING = """
import contextlib, gc, sys
from graphql_api import __main__

before = {"typer", "pydantic", "graphql_api.cli"} & {*sys.modules}, gc.get_stats()
sys.argv[1:] = ["--version"]
with contextlib.suppress(SystemExit):
    __main__.main()
from graphql_api import app, serving

app.made()
print(before == (set(), gc.get_stats()))
"""


async def test_what_clients_leave_no_descriptors_to_import_with_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the sender of webhooks would be over for good, half a second after a start in a flood."""
    failures: list[Exception] = [OSError(errno.EMFILE, "Too many open files"), ImportError("no file")] * 2
    asked: list[str] = []

    def imported(room: str) -> ModuleType:
        asked.append(room)
        if failures:
            raise failures.pop()
        return sys

    monkeypatch.setattr(living, "import_module", imported)
    monkeypatch.setattr(living, "AGAIN", 0.001)
    assert await living.fetched("room") is sys
    assert asked == ["room"] * 5
    assert "room cannot be imported for now: no file" in caplog.text


async def test_limits_are_what_their_settings_say(desk: Desk) -> None:
    documents = Limits(
        tokens=201, integer_digits=12, depth=9, aliases=7, root_fields=6, directives=5, selections=301, cost=401
    )
    bodies = BodyLimits(2_001, 3.5, 11, 12)
    settings = configured(
        **{f"max_{name}": getattr(documents, name) for name in structs.asdict(documents) if name not in BUILT_IN},
        max_body_bytes=2_001,
        body_timeout=3.5,
        max_json_depth=11,
        max_subscriptions=8,
        replay_hours=2,
        max_webhooks=3,
        webhook_patience_hours=4,
        webhook_networks=("10.0.0.0/8",),
    )
    assert app.limits_of(settings) == documents
    shared = app.shared_of(settings, desk, Operations)
    assert (shared.limits, shared.live.most) == (bodies, 8)
    made = desk_of(settings, desk.store)
    assert (made.replay_lifetime, made.rules.most, made.rules.patience) == (2 * HOUR, 3, 4 * HOUR)
    assert made.rules.networks == networks(("10.0.0.0/8",))


BUILT_IN = {"characters", "lines", "nesting", "overlaps"}
"""Limits that are no setting."""


async def test_pages_and_batches_are_as_long_as_the_settings_say(desk: Desk) -> None:
    settings = config.load(max_page=20, max_rest_page=2, max_batch=2)
    made = structs.replace(desk, sizes=desk_of(settings, desk.store).sizes)
    transport = httpx2.ASGITransport(app.made(settings, made))
    headers = {"x-workspace-id": "ws1"}
    change = 'updateMessageFlows(ids: $ids, input: {name: "n"}) {results {changedFields} errors {code message}}'
    bulk = f"mutation ($ids: [ID!]) {{{change}}}"
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        for _ in range(3):
            flow = (await client.post("/v1/api/message-flows", json=NEW)).json()
        page = await client.get("/v1/api/message-flows")
        assert (len(page.json()), "link" in page.headers) == (2, True)
        over = (await client.get("/v1/api/message-flows?limit=3")).json()["error"]
        assert (over["code"], over["message"]) == (
            "limit_exceeded",
            "the parameter limit is above 2, the limit (max_rest_page)",
        )
        asked = (
            {"query": "{messageFlows(first: 20) {nodes {id}}}"},
            {"query": "{messageFlows(first: 21) {nodes {id}}}"},
            {"query": bulk, "variables": {"ids": [flow["_id"], "b"]}},
            {"query": bulk, "variables": {"ids": [flow["_id"], "b", "c"]}},
        )
        answers = [(await client.post("/graphql", json=one)).json() for one in asked]
    [page_refused] = answers[1]["errors"]
    assert (page_refused["extensions"]["code"], page_refused["message"]) == (
        "LIMIT_EXCEEDED",
        "first is 21; the limit is 20 (max_page)",
    )
    assert ["errors" in answer for answer in answers] == [False, True, False, False]
    assert [answer["data"]["updateMessageFlows"]["errors"] for answer in answers[2:]] == [
        [],
        [{"code": "OUT_OF_RANGE", "message": "ids must name 1 to 2 flows (max_batch), not 3"}],
    ]


@pytest.mark.processes
def test_nobody_looks_for_cycles_while_a_server_starts() -> None:
    """A look costs more than it frees, and the command line sets so before it imports anything."""
    code = [sys.executable, "-c", STARTING]
    said = subprocess.run(code, capture_output=True, text=True, env=environment(), check=True).stdout
    assert said.splitlines()[-1] == "True"


@pytest.mark.processes
def test_a_command_imports_no_more_than_it_needs() -> None:
    assert not loaded_by("from graphql_api import cli") & {"alembic", "rich", "sqlalchemy", "strawberry", "uvicorn"}


async def test_unknown_paths_are_told_in_the_one_error_shape(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_health_costs_one_statement_at_most(http: httpx2.AsyncClient, heard: list[str]) -> None:
    assert (await http.get("/health/live")).status_code == 200
    assert heard == []
    assert (await http.get("/health/ready")).status_code == 200
    assert len(heard) == 1
    assert "alembic_version" in heard[0]


@contextlib.asynccontextmanager
async def living_server(made: ASGIApp) -> AsyncIterator[None]:
    """A server from its startup to its shutdown, without a socket."""
    states: asyncio.Queue[str] = asyncio.Queue()
    sent: asyncio.Queue[str] = asyncio.Queue()

    async def receive() -> dict[str, str]:
        return {"type": await states.get()}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.put_nowait(message["type"])

    serving = asyncio.ensure_future(made({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send))
    states.put_nowait("lifespan.startup")
    assert await sent.get() == "lifespan.startup.complete"
    yield
    states.put_nowait("lifespan.shutdown")
    await serving
    assert await sent.get() == "lifespan.shutdown.complete"


async def test_a_server_removes_old_replays_and_notes_the_use_of_keys(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.edits.upkeep.BETWEEN_SWEEPS", 0.01)
    monkeypatch.setattr("graphql_api.web.auth.NOTING", 0.01)
    issued = await keys.create(desk.store, clock(), ["ws1"], {"flows:read", "flows:write"})
    made = app.made(configured(auth="keys"), desk)
    headers = {"x-workspace-id": "ws1", "x-api-key": issued.secret, "idempotency-key": "k1"}
    transport = httpx2.ASGITransport(made)
    async with living_server(made), httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.post("/v1/api/message-flows", json=NEW, headers=headers)).status_code == 201
        clock.now += desk.replay_lifetime
        for _ in range(2_000):
            _, _, replays = await contents(desk.store)
            (key,) = await keys.every(desk.store)
            if not replays and key.last_used_at is not None:
                return
            await asyncio.sleep(0.01)
        pytest.fail("they are still as they were")


async def test_store_and_post_are_closed_when_the_server_has_lived(desk: Desk) -> None:
    class Post(NoPost):
        is_closed = False

        async def close(self) -> None:
            self.is_closed = True

    post = Post()
    async with living_server(app.made(config.load(), structs.replace(desk, post=post))):
        assert not post.is_closed
        assert await keys.every(desk.store) == []
    assert post.is_closed
    with pytest.raises(Refused, match="the server is stopping"):
        await keys.every(desk.store)
