"""GraphQL over HTTP: what stands in the status, what in the errors, and what nobody is told."""

import re
from functools import cache
from typing import Any

import httpx2
import pytest

from graphql_api import app
from graphql_api.edits import Desk
from graphql_api.schema import SCHEMA
from graphql_api.schema.operations import Operations
from graphql_api.storage.engine import Store, unavailable
from tests.conftest import CREATE, Execute, configured

RESPONSE = "application/graphql-response+json"
CREATED = (
    "mutation($i: CreateMessageFlowInput!) { createMessageFlow(input: $i) { messageFlow { id } errors { code } } }"
)


def away(sql: str) -> None:
    raise unavailable("it cannot be reached")


@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
@pytest.mark.parametrize("query", [CREATED, "{ messageFlows { totalCount } }"], ids=["write", "read"])
async def test_without_the_database_the_answer_is_503(
    http: httpx2.AsyncClient, store: Store, query: str, accept: str
) -> None:
    store.heard = away
    sent = {"query": query, "variables": {"i": CREATE}}
    answer = await http.post("/graphql", json=sent, headers={"accept": accept})
    store.heard = None
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json().keys() == {"errors"}
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}


async def test_an_answer_of_several_fields_keeps_what_the_others_did(
    http: httpx2.AsyncClient, execute: Execute, store: Store
) -> None:
    """503 would say that nothing was written, and a client would send it all once more."""
    created = await execute(CREATED, i=CREATE)
    id = created["data"]["createMessageFlow"]["messageFlow"]["id"]
    asked = f'{{ __typename messageFlow(id: "{id}") {{ name }} }}'
    store.heard = away
    answer = await http.post("/graphql", json={"query": asked})
    store.heard = None
    assert answer.status_code == 200
    assert answer.json()["data"] == {"__typename": "Query", "messageFlow": None}
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}


async def test_a_write_is_told_although_a_field_below_it_fails(
    http: httpx2.AsyncClient, execute: Execute, store: Store
) -> None:
    created = await execute(CREATED, i=CREATE)
    id = created["data"]["createMessageFlow"]["messageFlow"]["id"]

    def without_history(sql: str) -> None:
        if sql.lstrip().startswith("SELECT message_flow_revisions"):
            away(sql)

    asked = (
        f'mutation {{ updateMessageFlow(id: "{id}", input: {{name: "new"}})'
        " { changedFields messageFlow { name revisions { nodes { id } } } } }"
    )
    store.heard = without_history
    answer = await http.post("/graphql", json={"query": asked})
    store.heard = None
    assert answer.status_code == 200
    assert answer.json()["data"]["updateMessageFlow"] == {"changedFields": ["name"], "messageFlow": None}
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}


