"""Connections over GraphQL: what is not selected costs no statement, and only cursors of ours are taken."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.search import NEWEST_FIRST, Cursor, Order, OrderField, Sizes
from graphql_api.edits import Desk
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.schema.relay import page_size
from graphql_api.web.json import encoded
from tests.conftest import Execute
from tests.edits.conftest import NEW

OPERATIONS = Operations(Limits())


@pytest.fixture
async def ids(desk: Desk, caller: Caller) -> list[str]:
    """Five flows, newest first."""
    return [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(5)][::-1]


@pytest.mark.parametrize(
    ("selection", "statements"),
    [
        ("nodes { id }", 1),
        ("nodes { id } pageInfo { hasNextPage endCursor startCursor }", 1),
        ("nodes { id } pageInfo { hasPreviousPage }", 1),
        ("totalCount nodes { id }", 2),
        ("edges { cursor node { name } } totalCount pageInfo { hasNextPage hasPreviousPage }", 2),
        ("nodes { id } totalCount @skip(if: true)", 1),
    ],
)
async def test_what_is_not_selected_is_not_asked(
    execute: Execute, ids: list[str], heard: list[str], selection: str, statements: int
) -> None:
    heard.clear()
    answer = await execute(f"{{ messageFlows(first: 2) {{ {selection} }} }}")
    assert "errors" not in answer
    assert len(heard) == statements
    assert sum("count(" in sql for sql in heard) == ("totalCount" in selection and "@skip" not in selection)


PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  messageFlows(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""


def paged(desk: Desk, caller: Caller, compiles: bool) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Answers PAGE by a plan, or by the general executor."""
    operations = Operations(Limits(), compiles=compiles)

    async def page(**asked: int | str | None) -> dict[str, Any]:
        answer = await operations.carry_out(operations.prepare(PAGE), asked, Context(desk, caller))
        assert (answer.errors, answer.is_compiled) == ([], compiles)
        return dict(json.loads(encoded(answer.data))["messageFlows"])

    return page


