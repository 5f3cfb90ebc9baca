"""Golden cases: a document and its variables, the exact answer, and the exact statements on each database.

A case is `cases/NAME.graphql` with `NAME.json` (variables and answer), `NAME.sql` (statements on SQLite) and
`NAME.postgresql.sql`. All begin from the same seed. `REWRITE_CASES=1 pytest tests/test_cases.py` writes them anew;
read the difference before you commit it.
"""

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphql_api import edits, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.schema.shown import Rejected
from graphql_api.storage.engine import Store
from graphql_api.storage.tables import METADATA
from graphql_api.web.json import encoded
from tests.conftest import TABLES, Clock, Noise, told_to

CASES = sorted(Path(__file__).with_name("cases").glob("*.graphql"))
REWRITES = bool(os.environ.get("REWRITE_CASES"))
OPERATIONS = {compiles: Operations(Limits(), compiles=compiles) for compiles in (True, False)}
TOLD_APART = {"message_flows.version", "message_flows.updated_at"}
CALLER = Caller("ws1", request_id="r1")
SALE = {
    "name": "New Years Sale",
    "direction": "BIDIRECTIONAL",
    "agent": "agent1",
    "prompt": "You are a helpful AI.",
    "initiation_message": "Hi!",
    "message_channel": "SMS",
    "created_at": 1_735_812_900_000,
    "updated_at": 1_735_812_900_000,
}

DAY: dict[str, Any] = {
    "response_settings_working_hours_enabled": True,
    "response_settings_working_hours_start": "02:30",
    "response_settings_working_hours_end": "10:00",
    "response_settings_working_hours_timezone": "America/New_York",
}


def brought(id: str, workspace: str = "ws1", **members: Any) -> Imported:
    return Imported(id, workspace, {**DEFAULTS, **SALE, **members})


async def seed(desk: Desk) -> None:
    """Five flows of ws1 and one of ws2; f1 is at version 2, f3 at 2, f4 is deleted; k1 and b1 are used keys.

    f2 is open by day in New York, where the clocks go forward on 2026-03-08.
    """
    cli = Caller(None, source="CLI")
    mail: dict[str, Any] = {"message_channel": "EMAIL", "direction": "OUTBOUND", "is_active": True}
    many = [
        brought("f1"),
        brought("f2", name="Lange Straße", created_at=1_735_900_000_500, **mail, **DAY),
        brought("f3", name="10% off", created_at=1_735_900_000_500),
        brought("f4", name="Gone"),
        brought("f5", name="another", agent="agent2", created_at=1_736_000_000_000),
        brought("theirs", "ws2", name="Theirs"),
    ]
    await edits.import_flows(desk, cli, many)
    await edits.update_flow(desk, CALLER, "f1", Sent({"name": "Summer Sale", "response_settings_delay": 2.5}))
    await edits.update_flow(desk, CALLER, "f1", Sent(toggles=True), Terms(note="try it out"))
    await edits.delete_flow(desk, CALLER, "f4")
    await edits.update_flow(desk, CALLER, "f3", Sent({"response_settings_delay": 1.0}), Terms(key="k1"))
    await edits.update_flow(desk, CALLER, "f3", Sent({"name": "20% off"}))
    await edits.update_flows(desk, CALLER, ["f5", "f9"], None, Sent({"is_active": True}), Terms(key="b1"))


@dataclass(frozen=True)
class Sown:
    """A database with the seed, of which every case has a copy; and what was read and drawn for it."""

    url: str
    clock: Clock
    noise: Noise


async def sown(url: str) -> Sown:
    made = Sown(url, Clock(), Noise())
    store = storage.opened(url)
    await seed(Desk(store, made.clock, made.noise, HOUR))
    await store.close()
    return made


@pytest.fixture(scope="module")
def sqlite_seed(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Sown:
    path = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("seed") / "seed.db")
    return asyncio.run(sown(f"sqlite+aiosqlite:///{path}"))


@pytest.fixture(scope="module")
def postgresql_seed(emptied_postgres: Callable[..., str]) -> Iterator[Sown]:
    url = emptied_postgres("DROP SCHEMA IF EXISTS seed CASCADE; CREATE SCHEMA seed")
    seed = asyncio.run(sown(url))
    asyncio.run(told_to(url, "".join(f"CREATE TABLE seed.{name} AS TABLE {name};" for name in TABLES)))
    yield seed
    asyncio.run(told_to(url, "DROP SCHEMA seed CASCADE"))


@pytest.fixture
def seeded(database: str, request: pytest.FixtureRequest) -> Sown:
    """That of the kind of database."""
    return request.getfixturevalue(f"{database}_seed")  # type: ignore[no-any-return]


@pytest.fixture
def database_url(database: str, seeded: Sown, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if database == "sqlite":
        return f"sqlite+aiosqlite:///{shutil.copy(seeded.url.partition('///')[2], tmp_path / 'flows.db')}"
    emptied = request.getfixturevalue("emptied_postgres")
    return str(emptied("".join(map(resown, TABLES))))


def resown(table: str) -> str:
    columns = ", ".join(f'"{column.name}"' for column in METADATA.tables[table].c if column.name != "updated_slot")
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM seed.{table};"


@pytest.fixture
def desk(store: Store, seeded: Sown) -> Desk:
    """Goes on where the seed ended."""
    return Desk(store, copy(seeded.clock), copy(seeded.noise), 24 * HOUR)


async def answer(desk: Desk, document: str, variables: dict[str, Any], compiles: bool) -> Any:
    """What /graphql answers; a document or variables that are rejected answer errors only."""
    operations = OPERATIONS[compiles]
    try:
        told = await operations.carry_out(operations.prepare(document), variables, Context(desk, CALLER))
    except Rejected as rejected:
        return json.loads(encoded({"errors": rejected.errors}))
    return json.loads(encoded({**({"errors": told.errors} if told.errors else {}), "data": told.data}))


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_case(desk: Desk, database: str, heard: list[str], path: Path, compiles: bool) -> None:
    told = await answer(desk, text(path), case(path)["variables"], compiles)
    statements = "".join(f"{sql};\n\n" for sql in heard)
    kept = path.with_suffix(".sql" if database == "sqlite" else ".postgresql.sql")
    if REWRITES and compiles:
        rewrite(path, told, kept, statements)
    assert json.dumps(told) == json.dumps(case(path)["answer"])
    if compiles:
        assert statements == text(kept)
    else:
        assert words(statements) == words(text(kept))


def text(path: Path) -> str:
    return path.read_text("utf-8")


def case(path: Path) -> dict[str, Any]:
    return dict(json.loads(text(path.with_suffix(".json"))))


def rewrite(path: Path, told: Any, kept: Path, statements: str) -> None:
    whole = {"variables": case(path)["variables"], "answer": told}
    path.with_suffix(".json").write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", "utf-8")
    kept.write_text(statements, "utf-8")


def words(statements: str) -> list[list[str]]:
    """Statements without their order and that of their columns, in which the general way may differ.

    Nor does it ask what tells a page that was written before from what it would be now.
    """
    split = [statement.replace(",", " ").split() for statement in statements.split(";")]
    return sorted(sorted(word for word in statement if word not in TOLD_APART) for statement in split)


def test_there_are_cases_and_no_file_without_one() -> None:
    folder = Path(__file__).with_name("cases")
    wanted = {f"{path.stem}{end}" for path in CASES for end in (".graphql", ".json", ".sql", ".postgresql.sql")}
    assert {path.name for path in folder.iterdir()} == wanted
    assert len(CASES) >= 25
