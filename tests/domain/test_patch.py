"""A partial update: absent is unchanged, null resets or is refused, a value is kept; what differs is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api.domain import patch as patches
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import BY_COLUMN, DEFAULTS, LEAVES, Leaf, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.zones import canonical

REQUIRED = {
    "name": "Sale",
    "direction": "INBOUND",
    "agent": "a",
    "prompt": "p",
    "initiation_message": "i",
    "message_channel": "SMS",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXT.filter(str.strip),
    "direction": st.sampled_from(["INBOUND", "OUTBOUND", "BIDIRECTIONAL"]),
    "agent": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    "message_channel": st.sampled_from(["SMS", "EMAIL"]),
    "response_settings_delay": st.integers(0, 86_400) | st.floats(0, 86_400),
    "response_settings_working_hours_start": CLOCK,
    "response_settings_working_hours_end": CLOCK | st.just("24:00"),
    "response_settings_working_hours_timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Calcutta"]),
    "email_settings_subject_line": LINE,
}
"""What each leaf takes; flags and other texts follow from their kind."""


def values_of(leaf: Leaf) -> st.SearchStrategy[Any]:
    return VALUES.get(leaf.column, st.booleans() if leaf.kind is bool else TEXT)


def has_window(flow: Values) -> bool:
    hours = "response_settings_working_hours"
    return bool(flow[f"{hours}_start"] != flow[f"{hours}_end"])


FLOWS = st.fixed_dictionaries({leaf.column: values_of(leaf) for leaf in LEAVES}).filter(has_window)
PARTS = st.fixed_dictionaries(
    {},
    optional={leaf.column: values_of(leaf) | st.none() if leaf.rule.resets else values_of(leaf) for leaf in LEAVES},
)


@given(FLOWS, PARTS, st.booleans())
def test_absent_is_unchanged_and_what_was_sent_is_there(flow: Values, part: Values, toggles: bool) -> None:
    toggles = toggles and "autopilot" not in part
    expected = {**flow, **{column: resets(column, value) for column, value in part.items()}}
    if toggles:
        expected["autopilot"] = not flow["autopilot"]
    patch = patches.checked(Sent(part, toggles=toggles))
    if not has_window(expected):
        with pytest.raises(Refused) as refused:
            patches.merged(flow, patch)
        assert [problem.code for problem in refused.value.problems] == ["EMPTY_WINDOW"]
        return
    after = patches.merged(flow, patch)
    assert after == expected
    changed = patches.difference(flow, after)
    assert changed == tuple(column for column in BY_COLUMN if flow[column] != expected[column])
    assert set(changed) <= patch.touched()


def resets(column: str, value: Any) -> Any:
    return BY_COLUMN[column].default if value is None else value


@given(FLOWS)
def test_nothing_sent_is_nothing_changed(flow: Values) -> None:
    after = patches.merged(flow, patches.checked(Sent()))
    assert after == flow
    assert patches.difference(flow, after) == ()


@given(FLOWS, PARTS)
def test_the_same_update_again_changes_nothing(flow: Values, part: Values) -> None:
    patch = patches.checked(Sent(part))
    try:
        once = patches.merged(flow, patch)
    except Refused:
        return
    assert patches.difference(once, patches.merged(once, patch)) == ()


@given(st.fixed_dictionaries({}, optional={leaf.column: values_of(leaf) for leaf in LEAVES if not leaf.is_required}))
def test_a_new_flow_is_what_was_sent_and_defaults(part: Values) -> None:
    expected = {**{leaf.column: leaf.default for leaf in LEAVES}, **REQUIRED, **part}
    patch = patches.checked(Sent({**REQUIRED, **part}))
    if has_window(expected):
        assert patches.created(patch) == expected


@given(st.permutations([*REQUIRED]))
def test_a_new_flow_has_its_leaves_in_one_order_however_they_were_sent(order: list[str]) -> None:
    """Statements are made, prepared and batched by it."""
    assert [*patches.created(patches.checked(Sent({column: REQUIRED[column] for column in order})))] == [*BY_COLUMN]


@given(st.permutations([leaf.column for leaf in LEAVES]))
def test_problems_are_told_in_the_order_of_the_declaration(order: list[str]) -> None:
    told = [".".join(problem.path) for problem in patches.checked(Sent(dict.fromkeys(order))).problems]
    assert told == [leaf.path for leaf in LEAVES if not leaf.rule.resets]


def test_a_window_is_not_judged_by_a_time_that_is_refused() -> None:
    hours = "response_settings_working_hours"
    patch = patches.checked(Sent({f"{hours}_start": "9am", f"{hours}_end": "09:00"}))
    with pytest.raises(Refused) as refused:
        patches.merged({**DEFAULTS, **REQUIRED}, patch)
    assert [problem.code for problem in refused.value.problems] == ["INVALID_TIME"]


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if not leaf.rule.resets], ids=lambda leaf: leaf.path)
def test_null_is_refused_where_no_default_may_be_put_back(leaf: Leaf) -> None:
    (problem,) = patches.checked(Sent({leaf.column: None})).problems
    assert (problem.code, ".".join(problem.path)) == ("NULL_NOT_ALLOWED", leaf.path)


def test_the_leaves_that_null_resets_are_those_of_the_contract() -> None:
    hours = "settings.responseSettings.workingHours"
    assert {leaf.path: leaf.default for leaf in LEAVES if leaf.rule.resets} == {
        "description": "",
        "settings.responseSettings.delay": 0,
        f"{hours}.enabled": False,
        f"{hours}.start": "09:00",
        f"{hours}.end": "17:00",
        f"{hours}.timezone": "UTC",
        f"{hours}.outOfHoursMessage": "",
        "settings.emailSettings.subjectLine": "",
        "settings.emailSettings.signature": "",
    }


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("name", "", "BLANK"),
        ("name", " \t\u3000", "BLANK"),
        ("name", "n" * 201, "TOO_LONG"),
        ("description", "d" * 2_001, "TOO_LONG"),
        ("agent", "a" * 65, "INVALID_ID"),
        ("agent", "a\n", "INVALID_ID"),
        ("prompt", "", "BLANK"),
        ("prompt", "p" * 100_001, "TOO_LONG"),
        ("prompt", "\0", "INVALID_CHARACTER"),
        ("initiation_message", "i" * 10_001, "TOO_LONG"),
        ("initiation_message", "\udc00", "INVALID_CHARACTER"),
        ("response_settings_delay", -0.001, "OUT_OF_RANGE"),
        ("response_settings_delay", 86_400.001, "OUT_OF_RANGE"),
        ("response_settings_delay", float("nan"), "OUT_OF_RANGE"),
        ("response_settings_delay", float("inf"), "OUT_OF_RANGE"),
        ("response_settings_working_hours_start", "24:00", "INVALID_TIME"),
        ("response_settings_working_hours_start", "9am", "INVALID_TIME"),
        ("response_settings_working_hours_start", "\uff10\uff19:00", "INVALID_TIME"),
        ("response_settings_working_hours_end", "17:00\n", "INVALID_TIME"),
        ("response_settings_working_hours_end", "17:00:00", "INVALID_TIME"),
        ("response_settings_working_hours_timezone", "America", "INVALID_TIMEZONE"),
        ("response_settings_working_hours_timezone", "+02:00", "INVALID_TIMEZONE"),
        ("response_settings_working_hours_out_of_hours_message", "m" * 2_001, "TOO_LONG"),
        ("email_settings_subject_line", "a\r\nBcc: b", "INVALID_CHARACTER"),
        ("email_settings_subject_line", "a\u2028b", "INVALID_CHARACTER"),
        ("email_settings_subject_line", "s" * 501, "TOO_LONG"),
        ("email_settings_signature", "s" * 5_001, "TOO_LONG"),
    ],
)
def test_a_value_that_a_leaf_does_not_take(column: str, value: Any, code: str) -> None:
    patch = patches.checked(Sent({column: value, "is_active": True}))
    (problem,) = patch.problems
    assert (problem.code, ".".join(problem.path)) == (code, BY_COLUMN[column].path)
    assert problem.message.startswith(BY_COLUMN[column].path)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "🎉" * 200),
        ("description", "é" * 2_000),
        ("agent", "a" * 64),
        ("prompt", "p" * 100_000),
        ("initiation_message", " "),
        ("response_settings_delay", 86_400),
        ("response_settings_delay", 0.1),
        ("email_settings_subject_line", "\tTabs and 🎉"),
        ("response_settings_working_hours_end", "24:00"),
    ],
)
def test_a_value_at_the_edge_is_kept_as_sent(column: str, value: Any) -> None:
    patch = patches.checked(Sent({column: value}))
    assert (patch.problems, dict(patch.values)) == ((), {column: value})


@pytest.mark.parametrize(
    ("column", "sent", "kept"),
    [
        ("response_settings_delay", 5.0, 5),
        ("response_settings_delay", -0.0, 0),
        ("response_settings_working_hours_start", "7:05", "07:05"),
        ("response_settings_working_hours_timezone", "europe/BERLIN", "Europe/Berlin"),
    ],
)
def test_a_value_with_several_spellings_is_kept_in_one(column: str, sent: Any, kept: Any) -> None:
    value = patches.checked(Sent({column: sent})).values[column]
    assert (value, str(value)) == (kept, str(kept))


def test_a_zone_is_kept_in_the_case_of_the_database() -> None:
    assert canonical("asia/calcutta") == "Asia/Calcutta"


@given(st.dictionaries(st.sampled_from([leaf.column for leaf in LEAVES]), st.none(), min_size=2))
def test_all_problems_are_told_at_once(nulls: dict[str, None]) -> None:
    patch = patches.checked(Sent(nulls))
    refused = {problem.path for problem in patch.problems}
    assert refused == {tuple(BY_COLUMN[c].path.split(".")) for c in nulls if not BY_COLUMN[c].rule.resets}
