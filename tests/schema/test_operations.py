"""Subscriptions event by event: what watchers share, and what tells them apart."""

from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.feed import Feed
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import OperationResult, Operations
from graphql_api.schema.shown import Rejected
from tests.edits.conftest import NEW

OPERATIONS = Operations(Limits())


async def told(desk: Desk, caller: Caller, document: str, *sent: dict[str, Any]) -> list[OperationResult]:
    """What the edit of one flow answers to watchers who send these variables."""
    id = (await edits.create_flow(desk, caller, NEW)).flow["id"]
    context, operation = Context(desk, caller, feed=Feed(desk.store)), OPERATIONS.prepare(document, "Watch")
    async with AsyncExitStack() as stack:
        watchers = []
        for variables in sent:
            begun = await OPERATIONS.begin(operation, {"id": id, **variables}, context)
            watchers.append(await stack.enter_async_context(aclosing(begun)))
            await anext(begun)
        await edits.update_flow(desk, caller, id, Sent({"name": "new"}))
        answers = [(await anext(watcher)).answer for watcher in watchers]
    return [answer for answer in answers if answer is not None]


async def test_watchers_share_an_answer_only_where_all_that_stands_in_it_is_alike(desk: Desk, caller: Caller) -> None:
    document = """subscription Watch($id: ID, $named: Boolean = true) {
      messageFlowChanged(id: $id) { version messageFlow { name @include(if: $named) } } }
      query Other($flow: ID!) { messageFlow(id: $flow) { name } }"""
    one, other, off = await told(desk, caller, document, {}, {"flow": []}, {"named": False})
    assert one is other
    assert one.data == {"messageFlowChanged": {"version": 1, "messageFlow": {"name": "new"}}}
    assert off.data == {"messageFlowChanged": {"version": 1, "messageFlow": {}}}


async def test_what_a_field_below_is_asked_for_tells_watchers_apart_and_what_they_watch_does_not(
    desk: Desk, caller: Caller
) -> None:
    document = """subscription Watch($id: ID, $first: Int) {
      messageFlowChanged(id: $id) { messageFlow { revisions(first: $first) { nodes { version } } } } }"""
    one, of_any, two = await told(desk, caller, document, {"first": 1}, {"first": 1, "id": None}, {"first": 2})
    assert one is of_any
    nodes = [answer.data["messageFlowChanged"]["messageFlow"]["revisions"]["nodes"] for answer in (one, two)]  # type: ignore[index]
    assert nodes == [[{"version": 1}], [{"version": 1}, {"version": 0}]]


@pytest.mark.parametrize("wrong", [{"named": None}, {"after": "\ud800"}, {"first": 0}])
async def test_what_no_event_could_answer_is_not_begun(desk: Desk, caller: Caller, wrong: dict[str, Any]) -> None:
    document = """subscription Watch($id: ID, $after: String, $first: Int, $named: Boolean = true) {
      messageFlowChanged(id: $id) {
        messageFlow { name @include(if: $named) revisions(first: $first, after: $after) { nodes { version } } } } }"""
    with pytest.raises(Rejected) as rejected:
        await told(desk, caller, document, wrong)
    assert [error["extensions"]["code"] for error in rejected.value.errors] == ["BAD_REQUEST"]
    [answer] = await told(desk, caller, document, {})
    assert not answer.errors
