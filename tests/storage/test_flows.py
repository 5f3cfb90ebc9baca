"""Flows that are looked up by many ids: by the primary key, whatever there was when PostgreSQL made its plan."""

import asyncio
from typing import Any

import asyncpg
import pytest

from graphql_api import edits
from graphql_api.domain import patch as patches
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.storage import flows, migrations, saving
from graphql_api.storage.many import as_given
from graphql_api.storage.replays import Replay
from graphql_api.storage.revisions import Revision
from tests.edits.conftest import NEW

LOOK = flows.read_many("ws1", ["f1"])


def test_flows_are_locked_in_the_order_of_their_ids_whatever_order_they_are_asked_in() -> None:
    assert flows.read_many("ws1", ["b", "c", "a"]).values["ids"] == '["a","b","c"]'


def test_only_a_look_at_many_flows_waits_for_a_place_among_the_long_reads() -> None:
    ids = [f"f{n}" for n in range(flows.FEW + 1)]
    assert [flows.read_many("ws1", some).scans for some in (ids[1:], ids)] == [False, True]


def test_an_import_looks_up_flows_by_the_primary_key_also_where_there_were_none(empty_postgres: str) -> None:
    migrations.upgrade(empty_postgres)
    plan = asyncio.run(plan_of_a_late_look(empty_postgres))
    assert "Index Scan using pk_message_flows" in plan
    assert plan.count(" on message_flows ") == 1


async def plan_of_a_late_look(url: str) -> str:
    """In the transaction that has brought the flows, after many looks when there were none."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    text = LOOK.shape.postgresql
    look = "EXECUTE look({})".format(", ".join(f"'{value}'" for value in text.arguments(LOOK.values)))
    anew = flows.PLAN_ANEW.shape.postgresql
    try:
        async with connection.transaction():
            await connection.fetch(anew.sql, *anew.arguments({}))
            await connection.execute(f"PREPARE look AS {text.sql} FOR UPDATE")
            for _ in range(8):
                await connection.fetch(look)
            await bring(connection, 4_000)
            return "\n".join(line[0] for line in await connection.fetch(f"EXPLAIN {look}"))
    finally:
        await connection.close()


async def bring(connection: Any, number: int) -> None:
    leaves = patches.created(patches.checked(NEW))
    creates = [
        saving.create(
            "ws1",
            {**leaves, "id": f"f{n}", "version": 0, "created_at": 1, "updated_at": 1},
            Revision(f"f{n}", 0, 1, "IMPORT", "CLI", "anonymous", None, None, {}),
            None,
        )
        for n in range(number)
    ]
    await connection.fetch(creates[0].shape.batched.sql, as_given(one.values for one in creates))


@pytest.mark.parametrize("shape", ["postgresql", "batched"])
def test_a_save_looks_for_its_key_by_the_primary_key(empty_postgres: str, shape: str) -> None:
    migrations.upgrade(empty_postgres)
    plan = asyncio.run(plan_of_a_save(empty_postgres, shape))
    assert plan.count("Index Scan using pk_message_flows on") == 1
    assert plan.count("using pk_message_flow_replays on") == 1
    assert "Seq Scan" not in plan


async def plan_of_a_save(url: str, shape: str) -> str:
    """The one that PostgreSQL keeps after some saves, among flows and replays of which it has gathered nothing."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    revision = Revision("f1", 1, 2, "UPDATE", "CLI", "anonymous", None, None, {})
    made = saving.save("ws1", "f1", 0, {"version": 1, "updated_at": 2}, revision, Replay("k", "f1", "r", {}, 2))
    text = getattr(made.shape, shape)
    given = text.arguments(made.values) if shape == "postgresql" else (as_given([made.values]),)
    save = "EXECUTE save({})".format(", ".join("NULL" if one is None else f"'{one}'" for one in given))
    try:
        await bring(connection, 4_000)
        await connection.execute(
            "INSERT INTO message_flow_replays (workspace_id, scope, target, request, outcome, at) "
            "SELECT 'ws1', 's' || n, '', '', '{}', n FROM generate_series(1, 4000) n"
        )
        await connection.execute(f"PREPARE save AS {text.sql}")
        for _ in range(8):
            await connection.fetch(save)
        return "\n".join(line[0] for line in await connection.fetch(f"EXPLAIN {save}"))
    finally:
        await connection.close()


def test_flows_of_a_workspace_that_postgresql_has_not_met_are_found_by_the_primary_key(empty_postgres: str) -> None:
    """As those of an import into a new workspace, of which more and more are there."""
    migrations.upgrade(empty_postgres)
    plan = asyncio.run(plan_of_a_look_up(empty_postgres))
    assert plan.count("Index Scan using pk_message_flows on") == 1
    assert "ix_message_flows" not in plan


async def plan_of_a_look_up(url: str) -> str:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    looked = flows.read_many("new", ["f1", "f2"])
    text = looked.shape.postgresql
    try:
        await bring(connection, 4_000)
        await connection.execute("UPDATE message_flows SET workspace_id = 'ws' || right(id, 1); ANALYZE message_flows")
        await connection.execute("SET plan_cache_mode = force_custom_plan")
        lines = await connection.fetch(f"EXPLAIN {text.sql} FOR UPDATE", *text.arguments(looked.values))
        return "\n".join(line[0] for line in lines)
    finally:
        await connection.close()


async def test_an_import_has_its_statements_planned_anew(desk: Desk, database: str, heard: list[str]) -> None:
    await edits.import_flows(desk, Caller(None), [])
    assert any("set_config" in sql for sql in heard) == (database == "postgresql")
