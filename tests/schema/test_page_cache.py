"""A page that is sent again as it was written is the page that would be written now."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from graphql_api import edits, storage
from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.schema.page_cache import LONGEST, CachedPage, PageCache
from graphql_api.web.json import encoded
from tests.conftest import Clock, Execute
from tests.edits.conftest import NEW
from tests.sampling import sampled

OPERATIONS = Operations(Limits())
LIST = "query ($first: Int) { messageFlows(first: $first) { nodes { id name prompt version } } }"
ROUNDS = sampled(600)
"""For each database."""

PAGES = (
    "{ messageFlows(first: 3) { nodes { id name autopilot settings { responseSettings { delay } } } } }",
    "{ messageFlows(last: 2) { edges { cursor node { id prompt } } again: nodes { version } totalCount } }",
    "{ messageFlows(first: 4, orderBy: {field: NAME, direction: ASC}) { edges { cursor } pageInfo { hasNextPage } } }",
    "{ messageFlows(first: 2, orderBy: {field: UPDATED_AT}) { nodes { updatedAt } pageInfo { endCursor } } }",
    "{ messageFlows(filter: {autopilot: true}) { nodes { id version } totalCount pageInfo { hasPreviousPage } } }",
)


async def answered(desk: Desk, caller: Caller, text: str, *, compiles: bool = True, **variables: Any) -> bytes:
    operation = OPERATIONS.prepare(text)
    assert operation.compiled is not None
    if not compiles:
        operation = replace(operation, compiled=None)
    answer = await OPERATIONS.carry_out(operation, variables, Context(desk, caller))
    return encoded({"data": answer.data, "errors": answer.errors})


@pytest.fixture
async def ids(desk: Desk, caller: Caller) -> list[str]:
    return [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(3)]


async def test_flows_that_are_the_same_are_asked_for_their_versions_alone(
    desk: Desk, caller: Caller, ids: list[str], heard: list[str]
) -> None:
    first = await answered(desk, caller, LIST, first=50)
    heard.clear()
    assert await answered(desk, caller, LIST, first=50) == first
    assert [".prompt" in sql for sql in heard] == [False]
    await edits.update_flow(desk, caller, ids[1], Sent({"prompt": "q"}))
    heard.clear()
    assert [node["prompt"] for node in listed(await answered(desk, caller, LIST, first=50))] == ["p", "q", "p"]
    assert [".prompt" in sql for sql in heard] == [False, True]
    heard.clear()
    assert [node["prompt"] for node in listed(await answered(desk, caller, LIST, first=50))] == ["p", "q", "p"]
    assert [".prompt" in sql for sql in heard] == [False]


def listed(answer: bytes) -> list[dict[str, Any]]:
    return msgspec.json.decode(answer)["data"]["messageFlows"]["nodes"]  # type: ignore[no-any-return]


async def test_whatever_is_edited_a_page_is_as_if_it_were_written_now(desk: Desk, caller: Caller) -> None:
    dice = random.Random(20261126)
    ids: list[str] = []
    for number in range(ROUNDS):
        if dice.random() < 0.4:
            await edited(desk, caller, dice, ids)
        text = dice.choice(PAGES)
        fresh = await answered(desk, caller, text, compiles=False)
        assert await answered(desk, caller, text) == fresh, f"round {number}: {text}"


async def edited(desk: Desk, caller: Caller, dice: random.Random, ids: list[str]) -> None:
    id = dice.choice([*ids, "none"])
    changes: list[Callable[[], Awaitable[Any]]] = [
        lambda: edits.update_flow(desk, caller, id, Sent({"prompt": dice.choice("pqr")})),
        lambda: edits.update_flow(desk, caller, id, Sent({"name": dice.choice("abc")})),
        lambda: edits.update_flow(desk, caller, id, Sent({"autopilot": dice.random() < 0.5})),
        lambda: edits.update_flow(desk, caller, id, Sent({"response_settings_delay": dice.randrange(9)})),
        lambda: edits.delete_flow(desk, caller, id),
        lambda: edits.restore_flow(desk, caller, id),
        lambda: edits.revert_flow(desk, caller, id, 0),
    ]
    if id != "none":
        try:
            await dice.choice(changes)()
        except Refused:
            return
    elif len(ids) < 8:
        ids.append((await edits.create_flow(desk, caller, NEW)).flow["id"])


async def test_what_another_process_changes_is_told(desk: Desk, caller: Caller, ids: list[str], other: Desk) -> None:
    assert {node["name"] for node in listed(await answered(desk, caller, LIST, first=50))} == {"Sale"}
    await edits.update_flow(other, caller, ids[0], Sent({"name": "Winter"}))
    assert {node["name"] for node in listed(await answered(desk, caller, LIST, first=50))} == {"Sale", "Winter"}
    await edits.delete_flow(other, caller, ids[1])
    assert len(listed(await answered(desk, caller, LIST, first=50))) == 2
    await edits.create_flow(other, caller, NEW)
    assert len(listed(await answered(desk, caller, LIST, first=50))) == 3


@pytest.fixture
async def other(desk: Desk, database_url: str) -> AsyncIterator[Desk]:
    store = storage.opened(database_url)
    yield replace(desk, store=store)
    await store.close()


async def test_pages_of_one_workspace_are_not_told_to_another(desk: Desk, caller: Caller, ids: list[str]) -> None:
    assert len(listed(await answered(desk, caller, LIST, first=50))) == len(ids)
    assert listed(await answered(desk, Caller("ws2"), LIST, first=50)) == []
    assert len(listed(await answered(desk, caller, LIST, first=50))) == len(ids)


async def test_who_may_not_read_is_not_told_what_was_kept(desk: Desk, caller: Caller, ids: list[str]) -> None:
    await answered(desk, caller, LIST, first=50)
    told = msgspec.json.decode(await answered(desk, Caller("ws1", scopes=frozenset({"flows:write"})), LIST, first=50))
    assert [error["extensions"]["code"] for error in told["errors"]] == ["FORBIDDEN"]
    assert told["data"] is None


async def test_what_tells_the_time_is_never_kept(execute: Execute, clock: Clock, ids: list[str]) -> None:
    text = "{ messageFlows { nodes { settings { responseSettings { workingHours { isOpen } } } } } }"
    await execute(
        "mutation ($id: ID!) { updateMessageFlow(id: $id, input: {settings: {responseSettings: {workingHours: "
        '{enabled: true, start: "09:00", end: "17:00", timezone: "UTC"}}}}) { errors { code } } }',
        id=ids[0],
    )
    open_at = {}
    for hour in (12, 20):
        clock.now, clock.step = instants.milliseconds(instants.parse(f"2026-11-23T{hour}:00:00Z")), 0
        nodes = (await execute(text))["data"]["messageFlows"]["nodes"]
        open_at[hour] = sum(node["settings"]["responseSettings"]["workingHours"]["isOpen"] for node in nodes)
    assert open_at == {12: 3, 20: 2}


@pytest.mark.parametrize(
    "arguments", ['first: 2, after: "%(place)s"', 'filter: {nameContains: "a"}', 'filter: {ids: ["%(id)s"]}']
)
async def test_what_few_come_back_to_is_not_kept(
    desk: Desk, caller: Caller, ids: list[str], heard: list[str], arguments: str
) -> None:
    told = await answered(desk, caller, "{ messageFlows(first: 1) { pageInfo { endCursor } } }")
    place = msgspec.json.decode(told)["data"]["messageFlows"]["pageInfo"]["endCursor"]
    text = f"{{ messageFlows({arguments % {'place': place, 'id': ids[0]}}) {{ nodes {{ prompt }} }} }}"
    first = await answered(desk, caller, text)
    heard.clear()
    assert await answered(desk, caller, text) == first
    assert [".prompt" in sql for sql in heard] == [True]


def page(text: str) -> CachedPage:
    return CachedPage([], {"nodes": msgspec.Raw(text.encode())})


def test_the_page_that_nobody_has_asked_for_longest_goes_first() -> None:
    cache = PageCache(most=3 * page("[1]").size)
    for name in "abc":
        cache.keep(name, page("[1]"))
    assert cache.find("a") == page("[1]")
    cache.keep("d", page("[2]"))
    assert [cache.find(name) is not None for name in "abcd"] == [True, False, True, True]
    cache.keep("d", page("[3]"))
    assert cache.find("d") == page("[3]")
    assert [cache.find(name) is not None for name in "ac"] == [True, True]


def test_a_long_page_is_not_kept_and_the_one_before_it_is_forgotten() -> None:
    cache = PageCache()
    cache.keep("a", page("[1]"))
    cache.keep("a", page("1" * LONGEST))
    assert cache.find("a") is None


def test_a_page_is_kept_for_a_while_at_most() -> None:
    cache = PageCache(seconds=-1)
    cache.keep("a", page("[1]"))
    assert cache.find("a") is None


def test_a_page_that_was_kept_long_enough_leaves_its_room_to_others() -> None:
    cache = PageCache(most=2 * page("[1]").size, seconds=-1)
    for name in "abc":
        cache.keep(name, page("[1]"))
        assert cache.find(name) is None
    cache._seconds = 60
    cache.keep("d", page("[1]"))
    cache.keep("e", page("[1]"))
    assert [cache.find(name) is not None for name in "de"] == [True, True]
