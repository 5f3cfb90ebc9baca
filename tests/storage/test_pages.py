"""Pages by keyset: right while flows come and go, in every order, from both ends, the same on both databases."""

import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphql_api import edits, reads
from graphql_api.domain import search
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.patch import Sent
from graphql_api.domain.search import EVERYTHING, NEWEST_FIRST, Cursor, Filter, Order, OrderField, Span
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported
from graphql_api.storage import migrations, pages
from graphql_api.storage.engine import Statement
from tests.conftest import Clock

ORDERS = [Order(field, descending) for field in OrderField for descending in (False, True)]
NAMES = ["b", "B", "a", "ß", "SS", "ss", "İ", "i̇", "Σ", "ς", "z", "Z", "10%", "1_0", "", "🎉", "\uffee", "é", "e\u0301"]


async def bring(desk: Desk, flows: Mapping[str, Mapping[str, Any]], workspace: str = "ws1") -> None:
    """Imports flows by id, with the members that matter to a test."""
    plain = {"direction": "INBOUND", "agent": "a", "prompt": "p", "initiation_message": "i", "message_channel": "SMS"}
    times = {"created_at": 1_000, "updated_at": 1_000}
    many = [
        Imported(id, workspace, {**DEFAULTS, **plain, "name": "n", **times, **members}) for id, members in flows.items()
    ]
    await edits.import_flows(desk, Caller(None, source="CLI"), many)


async def page(desk: Desk, span: Span, filter: Filter = EVERYTHING, order: Order = NEWEST_FIRST) -> reads.Page:
    return await reads.page(desk.store, Caller("ws1"), ["id"], filter, order, span)


def ids(page: reads.Page) -> list[str]:
    return [flow["id"] for flow in page.flows()]


async def all_ids(desk: Desk, order: Order, size: int, filter: Filter = EVERYTHING, *, last: bool = False) -> list[str]:
    """Every flow, page by page, from the front or from the end."""
    found: list[str] = []
    place: Cursor | None = None
    while True:
        span = Span(size, last, before=place) if last else Span(size, after=place)
        got = await page(desk, span, filter, order)
        found = ids(got) + found if last else found + ids(got)
        if not got.more:
            return found
        place = search.cursor(got.cursor(0 if last else -1).text(), order)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field.name}-{order.descending}")
async def test_every_order_holds_with_ties_from_both_ends(desk: Desk, order: Order) -> None:
    flows = {
        f"f{n}": {"created_at": 1_000 + n // 3, "updated_at": 5_000 - n // 2, "name": "aAbB"[n % 4]} for n in range(11)
    }
    await bring(desk, flows)
    keys: dict[OrderField, Callable[[str], Any]] = {
        OrderField.CREATED_AT: lambda id: flows[id]["created_at"],
        OrderField.UPDATED_AT: lambda id: flows[id]["updated_at"],
        OrderField.NAME: lambda id: str(flows[id]["name"]).casefold(),
    }
    right = sorted(flows, key=lambda id: (keys[order.field](id), id), reverse=order.descending)
    for size in (1, 3, 100):
        assert await all_ids(desk, order, size) == right
        assert await all_ids(desk, order, size, last=True) == right


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field.name}-{order.descending}")
def test_sqlite_goes_to_every_place_by_an_index(tmp_path: Path, order: Order) -> None:
    migrations.upgrade(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    place = Cursor(order, "n" if order.field is OrderField.NAME else 5, "f1")
    index = f"ix_message_flows_{order.field.name.lower().removesuffix('_at')}"
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        for span in (Span(9), Span(9, after=place), Span(9, True), Span(9, True, before=place)):
            statement = pages.page("ws1", ["id"], EVERYTHING, order, span)
            (text,) = statement.shape.sqlite
            rows = connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", text.arguments(statement.values))
            first, *more = [row[3] for row in rows]
            assert f"INDEX {index} (workspace_id=?" in first
            assert (" AND " in first) == bool(span.after or span.before)
            assert "USE TEMP B-TREE FOR ORDER BY" not in more, "that is all rows of the workspace"


BY_ID = "sqlite_autoindex_message_flows_1 (workspace_id=? AND id=?)"
BY_SLOT = "ix_message_flows_updated (workspace_id=? AND updated_slot>?)"


def ways(folder: Path, *statements: Statement) -> list[str]:
    """How SQLite goes to the flows of each statement."""
    migrations.upgrade(f"sqlite+aiosqlite:///{folder}/x.db")
    found = []
    with closing(sqlite3.connect(folder / "x.db")) as connection:
        for statement in statements:
            (text,) = statement.shape.sqlite
            rows = connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", text.arguments(statement.values))
            found.append(next(row[3] for row in rows).rpartition("INDEX ")[2])
    return found


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field.name}-{order.descending}")
def test_ids_lead_to_their_flows_in_every_order(tmp_path: Path, order: Order) -> None:
    named = Filter(ids=("f1", "f2"))
    place = Cursor(order, "n" if order.field is OrderField.NAME else 5, "f1")
    spans = (Span(9), Span(9, after=place), Span(9, True, before=place))
    looks = [pages.page("ws1", ["id"], named, order, span) for span in spans]
    looks += [pages.outside("ws1", named, order, place, backwards=backwards) for backwards in (False, True)]
    assert ways(tmp_path, *looks) == [BY_ID] * 5


