"""From the body of a REST request to the input of a mutation: absent, null and value stay what they are."""

from collections.abc import Callable
from typing import Any

import pytest

from graphql_api.domain.errors import Refused
from graphql_api.web import shape
from graphql_api.web.shape import BodyReader

FIXED = {"_id": "f1", "workspaceId": "ws1"}
NEW = {
    "name": "n",
    "direction": "inbound",
    "agent": "a",
    "prompt": "p",
    "initiationMessage": "i",
    "messageChannel": "Email",
}
HOURS = "settings/responseSettings/workingHours"
INPUT = {**NEW, "direction": "INBOUND", "messageChannel": "EMAIL"}


def update(body: Any) -> Any:
    return BodyReader(FIXED, creates=False).input(body)


def create(body: Any) -> Any:
    return BodyReader({"workspaceId": "ws1"}, creates=True).input(body)


def problems(read: Any, body: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refusal:
        read(body)
    return [(problem.code, "/".join(problem.path)) for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("body", "input"),
    [
        ({}, {}),
        ({"settings": {}}, {"settings": {}}),
        ({"settings": {"security": {}}}, {"settings": {"security": {}}}),
        ({"description": None}, {"description": None}),
        ({"settings": None}, {"settings": None}),
        ({"toggleAutopilot": None}, {"toggleAutopilot": None}),
        ({"toggleAutopilot": True}, {"toggleAutopilot": True}),
        ({"direction": "bidirectional"}, {"direction": "BIDIRECTIONAL"}),
        ({"messageChannel": "SMS"}, {"messageChannel": "SMS"}),
        ({"settings": {"responseSettings": {"delay": 5}}}, {"settings": {"responseSettings": {"delay": 5.0}}}),
        ({**FIXED, "createdAt": 1, "updatedAt": [], "version": None, "__v": {}, "name": "x"}, {"name": "x"}),
    ],
)
def test_an_update_holds_what_was_sent_and_nothing_else(body: Any, input: Any) -> None:
    assert update(body) == input


def test_all_problems_are_told_at_once() -> None:
    body = {
        "_id": "other",
        "name": 5,
        "direction": "INBOUND",
        "messageChannel": 1,
        "isActive": "true",
        "toggleAutopilot": 1,
        "nope": 1,
        "settings": {"responseSettings": {"delay": True, "workingHours": [], "dealy": 1}},
    }
    assert problems(update, body) == [
        ("IMMUTABLE_FIELD", "_id"),
        ("INVALID_TYPE", "toggleAutopilot"),
        ("INVALID_TYPE", "name"),
        ("INVALID_ENUM", "direction"),
        ("INVALID_TYPE", "messageChannel"),
        ("INVALID_TYPE", "isActive"),
        ("UNKNOWN_FIELD", "nope"),
        ("INVALID_TYPE", "settings/responseSettings/delay"),
        ("INVALID_TYPE", "settings/responseSettings/workingHours"),
        ("UNKNOWN_FIELD", "settings/responseSettings/dealy"),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"i": 1}, "i is not a member"),
        ({"is": 1}, "is is not a member"),
        ({"": 1}, '"" is not a member'),
        ({"settings": {"is not": 1}}, "settings.is not is not a member"),
        ({"settings": {"": 1}}, 'settings."" is not a member'),
        ({"_id": 1}, "_id cannot be changed"),
        ({"name": 1}, "name must be a string"),
    ],
)
def test_every_problem_names_its_member(body: Any, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        update(body)
    assert refusal.value.problems[0].message.startswith(said)


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_numbers_are_finite(number: float) -> None:
    body = {"settings": {"responseSettings": {"delay": number}}}
    assert problems(update, body) == [("OUT_OF_RANGE", "settings/responseSettings/delay")]


def test_a_whole_number_beyond_every_float_is_out_of_range() -> None:
    body = {"settings": {"responseSettings": {"delay": 10**400}}}
    assert problems(update, body) == [("OUT_OF_RANGE", "settings/responseSettings/delay")]


@pytest.mark.parametrize("read", [update, create])
def test_of_very_many_problems_the_first_are_told_and_the_others_counted(
    read: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(name: str, _: Any) -> str:
        compared.append(name)
        return ""

    monkeypatch.setattr(shape, "offer", compare)
    first = [f"x{number}" for number in range(100)]
    with pytest.raises(Refused) as refusal:
        read({**dict.fromkeys(first, 1), **NEW, "name": 5, "agent": 5, "y": 1})
    assert [problem.path[0] for problem in refusal.value.problems] == compared == first
    assert refusal.value.untold == 3


def test_a_whole_number_that_no_float_holds_is_a_number() -> None:
    assert (
        update({"settings": {"responseSettings": {"delay": 2**53 + 1}}})["settings"]["responseSettings"]["delay"]
        == 2.0**53
    )


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_a_body_is_an_object(body: Any) -> None:
    assert problems(update, body) == [("INVALID_TYPE", "")]


def test_a_new_flow_needs_its_members() -> None:
    assert create(NEW) == INPUT
    assert problems(create, {}) == [("REQUIRED", name) for name in NEW]
    assert problems(create, {**NEW, "name": None}) == [("NULL_NOT_ALLOWED", "name")]
    assert problems(create, {**NEW, "toggleAutopilot": True}) == [("UNKNOWN_FIELD", "toggleAutopilot")]


def test_the_published_create_page_nests_working_hours_one_level_higher() -> None:
    direct = {"delay": 1, "enabled": True, "start": "08:00"}
    nested = {"delay": 1.0, "workingHours": {"enabled": True, "start": "08:00"}}
    assert create({**NEW, "settings": {"responseSettings": direct}})["settings"]["responseSettings"] == nested
    both = {"start": "08:00", "workingHours": {"start": "08:00", "end": "10:00"}}
    merged = create({**NEW, "settings": {"responseSettings": both}})["settings"]["responseSettings"]
    assert merged == {"workingHours": {"start": "08:00", "end": "10:00"}}


@pytest.mark.parametrize(("direct", "nested"), [("08:00", "09:00"), ("8", "08"), (True, 1), (None, True)])
def test_a_nested_member_that_differs_is_refused(direct: Any, nested: Any) -> None:
    name = "start" if isinstance(direct, str) else "enabled"
    body = {**NEW, "settings": {"responseSettings": {name: direct, "workingHours": {name: nested}}}}
    assert ("CONFLICTING_FIELDS", f"settings/responseSettings/{name}") in problems(create, body)


@pytest.mark.parametrize(
    ("name", "direct", "nested"),
    [
        ("start", "8:00", "08:00"),
        ("start", None, "9:00"),
        ("timezone", "europe/berlin", "Europe/Berlin"),
        ("enabled", None, False),
    ],
)
def test_a_nested_member_that_means_the_same_is_taken(name: str, direct: Any, nested: Any) -> None:
    body = {**NEW, "settings": {"responseSettings": {name: direct, "workingHours": {name: nested}}}}
    assert create(body)["settings"]["responseSettings"] == {"workingHours": {name: nested}}


def test_members_that_differ_are_told_in_the_order_in_which_they_were_sent() -> None:
    direct = {"timezone": "UTC", "start": "08:00", "enabled": True, "outOfHoursMessage": "a", "end": "18:00"}
    nested = {"timezone": "CET", "start": "09:00", "enabled": False, "outOfHoursMessage": "b", "end": "17:00"}
    body = {**NEW, "settings": {"responseSettings": {"workingHours": nested, **direct}}}
    assert [path.rpartition("/")[2] for _, path in problems(create, body)] == list(direct)


def test_null_for_the_nested_ones_stays_null_whatever_stands_beside_it() -> None:
    def beside(start: Any, nested: Any) -> dict[str, Any]:
        return {**NEW, "settings": {"responseSettings": {"start": start, "workingHours": nested}}}

    assert create(beside("10:00", None))["settings"]["responseSettings"] == {"workingHours": None}
    start = "settings/responseSettings/start"
    assert problems(create, beside(5, None)) == [("INVALID_TYPE", start)]
    assert problems(create, beside(5, [])) == [("INVALID_TYPE", start), ("INVALID_TYPE", HOURS)]
    assert problems(create, beside("10:00", 5)) == [("INVALID_TYPE", HOURS)]


def test_what_is_wrong_with_working_hours_is_told_where_they_stand() -> None:
    def said(read: Callable[[Any], Any], response: Any) -> list[tuple[tuple[str, ...], str]]:
        with pytest.raises(Refused) as refusal:
            read({**NEW, "settings": {"responseSettings": response}})
        return [(problem.path[2:], problem.message) for problem in refusal.value.problems]

    flat, nested = "settings.responseSettings.start", "settings.responseSettings.workingHours.start"
    assert said(create, {"start": 9}) == [(("start",), f"{flat} must be a string, not a number")]
    assert said(create, {"end": "9:00", "workingHours": {"start": 9}}) == [
        (("workingHours", "start"), f"{nested} must be a string, not a number")
    ]
    assert said(create, {"start": 9, "workingHours": {"start": 9}})[0][0] == ("workingHours", "start")
    offer = "settings.responseSettings.strat is not a member; did you mean start?"
    assert said(create, {"strat": "9:00"}) == [(("strat",), offer)]
    assert "did you mean" not in said(update, {"strat": "9:00"})[0][1]


def test_an_update_takes_no_working_hours_one_level_higher() -> None:
    body = {"settings": {"responseSettings": {"start": "08:00"}}}
    assert problems(update, body) == [("UNKNOWN_FIELD", "settings/responseSettings/start")]
