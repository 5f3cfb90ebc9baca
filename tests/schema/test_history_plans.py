"""Histories of flows in plans: which of them are read, and what is told where one is not."""

import asyncio
from typing import Any

import pytest

from graphql_api import edits
from graphql_api.domain import cursors
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.schema import history_plans
from graphql_api.schema.prepared import GRAPHQL
from graphql_api.storage.engine import Statement, unavailable
from graphql_api.storage.tables import REVISIONS
from tests.edits.conftest import NEW
from tests.schema.test_compiled import CALLER, answered

FORMS = {
    "RevisionConnection": history_plans.CONNECTION,
    "RevisionEdge": history_plans.EDGE,
    "Revision": history_plans.REVISION,
    "LeafChange": history_plans.CHANGE,
    "PageInfo": history_plans.PAGE_INFO,
}


@pytest.mark.parametrize("kind", FORMS)
def test_plans_know_every_field_of_a_history(kind: str) -> None:
    assert FORMS[kind].keys() == GRAPHQL.type_map[kind].fields.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_histories_of_several_flows_have_arguments_of_their_own(desk: Desk, compiles: bool) -> None:
    made = [await edits.create_flow(desk, CALLER, NEW) for _ in range(2)]
    one, two = (saved.flow["id"] for saved in made)
    for name in ("a", "b", "c"):
        await edits.update_flow(desk, CALLER, two, Sent({"name": name}))
    after = cursors.encoded(f"{two}:3".encode())
    text = f"""query Op($n: Int, $c: String) {{
      a: messageFlow(id: "{one}") {{revisions {{nodes {{version}}}} settings {{responseSettings {{
        workingHours {{isOpen(at: "2026-03-28T12:00:00Z")}}}}}}}}
      b: messageFlow(id: "{two}") {{name revisions(first: $n, after: $c) {{
        nodes {{version changes {{path before after}}}} pageInfo {{hasNextPage hasPreviousPage}}}}
        newest: revisions(first: 1) {{edges {{cursor}}}}}}
      none: messageFlow(id: "none") {{revisions(first: $n) {{nodes {{id}}}}}}
      c: messageFlow(id: "{two}", atVersion: 1) {{name version revisions(first: 1) {{nodes {{version}}}}}} }}"""
    told = await answered(desk, text, {"n": 1, "c": after}, compiles=compiles)
    assert told == (
        {
            "a": {
                "revisions": {"nodes": [{"version": 0}]},
                "settings": {"responseSettings": {"workingHours": {"isOpen": True}}},
            },
            "b": {
                "name": "c",
                "revisions": {
                    "nodes": [{"version": 2, "changes": [{"path": "name", "before": "a", "after": "b"}]}],
                    "pageInfo": {"hasNextPage": True, "hasPreviousPage": True},
                },
                "newest": {"edges": [{"cursor": after}]},
            },
            "none": None,
            "c": {"name": "a", "version": 1, "revisions": {"nodes": [{"version": 3}]}},
        },
        [],
        compiles,
    )


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_a_history_that_is_refused_is_told_at_its_path(desk: Desk, compiles: bool) -> None:
    id = (await edits.create_flow(desk, CALLER, NEW)).flow["id"]
    text = f'query Op {{messageFlow(id: "{id}") {{name revisions(first: 0) {{nodes {{id}}}}}}}}'
    data, errors, is_compiled = await answered(desk, text, {}, compiles=compiles)
    assert (data, is_compiled) == ({"messageFlow": None}, False)
    assert [(error["path"], error["extensions"]["code"]) for error in errors] == [
        (["messageFlow", "revisions"], "BAD_REQUEST")
    ]


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_several_histories_of_a_flow_are_read_at_once(
    desk: Desk, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = (await edits.create_flow(desk, CALLER, NEW)).flow["id"]
    read, both = desk.store.read, asyncio.Barrier(2)

    async def with_the_other(statement: Statement) -> Any:
        if "flow_id" in statement.values:
            await both.wait()
        return await read(statement)

    monkeypatch.setattr(desk.store, "read", with_the_other)
    text = f'query Op {{messageFlow(id: "{id}") {{a: revisions {{nodes {{version}}}} b: revisions {{__typename}}}}}}'
    async with asyncio.timeout(5):
        told = await answered(desk, text, {}, compiles=compiles)
    assert told == (
        {"messageFlow": {"a": {"nodes": [{"version": 0}]}, "b": {"__typename": "RevisionConnection"}}},
        [],
        compiles,
    )


AWAY_HISTORIES = {
    "alone": 'messageFlow(id: "{id}") {{name ...Past}}',
    "of a node": 'a: node(id: "{id}") {{id ...Past ... on MessageFlow {{name}}}}',
    "beside others": '__typename a: messageFlow(id: "{id}") {{...Past}} b: messageFlow(id: "{id}") {{name}}',
}


@pytest.mark.parametrize("name", AWAY_HISTORIES)
async def test_a_history_that_cannot_be_read_is_told_at_its_path_and_asked_for_once(desk: Desk, name: str) -> None:
    id = (await edits.create_flow(desk, CALLER, NEW)).flow["id"]
    past = "fragment Past on MessageFlow {past: revisions {nodes {id}} past: revisions {pageInfo {hasNextPage}}}"
    text = f"query Op {{{AWAY_HISTORIES[name].format(id=id)}}} {past}"
    asked: list[str] = []

    def without_histories(sql: str) -> None:
        if REVISIONS.name in sql:
            asked.append(sql)
            raise unavailable("it cannot be reached")

    desk.store.heard = without_histories
    *told, is_compiled = await answered(desk, text, {}, compiles=True)
    assert len(asked) == 1
    assert (*told, False) == await answered(desk, text, {}, compiles=False)
    desk.store.heard = None
    assert is_compiled
    (error,) = told[1]
    assert (error["path"][1:], error["extensions"]["code"], len(error["locations"])) == (["past"], "UNAVAILABLE", 2)
