"""Long histories are read before the transaction of an edit, and what happens meanwhile is still seen."""

from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits import Desk, beforehand
from graphql_api.edits.upkeep import prune
from graphql_api.storage import revisions
from graphql_api.storage.engine import Store, drive_waiting
from tests.conftest import Clock
from tests.edits.conftest import Refusal, told

DAY = 86_400_000
SINCE_0 = Terms(if_versions=frozenset({0}), merge=True)

Meanwhile = Callable[[Callable[[], Awaitable[object]]], None]


@pytest.fixture(autouse=True)
async def long_history(desk: Desk, caller: Caller, flow: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven renames, more than are read at a time."""
    monkeypatch.setattr(revisions, "STEP", 3)
    for number in range(7):
        await edits.update_flow(desk, caller, flow["id"], Sent({"name": f"N{number}"}))


@pytest.fixture
def meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Something is done once, after an edit has read what it needs beforehand."""

    def meanwhile(do: Callable[[], Awaitable[object]]) -> None:
        run, begun = store.run, count(1)

        async def later(*script: object, **how: object) -> object:
            if next(begun) == 2:
                monkeypatch.setattr(store, "run", run)
                await do()
            return await run(*script, **how)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "run", later)

    return meanwhile


def history_in(statements: list[str]) -> list[str]:
    return [sql for sql in statements if sql.startswith("SELECT") and "FROM message_flow_revisions" in sql]


async def test_a_revert_far_back_reads_one_revision_while_others_wait(
    desk: Desk, caller: Caller, flow: Values, within: list[str]
) -> None:
    saved = await edits.revert_flow(desk, caller, flow["id"], 0)
    assert (saved.flow["name"], saved.flow["version"], saved.changed) == (flow["name"], 8, ("name",))
    assert len(history_in(within)) == 1


async def test_what_is_edited_meanwhile_is_reverted_too(
    desk: Desk, caller: Caller, flow: Values, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: edits.update_flow(desk, caller, flow["id"], Sent({"description": "d"})))
    saved = await edits.revert_flow(desk, caller, flow["id"], 1)
    assert (saved.flow["name"], saved.flow["description"], saved.flow["version"]) == ("N0", "", 9)


@pytest.mark.parametrize("is_before", [True, False])
async def test_a_version_that_is_pruned_before_or_meanwhile_is_unknown(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, meanwhile: Meanwhile, is_before: bool
) -> None:
    clock.now += 100 * DAY
    if is_before:
        await prune(desk, DAY)
    else:
        meanwhile(lambda: prune(desk, DAY))
    with pytest.raises(Refused) as refused:
        await edits.revert_flow(desk, caller, flow["id"], 1)
    assert told(refused.value) == [("UNKNOWN_VERSION", "toVersion")]


async def test_a_merge_over_many_changes_reads_none_of_them_while_others_wait(
    desk: Desk, caller: Caller, flow: Values, within: list[str]
) -> None:
    saved = await edits.update_flow(desk, caller, flow["id"], Sent({"description": "d"}), SINCE_0)
    assert (saved.rebased_from, saved.flow["name"], saved.flow["version"]) == (0, "N6", 8)
    assert history_in(within) == []


@pytest.mark.parametrize("leaf", ["name", "description"])
async def test_a_merge_is_refused_for_what_was_changed_long_ago_and_for_what_is_changed_meanwhile(
    desk: Desk, caller: Caller, flow: Values, meanwhile: Meanwhile, leaf: str
) -> None:
    meanwhile(lambda: edits.update_flow(desk, caller, flow["id"], Sent({"description": "theirs"})))
    with pytest.raises(Refused) as refused:
        await edits.update_flow(desk, caller, flow["id"], Sent({leaf: "ours"}), SINCE_0)
    assert told(refused.value) == [("VERSION_CONFLICT", leaf)]


async def test_a_merge_over_what_is_pruned_is_refused_without_a_look_while_others_wait(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, within: list[str], refusal: Refusal
) -> None:
    clock.now += 100 * DAY
    await prune(desk, DAY)
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": "N7"}))
    within.clear()
    refused = await refusal(edits.update_flow(desk, caller, flow["id"], Sent({"description": "d"}), SINCE_0))
    assert told(refused) == [("VERSION_CONFLICT", "ifVersion")]
    assert history_in(within) == []


async def test_a_merge_over_what_is_pruned_meanwhile_is_refused(
    desk: Desk, caller: Caller, flow: Values, clock: Clock, meanwhile: Meanwhile
) -> None:
    async def rename_and_prune() -> None:
        for name in ("N7", "N8"):
            await edits.update_flow(desk, caller, flow["id"], Sent({"name": name}))
        clock.now += 100 * DAY
        await prune(desk, DAY)

    meanwhile(rename_and_prune)
    with pytest.raises(Refused) as refused:
        await edits.update_flow(desk, caller, flow["id"], Sent({"description": "d"}), SINCE_0)
    assert told(refused.value) == [("VERSION_CONFLICT", "ifVersion")]


async def test_what_is_known_of_a_flow_that_was_made_anew_does_not_count(
    desk: Desk, caller: Caller, flow: Values
) -> None:
    edit = desk.edit(caller, "updateMessageFlow", flow["id"], NO_TERMS)
    changed = beforehand.changed_since(edit, {**flow, "version": 2}, 0, beforehand.Changed(5, frozenset({"prompt"})))
    assert await drive_waiting(changed, desk.store.read) == frozenset({"name"})
