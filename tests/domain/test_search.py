"""Cursors as text, and filters that no flow can match."""

import base64
import re

import msgspec
import pytest

from graphql_api.domain import search
from graphql_api.domain.errors import Refused
from graphql_api.domain.search import NEWEST_FIRST, Cursor, Filter, Order, OrderField

BY_NAME = Order(OrderField.NAME, False)


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(NEWEST_FIRST, 1_735_812_900_000, "f1"),
        Cursor(NEWEST_FIRST, -62_135_596_800_000, "f1"),
        Cursor(BY_NAME, "strasse 🎉 %", "f1"),
        Cursor(BY_NAME, "~~~ ??? >>>", "f1"),
        Cursor(Order(OrderField.UPDATED_AT, False), 0, "a" * 64),
    ],
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert search.cursor(cursor.text(), cursor.order) == cursor
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor.text())


def encoded(*parts: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


NEWEST_FIRST_FROM_F1 = encoded("CREATED_AT", True, 5, "f1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "ä",
        "\ud800",
        "MQ",
        "bnVsbA",
        "====",
        encoded("CREATED_AT", True, 5),
        encoded("CREATED_AT", True, 5, "f1", "more"),
        encoded("CREATED_AT", True, "five", "f1"),
        encoded("CREATED_AT", True, 1.5, "f1"),
        encoded("CREATED_AT", True, None, "f1"),
        encoded("CREATED_AT", True, 2**63, "f1"),
        encoded("CREATED_AT", True, 5, "f\0"),
        encoded("CREATED_AT", 1, 5, "f1"),
        encoded("PRICE", True, 5, "f1"),
        NEWEST_FIRST_FROM_F1 + "!!!!",
        f"{NEWEST_FIRST_FROM_F1[:4]}\n\n\n\n{NEWEST_FIRST_FROM_F1[4:]}",
        base64.urlsafe_b64encode(b"[" * 5_000).decode(),
        "A" * 100_000,
    ],
)
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a cursor of this server|belongs to another order"):
        search.cursor(text, NEWEST_FIRST)


@pytest.mark.parametrize("order", [BY_NAME, Order(OrderField.UPDATED_AT), Order(OrderField.CREATED_AT, False)])
def test_a_cursor_of_another_order_is_refused(order: Order) -> None:
    text = Cursor(NEWEST_FIRST, 5, "f1").text()
    with pytest.raises(ValueError, match=r"^belongs to another order"):
        search.cursor(text, order)


@pytest.mark.parametrize("key", [5, "a\0"])
def test_a_key_that_no_name_has_is_refused(key: object) -> None:
    with pytest.raises(ValueError, match=r"^is not a cursor of this server"):
        search.cursor(encoded("NAME", False, key, "f1"), BY_NAME)


@pytest.mark.parametrize(
    ("filter", "code", "path"),
    [
        (Filter(ids=("f1", "f 2")), "INVALID_ID", ("filter", "ids")),
        (Filter(ids=("",)), "INVALID_ID", ("filter", "ids")),
        (Filter(agent="a\0"), "INVALID_ID", ("filter", "agent")),
        (Filter(agent="\ud800"), "INVALID_ID", ("filter", "agent")),
        (Filter(name_contains="\0"), "INVALID_CHARACTER", ("filter", "nameContains")),
        (Filter(name_contains="\udfff"), "INVALID_CHARACTER", ("filter", "nameContains")),
    ],
)
def test_a_filter_that_no_flow_can_match_is_refused(filter: Filter, code: str, path: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        filter.check()
    assert [(problem.code, problem.path) for problem in refused.value.problems] == [(code, path)]


def test_only_members_that_were_given_narrow() -> None:
    assert dict(Filter(is_active=False, name_contains="").asked()) == {"is_active": False}
    Filter(ids=("f1",), agent="a", name_contains="%").check()
