"""Updating one flow: absent, null and value; toggles; guards; trial runs."""

import pytest
from msgspec.structs import replace

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.storage.engine import Store
from tests.edits.conftest import NEW, Refusal, contents, told


async def test_what_was_not_sent_stays(desk: Desk, caller: Caller, flow: Values) -> None:
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_delay": 2.5}))
    assert saved.changed == ("response_settings_delay",)
    assert saved.flow == {
        **flow,
        "deleted_at": None,
        "response_settings_delay": 2.5,
        "version": 1,
        "updated_at": flow["updated_at"] + 1_000,
    }


@pytest.mark.parametrize("behind", [0, 5, 60_000])
async def test_a_clock_that_is_behind_does_not_turn_the_time_of_a_flow_back(
    desk: Desk, caller: Caller, flow: Values, store: Store, behind: int
) -> None:
    late = replace(desk, now=lambda: flow["updated_at"] - behind)
    saved = await edits.update_flow(late, caller, flow["id"], Sent({"name": "N"}))
    assert (saved.flow["version"], saved.flow["updated_at"]) == (1, flow["updated_at"])
    flows, revisions, _ = await contents(store)
    assert [row["updated_at"] for row in flows] == [flow["updated_at"]]
    assert [row["at"] for row in revisions] == [flow["updated_at"]] * 2


async def test_changed_leaves_are_told_in_the_order_of_the_declaration(
    desk: Desk, caller: Caller, flow: Values
) -> None:
    sent = Sent({"email_settings_signature": "S", "response_settings_delay": 1, "prompt": "p", "name": "N"})
    saved = await edits.update_flow(desk, caller, flow["id"], sent)
    assert saved.changed == ("name", "response_settings_delay", "email_settings_signature")


@pytest.mark.parametrize(
    "sent",
    [
        Sent(),
        Sent({"name": "Sale"}),
        Sent({"description": None, "response_settings_delay": None, "response_settings_working_hours_end": None}),
        Sent({"response_settings_delay": 0.0, "response_settings_working_hours_timezone": "utc"}),
        Sent({"response_settings_working_hours_start": "9:00"}),
    ],
    ids=["nothing sent", "same value", "null where the default is", "same number and zone", "same time"],
)
async def test_an_update_that_changes_nothing_writes_nothing(
    desk: Desk, caller: Caller, flow: Values, store: Store, sent: Sent
) -> None:
    before = await contents(store)
    saved = await edits.update_flow(desk, caller, flow["id"], sent)
    assert await contents(store) == before
    assert saved.changed == ()
    assert (saved.flow["version"], saved.flow["updated_at"]) == (0, flow["updated_at"])


async def test_null_resets_to_the_default(desk: Desk, caller: Caller) -> None:
    full = {
        "description": "d",
        "response_settings_delay": 5,
        "response_settings_working_hours_enabled": True,
        "response_settings_working_hours_start": "01:00",
        "response_settings_working_hours_end": "02:00",
        "response_settings_working_hours_timezone": "Europe/Berlin",
        "response_settings_working_hours_out_of_hours_message": "m",
        "email_settings_subject_line": "s",
        "email_settings_signature": "g",
    }
    created = await edits.create_flow(desk, caller, Sent({**NEW.values, **full}))
    saved = await edits.update_flow(desk, caller, created.flow["id"], Sent(dict.fromkeys(full)))
    assert {column: saved.flow[column] for column in full} == {
        "description": "",
        "response_settings_delay": 0,
        "response_settings_working_hours_enabled": False,
        "response_settings_working_hours_start": "09:00",
        "response_settings_working_hours_end": "17:00",
        "response_settings_working_hours_timezone": "UTC",
        "response_settings_working_hours_out_of_hours_message": "",
        "email_settings_subject_line": "",
        "email_settings_signature": "",
    }


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("name", "name"),
        ("direction", "direction"),
        ("agent", "agent"),
        ("prompt", "prompt"),
        ("initiation_message", "initiationMessage"),
        ("is_active", "isActive"),
        ("autopilot", "autopilot"),
        ("message_channel", "messageChannel"),
        ("security_hipaa_compliance", "settings.security.hipaaCompliance"),
    ],
)
async def test_null_is_refused_without_a_default_and_for_switches(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, column: str, path: str
) -> None:
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({column: None, "description": "d"})))
    assert told(refused) == [("NULL_NOT_ALLOWED", path)]


async def test_hipaa_compliance_goes_off_only_by_an_explicit_false(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"security_hipaa_compliance": True}))
    await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"security_hipaa_compliance": None})))
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"security_hipaa_compliance": False}))
    assert saved.changed == ("security_hipaa_compliance",)
    assert saved.flow["security_hipaa_compliance"] is False


async def test_a_toggle_flips_what_is_there(desk: Desk, caller: Caller, flow: Values) -> None:
    there = [(await edits.update_flow(desk, caller, flow["id"], Sent(toggles=True))).flow for _ in range(3)]
    assert [one["autopilot"] for one in there] == [True, False, True]
    assert [one["version"] for one in there] == [1, 2, 3]


async def test_a_toggle_goes_with_settings_in_one_request(desk: Desk, caller: Caller, flow: Values) -> None:
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_delay": 3}, toggles=True))
    assert set(saved.changed) == {"autopilot", "response_settings_delay"}
    assert (saved.flow["version"], saved.flow["autopilot"], saved.flow["response_settings_delay"]) == (1, True, 3)


@pytest.mark.parametrize("value", [True, False])
async def test_toggle_and_autopilot_contradict_each_other(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, value: bool
) -> None:
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"autopilot": value}, toggles=True)))
    assert told(refused) == [("CONFLICTING_FIELDS", "toggleAutopilot")]


