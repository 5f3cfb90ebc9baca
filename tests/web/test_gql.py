"""Python's client gql watches a flow, goes on behind its last cursor, and is told why it may not."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk, keys
from tests.edits.conftest import new_flow, rename
from tests.web.live import SOON, served

NOW = "{ changeCursor }"
CHANGED = """subscription ($id: ID, $after: String) {
  messageFlowChanged(id: $id, after: $after) { cursor operation version messageFlow { name } } }"""


def client(at: str, **payload: str) -> Client:
    transport = WebsocketsTransport(url=f"ws://{at}/graphql", init_payload=payload, connect_args={"proxy": None})
    return Client(transport=transport, execute_timeout=SOON)


def changes(session: AsyncClientSession, **variables: str) -> AsyncGenerator[dict[str, Any]]:
    request = gql(CHANGED)
    request.variable_values = variables
    return session.subscribe(request)


async def told(watched: AsyncGenerator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [(await anext(watched))["messageFlowChanged"] for _ in range(count)]


async def test_gql_reads_where_it_begins_and_goes_on_behind_its_cursor(desk: Desk, caller: Caller) -> None:
    issued = await keys.create(desk.store, 0, ("ws1",), {"flows:read"})
    who = {"x-api-key": issued.secret, "x-workspace-id": "ws1"}
    id = await new_flow(desk, caller)
    async with served(desk, auth="keys") as at:
        async with client(at, **who) as session:
            after = (await session.execute(gql(NOW)))["changeCursor"]
            await rename(desk, caller, id, "one")
            async with aclosing(changes(session, id=id, after=after)) as watched:
                (first,) = await told(watched, 1)
        await rename(desk, caller, id, "two")
        async with client(at, **who) as session, aclosing(changes(session, after=first["cursor"])) as watched:
            seen = [first, *await told(watched, 1)]
            await rename(desk, caller, id, "three")
            seen += await told(watched, 1)
    assert [(change["operation"], change["version"], change["messageFlow"]["name"]) for change in seen] == [
        ("UPDATE", 1, "one"),
        ("UPDATE", 2, "two"),
        ("UPDATE", 3, "three"),
    ]


async def test_gql_is_told_why_it_may_not_watch(desk: Desk) -> None:
    async with served(desk) as at, client(at, **{"x-workspace-id": "ws1"}) as session:
        with pytest.raises(TransportQueryError) as refusal:
            await told(changes(session, after="garbage"), 1)
    assert [error["extensions"]["code"] for error in refusal.value.errors or ()] == ["BAD_REQUEST"]
