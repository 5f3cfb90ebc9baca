"""The query of the list route, as the variables of its operation."""

from typing import Any

import pytest

from graphql_api.domain.errors import Refused
from graphql_api.domain.search import NEWEST_FIRST, Cursor
from graphql_api.web.parameters import list_variables

NEWEST = Cursor(NEWEST_FIRST, 1, "a").text()


def test_without_parameters_the_first_thousand_are_asked_for() -> None:
    assert list_variables({}, 1_000) == {"limit": 1_000, "filter": {}}


@pytest.mark.parametrize(
    ("asked", "variables"),
    [
        ({"limit": "1"}, {"limit": 1, "filter": {}}),
        ({"limit": "01000"}, {"limit": 1_000, "filter": {}}),
        ({"cursor": NEWEST}, {"limit": 1_000, "filter": {}, "cursor": NEWEST}),
        ({"direction": "inbound"}, {"limit": 1_000, "filter": {"direction": "INBOUND"}}),
        ({"messageChannel": "Email"}, {"limit": 1_000, "filter": {"messageChannel": "EMAIL"}}),
        (
            {"isActive": "true", "autopilot": "false"},
            {"limit": 1_000, "filter": {"isActive": True, "autopilot": False}},
        ),
        ({"nameContains": ""}, {"limit": 1_000, "filter": {"nameContains": ""}}),
        ({"orderBy": "name"}, {"limit": 1_000, "filter": {}, "orderBy": {"field": "NAME", "direction": "ASC"}}),
        (
            {"orderBy": "-updatedAt"},
            {"limit": 1_000, "filter": {}, "orderBy": {"field": "UPDATED_AT", "direction": "DESC"}},
        ),
    ],
)
def test_parameters_become_variables(asked: dict[str, str], variables: Any) -> None:
    assert list_variables(asked, 1_000) == variables


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"limt": "1"}, "limt is not a parameter of this route; did you mean limit?"),
        ({"limit": "0"}, "the parameter limit must be a whole number from 1 to 1000"),
        ({"limit": "1_0"}, "the parameter limit must be a whole number from 1 to 1000"),
        ({"limit": " 1"}, "the parameter limit must be a whole number from 1 to 1000"),
        ({"limit": "²"}, "the parameter limit must be a whole number from 1 to 1000"),
        ({"isActive": "True"}, "the parameter isActive must be true or false"),
        ({"direction": "Inbound"}, "the parameter direction must be one of inbound, outbound, bidirectional"),
        ({"cursor": ""}, "the parameter cursor is not a cursor of this server; send one that a page gave you"),
        (
            {"cursor": NEWEST, "orderBy": "name"},
            "the parameter cursor belongs to another order; a cursor goes on only in the order that it was made in",
        ),
        ({"agent": ""}, "the parameter agent must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -"),
        (
            {"orderBy": ""},
            "the parameter orderBy must be one of createdAt, updatedAt, name, with - before it for descending",
        ),
    ],
)
def test_what_is_wrong_is_said(asked: dict[str, str], message: str) -> None:
    with pytest.raises(Refused) as refusal:
        list_variables(asked, 1_000)
    assert str(refusal.value) == message


@pytest.mark.parametrize("limit", ["1001", "001001", "9" * 6_000])
def test_a_page_is_as_long_as_the_setting_says(limit: str) -> None:
    with pytest.raises(Refused) as refusal:
        list_variables({"limit": limit}, 1_000)
    assert [(problem.code, problem.message) for problem in refusal.value.problems] == [
        ("LIMIT_EXCEEDED", "the parameter limit is above 1000, the limit (max_rest_page)")
    ]


def test_without_hints_nothing_known_is_told() -> None:
    for asked, message in (
        ({"limt": "1"}, "limt is not a parameter of this route"),
        ({"direction": "up"}, "the parameter direction has no value that is documented"),
    ):
        with pytest.raises(Refused) as refusal:
            list_variables(asked, 1_000, suggests=False)
        assert str(refusal.value) == message
