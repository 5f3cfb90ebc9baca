"""The life of one flow: create, revert, delete, restore, each as a revision of its history."""

import pytest

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import LEAVES, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.reads import Revision
from graphql_api.storage.engine import Store
from tests.conftest import NOW
from tests.edits.conftest import NEW, Refusal, contents, told

TEXTS = {"name": "Ünï 🎉", "description": "a\n\tb", "prompt": "p" * 100_000, "initiation_message": '"\\ '}
"""What JSON, SQL and Unicode may stumble over."""


async def test_a_new_flow_has_its_defaults_and_version_0(desk: Desk, caller: Caller) -> None:
    saved = await edits.create_flow(desk, caller, NEW)
    assert saved.flow == {
        **NEW.values,
        "id": f"{(NOW + 1_000) // 1000:08x}0000000000000001",
        "workspace_id": "ws1",
        "version": 0,
        "created_at": NOW + 1_000,
        "updated_at": NOW + 1_000,
        "description": "",
        "is_active": False,
        "autopilot": False,
        "response_settings_delay": 0,
        "response_settings_working_hours_enabled": False,
        "response_settings_working_hours_start": "09:00",
        "response_settings_working_hours_end": "17:00",
        "response_settings_working_hours_timezone": "UTC",
        "response_settings_working_hours_out_of_hours_message": "",
        "security_hipaa_compliance": False,
        "email_settings_subject_line": "",
        "email_settings_signature": "",
    }
    assert saved.changed == tuple(leaf.column for leaf in LEAVES)


async def test_all_that_is_missing_or_wrong_is_told_at_once(desk: Desk, caller: Caller, refusal: Refusal) -> None:
    sent = Sent({"direction": None, "agent": "a b", "prompt": "", "initiation_message": "i"})
    assert told(await refusal(edits.create_flow(desk, caller, sent))) == [
        ("NULL_NOT_ALLOWED", "direction"),
        ("INVALID_ID", "agent"),
        ("BLANK", "prompt"),
        ("REQUIRED", "name"),
        ("REQUIRED", "messageChannel"),
    ]


async def test_creation_is_revision_0(desk: Desk, caller: Caller) -> None:
    flow = (await edits.create_flow(desk, caller, Sent({**NEW.values, **TEXTS}))).flow
    (revision,) = await reads.history(desk.store, caller, flow["id"], 10, None)
    assert (revision.version, revision.operation, revision.at) == (0, "CREATE", flow["created_at"])
    assert list(revision.changes) == [leaf.path for leaf in LEAVES]
    assert revision.changes == {leaf.path: (None, flow[leaf.column]) for leaf in LEAVES}


async def test_a_revision_tells_who_when_how_and_why(desk: Desk, flow: Values) -> None:
    caller = Caller("ws1", actor="key7", source="REST", request_id="r9")
    terms = Terms(note="the boss said so")
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_delay": 2.5}), terms)
    newest = (await reads.history(desk.store, caller, flow["id"], 1, None))[0]
    assert newest == Revision(
        flow["id"],
        1,
        saved.flow["updated_at"],
        "UPDATE",
        "REST",
        "key7",
        "r9",
        "the boss said so",
        {"settings.responseSettings.delay": (0, 2.5)},
    )
    assert newest.row()[-1] == '{"settings.responseSettings.delay":[0,2.5]}'


async def test_every_version_can_be_read_as_it_was(desk: Desk, caller: Caller, flow: Values) -> None:
    seen = [{**flow, "deleted_at": None}]
    for sent in (
        Sent(TEXTS),
        Sent({"response_settings_delay": 0.1, "direction": "OUTBOUND", "message_channel": "EMAIL"}, toggles=True),
        Sent({"response_settings_delay": None, "security_hipaa_compliance": True}),
        Sent({"response_settings_working_hours_timezone": "asia/calcutta"}),
    ):
        seen.append(dict((await edits.update_flow(desk, caller, flow["id"], sent)).flow))
    for version, then in enumerate(seen):
        assert await reads.flow_at(desk.store, caller, flow["id"], version) == then


