"""The query of the list route, as the variables of its operation."""

from typing import Any

import pytest

from graphql_api.domain.errors import Refused
from graphql_api.domain.search import NEWEST_FIRST, Cursor
from graphql_api.web.parameters import list_variables, query_of
from graphql_api.web.routes import ROUTES

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
    with pytest.raises(Refused) as refusal:
        list_variables({"direction": "up"}, 1_000, suggests=False)
    assert str(refusal.value) == "the parameter direction has no value that is documented"
    for name in ("limt", "page", "ifVersion", "validateOnly"):
        assert said(name, "ListMessageFlows", suggests=False) == f"{name} is not a parameter of this route"


def said(name: str, operation: str, *, suggests: bool = True) -> str:
    """How a query parameter is refused."""
    with pytest.raises(Refused) as refusal:
        query_of({"query_string": f"{name}=1".encode()}, operation, suggests=suggests)
    return str(refusal.value)


@pytest.mark.parametrize("operation", sorted({route.operation for route in ROUTES}))
@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("ifVersion", "; send the header If-Match"),
        ("idempotency_key", "; send the header Idempotency-Key"),
        ("x-workspace-id", "; send the header x-workspace-id"),
        ("validateOnly", "; only GraphQL has that, as the argument validateOnly"),
        ("dry-run", "; only GraphQL has that, as the argument validateOnly"),
    ],
)
def test_what_belongs_elsewhere_is_told_on_every_route(operation: str, name: str, offer: str) -> None:
    assert said(name, operation) == f"{name} is not a parameter of this route{offer}"


@pytest.mark.parametrize(
    ("name", "operation", "offer"),
    [
        ("limt", "ListMessageFlows", "did you mean limit?"),
        ("page", "ListMessageFlows", "did you mean cursor?"),
        ("after", "ListMessageFlows", "did you mean cursor?"),
        ("per_page", "ListMessageFlows", "did you mean limit?"),
        ("sort", "ListMessageFlows", "did you mean orderBy?"),
        ("form", "GetWorkingHours", "did you mean from?"),
        ("page", "GetWorkingHours", "known are at, from, to"),
        ("page", "UpdateMessageFlow", "it takes none"),
        ("autopilot", "UpdateMessageFlow", "it takes none"),
    ],
)
def test_the_parameter_that_was_meant_is_offered(name: str, operation: str, offer: str) -> None:
    assert said(name, operation) == f"{name} is not a parameter of this route; {offer}"