async def test_one_wrong_leaf_refuses_everything_and_all_problems_are_told(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    sent = Sent(
        {"name": " ", "description": "fine", "response_settings_delay": -1}, ("settings.emailSettings",), toggles=True
    )
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], sent))
    assert told(refused) == [
        ("NULL_NOT_ALLOWED", "settings.emailSettings"),
        ("BLANK", "name"),
        ("OUT_OF_RANGE", "settings.responseSettings.delay"),
    ]


async def test_the_window_is_judged_as_it_will_be(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    refused = await refusal(
        edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_working_hours_start": "17:00"}))
    )
    assert told(refused) == [("EMPTY_WINDOW", "settings.responseSettings.workingHours")]
    for step in ({"end": "06:00"}, {"start": "17:00"}):
        columns = {f"response_settings_working_hours_{name}": value for name, value in step.items()}
        saved = await edits.update_flow(desk, caller, flow["id"], Sent(columns))
    assert saved.flow["response_settings_working_hours_start"] == "17:00"
    assert saved.flow["response_settings_working_hours_end"] == "06:00"


@pytest.mark.parametrize("id", ["unknown", "0" * 64])
async def test_an_unknown_id_is_not_found(desk: Desk, caller: Caller, refusal: Refusal, id: str) -> None:
    assert told(await refusal(edits.update_flow(desk, caller, id, Sent({"name": "x"})))) == [("NOT_FOUND", "id")]


async def test_a_flow_of_another_workspace_is_not_found(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    foreign = Caller("ws2")
    edit = edits.update_flow(desk, foreign, flow["id"], Sent({"name": "x"}))
    assert told(await refusal(edit)) == [("NOT_FOUND", "id")]
    for other in (edits.delete_flow, edits.restore_flow):
        assert told(await refusal(other(desk, foreign, flow["id"]))) == [("NOT_FOUND", "id")]
    assert told(await refusal(edits.revert_flow(desk, foreign, flow["id"], 0))) == [("NOT_FOUND", "id")]


@pytest.mark.parametrize("id", ["", "a" * 65, "a/b", "a\0", "\ud800", "ä"])
async def test_a_malformed_id_is_named(desk: Desk, caller: Caller, refusal: Refusal, id: str) -> None:
    edit = edits.update_flow(desk, caller, id, Sent({"name": "x"}), Terms(key="k"))
    assert told(await refusal(edit)) == [("INVALID_ID", "id")]


# Guards


async def test_the_version_that_was_seen_lets_the_edit_through(desk: Desk, caller: Caller, flow: Values) -> None:
    for seen in ({0}, {1, 5}):
        saved = await edits.update_flow(
            desk, caller, flow["id"], Sent({"name": str(seen)}), Terms(if_versions=frozenset(seen))
        )
    assert saved.flow["version"] == 2


@pytest.mark.parametrize("versions", [{0}, {2}, {0, 2, 3}, set()], ids=str)
async def test_any_other_version_is_a_conflict_that_tells_the_current_flow(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, versions: set[int]
) -> None:
    current = (await edits.update_flow(desk, caller, flow["id"], Sent({"name": "now"}))).flow
    terms = Terms(if_versions=frozenset(versions))
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "x"}), terms))
    assert told(refused) == [("VERSION_CONFLICT", "ifVersion")]
    assert refused.current == current


async def test_the_guard_holds_for_an_update_that_would_change_nothing(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    edit = edits.update_flow(desk, caller, flow["id"], Sent(), Terms(if_versions=frozenset({4})))
    assert told(await refusal(edit)) == [("VERSION_CONFLICT", "ifVersion")]


async def test_a_negative_version_is_out_of_range(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    edit = edits.update_flow(desk, caller, flow["id"], Sent({"name": "x"}), Terms(if_versions=frozenset({-1})))
    assert told(await refusal(edit)) == [("OUT_OF_RANGE", "ifVersion")]


# Trial runs and notes


async def test_a_trial_run_tells_what_would_be_and_writes_nothing(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    before = await contents(store)
    saved = await edits.update_flow(
        desk, caller, flow["id"], Sent({"name": "N"}, toggles=True), Terms(validate_only=True)
    )
    assert await contents(store) == before
    assert saved.changed == ("name", "autopilot")
    assert (saved.flow["name"], saved.flow["autopilot"], saved.flow["version"]) == ("N", True, 1)


async def test_a_trial_run_refuses_as_the_real_one(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    for terms, code in (
        (Terms(validate_only=True), "BLANK"),
        (Terms(validate_only=True, if_versions=frozenset({3})), "VERSION_CONFLICT"),
    ):
        refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": " "}), terms))
        assert [problem.code for problem in refused.problems] == [code]


@pytest.mark.parametrize(
    ("note", "code"), [("n" * 1_001, "TOO_LONG"), ("a\0", "INVALID_CHARACTER"), ("\udfff", "INVALID_CHARACTER")]
)
async def test_a_note_that_cannot_be_kept_is_refused(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, note: str, code: str
) -> None:
    edit = edits.update_flow(desk, caller, flow["id"], Sent({"name": "x"}), Terms(note=note, key="k"))
    assert told(await refusal(edit)) == [(code, "note")]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_text_that_no_database_keeps_is_refused_also_under_a_key(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, text: str
) -> None:
    edit = edits.update_flow(desk, caller, flow["id"], Sent({"prompt": text}), Terms(key="k"))
    assert told(await refusal(edit)) == [("INVALID_CHARACTER", "prompt")]
