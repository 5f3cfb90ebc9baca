"""The history of a flow over GraphQL: newest first, page by page, and never that of another flow or workspace."""

import base64

import httpx2
import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported
from tests.conftest import Execute
from tests.edits.conftest import NEW

HISTORY = """
query ($id: ID!, $first: Int, $after: String, $atVersion: Int) {
  messageFlow(id: $id, atVersion: $atVersion) {
    name
    version
    revisions(first: $first, after: $after) {
      edges { cursor node { id version operation note changes { path before after } } }
      nodes { version }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""


@pytest.fixture
async def id(desk: Desk, caller: Caller) -> str:
    """A flow with versions 0 to 3."""
    made = str((await edits.create_flow(desk, caller, NEW)).flow["id"])
    await edits.update_flow(desk, caller, made, Sent({"name": "One", "response_settings_delay": 1.5}))
    await edits.update_flow(desk, caller, made, Sent(toggles=True), Terms(note="why"))
    await edits.revert_flow(desk, caller, made, 0)
    return made


async def test_a_replay_tells_the_flow_as_it_was_and_its_history_of_now(execute: Execute, id: str) -> None:
    toggle = (
        'mutation ($id: ID!) { updateMessageFlow(id: $id, idempotencyKey: "k", input: {toggleAutopilot: true}) {'
        " replayed messageFlow { version revisions(first: 1) { nodes { version } } } } }"
    )
    told = []
    for _ in range(2):
        payload = (await execute(toggle, id=id))["data"]["updateMessageFlow"]
        newest = payload["messageFlow"]["revisions"]["nodes"][0]["version"]
        told.append((payload["replayed"], payload["messageFlow"]["version"], newest))
        await execute('mutation ($id: ID!) { updateMessageFlow(id: $id, input: {name: "New"}) { replayed } }', id=id)
    assert told == [(False, 4, 4), (True, 4, 5)]


async def test_revisions_are_told_newest_first_page_by_page(execute: Execute, id: str) -> None:
    first = (await execute(HISTORY, id=id, first=2))["data"]["messageFlow"]["revisions"]
    assert [edge["node"] for edge in first["edges"]] == [
        {
            "id": f"{id}:3",
            "version": 3,
            "operation": "REVERT",
            "note": None,
            "changes": [
                {"path": "name", "before": "One", "after": "Sale"},
                {"path": "autopilot", "before": True, "after": False},
                {"path": "settings.responseSettings.delay", "before": 1.5, "after": 0},
            ],
        },
        {
            "id": f"{id}:2",
            "version": 2,
            "operation": "UPDATE",
            "note": "why",
            "changes": [{"path": "autopilot", "before": False, "after": True}],
        },
    ]
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    place = first["pageInfo"]["endCursor"]
    rest = (await execute(HISTORY, id=id, first=2, after=place))["data"]["messageFlow"]["revisions"]
    assert [node["version"] for node in rest["nodes"]] == [1, 0]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_a_page_stays_right_when_the_flow_changes_meanwhile(
    execute: Execute, desk: Desk, caller: Caller, id: str
) -> None:
    first = (await execute(HISTORY, id=id, first=2))["data"]["messageFlow"]["revisions"]
    await edits.update_flow(desk, caller, id, Sent({"name": "later"}))
    place = first["pageInfo"]["endCursor"]
    rest = (await execute(HISTORY, id=id, after=place))["data"]["messageFlow"]["revisions"]
    assert [node["version"] for node in rest["nodes"]] == [1, 0]


def brought(id: str) -> Imported:
    times = {"created_at": 1_735_812_900_000, "updated_at": 1_735_812_900_250}
    return Imported(id, "ws1", {**DEFAULTS, **NEW.values, **times})


def text(raw: str) -> str:
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after", ["", "garbage", "ä", *map(text, ["other:1", "f1", "f1:-1", "f1:1:2", "f1:99999999999"])]
)
async def test_a_cursor_of_anything_else_is_refused(execute: Execute, desk: Desk, after: str) -> None:
    await edits.import_flows(desk, Caller(None, source="CLI"), [brought("f1")])
    answer = await execute(HISTORY, id="f1", after=after)
    message = "after is not a cursor of this flow's revisions; send one that pageInfo gave you"
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [(message, "BAD_REQUEST")]


async def test_a_cursor_of_another_workspaces_flow_is_refused(
    execute: Execute, http: httpx2.AsyncClient, desk: Desk, id: str
) -> None:
    theirs = (await edits.create_flow(desk, Caller("ws2"), NEW)).flow["id"]
    body = {"query": HISTORY, "variables": {"id": theirs}}
    told = (await http.post("/graphql", json=body, headers={"x-workspace-id": "ws2"})).json()
    place = told["data"]["messageFlow"]["revisions"]["pageInfo"]["endCursor"]
    answer = await execute(HISTORY, id=id, after=place)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]


async def test_a_deleted_flow_is_read_at_a_version_only(execute: Execute, desk: Desk, caller: Caller, id: str) -> None:
    await edits.delete_flow(desk, caller, id)
    assert (await execute(HISTORY, id=id))["data"] == {"messageFlow": None}
    then = (await execute(HISTORY, id=id, atVersion=1, first=1))["data"]["messageFlow"]
    assert (then["name"], then["version"]) == ("One", 1)
    assert [(edge["node"]["operation"], edge["node"]["changes"]) for edge in then["revisions"]["edges"]] == [
        ("DELETE", [])
    ]


@pytest.mark.parametrize("end", ["4", "2147483647", "2147483648", "9999999999", "01", "-1", ""])
async def test_a_revision_that_never_was_is_null(execute: Execute, id: str, end: str) -> None:
    assert await execute("query ($id: ID!) { node(id: $id) { id } }", id=f"{id}:{end}") == {"data": {"node": None}}


@pytest.mark.parametrize("version", [-1, 4, 2**31 - 1])
async def test_a_version_that_never_was_is_null(execute: Execute, id: str, version: int) -> None:
    assert (await execute(HISTORY, id=id, atVersion=version))["data"] == {"messageFlow": None}


async def test_nobody_elses_history_is_told(http: httpx2.AsyncClient, id: str) -> None:
    query = "query ($id: ID!, $r: ID!) { messageFlow(id: $id, atVersion: 0) { id } node(id: $r) { id } }"
    body = {"query": query, "variables": {"id": id, "r": f"{id}:0"}}
    foreign = (await http.post("/graphql", json=body, headers={"x-workspace-id": "ws2"})).json()
    assert foreign["data"] == {"messageFlow": None, "node": None}
    own = (await http.post("/graphql", json=body)).json()
    assert own["data"] == {"messageFlow": {"id": id}, "node": {"id": f"{id}:0"}}


async def test_the_times_that_an_import_brings_are_told_as_instants(execute: Execute, desk: Desk) -> None:
    await edits.import_flows(desk, Caller(None, source="CLI"), [brought("f1")])
    answer = await execute(HISTORY, id="f1")
    (edge,) = answer["data"]["messageFlow"]["revisions"]["edges"]
    told = {change["path"]: change["after"] for change in edge["node"]["changes"]}
    assert edge["node"]["operation"] == "IMPORT"
    assert (told["createdAt"], told["updatedAt"]) == ("2025-01-02T10:15:00Z", "2025-01-02T10:15:00.250Z")
