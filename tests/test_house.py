"""The house: who may import whom, what stands where, and that what is committed is what the code makes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from typer.testing import CliRunner

from graphql_api import cli
from graphql_api.domain.flow import LEAVES, SYSTEM_COLUMNS, TREE, Block, Leaf, camel
from graphql_api.domain.search import Filter
from graphql_api.schema import SCHEMA
from graphql_api.storage.pages import CONDITIONS
from graphql_api.storage.tables import FLOWS
from graphql_api.web.parameters import FILTERS
from graphql_api.web.rest import OPERATIONS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "graphql_api"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "node_modules" not in path.parts]

ROOMS = {
    "domain": set[str](),
    "storage": {"domain"},
    "edits": {"storage", "domain"},
    "reads": {"storage", "domain"},
    "feed": {"storage", "domain"},
    "delivery": {"edits", "storage", "domain"},
    "schema": {"edits", "reads", "feed", "domain"},
    "web": {"schema", "reads", "feed", "domain"},
}
"""Who may import whom; all other modules put the server together or are the command line, and may import any."""

BESIDES = {
    ("web/auth.py", "edits"): "whose key this is, and when it was used last",
    ("web/auth.py", "storage"): "the type of the store that knows the keys",
    ("web/graphql.py", "edits"): "the type of the desk that is handed on to the schema",
    ("web/operating.py", "edits"): "the type of the desk that is handed on to the schema",
    ("web/rest.py", "edits"): "the type of the desk that is handed on to the schema",
    ("web/health.py", "storage"): "whether the database answers and its tables are current",
}

OUTSIDERS = {
    "starlette": {"web"},
    "httptools": {"web"},
    "httpcore2": {"delivery"},
    "strawberry": {"schema"},
    "graphql": {"schema", "web"},
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "asyncpg": {"storage"},
    "aiosqlite": {"storage"},
    "sqlite3": {"storage"},
    "msgspec": {"domain", "storage", "edits", "reads", "schema", "web"},
}
"""Packages that only some rooms may know; `domain` knows none but msgspec: it reads cursors and makes cheap classes."""

FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "core", "service", "manager"}
SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|(CREATE|ALTER|DROP) TABLE|PRAGMA \w)", re.S
)

OWN_SQL = {"transfer/staging.py": "a temporary file of its own, not the database"}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room(path: Path) -> str:
    """The room that a module stands in, or its own name when it stands in none."""
    return name(path).partition("/")[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever it does; `from a import b` is a.b."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_known(path: Path) -> set[str]:
    """The other rooms and outer modules that a file imports from."""
    ours = (target.split(".") for target in imports(path) if target.startswith("graphql_api."))
    return {parts[1] for parts in ours if not parts[1].startswith("__")} - {room(path)}


def test_imports_go_one_way() -> None:
    wrong = [
        f"{name(path)} imports {known}"
        for path in MODULES
        if room(path) in ROOMS
        for known in rooms_known(path) - ROOMS[room(path)]
        if (name(path), known) not in BESIDES
    ]
    assert wrong == []


def test_every_exception_is_still_needed() -> None:
    assert [way for way in BESIDES if way[1] not in rooms_known(PACKAGE / way[0])] == []


def test_packages_stay_in_the_rooms_that_may_know_them() -> None:
    wrong = [
        f"{name(path)} imports {package}"
        for path in MODULES
        if room(path) in ROOMS
        for package in {target.partition(".")[0] for target in imports(path)}
        if room(path) not in OUTSIDERS.get(package, {room(path)})
    ]
    assert wrong == []


def test_the_domain_knows_the_standard_library_only() -> None:
    known = {target.partition(".")[0] for path in MODULES if room(path) == "domain" for target in imports(path)}
    assert known - sys.stdlib_module_names - {"graphql_api"} <= {"msgspec", "tzdata"}


def test_sql_is_written_in_storage_only() -> None:
    written = [
        f"{name(path)}:{node.lineno}"
        for path in MODULES
        if room(path) != "storage" and name(path) not in OWN_SQL
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert written == []


def test_a_file_opens_with_one_sentence_that_is_its_reason_to_exist() -> None:
    opens = {path: (ast.get_docstring(parsed(path)) or "").split("\n\n")[0] for path in (*MODULES, *TESTS)}
    assert {path: first for path, first in opens.items() if not re.fullmatch(r".+[.?]", first)} == {}


def test_no_module_takes_what_another_keeps_to_itself() -> None:
    taken = [
        f"{name(path)} imports {target}"
        for path in MODULES
        for target in imports(path)
        if target.startswith("graphql_api.") and re.fullmatch(r"_[^_].*", target.rpartition(".")[2])
    ]
    assert taken == []


def test_a_class_is_the_only_one_of_its_name_unless_graphql_shows_what_it_is() -> None:
    found: dict[str, list[str]] = {}
    for path in MODULES:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(room(path))
    twice = {name: rooms for name, rooms in found.items() if len(rooms) > 1}
    assert {name: rooms for name, rooms in twice.items() if len(rooms) > 2 or rooms.count("schema") != 1} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    parts = {part for path in PACKAGE.rglob("*") for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert parts & FORBIDDEN_NAMES == set()


def test_what_is_committed_is_what_the_code_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    checked = CliRunner().invoke(cli.app, ["schema", "--check"])
    assert (checked.exit_code, checked.output) == (0, "")


def test_make_without_a_target_tells_what_there_is_to_make() -> None:
    told = subprocess.run(["make", "-C", ROOT, "--no-print-directory"], capture_output=True, text=True, check=True)
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert declared is not None
    assert sorted(re.findall(r"^make (\S+) +\S", told.stdout, re.MULTILINE)) == sorted(declared[1].split())


# Leaves


def graphql_type(type_name: str) -> Any:
    return SCHEMA._schema.get_type(type_name)


def field_of(type_name: str, leaf: Leaf) -> Any:
    """The field of a leaf, found from a type on along its path."""
    fields: Any = graphql_type(type_name).fields
    for part in leaf.path.split("."):
        found = fields[part]
        fields = getattr(getattr(found.type, "of_type", found.type), "fields", None)
    return found


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.path)
def test_a_leaf_has_column_output_inputs_and_meaning(leaf: Leaf) -> None:
    assert leaf.meaning.endswith(".")
    assert not FLOWS.c[leaf.column].nullable
    assert field_of("MessageFlow", leaf).description == leaf.meaning
    for input in ("UpdateMessageFlowInput", "CreateMessageFlowInput"):
        told = field_of(input, leaf).description
        assert told.startswith(leaf.meaning)
        assert "Null resets it to" in told if leaf.rule.resets else "Null is refused" in told
    assert re.search(rf"\b{leaf.path.rpartition('.')[2]}\b", OPERATIONS)


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if "." not in leaf.path], ids=lambda leaf: leaf.path)
def test_an_input_says_what_becomes_of_a_leaf_that_is_left_out(leaf: Leaf) -> None:
    said = [field_of(f"{act}MessageFlowInput", leaf).description for act in ("Update", "Create")]
    if not leaf.rule.resets:
        assert said[0].endswith(" Null is refused; leave it out to keep what is there.")
        new = "it must be sent" if leaf.is_required else "leave it out to get its default"
        assert said[1].endswith(f" Null is refused; {new}.")
    assert str(field_of("CreateMessageFlowInput", leaf).type).endswith("!") == leaf.is_required


def test_every_column_is_a_leaf_or_kept_by_the_server() -> None:
    assert set(FLOWS.c.keys()) == {leaf.column for leaf in LEAVES} | {
        *SYSTEM_COLUMNS,
        "deleted_at",
        "name_folded",
        "updated_slot",
    }


def test_each_member_of_a_filter_has_condition_input_and_parameter() -> None:
    """On REST the list takes no ids."""
    assert CONDITIONS.keys() == set(Filter.__struct_fields__)
    members = {camel(name) for name in Filter.__struct_fields__}
    assert graphql_type("MessageFlowFilter").fields.keys() == members
    assert FILTERS.keys() == members - {"ids"}


def test_every_block_says_what_it_is_for() -> None:
    blocks = [TREE]
    while blocks:
        members = blocks.pop().members.values()
        blocks += (inner := [member for member in members if isinstance(member, Block)])
        assert all(block.meaning.endswith(".") for block in inner)


# Descriptions


def undescribed(schema: GraphQLSchema) -> Iterator[str]:
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        members: dict[str, Any] = {}
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            members = dict(kind.fields)
        elif isinstance(kind, GraphQLEnumType):
            members = dict(kind.values)
        arguments = {
            f"{field}({argument}:)": told
            for field, member in members.items()
            for argument, told in getattr(member, "args", {}).items()
        }
        for place, told in {"": kind, **members, **arguments}.items():
            if not told.description:
                yield f"{kind.name}.{place}"


def test_everything_in_the_schema_is_described() -> None:
    assert list(undescribed(SCHEMA._schema)) == []