def test_recent_changes_lead_to_their_flows_in_their_order(tmp_path: Path) -> None:
    order = Order(OrderField.UPDATED_AT, descending=True)
    assert ways(tmp_path, pages.page("ws1", ["id"], Filter(updated_since=5), order, Span(9))) == [BY_SLOT]


def test_flows_are_counted_in_the_order_of_their_ids_or_by_what_leads_to_few(tmp_path: Path) -> None:
    filters = (EVERYTHING, Filter(agent="a", name_contains="n"), Filter(ids=("f1",)), Filter(updated_since=5))
    in_order = "sqlite_autoindex_message_flows_1 (workspace_id=? AND id>?)"
    counts = [pages.count("ws1", filter) for filter in filters]
    assert ways(tmp_path, *counts) == [in_order, in_order, BY_ID, BY_SLOT]


async def test_only_what_is_as_young_is_counted_of_the_slot_of_a_change(desk: Desk) -> None:
    await bring(desk, {f"f{n}": {"updated_at": 1_000 + n} for n in range(4)})
    for since, total in ((0, 4), (1_002, 2), (1_004, 0), (-5, 4)):
        (row,) = await desk.store.read(pages.count("ws1", Filter(updated_since=since)))
        assert row["total"] == total


SLOTTED = 1 << 20
"""Milliseconds of a slot."""


@pytest.mark.parametrize("descending", [False, True])
async def test_times_of_change_are_in_order_within_and_across_slots(desk: Desk, descending: bool) -> None:
    edges = [slot * SLOTTED + beside for slot in (-2, -1, 0, 1, 400_000) for beside in (-1, 0, 1)]
    times = {f"f{n:02}": at for n, at in enumerate(random.sample([*edges, *edges, -1, 5, 6], 33))}
    await bring(desk, {id: {"created_at": at, "updated_at": at} for id, at in times.items()})
    right = sorted(times, key=lambda id: (times[id], id), reverse=descending)
    for size in (1, 4, 100):
        assert await all_ids(desk, Order(OrderField.UPDATED_AT, descending), size) == right
        assert await all_ids(desk, Order(OrderField.UPDATED_AT, descending), size, last=True) == right


async def test_what_changed_since_a_time_is_all_of_it_within_its_slot_too(desk: Desk) -> None:
    times = [3 * SLOTTED + beside for beside in (-1, 0, 1, 2)]
    await bring(desk, {f"f{n}": {"updated_at": at} for n, at in enumerate(times)})
    for descending in (False, True):
        order = Order(OrderField.UPDATED_AT, descending)
        for n, since in enumerate(times):
            right = sorted((f"f{m}" for m in range(n, 4)), reverse=descending)
            assert await all_ids(desk, order, 2, Filter(updated_since=since)) == right