@pytest.mark.parametrize("accept", ["application/json", RESPONSE, "text/event-stream"])
async def test_a_fault_of_ours_is_told_as_graphql_tells_errors(
    http: httpx2.AsyncClient, accept: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("nobody may read this")

    monkeypatch.setattr(Operations, "carry_out", broken)
    headers = {"accept": accept, "x-request-id": "lost-1"}
    answer = await http.post("/graphql", json={"query": "{ messageFlows { totalCount } }"}, headers=headers)
    assert answer.status_code == 500
    message = "internal error; the log has it under lost-1"
    assert answer.json() == {"errors": [{"message": message, "extensions": {"code": "INTERNAL"}}]}
    assert answer.headers["content-type"].startswith(RESPONSE if accept == RESPONSE else "application/json")
    (record,) = [record for record in caplog.records if record.name == "message_flows"]
    assert record.getMessage().startswith("request lost-1 failed: RuntimeError at ")


async def test_the_price_is_told_when_it_is_asked_for(http: httpx2.AsyncClient) -> None:
    query = "{ messageFlows(first: 20) { nodes { id } totalCount } }"
    told = await http.post("/graphql", json={"query": query, "extensions": {"cost": True}})
    assert told.json()["extensions"] == {"cost": 31}
    told = await http.post("/graphql", json={"query": query, "extensions": {"plan": True}})
    assert told.json()["extensions"] == {"plan": "compiled"}
    told = await http.post("/graphql", json={"query": "{__schema {__typename}}", "extensions": {"plan": True}})
    assert told.json()["extensions"] == {"plan": "general"}
    assert "extensions" not in (await http.post("/graphql", json={"query": query})).json()


# Nothing to guess names by

SPELLINGS = [
    "{ messageFlw(id: 1) { id } }",
    "{ messageFlow { id } }",
    "{ messageFlow(id: 1) }",
    "{ messageFlow(id: 1) { nam } }",
    "{ messageFlow(id: 1) { settings } }",
    "{ messageFlow(id: 1) { id { x } } }",
    "{ messageFlow(di: 1) { id } }",
    '{ node(id: "a") { name } }',
    '{ node(id: "a") { ... on MessageFlo { id } } }',
    "{ messageFlows(orderBy: {feld: NAME}) { totalCount } }",
    "{ messageFlows(orderBy: {field: NAM}) { totalCount } }",
    "{ messageFlows(filter: {updatedSince: 1}) { totalCount } }",
    '{ messageFlows(first: "a") { totalCount } }',
    "query($a: MessageFlowFiltr) { messageFlows(filter: $a) { totalCount } }",
    "query($a: Int) { messageFlows(filter: $a) { totalCount } }",
    "mutation { createMessageFlow(input: {}) { replayed } }",
    "mutation { createMessageFlow { replayed } }",
    'mutation { updateMessageFlow(id: "a", input: {direction: inbound}) { replayed } }',
    "{ __typename @skp(if: true) }",
    "{ __schema { types { name } } }",
]
VARIABLES: list[tuple[str, Any]] = [
    ("mutation($i: CreateMessageFlowInput!) { createMessageFlow(input: $i) { replayed } }", {}),
    ("mutation($i: CreateMessageFlowInput!) { createMessageFlow(input: $i) { replayed } }", {"nam": "x"}),
    ('mutation($i: UpdateMessageFlowInput!) { updateMessageFlow(id: "a", input: $i) { replayed } }', {"nam": "x"}),
    (
        'mutation($i: UpdateMessageFlowInput!) { updateMessageFlow(id: "a", input: $i) { replayed } }',
        {"settings": {"responseSettings": {"dely": 1}}},
    ),
    (
        'mutation($i: UpdateMessageFlowInput!) { updateMessageFlow(id: "a", input: $i) { replayed } }',
        {"messageChannel": "Fax"},
    ),
    ("query($i: MessageFlowFilter) { messageFlows(filter: $i) { totalCount } }", {"updatedSince": "x"}),
]
ASKED = [*((query, None) for query in SPELLINGS), *((query, {"i": value}) for query, value in VARIABLES)]
WORD = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


@cache
def names() -> set[str]:
    """Every name of the schema but those that are English words of the messages."""
    return set(WORD.findall(re.sub(r'"""(.|\n)*?"""', "", SCHEMA.as_str()))) - {"schema", "query", "not", "fit"}


@pytest.mark.parametrize(("query", "variables"), ASKED)
async def test_with_hints_off_no_message_tells_a_name(desk: Desk, query: str, variables: Any) -> None:
    settings = configured(suggestions=False, introspection=False)
    transport = httpx2.ASGITransport(app.made(settings, desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/graphql", json={"query": query, "variables": variables})
    errors = answer.json()["errors"]
    assert "data" not in answer.json()
    assert all(not names() & set(WORD.findall(error["message"])) for error in errors), errors


async def test_with_hints_on_the_nearest_name_is_offered(execute: Execute) -> None:
    answer = await execute("{ messageFlow(id: 1) { nam } }")
    assert answer["errors"][0]["message"] == "Cannot query field 'nam' on type 'MessageFlow'. Did you mean 'name'?"


async def test_introspection_is_a_setting_of_its_own(desk: Desk, execute: Execute) -> None:
    query = "{ __schema { queryType { name } } }"
    assert (await execute(query))["data"] == {"__schema": {"queryType": {"name": "Query"}}}
    transport = httpx2.ASGITransport(app.made(configured(introspection=False), desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = (await client.post("/graphql", json={"query": query})).json()
        assert "introspection has been disabled" in answer["errors"][0]["message"]
        assert (await client.post("/graphql", json={"query": "{ __typename }"})).json()["data"]
