"""A flow to change, everything that a database holds, and refusals that must leave it as it was."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest
from sqlalchemy import select

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.storage.engine import Script, Shape, Statement, Store
from graphql_api.storage.tables import FLOWS, REPLAYS, REVISIONS

NEW = Sent(
    {
        "name": "Sale",
        "direction": "INBOUND",
        "agent": "a",
        "prompt": "p",
        "initiation_message": "i",
        "message_channel": "SMS",
    }
)
ROWS = [Statement(Shape(select(table).order_by(*table.primary_key)), {}) for table in (FLOWS, REVISIONS, REPLAYS)]

Refusal = Callable[[Awaitable[Any]], Awaitable[Refused]]


async def new_flow(desk: Desk, caller: Caller) -> str:
    """The id of one."""
    return str((await edits.create_flow(desk, caller, NEW)).flow["id"])


async def rename(desk: Desk, caller: Caller, id: str, *names: str) -> None:
    """An edit for each name."""
    for name in names:
        await edits.update_flow(desk, caller, id, Sent({"name": name}))


async def contents(store: Store) -> list[list[dict[str, Any]]]:
    """Every flow, every revision, every replay."""
    return [[dict(row) for row in await store.read(rows)] for rows in ROWS]


def broken(*_: object) -> NoReturn:
    """Stands in for a statement that an edit does not get as far as."""
    raise RuntimeError("broken")


@pytest.fixture
async def flow(desk: Desk, caller: Caller) -> Values:
    """A new flow at version 0."""
    return (await edits.create_flow(desk, caller, NEW)).flow


@pytest.fixture
def refusal(store: Store) -> Refusal:
    """Awaits an edit that must be refused and must not have written anything."""

    async def expect(edit: Awaitable[Any]) -> Refused:
        before = await contents(store)
        with pytest.raises(Refused) as caught:
            await edit
        assert await contents(store) == before
        return caught.value

    return expect


def told(refusal: Refused) -> list[tuple[str, str]]:
    """Code and path of each problem."""
    return [(problem.code, ".".join(problem.path)) for problem in refusal.problems]


@pytest.fixture
def within(store: Store, heard: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL of what edits and upkeep run while others wait for them: on SQLite the whole of it."""
    statements: list[str] = []
    run = store.run

    async def told(script: Callable[[], Script[Any]], **how: Any) -> Any:
        before = len(heard)
        try:
            return await run(script, **how)
        finally:
            statements.extend(heard[before:])

    monkeypatch.setattr(store, "run", told)
    return statements
