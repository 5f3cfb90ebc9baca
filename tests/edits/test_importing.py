"""Flows from outside: with their ids and times, all or none, and over a tombstone at its next version."""

from typing import Any

import pytest

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported
from graphql_api.storage.engine import Store
from tests.conftest import Clock
from tests.edits.conftest import NEW, Refusal, contents, told

CLI = Caller(None, source="CLI")
LONG_AGO = 1_735_812_900_000


def brought(id: str, workspace: str = "ws1", **members: Any) -> Imported:
    times = {"created_at": LONG_AGO, "updated_at": LONG_AGO + 5}
    return Imported(id, workspace, {**DEFAULTS, **NEW.values, **times, **members})


async def test_ids_and_times_are_kept(desk: Desk, caller: Caller) -> None:
    assert await edits.import_flows(desk, CLI, [brought("exampleId1"), brought("exampleId1", "ws2", name="Other")]) == [
        True,
        True,
    ]
    flow = await reads.flow(desk.store, caller, "exampleId1", ["name", "version", "created_at", "updated_at"])
    assert flow == {"name": "Sale", "version": 0, "created_at": LONG_AGO, "updated_at": LONG_AGO + 5}
    (revision,) = await reads.history(desk.store, caller, "exampleId1", 5, None)
    assert (revision.version, revision.operation, revision.source) == (0, "IMPORT", "CLI")
    assert revision.changes["createdAt"] == (None, LONG_AGO)
    assert revision.changes["updatedAt"] == (None, LONG_AGO + 5)


async def test_missing_times_are_those_of_the_import(desk: Desk, caller: Caller, clock: Clock) -> None:
    clock.step = 0
    await edits.import_flows(
        desk, CLI, [brought("f1", created_at=None, updated_at=None), brought("f2", updated_at=None)]
    )
    times = ["created_at", "updated_at"]
    assert await reads.flow(desk.store, caller, "f1", times) == dict.fromkeys(times, clock.now)
    assert await reads.flow(desk.store, caller, "f2", times) == dict.fromkeys(times, LONG_AGO)


async def test_an_existing_flow_refuses_the_whole_file(desk: Desk, caller: Caller, refusal: Refusal) -> None:
    await edits.import_flows(desk, CLI, [brought("f2")])
    refused = await refusal(edits.import_flows(desk, CLI, [brought("f1"), brought("f2"), brought("f3")]))
    assert told(refused) == [("IMMUTABLE_FIELD", "_id")]
    assert "f2" in str(refused)


async def test_the_same_id_twice_in_a_file_is_refused(desk: Desk, refusal: Refusal) -> None:
    refused = await refusal(edits.import_flows(desk, CLI, [brought("f1"), brought("f1")]))
    assert told(refused) == [("IMMUTABLE_FIELD", "_id")]


async def test_existing_flows_may_be_skipped_and_stay_as_they_are(desk: Desk, caller: Caller) -> None:
    await edits.import_flows(desk, CLI, [brought("f2")])
    many = [brought("f1"), brought("f2", name="Other")]
    assert await edits.import_flows(desk, CLI, many, skip_existing=True) == [True, False]
    assert await reads.flow(desk.store, caller, "f2", ["name", "version"]) == {"name": "Sale", "version": 0}


async def test_an_import_over_a_tombstone_goes_on_at_its_next_version(desk: Desk, caller: Caller, flow: Values) -> None:
    deleted = await edits.delete_flow(desk, caller, flow["id"])
    assert await edits.import_flows(desk, CLI, [brought(flow["id"], name="Back")]) == [True]
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}), Terms(if_versions=frozenset({2})))
    assert (deleted.flow["version"], saved.flow["version"]) == (1, 3)
    then = await reads.flow_at(desk.store, caller, flow["id"], 2)
    assert then is not None
    assert (then["name"], then["created_at"], then["updated_at"]) == ("Back", LONG_AGO, LONG_AGO + 5)
    first = await reads.flow_at(desk.store, caller, flow["id"], 0)
    assert first == {**flow, "deleted_at": None}


async def test_history_keeps_the_imported_time_also_when_it_is_the_tombstones_own(
    desk: Desk, caller: Caller, flow: Values
) -> None:
    deleted = (await edits.delete_flow(desk, caller, flow["id"])).flow
    await edits.import_flows(desk, CLI, [brought(flow["id"], updated_at=deleted["updated_at"])])
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N"}))
    then = await reads.flow_at(desk.store, caller, flow["id"], 2)
    assert then is not None
    assert then["updated_at"] == deleted["updated_at"]


async def test_a_caller_who_may_not_write_imports_nothing(desk: Desk, refusal: Refusal) -> None:
    reader = Caller(None, scopes=frozenset({"flows:read"}))
    assert told(await refusal(edits.import_flows(desk, reader, [brought("f1")]))) == [("FORBIDDEN", "")]


@pytest.mark.parametrize("flows", [[], [brought("f1")]])
async def test_as_many_answers_as_flows(desk: Desk, store: Store, flows: list[Imported]) -> None:
    assert await edits.import_flows(desk, CLI, flows) == [True] * len(flows)
    assert len((await contents(store))[0]) == len(flows)