async def test_pages_go_on_forwards_and_backwards(execute: Execute, ids: list[str]) -> None:
    seen = []
    place = None
    for has_next in (True, True, False):
        page = (await execute(PAGE, first=2, after=place))["data"]["messageFlows"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        assert page["pageInfo"]["hasNextPage"] is has_next
        assert page["pageInfo"]["hasPreviousPage"] is (place is not None)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["totalCount"] == 5
        place = page["pageInfo"]["endCursor"]
    assert seen == ids
    back = (await execute(PAGE, last=2, before=place))["data"]["messageFlows"]
    assert [edge["node"]["id"] for edge in back["edges"]] == ids[2:4]
    assert (back["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]) == (True, True)


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
@pytest.mark.parametrize("end", ["first", "last"])
async def test_between_two_cursors_pages_come_to_an_end_though_there_is_more(
    desk: Desk, caller: Caller, ids: list[str], end: str, compiles: bool
) -> None:
    page = paged(desk, caller, compiles)
    cursors = [edge["cursor"] for edge in (await page(first=5))["edges"]]
    asked = {"after": cursors[0], "before": cursors[4]}
    onwards, place = ("after", "endCursor") if end == "first" else ("before", "startCursor")
    seen = []
    for has_more in (True, False):
        found = await page(**{end: 2}, **asked)
        more = [found["pageInfo"][name] for name in ("hasNextPage", "hasPreviousPage")]
        assert more == ([has_more, True] if end == "first" else [True, has_more])
        seen.append([edge["node"]["id"] for edge in found["edges"]])
        asked[onwards] = found["pageInfo"][place]
    assert seen == ([ids[1:3], ids[3:4]] if end == "first" else [ids[2:4], ids[1:2]])


async def test_an_empty_page_has_no_cursors(execute: Execute) -> None:
    page = (await execute(PAGE))["data"]["messageFlows"]
    assert page == {
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        "totalCount": 0,
    }


async def test_an_empty_page_between_flows_tells_on_which_side_they_are(execute: Execute, ids: list[str]) -> None:
    edges = (await execute(PAGE, first=5))["data"]["messageFlows"]["edges"]
    beyond = (await execute(PAGE, first=2, after=edges[-1]["cursor"]))["data"]["messageFlows"]
    ahead = (await execute(PAGE, last=2, before=edges[0]["cursor"]))["data"]["messageFlows"]
    more = [(page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) for page in (beyond, ahead)]
    assert (beyond["edges"], ahead["edges"], more) == ([], [], [(True, False), (False, True)])


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_a_cursor_beyond_which_everything_was_deleted_has_nothing_on_that_side(
    desk: Desk, caller: Caller, ids: list[str], compiles: bool
) -> None:
    page = paged(desk, caller, compiles)

    async def around(**asked: int | str) -> list[bool]:
        info = (await page(**asked))["pageInfo"]
        return [info["hasPreviousPage"], info["hasNextPage"]]

    first, second, *_, last = [edge["cursor"] for edge in (await page(first=5))["edges"]]
    assert (await around(first=9, after=second), await around(last=9, before=last)) == ([True, False], [False, True])
    for id in (*ids[:2], ids[-1]):
        await edits.delete_flow(desk, caller, id)
    assert (await around(first=9, after=second), await around(last=9, before=last)) == ([False, False], [False, False])
    for id in ids[2:-1]:
        await edits.delete_flow(desk, caller, id)
    assert (await around(first=9, after=last), await around(last=9, before=first)) == ([False, False], [False, False])


@pytest.mark.parametrize(("longest", "usual"), [(100, 50), (20, 20), (1_000, 50)])
def test_who_says_no_size_gets_the_usual_page(desk: Desk, caller: Caller, longest: int, usual: int) -> None:
    assert page_size(Context(replace(desk, sizes=Sizes(page=longest)), caller), None).limit == usual


NOT_OURS = "after is not a cursor of this server; send one that a page gave you"
OTHER_ORDER = "after belongs to another order; a cursor goes on only in the order that it was made in"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"after": "garbage"}, NOT_OURS),
        ({"after": ""}, NOT_OURS),
        ({"after": "ZjE6Mw"}, NOT_OURS),
        ({"after": Cursor(Order(OrderField.NAME, True), "n", "f1").text()}, OTHER_ORDER),
        ({"after": Cursor(Order(OrderField.CREATED_AT, False), 5, "f1").text()}, OTHER_ORDER),
        ({"before": "garbage"}, NOT_OURS.replace("after", "before", 1)),
        ({"first": 0}, "first must be between 1 and 100"),
        ({"last": -1}, "last must be between 1 and 100"),
        ({"first": 1, "last": 1}, "send first or last, not both"),
    ],
)
async def test_a_place_or_size_that_is_none_is_refused_before_any_statement(
    execute: Execute, heard: list[str], arguments: dict[str, object], message: str
) -> None:
    answer = await execute(PAGE, **arguments)
    assert answer["data"] is None
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [(message, "BAD_REQUEST")]
    assert heard == []


@pytest.mark.parametrize("end", ["first", "last"])
async def test_a_page_is_as_long_as_the_setting_says(
    execute: Execute, desk: Desk, caller: Caller, heard: list[str], ids: list[str], end: str
) -> None:
    heard.clear()
    [error] = (await execute(PAGE, **{end: 101}))["errors"]
    assert (error["message"], error["extensions"]) == (
        f"{end} is 101; the limit is 100 (max_page)",
        {"code": "LIMIT_EXCEEDED"},
    )
    assert heard == []
    longer = replace(desk, sizes=Sizes(page=101))
    operation = OPERATIONS.prepare(PAGE)
    for many, codes in ((101, []), (102, ["LIMIT_EXCEEDED"])):
        answer = await OPERATIONS.carry_out(operation, {end: many}, Context(longer, caller))
        assert [error["extensions"]["code"] for error in answer.errors] == codes


async def test_a_cursor_of_another_workspace_shows_only_flows_of_ones_own(
    execute: Execute, desk: Desk, ids: list[str]
) -> None:
    theirs = (await edits.create_flow(desk, Caller("ws2"), NEW)).flow
    place = Cursor(NEWEST_FIRST, theirs["created_at"], theirs["id"]).text()
    page = (await execute(PAGE, after=place))["data"]["messageFlows"]
    assert [edge["node"]["id"] for edge in page["edges"]] == ids