async def test_every_way_to_change_a_flow_takes_it_to_the_slot_of_its_time(desk: Desk, clock: Clock) -> None:
    await bring(desk, {f"f{n}": {"updated_at": n * SLOTTED} for n in range(8)})
    caller, name = Caller("ws1"), Sent({"name": "m"})
    clock.now = 100 * SLOTTED
    await edits.update_flow(desk, caller, "f3", name)
    clock.now += SLOTTED - 1
    await edits.delete_flow(desk, caller, "f1")
    clock.now += 1
    await edits.update_flows(desk, caller, ["f0", "f5"], None, name)
    clock.now += SLOTTED
    await edits.restore_flow(desk, caller, "f1")
    await edits.delete_flow(desk, caller, "f7")
    await bring(desk, {"f7": {"updated_at": 6 * SLOTTED + 1}})
    clock.now += SLOTTED
    await edits.revert_flow(desk, caller, "f3", 0)
    order = Order(OrderField.UPDATED_AT, descending=True)
    right = ["f3", "f1", "f5", "f0", "f7", "f6", "f4", "f2"]
    assert await all_ids(desk, order, 3) == right
    assert await all_ids(desk, order, 3, last=True) == right


async def test_names_go_by_folded_form_code_point_by_code_point_then_id(desk: Desk) -> None:
    names = {f"f{n:02}": name or " " for n, name in enumerate(NAMES)}
    await bring(desk, {id: {"name": name} for id, name in names.items()})
    right = sorted(names, key=lambda id: (names[id].casefold(), id))
    assert await all_ids(desk, Order(OrderField.NAME, False), 4) == right
    assert await all_ids(desk, Order(OrderField.NAME, True), 4) == right[::-1]


async def test_ids_of_equal_flows_go_byte_by_byte(desk: Desk) -> None:
    some = ["a", "B", "_", "-", "0", "aa", "A"]
    await bring(desk, {id: {} for id in some})
    assert await all_ids(desk, Order(OrderField.CREATED_AT, False), 2) == sorted(some)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field.name}-{order.descending}")
async def test_a_cursor_stays_right_while_flows_come_and_go(desk: Desk, caller: Caller, order: Order) -> None:
    await bring(desk, {f"f{n}": {"created_at": n * 10, "updated_at": n * 10, "name": f"name{n}"} for n in range(1, 8)})
    right = [f"f{n}" for n in (range(7, 0, -1) if order.descending else range(1, 8))]
    first = await page(desk, Span(3), order=order)
    assert ids(first) == right[:3]
    # The flow that the cursor stands on goes, another one comes before it, and one behind it.
    await edits.delete_flow(desk, caller, right[2])
    early, late = (75, 15) if order.descending else (5, 65)
    await bring(
        desk,
        {
            "early": {"created_at": early, "updated_at": early, "name": f"name{early / 10}"},
            "late": {"created_at": late, "updated_at": late, "name": f"name{late / 10}"},
        },
    )
    rest = await page(desk, Span(10, after=first.cursor(-1)), order=order)
    assert ids(rest) == [*right[3:6], "late", right[6]]
    assert not rest.more
    back = await page(desk, Span(10, last=True, before=first.cursor(-1)), order=order)
    assert ids(back) == ["early", *right[:2]]


async def test_last_and_before_are_counted_from_the_end(desk: Desk) -> None:
    await bring(desk, {f"f{n}": {"created_at": n} for n in range(1, 7)})
    whole = await page(desk, Span(10))
    assert ids(whole) == ["f6", "f5", "f4", "f3", "f2", "f1"]
    end = await page(desk, Span(2, last=True))
    assert (ids(end), end.more) == (["f2", "f1"], True)
    middle = await page(desk, Span(2, last=True, before=end.cursor(0)))
    assert (ids(middle), middle.more) == (["f4", "f3"], True)
    start = await page(desk, Span(2, last=True, before=middle.cursor(0)))
    assert (ids(start), start.more) == (["f6", "f5"], False)
    between = await page(desk, Span(10, after=whole.cursor(0), before=whole.cursor(4)))
    assert (ids(between), between.more) == (["f5", "f4", "f3"], False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%", ["percent"]),
        ("_", ["underscore"]),
        ("\\", ["backslash"]),
        ("STRASSE", ["street"]),
        ("straße", ["street"]),
        ("ß", ["street"]),
        ("i̇stanbul", ["city"]),
        ("İSTANBUL", ["city"]),
        ("ΟΔΟΣ", ["road"]),
        ("οδος", ["road"]),
        ("οδός", []),
        ("", ["backslash", "city", "percent", "road", "street", "underscore"]),
        ("100% _", []),
        ("'; --", []),
    ],
)
async def test_name_contains_ignores_case_by_folding_and_takes_signs_literally(
    desk: Desk, text: str, found: list[str]
) -> None:
    await bring(
        desk,
        {
            "percent": {"name": "100% sale"},
            "underscore": {"name": "a_b"},
            "backslash": {"name": "a\\b"},
            "street": {"name": "Lange Straße"},
            "city": {"name": "İstanbul"},
            "road": {"name": "Οδος"},
        },
    )
    by_id = Order(OrderField.CREATED_AT, False)
    assert await all_ids(desk, by_id, 2, Filter(name_contains=text)) == found
    assert await reads.count(desk.store, Caller("ws1"), Filter(name_contains=text)) == len(found)


