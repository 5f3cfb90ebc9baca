"""Workspaces never meet: no statement looks across them, and what belongs to another one does not exist."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.storage import flows
from tests.statements import forgetful, keep_the_version, look_across


async def test_statements_are_heard_and_none_of_them_looks_across_workspaces(
    desk: Desk, caller: Caller, heard: list[str]
) -> None:
    """The same is held of all that any test ran, when the tests end: see `within_workspaces` in conftest.py."""
    saved = await edits.create_flow(desk, caller, NEW)
    await edits.update_flows(desk, caller, [saved.flow["id"]], None, Sent({"name": "n"}))
    assert len(set(heard)) >= 2
    assert look_across(heard) == []


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT x FROM message_flows WHERE message_flows.id = $1", ["message_flows"]),
        ("SELECT x FROM message_flows WHERE message_flows.workspace_id = $1", []),
        ("SELECT x FROM message_flow_revisions AS r WHERE message_flows.workspace_id = ?", ["message_flow_revisions"]),
        ("UPDATE message_flows SET workspace_id = ? WHERE message_flows.id = ?", ["message_flows"]),
        ("INSERT INTO message_flows (id, workspace_id) VALUES (?, ?)", ["message_flows"]),
        (
            "SELECT x FROM message_flows WHERE message_flows.workspace_id = message_flows.workspace_id",
            ["message_flows"],
        ),
    ],
)
def test_a_forgetful_statement_would_be_found(sql: str, tables: list[str]) -> None:
    assert list(forgetful(sql)) == tables


# Foreign and unknown ids

NEW = Sent(
    {
        "name": "Theirs",
        "direction": "INBOUND",
        "agent": "a",
        "prompt": "p",
        "initiation_message": "i",
        "message_channel": "SMS",
    }
)
INPUT = {"name": "Mine"}


@dataclass(frozen=True)
class Ask:
    """One way to name a flow."""

    method: str
    path: str
    body: Callable[[str], Any] = lambda id: None
    headers: tuple[tuple[str, str], ...] = ()


def rest(method: str, path: str = "", body: Any = None, **headers: str) -> Ask:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Ask(method, f"/v1/api/message-flows/{{}}{path}", lambda id: body, sent)


def graphql(document: str) -> Ask:
    return Ask("POST", "/graphql", lambda id: {"query": document.replace("FLOW", id)})


WAYS = {
    "REST read": rest("GET"),
    "REST read if changed": rest("GET", if_none_match='"0"'),
    "REST update": rest("PUT", body=INPUT),
    "REST update at a version": rest("PUT", body=INPUT, if_match='"0"'),
    "REST update at any version": rest("PUT", body=INPUT, if_match="*"),
    "REST update with a key": rest("PUT", body=INPUT, idempotency_key="k1"),
    "REST patch": rest("PATCH", body=INPUT),
    "REST toggle": rest("PUT", "/toggle-autopilot"),
    "REST delete": rest("DELETE"),
    "REST working hours": rest("GET", "/working-hours"),
    "read": graphql('{messageFlow(id: "FLOW") {id name}}'),
    "read a version": graphql('{messageFlow(id: "FLOW", atVersion: 0) {id name}}'),
    "read history": graphql('{messageFlow(id: "FLOW") {revisions {nodes {id}}}}'),
    "node": graphql('{node(id: "FLOW") {id}}'),
    "revision": graphql('{node(id: "FLOW:0") {id}}'),
    "filter by id": graphql('{messageFlows(filter: {ids: ["FLOW"]}) {totalCount nodes {id} pageInfo {endCursor}}}'),
    "update": graphql(
        'mutation {updateMessageFlow(id: "FLOW", input: {name: "M"}) {messageFlow {id} errors {message}}}'
    ),
    "update at a version": graphql(
        'mutation {updateMessageFlow(id: "FLOW", input: {name: "M"}, ifVersion: 0, onConflict: MERGE)'
        " {messageFlow {id} errors {code message path}}}"
    ),
    "try": graphql(
        'mutation {updateMessageFlow(id: "FLOW", input: {name: "M"}, validateOnly: true) {errors {code message path}}}'
    ),
    "update with a key": graphql(
        'mutation {updateMessageFlow(id: "FLOW", input: {name: "M"}, idempotencyKey: "k") {replayed errors {code}}}'
    ),
    "update many": graphql(
        'mutation {updateMessageFlows(ids: ["FLOW"], input: {name: "M"})'
        " {results {messageFlow {id} errors {code message path}} errors {code}}}"
    ),
    "update a filter": graphql(
        'mutation {updateMessageFlows(filter: {ids: ["FLOW"]}, input: {name: "M"}) {results {messageFlowId}'
        " errors {code message}}}"
    ),
    "delete at a version": graphql(
        'mutation {deleteMessageFlow(id: "FLOW", ifVersion: 7) {messageFlow {id} errors {code message path}}}'
    ),
    "delete": graphql('mutation {deleteMessageFlow(id: "FLOW") {deletedMessageFlowId errors {code message path}}}'),
    "restore": graphql('mutation {restoreMessageFlow(id: "FLOW") {messageFlow {id} errors {code message path}}}'),
    "revert": graphql(
        'mutation {revertMessageFlow(id: "FLOW", toVersion: 0) {messageFlow {id} errors {code message path}}}'
    ),
}
"""Every way in which the two doors let a caller name a flow."""


async def told(client: httpx2.AsyncClient, ask: Ask, id: str, key: int) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers with the id taken out."""
    headers = {**dict(ask.headers), "x-request-id": "r"}
    if "idempotency-key" in headers:
        headers["idempotency-key"] = f"k{key}"
    response = await client.request(ask.method, ask.path.format(id), json=ask.body(id), headers=headers)
    return response.status_code, response.text.replace(id, "FLOW"), dict(response.headers)


