"""Webhooks over GraphQL: what the scope admin may see and do, and that nobody else does."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from graphql_api import app, config
from graphql_api.edits import Desk, keys
from tests.conftest import Clock, Execute

URL = "https://hooks.example.com/flows"
WEBHOOK = "id url name events createdAt parkedAt parkedBecause waiting deliveries { event outcome status attempt }"
ADD = f"""
mutation ($input: CreateWebhookInput!) {{
  createWebhook(input: $input) {{ webhook {{ {WEBHOOK} }} secret errors {{ code path message }} }}
}}
"""
LIST = """
query ($first: Int, $after: String) {
  webhooks(first: $first, after: $after) {
    nodes { id }
    edges { cursor node { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
PAYLOADS = {
    "deleteWebhook": "deletedWebhookId",
    "resumeWebhook": "webhook { parkedAt } hasGap",
    "rotateWebhookSecret": "secret",
    "testWebhook": "delivery { event outcome messageFlowId version attempt status }",
}


def act(name: str) -> str:
    return f"mutation ($id: ID!) {{ {name}(id: $id) {{ {PAYLOADS[name]} errors {{ code path }} }} }}"


async def added(execute: Execute, **more: object) -> dict[str, str]:
    answer = await execute(ADD, input={"url": URL, "events": ["FLOW_UPDATED", "FLOW_CREATED"], **more})
    created = answer["data"]["createWebhook"]
    assert created["errors"] == []
    assert re.fullmatch("mfw_[0-9a-f]{64}", created["secret"])
    return dict(created["webhook"])


async def test_a_webhook_from_its_creation_to_its_end(execute: Execute) -> None:
    webhook = await added(execute, name="CRM")
    id = webhook.pop("id")
    assert re.fullmatch("whk_[0-9a-f]{24}", id)
    assert webhook == {
        "url": URL,
        "name": "CRM",
        "events": ["FLOW_CREATED", "FLOW_UPDATED"],
        "createdAt": "2026-11-22T12:00:01Z",
        "parkedAt": None,
        "parkedBecause": None,
        "waiting": 0,
        "deliveries": [],
    }
    secret = (await execute(act("rotateWebhookSecret"), id=id))["data"]["rotateWebhookSecret"]["secret"]
    assert re.fullmatch("mfw_[0-9a-f]{64}", secret)
    tried = (await execute(act("testWebhook"), id=id))["data"]["testWebhook"]
    assert tried == {
        "delivery": {
            "event": "webhook.test",
            "outcome": "UNREACHABLE",
            "messageFlowId": None,
            "version": None,
            "attempt": 1,
            "status": None,
        },
        "errors": [],
    }
    resumed = (await execute(act("resumeWebhook"), id=id))["data"]["resumeWebhook"]
    assert resumed == {"webhook": {"parkedAt": None}, "hasGap": False, "errors": []}
    node = f"query ($id: ID!) {{ node(id: $id) {{ ... on Webhook {{ {WEBHOOK} }} }} }}"
    shown = (await execute(node, id=id))["data"]["node"]
    assert shown["deliveries"] == [{"event": "webhook.test", "outcome": "UNREACHABLE", "status": None, "attempt": 1}]
    assert "mfw_" not in str(shown)
    deleted = (await execute(act("deleteWebhook"), id=id))["data"]["deleteWebhook"]
    assert deleted == {"deletedWebhookId": id, "errors": []}
    assert (await execute(node, id=id))["data"]["node"] is None
    for name in PAYLOADS:
        (answer,) = (await execute(act(name), id=id))["data"].values()
        assert answer.pop("errors") == [{"code": "NOT_FOUND", "path": ["id"]}]
        assert not any(answer.values())


async def test_pages_of_webhooks(execute: Execute) -> None:
    for name in "abc":
        await added(execute, name=name)
    first = (await execute(LIST, first=2))["data"]["webhooks"]
    assert [edge["node"]["name"] for edge in first["edges"]] == ["a", "b"]
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    rest = (await execute(LIST, after=first["pageInfo"]["endCursor"]))["data"]["webhooks"]
    assert [edge["node"]["name"] for edge in rest["edges"]] == ["c"]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_pages_of_webhooks_that_were_added_at_one_moment(execute: Execute, clock: Clock) -> None:
    clock.step = 0
    ids = sorted([(await added(execute))["id"] for _ in range(3)])
    first = (await execute(LIST, first=2))["data"]["webhooks"]
    rest = (await execute(LIST, after=first["pageInfo"]["endCursor"]))["data"]["webhooks"]
    assert [node["id"] for node in (*first["nodes"], *rest["nodes"])] == ids


@pytest.mark.parametrize(
    "wrong", [{"after": "x"}, {"after": "é"}, {"after": "A" * 9_999}, {"first": 0}, {"first": 101}, {"first": -1}]
)
async def test_a_page_that_cannot_be_is_refused(execute: Execute, wrong: dict[str, object]) -> None:
    (error,) = (await execute(LIST, **wrong))["errors"]
    assert error["extensions"]["code"] == ("LIMIT_EXCEEDED" if wrong == {"first": 101} else "BAD_REQUEST")
    assert len(error["message"]) < 200


async def test_what_is_wrong_with_a_webhook_is_data(execute: Execute) -> None:
    wrong = {"url": "https://127.0.0.1/", "events": [], "name": "n" * 201}
    refused = (await execute(ADD, input=wrong))["data"]["createWebhook"]
    assert (refused["webhook"], refused["secret"]) == (None, None)
    assert [(error["code"], error["path"]) for error in refused["errors"]] == [
        ("INVALID_URL", ["url"]),
        ("INVALID_ENUM", ["events"]),
        ("TOO_LONG", ["name"]),
    ]
    assert (
        refused["errors"][1]["message"] == "events must name at least one of FLOW_CREATED, FLOW_UPDATED, FLOW_DELETED"
    )
    assert (await execute(LIST))["data"]["webhooks"]["nodes"] == []


@pytest.fixture
async def secured(desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """With a key that may do everything but administrate."""
    issued = await keys.create(desk.store, 0, ["ws1"], {"flows:read", "flows:write", "history:read"})
    transport = httpx2.ASGITransport(app.made(config.load(auth="keys"), desk))
    headers = {"x-workspace-id": "ws1", "x-api-key": issued.secret}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


async def test_whoever_lacks_the_scope_admin_sees_and_does_nothing(
    execute: Execute, secured: httpx2.AsyncClient
) -> None:
    id = (await added(execute))["id"]

    async def asked(query: str, **variables: Any) -> dict[str, Any]:
        return dict((await secured.post("/graphql", json={"query": query, "variables": variables})).json())

    mutations: list[tuple[str, Any]] = [(act(name), {"id": id}) for name in PAYLOADS]
    for query, variables in [
        (LIST, {}),
        (ADD, {"input": {"url": URL, "events": ["FLOW_CREATED"]}}),
        *mutations,
    ]:
        answer = await asked(query, **variables)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"], query
    assert await asked("query ($id: ID!) { node(id: $id) { id } }", id=id) == {"data": {"node": None}}
    assert [node["id"] for node in (await execute(LIST))["data"]["webhooks"]["nodes"]] == [id]