async def test_each_filter_narrows_and_all_together_do(desk: Desk, caller: Caller) -> None:
    members: dict[str, dict[str, Any]] = {
        "f1": {"message_channel": "EMAIL", "direction": "OUTBOUND", "is_active": True},
        "f2": {"autopilot": True, "security_hipaa_compliance": True},
        "f3": {"agent": "b", "updated_at": 2_000, "name": "Ada"},
        "f4": {"message_channel": "EMAIL", "updated_at": 1_999},
    }
    await bring(desk, members)
    await bring(desk, {"f1": {}, "f5": {}}, "ws2")
    by_id = Order(OrderField.CREATED_AT, False)
    expected = [
        (Filter(), ["f1", "f2", "f3", "f4"]),
        (Filter(ids=("f4", "f5", "f1")), ["f1", "f4"]),
        (Filter(ids=()), []),
        (Filter(message_channel="EMAIL"), ["f1", "f4"]),
        (Filter(direction="OUTBOUND"), ["f1"]),
        (Filter(is_active=True), ["f1"]),
        (Filter(is_active=False), ["f2", "f3", "f4"]),
        (Filter(autopilot=True), ["f2"]),
        (Filter(hipaa_compliance=False), ["f1", "f3", "f4"]),
        (Filter(agent="b"), ["f3"]),
        (Filter(name_contains="ADA"), ["f3"]),
        (Filter(updated_since=2_000), ["f3"]),
        (Filter(message_channel="EMAIL", is_active=True), ["f1"]),
        (Filter(message_channel="EMAIL", agent="b"), []),
    ]
    assert {name for filter, _ in expected for name in filter.asked()} == {*Filter.__struct_fields__}
    for filter, right in expected:
        assert await all_ids(desk, by_id, 1, filter) == right
        assert await reads.count(desk.store, caller, filter) == len(right)


async def test_deleted_flows_are_on_no_page_and_in_no_count(desk: Desk, caller: Caller) -> None:
    await bring(desk, {f"f{n}": {"created_at": n} for n in range(3)})
    await edits.delete_flow(desk, caller, "f1")
    assert ids(await page(desk, Span(10))) == ["f2", "f0"]
    assert await reads.count(desk.store, caller, EVERYTHING) == 2
    await edits.restore_flow(desk, caller, "f1")
    assert ids(await page(desk, Span(10))) == ["f2", "f1", "f0"]


async def test_a_renamed_flow_moves_in_the_order_of_names(desk: Desk, caller: Caller) -> None:
    await bring(desk, {"f1": {"name": "a"}, "f2": {"name": "b"}})
    await edits.update_flow(desk, caller, "f1", Sent({"name": "ZZ"}))
    assert await all_ids(desk, Order(OrderField.NAME, False), 1) == ["f2", "f1"]
    assert await all_ids(desk, NEWEST_FIRST, 1, Filter(name_contains="zz")) == ["f1"]


@pytest.mark.parametrize(("gone", "outside"), [((), [True] * 4), (("f0", "f2"), [True, False, False, True])])
async def test_what_a_span_leaves_out_is_asked_for_on_its_own(
    desk: Desk, caller: Caller, gone: Sequence[str], outside: list[bool]
) -> None:
    await bring(desk, {f"f{n}": {"created_at": n} for n in range(3)})
    whole = await page(desk, Span(10))
    for id in gone:
        await edits.delete_flow(desk, caller, id)
    assert outside == [
        await reads.lies_outside(desk.store, caller, EVERYTHING, NEWEST_FIRST, place, backwards=backwards)
        for place in (whole.cursor(0), whole.cursor(-1))
        for backwards in (False, True)
    ]