@pytest.mark.parametrize("version", [-1, 2, 2**31 - 1])
async def test_a_version_that_never_was_is_unknown(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal, version: int
) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    assert await reads.flow_at(desk.store, caller, flow["id"], version) is None
    refused = await refusal(edits.revert_flow(desk, caller, flow["id"], version))
    assert told(refused) == [("UNKNOWN_VERSION", "toVersion")]


# Revert


async def test_a_revert_is_a_new_version_with_the_old_leaves(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}, toggles=True))
    await edits.update_flow(desk, caller, flow["id"], Sent({"response_settings_delay": 7}))
    saved = await edits.revert_flow(desk, caller, flow["id"], 0, Terms(note="undo"))
    assert saved.changed == ("name", "autopilot", "response_settings_delay")
    assert saved.flow == {
        **flow,
        "deleted_at": None,
        "version": 3,
        "updated_at": saved.flow["updated_at"],
    }
    newest = (await reads.history(desk.store, caller, flow["id"], 1, None))[0]
    assert (newest.version, newest.operation, newest.note) == (3, "REVERT", "undo")
    assert newest.changes == {
        "name": ("N", "Sale"),
        "autopilot": (True, False),
        "settings.responseSettings.delay": (7, 0),
    }


async def test_a_revert_to_what_is_there_already_changes_nothing(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    for name in ("N", "Sale"):
        await edits.update_flow(desk, caller, flow["id"], Sent({"name": name}))
    before = await contents(store)
    for version in (0, 2):
        saved = await edits.revert_flow(desk, caller, flow["id"], version)
        assert (saved.changed, saved.flow["version"]) == ((), 2)
    assert await contents(store) == before


async def test_a_revert_keeps_the_guard(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    terms = Terms(if_versions=frozenset({0}))
    refused = await refusal(edits.revert_flow(desk, caller, flow["id"], 0, terms))
    assert told(refused) == [("VERSION_CONFLICT", "ifVersion")]


async def test_a_deleted_flow_is_not_reverted(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    await edits.delete_flow(desk, caller, flow["id"])
    assert told(await refusal(edits.revert_flow(desk, caller, flow["id"], 0))) == [("NOT_FOUND", "id")]


# Delete and restore


async def test_a_deleted_flow_is_gone_but_for_its_history(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    saved = await edits.delete_flow(desk, caller, flow["id"])
    assert (saved.flow["version"], saved.flow["deleted_at"]) == (1, saved.flow["updated_at"])
    assert await reads.flow(desk.store, caller, flow["id"], ["name"]) is None
    assert told(await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"})))) == [
        ("NOT_FOUND", "id")
    ]
    past = await reads.flow_at(desk.store, caller, flow["id"], 0)
    assert past is not None
    assert {**past, "deleted_at": None} == {**flow, "deleted_at": None}
    told_ = await reads.history(desk.store, caller, flow["id"], 10, None)
    assert [(one.version, one.operation, one.changes) for one in told_][:1] == [(1, "DELETE", {})]


async def test_deleting_again_changes_nothing_whatever_version_is_named(
    desk: Desk, caller: Caller, flow: Values, store: Store
) -> None:
    await edits.delete_flow(desk, caller, flow["id"])
    before = await contents(store)
    for versions in (None, frozenset({0}), frozenset[int]()):
        saved = await edits.delete_flow(desk, caller, flow["id"], Terms(if_versions=versions))
        assert saved.flow["version"] == 1
    assert await contents(store) == before


async def test_delete_keeps_the_guard(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    edit = edits.delete_flow(desk, caller, flow["id"], Terms(if_versions=frozenset({1})))
    assert told(await refusal(edit)) == [("VERSION_CONFLICT", "ifVersion")]


async def test_what_never_existed_is_not_deleted_and_not_restored(desk: Desk, caller: Caller, refusal: Refusal) -> None:
    for edit in (edits.delete_flow, edits.restore_flow):
        assert told(await refusal(edit(desk, caller, "unknown"))) == [("NOT_FOUND", "id")]


async def test_restore_brings_the_flow_back_as_it_was(desk: Desk, caller: Caller, flow: Values) -> None:
    await edits.delete_flow(desk, caller, flow["id"])
    saved = await edits.restore_flow(desk, caller, flow["id"])
    assert saved.flow == {**flow, "deleted_at": None, "version": 2, "updated_at": saved.flow["updated_at"]}
    assert await reads.flow(desk.store, caller, flow["id"], ["name", "version"]) == {"name": "Sale", "version": 2}
    history = await reads.history(desk.store, caller, flow["id"], 10, None)
    assert [(one.version, one.operation) for one in history] == [(2, "RESTORE"), (1, "DELETE"), (0, "CREATE")]


async def test_what_was_never_deleted_is_not_restored(
    desk: Desk, caller: Caller, flow: Values, refusal: Refusal
) -> None:
    assert told(await refusal(edits.restore_flow(desk, caller, flow["id"]))) == [("NOT_DELETED", "id")]
    await edits.delete_flow(desk, caller, flow["id"])
    await edits.restore_flow(desk, caller, flow["id"])
    assert told(await refusal(edits.restore_flow(desk, caller, flow["id"]))) == [("NOT_DELETED", "id")]


async def test_restore_keeps_the_guard(desk: Desk, caller: Caller, flow: Values, refusal: Refusal) -> None:
    await edits.delete_flow(desk, caller, flow["id"])
    edit = edits.restore_flow(desk, caller, flow["id"], Terms(if_versions=frozenset({0})))
    assert told(await refusal(edit)) == [("VERSION_CONFLICT", "ifVersion")]
    saved = await edits.restore_flow(desk, caller, flow["id"], Terms(if_versions=frozenset({1})))
    assert saved.flow["version"] == 2


@pytest.mark.parametrize("id", ["", "a b"])
async def test_an_id_that_none_has_is_told_by_every_edit_of_one_flow(
    desk: Desk, caller: Caller, refusal: Refusal, id: str
) -> None:
    for edit in (
        edits.update_flow(desk, caller, id, Sent({"name": "N"})),
        edits.revert_flow(desk, caller, id, 0),
        edits.delete_flow(desk, caller, id, Terms(key="k")),
        edits.restore_flow(desk, caller, id),
    ):
        assert told(await refusal(edit)) == [("INVALID_ID", "id")]


async def test_history_never_crosses_workspaces(desk: Desk, caller: Caller, flow: Values) -> None:
    foreign = Caller("ws2")
    assert await reads.history(desk.store, foreign, flow["id"], 10, None) == []
    assert await reads.flow_at(desk.store, foreign, flow["id"], 0) is None
    assert await reads.revision(desk.store, foreign, flow["id"], 0) is None
    assert await reads.revision(desk.store, caller, flow["id"], 0) is not None


@pytest.mark.parametrize("scope", ["flows:read", "history:read"])
async def test_a_caller_who_may_not_write_does_not(desk: Desk, flow: Values, refusal: Refusal, scope: str) -> None:
    reader = Caller("ws1", scopes=frozenset({scope}))
    for edit in (
        edits.create_flow(desk, reader, NEW),
        edits.update_flow(desk, reader, flow["id"], Sent({"name": "N"})),
        edits.update_flows(desk, reader, [flow["id"]], None, Sent({"name": "N"})),
        edits.revert_flow(desk, reader, flow["id"], 0),
        edits.delete_flow(desk, reader, flow["id"]),
        edits.restore_flow(desk, reader, flow["id"]),
    ):
        assert told(await refusal(edit)) == [("FORBIDDEN", "")]
    nobody = Caller(None)
    assert told(await refusal(edits.create_flow(desk, nobody, NEW))) == [("WORKSPACE_REQUIRED", "")]
