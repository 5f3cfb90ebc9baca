"""A flow that was changed a thousand times: its past is read and undone in pieces, never all at once."""

from collections.abc import Sequence

import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits import Desk
from graphql_api.edits.writing import living_flow, save
from graphql_api.feed import Feed
from graphql_api.storage import changes, flows, revisions
from graphql_api.storage.engine import Row, Script, Statement, drive_waiting
from tests.conftest import Execute
from tests.edits.conftest import Refusal, told

NEWEST = 1_050
PIECES = 11
AT = "query ($id: ID!, $v: Int!) { messageFlow(id: $id, atVersion: $v) { name description version updatedAt } }"


@pytest.fixture
async def id(desk: Desk, caller: Caller, flow: Values) -> str:
    """Version n is called "n"; the first change of all gave it a description, so that each version has both."""
    await edits.update_flow(desk, caller, flow["id"], Sent({"description": "d", "name": "1"}))
    edit = desk.edit(caller, "updateMessageFlow", flow["id"], NO_TERMS, None)

    def often() -> Script[None]:
        newest = yield from living_flow(edit, flow["id"])
        for number in range(2, NEWEST):
            newest = (yield from save(edit, "UPDATE", newest, {**newest, "name": str(number)})).flow

    await desk.store.run(often, together=True)
    await edits.update_flow(desk, caller, flow["id"], Sent({"name": str(NEWEST)}))
    return str(flow["id"])


def histories(heard: Sequence[str]) -> int:
    """How many of the statements read history."""
    return len([sql for sql in heard if sql.startswith("SELECT message_flow_revisions.")])


async def test_its_past_is_read_in_pieces_whoever_asks(
    desk: Desk, caller: Caller, id: str, flow: Values, execute: Execute, heard: list[str], refusal: Refusal
) -> None:
    answered: list[int] = []

    async def counted(statement: Statement) -> Sequence[Row]:
        rows = await desk.store.read(statement)
        answered.append(len(rows))
        return rows

    newest = flows.values((await desk.store.read(flows.read_whole("ws1", id)))[0])
    past = await drive_waiting(revisions.past("ws1", newest, 0), counted)
    assert past is not None
    assert {column: past[0][column] for column in flow} == flow
    assert past[1].operation == "CREATE"
    assert answered == [101] * 10 + [51]

    answered.clear()
    changed = await drive_waiting(revisions.changed_since("ws1", newest, 0), counted)
    assert changed == frozenset({"name", "description"})
    assert answered == [100] * 10 + [50]

    for version, pieces in ((0, PIECES), (1, PIECES), (777, 3), (NEWEST - 100, 1), (NEWEST, 1)):
        heard.clear()
        seen = (await execute(AT, id=id, v=version))["data"]["messageFlow"]
        named = (flow["name"], "") if version == 0 else (str(version), "d")
        assert (seen["name"], seen["description"], seen["version"]) == (*named, version)
        assert histories(heard) == pieces
    assert (await execute(AT, id=id, v=NEWEST + 1))["data"]["messageFlow"] is None

    (first,) = await desk.store.read(changes.after(0, 1))
    heard.clear()
    told_of = await Feed(desk.store).flow(changes.change(first))
    assert told_of is not None
    assert (told_of["name"], told_of["version"], histories(heard)) == (flow["name"], 0, PIECES)

    merge = Terms(if_versions=frozenset({0}), merge=True)
    heard.clear()
    refused = await refusal(edits.update_flow(desk, caller, id, Sent({"name": "M", "prompt": "q"}), merge))
    assert told(refused) == [("VERSION_CONFLICT", "name")]
    heard.clear()
    saved = await edits.update_flow(desk, caller, id, Sent({"prompt": "q"}), merge)
    assert (saved.rebased_from, saved.flow["version"], saved.flow["name"]) == (0, NEWEST + 1, str(NEWEST))
    assert histories(heard) == PIECES

    heard.clear()
    reverted = (await edits.revert_flow(desk, caller, id, 0)).flow
    assert (reverted["name"], reverted["description"], reverted["prompt"]) == (flow["name"], "", flow["prompt"])
    assert histories(heard) == PIECES + 1  # whether it is still there
