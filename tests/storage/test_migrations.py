"""Migrations on both databases: up and down; the tables are those that the code declares."""

import asyncio
import contextlib
import resource
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect, make_url, text
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGInspector
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from graphql_api import storage
from graphql_api.domain.checks import Text
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import BY_COLUMN, DEFAULTS, LEAVES, Values
from graphql_api.domain.patch import difference
from graphql_api.storage import changes, flows, migrations, replays, saving
from graphql_api.storage.engine import Script, Statement, Store
from graphql_api.storage.replays import Replay
from graphql_api.storage.revisions import Revision
from graphql_api.storage.tables import METADATA
from tests.conftest import told_to

T = TypeVar("T")

REFUSED = (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)
FLOW = {
    "name": "Sale",
    "direction": "INBOUND",
    "agent": "a",
    "prompt": "p",
    "initiation_message": "i",
    "message_channel": "SMS",
}


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if database == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/fresh %41.db"
        return
    server = make_url(request.getfixturevalue("migrated_postgres"))
    name = f"fresh_{uuid.uuid4().hex}"
    asyncio.run(told_to(server.render_as_string(hide_password=False), f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(told_to(server.render_as_string(hide_password=False), f"DROP DATABASE {name} WITH (FORCE)"))


def looked_at(url: str, look: Callable[[Connection], T]) -> T:
    """What a function finds out about a database."""

    async def connect() -> T:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(look)
        finally:
            await engine.dispose()

    return asyncio.run(connect())


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def checks(connection: Connection) -> set[str | None]:
    return checks_of_tables(connection) | checks_of_domains(connection)


def checks_of_tables(connection: Connection) -> set[str | None]:
    inspector = inspect(connection)
    return {check["name"] for table in METADATA.tables for check in inspector.get_check_constraints(table)}


def checks_of_domains(connection: Connection) -> set[str | None]:
    inspector = inspect(connection)
    domains = inspector.get_domains() if isinstance(inspector, PGInspector) else []
    return {check["name"] for domain in domains for check in domain["constraints"]}


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": without_domain})
    return list(compare_metadata(context, METADATA))


def without_domain(context: Any, column: Any, declared: Any, found: Any, wanted: Any) -> None:
    """Types are compared as usual, that of a column with a domain by what the domain is made from."""
    if isinstance(found, DOMAIN):
        column.type = found.data_type


def test_all_the_way_up_down_and_up_again(empty_url: str) -> None:
    for _ in range(2):
        migrations.upgrade(empty_url)
        assert looked_at(empty_url, tables) == {*METADATA.tables, "alembic_version"}
        migrations.downgrade(empty_url, "base")
        assert looked_at(empty_url, tables) == {"alembic_version"}


def test_each_step_up_can_be_taken_back(empty_url: str) -> None:
    below = "base"
    for revision in migrations.known():
        before = looked_at(empty_url, tables)
        migrations.upgrade(empty_url, revision)
        migrations.downgrade(empty_url, below)
        assert looked_at(empty_url, tables) - {"alembic_version"} == before - {"alembic_version"}
        migrations.upgrade(empty_url, revision)
        below = revision
    assert below == migrations.newest()


def test_the_migrated_tables_are_the_declared_ones(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    assert looked_at(empty_url, differences) == []
    declared = {
        constraint.name
        for table in METADATA.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert looked_at(empty_url, checks) == {str(name) for name in declared}


def test_postgresql_sets_up_no_check_of_a_column_for_writing_others(migrated_postgres: str) -> None:
    assert looked_at(migrated_postgres, checks_of_tables) == {"ck_message_flows_window_not_empty"}


@pytest.mark.parametrize("database", ["postgresql"])
def test_a_column_with_another_type_keeps_what_postgresql_knows_of_its_values(empty_url: str) -> None:
    def known(connection: Connection) -> set[str]:
        return set(connection.execute(text("SELECT attname FROM pg_stats WHERE schemaname = 'public'")).scalars())

    migrations.upgrade(empty_url, "0005")
    values = "'ws1', 'f1', 0, 0, 'CREATE', 'CLI', 'anonymous', '{}'"
    columns = "workspace_id, flow_id, version, at, operation, source, actor, changes"
    asyncio.run(told_to(empty_url, f"INSERT INTO message_flow_revisions ({columns}) VALUES ({values}); ANALYZE"))
    before = looked_at(empty_url, known)
    assert "operation" in before
    migrations.upgrade(empty_url, "0006")
    assert looked_at(empty_url, known) >= before
    migrations.downgrade(empty_url, "0005")
    assert looked_at(empty_url, known) >= before


def test_an_upgrade_of_current_tables_does_nothing(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    before = looked_at(empty_url, tables)
    migrations.upgrade(empty_url)
    assert looked_at(empty_url, tables) == before


# What the tables refuse by themselves

LONGEST = {leaf.column: leaf.rule.check.longest for leaf in LEAVES if isinstance(leaf.rule.check, Text)}


async def write(store: Store, id: str = "f1", workspace: str = "ws1", **members: Any) -> None:
    row = {**DEFAULTS, **FLOW, "id": id, "version": 0, "created_at": 1, "updated_at": 1, **members}
    revision = Revision("f1", 0, 1, "CREATE", "CLI", "anonymous", None, None, {})

    def script() -> Script[None]:
        yield saving.create(workspace, row, revision, None)

    await store.run(script)


@pytest.mark.parametrize(
    "members",
    [
        {"id": ""},
        {"id": "f" * 65},
        {"workspace": ""},
        {"workspace": "w" * 65},
        {"version": -1},
        {"name": ""},
        {"direction": "inbound"},
        {"agent": ""},
        {"agent": "a" * 65},
        {"prompt": ""},
        {"initiation_message": ""},
        {"message_channel": "Email"},
        {"response_settings_delay": -0.001},
        {"response_settings_delay": 86_400.001},
        {"response_settings_delay": float("inf")},
        {"response_settings_delay": float("nan")},
        {"response_settings_working_hours_start": "9:00"},
        {"response_settings_working_hours_end": "17:00:00"},
        {"response_settings_working_hours_start": "17:00"},
        *({column: "é" * (longest + 1)} for column, longest in LONGEST.items()),
    ],
    ids=lambda members: "-".join(f"{name}={str(value)[:12]}" for name, value in members.items()),
)
async def test_the_tables_refuse_what_the_domain_refuses(store: Store, members: Mapping[str, Any]) -> None:
    with pytest.raises(REFUSED):
        await write(store, **members)
    assert await store.read(flows.ANY_FLOW) == []


@pytest.mark.parametrize("column", [leaf.column for leaf in LEAVES if leaf.column != "name"])
async def test_no_leaf_is_null(store: Store, column: str) -> None:
    nothing: dict[str, Any] = {column: None}
    with pytest.raises(REFUSED):
        await write(store, **nothing)


EDGES: Values = {
    **{column: "🎉" * longest for column, longest in LONGEST.items()},
    "agent": "a" * 64,
    "response_settings_delay": 86_400,
    "response_settings_working_hours_start": "00:00",
    "response_settings_working_hours_end": "24:00",
}


async def test_the_tables_take_what_the_domain_takes(store: Store) -> None:
    await write(store, "f" * 64, "w" * 64, **EDGES)
    (row,) = await store.read(flows.read_whole("w" * 64, "f" * 64))
    assert difference(flows.values(row), {**DEFAULTS, **FLOW, **EDGES}) == ()


# What is there already


def test_sqlite_makes_no_table_of_its_own_for_a_save_that_leaves_the_direction(tmp_path: Path) -> None:
    """As it does for each look at a list of more than two values: that was a tenth of its work."""
    migrations.upgrade(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    revision = Revision("f1", 1, 1, "UPDATE", "CLI", "anonymous", None, None, {})
    replay = Replay("s", "f1", "r", {}, 1)
    save = saving.save("ws1", "f1", 0, {"name": "n", "version": 1, "updated_at": 1}, revision, replay)
    steps = explained(tmp_path / "x.db", save)
    assert "Insert" in steps
    assert "OpenEphemeral" not in steps


def explained(path: Path, statement: Statement) -> set[str]:
    """The names of the steps that SQLite takes."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {
            row[1]
            for text in statement.shape.sqlite
            for row in connection.execute(f"EXPLAIN {text.sql}", text.arguments(statement.values))
        }


SLOT = 1 << 20
TIMES = [-1, 0, SLOT - 1, SLOT, 2**52]


def brought(connection: Connection, workspace: str) -> None:
    """Flows with these times, by SQL that does not know of slots, nor of leaves that came later."""
    there = {column["name"] for column in inspect(connection).get_columns("message_flows")}
    leaves = [column for column in BY_COLUMN if column in there]
    names = ["workspace_id", "id", *leaves, "name_folded", "version", "created_at", "updated_at"]
    for at in TIMES:
        flow = {**DEFAULTS, **FLOW, "workspace_id": workspace, "id": f"f{at}", "name_folded": "sale", "version": 0}
        row = {**flow, "created_at": at, "updated_at": at}
        places = ", ".join(f":{name}" for name in names)
        connection.execute(text(f"INSERT INTO message_flows ({', '.join(names)}) VALUES ({places})"), row)
    connection.commit()


def slots(connection: Connection) -> list[tuple[int, int]]:
    rows = connection.execute(text("SELECT updated_at, updated_slot FROM message_flows ORDER BY updated_at"))
    return [(row[0], row[1]) for row in rows]


def test_the_database_makes_slots_of_the_times_of_whoever_writes_them(empty_url: str) -> None:
    migrations.upgrade(empty_url, "0006")
    looked_at(empty_url, lambda connection: brought(connection, "ws1"))
    migrations.upgrade(empty_url)
    looked_at(empty_url, lambda connection: brought(connection, "ws2"))
    assert looked_at(empty_url, slots) == [(at, at >> 20) for at in sorted(TIMES * 2)]

    def later(connection: Connection) -> None:
        connection.execute(text(f"UPDATE message_flows SET updated_at = updated_at + {SLOT}"))
        connection.commit()

    looked_at(empty_url, later)
    assert looked_at(empty_url, slots) == [(at + SLOT, (at >> 20) + 1) for at in sorted(TIMES * 2)]


def test_a_save_in_the_slot_of_the_last_one_writes_no_index_on_sqlite(tmp_path: Path) -> None:
    migrations.upgrade(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    looked_at(f"sqlite+aiosqlite:///{tmp_path}/x.db", lambda connection: brought(connection, "ws1"))
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        changes = []
        for at in (1, SLOT - 1, SLOT):
            before = connection.total_changes
            connection.execute("UPDATE message_flows SET updated_at = ? WHERE id = 'f0'", [at])
            changes.append(connection.total_changes - before)
    assert changes == [1, 1, 2], "the row, and where its slot is another one the slot"


def test_a_migration_that_has_no_room_says_so_and_not_what_fails_when_it_is_taken_back(tmp_path: Path) -> None:
    """SQLite itself takes the transaction back; Alembic then wants to drop the table that it has begun."""
    path = tmp_path / "x.db"
    migrations.upgrade(f"sqlite+aiosqlite:///{path}", "0004")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
            " INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor,"
            " changes, position) SELECT 'ws1', 'f1', i, i, 'UPDATE', 'CLI', 'anonymous', printf('%08000d', i), i FROM n"
        )
        connection.commit()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, limits[1]))
    try:
        with pytest.raises(Refused, match="the database is not available: disk I/O error"):
            migrations.upgrade(f"sqlite+aiosqlite:///{path}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    migrations.upgrade(f"sqlite+aiosqlite:///{path}")


def placed(connection: Connection) -> list[tuple[str, int]]:
    rows = connection.exec_driver_sql("SELECT flow_id, version FROM message_flow_revisions ORDER BY position")
    return [(row[0], row[1]) for row in rows]


def told_before(connection: Connection) -> None:
    """Two flows as they were told before revisions had positions; the clock was set back before a changed last."""
    for flow, version, at in [("a", 0, 10), ("b", 0, 20), ("a", 1, 30), ("b", 1, 40), ("a", 2, 5)]:
        connection.exec_driver_sql(
            "INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, changes)"
            f" VALUES ('ws1', '{flow}', {version}, {at}, 'UPDATE', 'CLI', 'anonymous', '{{}}')"
        )
    connection.commit()


def test_no_thread_outlives_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    begin = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        started.append(thread)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    with pytest.raises(Refused, match="unable to open database file"):
        migrations.upgrade(f"sqlite+aiosqlite:///{tmp_path}/none/flows.db")
    assert started == []


def test_history_gets_its_positions_by_time_but_never_against_the_versions_of_a_flow(empty_url: str) -> None:
    migrations.upgrade(empty_url, "0002")
    looked_at(empty_url, told_before)
    migrations.upgrade(empty_url)
    assert looked_at(empty_url, placed) == [("a", 0), ("b", 0), ("a", 1), ("a", 2), ("b", 1)]


@pytest.mark.parametrize(("operation", "source"), [("CHANGE", "CLI"), ("UPDATE", "FTP"), ("", "CLI")])
def test_the_history_refuses_what_no_edit_is(empty_url: str, operation: str, source: str) -> None:
    def write(connection: Connection, operation: str = operation, source: str = source) -> None:
        connection.exec_driver_sql(
            "INSERT INTO message_flow_revisions"
            " (workspace_id, flow_id, version, at, operation, source, actor, changes, position)"
            f" VALUES ('ws1', 'a', 0, 0, '{operation}', '{source}', 'anonymous', '{{}}', 1)"
        )

    migrations.upgrade(empty_url)
    with pytest.raises(IntegrityError):
        looked_at(empty_url, write)
    looked_at(empty_url, lambda connection: write(connection, "IMPORT", "GRAPHQL"))


async def told_since(url: str) -> list[int]:
    store = storage.opened(url)
    await write(store, "c")
    rows = await store.read(changes.after(0, 10))
    await store.close()
    return [row["position"] for row in rows]


def test_new_revisions_follow_those_that_were_there(empty_url: str) -> None:
    migrations.upgrade(empty_url, "0002")
    looked_at(empty_url, told_before)
    migrations.upgrade(empty_url)
    assert asyncio.run(told_since(empty_url)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("target", ["f1", ""])
def test_replays_of_the_version_before_are_still_found(empty_url: str, target: str) -> None:
    """A request that is sent again after an upgrade must not be carried out once more; one to create has no target."""
    scope = ("ws1", "key-1", "updateMessageFlow", target, "k e\u00fd:\"'")

    def told_before(connection: Connection) -> None:
        names = ("workspace_id", "actor", "operation", "target", "key")
        row = {**dict(zip(names, scope, strict=True)), "request": "r", "outcome": "[1]", "at": 7}
        listed = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO message_flow_replays ({listed}) VALUES ({values})"), row)
        connection.commit()

    async def found() -> list[Replay]:
        store = storage.opened(empty_url)
        try:
            return [replays.replay(row) for row in await store.read(replays.find("ws1", replays.scope(*scope)))]
        finally:
            await store.close()

    migrations.upgrade(empty_url, "0008")
    looked_at(empty_url, told_before)
    migrations.upgrade(empty_url)
    assert asyncio.run(found()) == [Replay(replays.scope(*scope), target, "r", [1], 7)]
