"""The server put together: what it imports before it answers, and what it does while it lives."""

import subprocess
import sys

import httpx2
import pytest

from graphql_api import app, config
from graphql_api.edits import Desk
from tests.commands import environment


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after the statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    return set(done.stdout.split())


@pytest.mark.processes
def test_a_worker_imports_nothing_that_only_commands_need() -> None:
    loaded = loaded_by("from graphql_api import app")
    assert "graphql_api.schema.prepared" in loaded
    assert not loaded & {"alembic", "typer", "uvicorn", "mako", "psycopg"}
    spared = {"structlog", "rich", "limits", "sqlalchemy.dialects.postgresql", "graphql_api.web.openapi"}
    assert not loaded & spared  # until they are needed: a server answers the sooner


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


async def test_the_store_is_closed_when_the_server_has_lived(desk: Desk) -> None:
    made = app.made(config.load(), desk)
    states = iter(["lifespan.startup", "lifespan.shutdown"])
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": next(states)}

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    await made({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)  # type: ignore[arg-type]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
