"""Over HTTP, on both doors: a leaf that was not sent is equal afterwards, a leaf that was sent has its value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphql_api.domain.flow import TREE, Block, Leaf
from tests.conftest import CREATE
from tests.domain.test_patch import values_of
from tests.sampling import sampled

EXAMPLES = settings(
    max_examples=sampled(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
REST_SPELLING = {
    "INBOUND": "inbound",
    "OUTBOUND": "outbound",
    "BIDIRECTIONAL": "bidirectional",
    "SMS": "SMS",
    "EMAIL": "Email",
}


def selected(block: Block) -> str:
    """Everything below a block, as a selection."""
    members = block.members.items()
    return " ".join(name + (f" {{ {selected(below)} }}" if isinstance(below, Block) else "") for name, below in members)


LEAVES = f"id workspaceId {selected(TREE)} createdAt version updatedAt"
READ = f"query ($id: ID!) {{ messageFlow(id: $id) {{ {LEAVES} }} }}"
UPDATE = f"""
mutation ($id: ID!, $input: UpdateMessageFlowInput!) {{
  updateMessageFlow(id: $id, input: $input) {{ messageFlow {{ {LEAVES} }} changedFields errors {{ code path }} }}
}}
"""
MADE = "mutation ($input: CreateMessageFlowInput!) { createMessageFlow(input: $input) { messageFlow { id } } }"


def parts(block: Block) -> st.SearchStrategy[dict[str, Any]]:
    """A partial input: each member is absent, null where null resets it, a value, or a block that may be empty."""
    return st.fixed_dictionaries({}, optional={name: member_of(member) for name, member in block.members.items()})


def member_of(member: Leaf | Block) -> st.SearchStrategy[Any]:
    if isinstance(member, Block):
        return parts(member)
    return values_of(member) | st.none() if member.rule.resets else values_of(member)


INPUTS = parts(TREE) | st.builds(
    lambda part: {name: value for name, value in part.items() if name != "autopilot"} | {"toggleAutopilot": True},
    parts(TREE),
)


def merged(block: Block, before: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """What CONTRACT 2.1 to 2.3 say, written once more and differently from the server."""
    after = dict(before)
    for name, value in part.items():
        member = block.members[name]
        if isinstance(member, Block):
            after[name] = merged(member, before[name], value)
        else:
            after[name] = member.default if value is None else value
    return after


def differing(block: Block, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    paths = []
    for name, member in block.members.items():
        if isinstance(member, Block):
            paths += differing(member, before[name], after[name])
        elif before[name] != after[name]:
            paths.append(member.path)
    return paths


@dataclass
class Expected:
    """The flow as the server must answer it from now on."""

    flow: dict[str, Any]

    def update(self, part: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
        """The leaves after an update and the paths that it changes; None when it leaves no working hours."""
        part = dict(part)
        toggles = part.pop("toggleAutopilot", False)
        after = merged(TREE, self.flow, part)
        if toggles:
            after["autopilot"] = not self.flow["autopilot"]
        hours = after["settings"]["responseSettings"]["workingHours"]
        if hours["start"] == hours["end"]:
            return None, []
        return after, differing(TREE, self.flow, after)


async def made(http: httpx2.AsyncClient) -> Expected:
    answer = await http.post("/graphql", json={"query": MADE, "variables": {"input": CREATE}})
    id = answer.json()["data"]["createMessageFlow"]["messageFlow"]["id"]
    return Expected(await read(http, id))


async def read(http: httpx2.AsyncClient, id: str) -> dict[str, Any]:
    answer = await http.post("/graphql", json={"query": READ, "variables": {"id": id}})
    return dict(answer.json()["data"]["messageFlow"])


def leaves(flow: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flow.items() if name not in ("updatedAt", "version")}


async def hold(http: httpx2.AsyncClient, expected: Expected, after: dict[str, Any] | None, paths: list[str]) -> None:
    """What the server holds is what was expected; version and time move with an effective change only."""
    now = await read(http, expected.flow["id"])
    if after is None or not paths:
        assert now == expected.flow
        return
    assert leaves(now) == leaves(after)
    assert now["version"] == expected.flow["version"] + 1
    assert now["updatedAt"] > expected.flow["updatedAt"]
    expected.flow = now


@pytest.mark.parametrize("door", ["graphql", "rest"])
async def test_absent_means_unchanged_at_any_depth(http: httpx2.AsyncClient, door: str) -> None:
    expected = await made(http)
    update = by_graphql if door == "graphql" else by_rest

    # Hypothesis makes the inputs, one after another on the same flow; the loop is ours.
    for part in examples():
        after, paths = expected.update(part)
        await update(http, expected, part, after, paths)
        await hold(http, expected, after, paths)


def examples() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    @EXAMPLES
    @given(INPUTS)
    def gather(part: dict[str, Any]) -> None:
        found.append(part)

    gather()
    return found


async def by_graphql(
    http: httpx2.AsyncClient,
    expected: Expected,
    part: dict[str, Any],
    after: dict[str, Any] | None,
    paths: list[str],
) -> None:
    variables = {"id": expected.flow["id"], "input": part}
    answer = (await http.post("/graphql", json={"query": UPDATE, "variables": variables})).json()
    payload = answer["data"]["updateMessageFlow"]
    if after is None:
        assert [error["code"] for error in payload["errors"]] == ["EMPTY_WINDOW"]
        assert payload["messageFlow"] is None
        return
    assert payload["errors"] == []
    assert payload["changedFields"] == paths
    assert leaves(payload["messageFlow"]) == leaves(after)


async def by_rest(
    http: httpx2.AsyncClient,
    expected: Expected,
    part: dict[str, Any],
    after: dict[str, Any] | None,
    paths: list[str],
) -> None:
    enums = part.keys() & {"direction", "messageChannel"}
    body = {**part, **{name: REST_SPELLING[part[name]] for name in enums}}
    answer = await http.put(f"/v1/api/message-flows/{expected.flow['id']}", json=body)
    if after is None:
        assert answer.status_code == 400
        assert [one["code"] for one in answer.json()["error"]["details"]] == ["empty_window"]
        return
    assert answer.status_code == 200
    assert answer.headers["x-changed-fields"] == ", ".join(paths)
    assert answer.headers["etag"] == f'"{expected.flow["version"] + bool(paths)}"'
    flow = answer.json()
    assert flow["settings"] == after["settings"]
    assert (flow["name"], flow["autopilot"], flow["prompt"]) == (after["name"], after["autopilot"], after["prompt"])
