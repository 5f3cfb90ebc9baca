"""The caches that docs/graphql.md shows hold what is asked once, in Apollo Client and in urql's Graphcache."""

import json
import re
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type

from tests.conformance.conftest import HERE, Run, succeeded
from tests.docs.blocks import blocks
from tests.served import ROOT

PAGE = (ROOT / "docs" / "graphql.md").read_text("utf-8")
APOLLO, URQL = (block.text for block in blocks(PAGE) if "export const cache" in block.text)
CLIENTS = ("Apollo", "urql")
BEFORE = [0, "Autumn", "09:00", "17:00"]
AFTER = [1, "August", "08:00", "17:00"]
STEPS = [
    ["created", 3],
    ["watched", ["Autumn", "Spring"], BEFORE, 2],
    ["another page", ["Autumn", "Spring", "Winter"], 1],
    ["a filter", ["Spring"], 1],
    ["updated", ["August", "Spring", "Winter"], AFTER, AFTER, 1],
    ["sent back as it was read", 1, 1],
    ["an earlier version", BEFORE, AFTER, 1],
    ["history", [1, 0], 2],
]
"""What is seen, and how many requests it took."""


@pytest.fixture(scope="module")
def told(node: Run, server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The condition is that of a build for development, in which Apollo Client warns."""
    folder = tmp_path_factory.mktemp("caches")
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    apollo, urql = folder / "apollo.mjs", folder / "urql.mjs"
    apollo.write_text(APOLLO, "utf-8")
    urql.write_text(URQL, "utf-8")
    played = node("--conditions=development", "caches.mjs", server, apollo, urql)
    return json.loads(succeeded(played))  # type: ignore[no-any-return]


@pytest.mark.parametrize("client", CLIENTS)
def test_pages_are_one_list_and_a_change_is_shown_without_being_asked_for(client: str, told: dict[str, Any]) -> None:
    assert told[client]["steps"] == STEPS


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_does_not_complain(client: str, told: dict[str, Any]) -> None:
    assert told[client]["warnings"] == []


@pytest.fixture(scope="module")
def reached() -> dict[str, GraphQLObjectType]:
    """The types that queries come to, by their names."""
    found: dict[str, GraphQLObjectType] = {}
    waiting: list[Any] = [build_schema((ROOT / "schema.graphql").read_text("utf-8")).query_type]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, GraphQLObjectType) and kind.name not in found:
            found[kind.name] = kind
            waiting += [get_named_type(member.type) for member in kind.fields.values()]
    return found


@pytest.mark.parametrize("shown", [APOLLO, URQL], ids=CLIENTS)
def test_the_cache_knows_every_connection(shown: str, reached: dict[str, GraphQLObjectType]) -> None:
    members = [member for kind in reached.values() for member in kind.fields.items()]
    connections = {name for name, member in members if get_named_type(member.type).name.endswith("Connection")}
    assert set(re.findall(r"(\w+): relay", shown)) == connections


def test_graphcache_knows_every_part(reached: dict[str, GraphQLObjectType]) -> None:
    """It takes those of connections for parts by their names."""
    parts = {name for name, kind in reached.items() if "id" not in kind.fields}
    assert set(re.findall(r"'([A-Z]\w+)'", URQL)) == {
        name for name in parts if name != "Query" and not re.fullmatch(r"\w+(Connection|Edge)|PageInfo", name)
    }


def test_apollo_client_merges_every_part_of_the_settings(reached: dict[str, GraphQLObjectType]) -> None:
    named = set(re.findall(r"'([A-Z]\w+)'", APOLLO))
    assert named == {name for name in reached if name == "WorkingHours" or name.endswith("Settings")}