@pytest.mark.parametrize("way", WAYS)
async def test_a_foreign_flow_is_answered_like_an_unknown_one_by_the_same_statements(
    desk: Desk, http: httpx2.AsyncClient, heard: list[str], way: str
) -> None:
    theirs = Caller("theirs", request_id="r")
    foreign = (await edits.create_flow(desk, theirs, NEW)).flow["id"]
    deleted = (await edits.create_flow(desk, theirs, NEW)).flow["id"]
    await edits.delete_flow(desk, theirs, deleted)
    unknown = "f" * len(foreign)
    answers, statements = [], []
    for number, id in enumerate((unknown, foreign, deleted)):
        heard.clear()
        answers.append(await told(http, WAYS[way], id, number))
        statements.append(list(heard))
    assert answers[0] == answers[1] == answers[2]
    assert statements[0] == statements[1] == statements[2] != []
    assert "Theirs" not in answers[1][1]
    heard.clear()
    kept = await desk.store.read(flows.read_whole("theirs", foreign))
    assert (kept[0]["name"], kept[0]["version"]) == ("Theirs", 0)


async def test_a_replay_of_one_workspace_is_unknown_in_another(desk: Desk, http: httpx2.AsyncClient) -> None:
    document = 'mutation {createMessageFlow(input: {%s}, idempotencyKey: "k") {replayed errors {code}}}'
    create = {"query": document % CREATE}
    for workspace, replayed in (("theirs", False), ("theirs", True), ("ws1", False)):
        response = await http.post("/graphql", json=create, headers={"x-workspace-id": workspace})
        assert response.json()["data"]["createMessageFlow"] == {"replayed": replayed, "errors": []}


CREATE = 'name: "n", direction: INBOUND, agent: "a", prompt: "p", initiationMessage: "i", messageChannel: SMS'


async def test_a_cursor_of_another_workspace_leads_to_no_flow_of_it(desk: Desk, http: httpx2.AsyncClient) -> None:
    theirs = Caller("theirs", request_id="r")
    for _ in range(3):
        await edits.create_flow(desk, theirs, NEW)
    page = "{messageFlows(first: 1%s) {nodes {name} pageInfo {endCursor hasPreviousPage hasNextPage} totalCount}}"
    response = await http.post("/graphql", json={"query": page % ""}, headers={"x-workspace-id": "theirs"})
    cursor = response.json()["data"]["messageFlows"]["pageInfo"]["endCursor"]
    response = await http.post("/graphql", json={"query": page % f', after: "{cursor}"'})
    assert response.json()["data"]["messageFlows"] == {
        "nodes": [],
        "pageInfo": {"endCursor": None, "hasPreviousPage": False, "hasNextPage": False},
        "totalCount": 0,
    }


def test_a_change_that_keeps_the_version_would_be_found() -> None:
    changed = "UPDATE message_flows SET name=?, version=?, updated_at=? WHERE message_flows.workspace_id = ?"
    assert keep_the_version([changed]) == []
    left = changed.replace(" version=?,", "")
    assert keep_the_version([changed, left]) == [left]
