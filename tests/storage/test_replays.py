"""The rows that keep first answers."""

from msgspec import structs

from graphql_api.storage import replays
from graphql_api.storage.engine import Script, Statement, Store
from graphql_api.storage.replays import Replay

SCOPE = {"workspace": "ws1", "actor": "anonymous", "operation": "updateMessageFlow", "target": "f1", "key": "k"}
OLD = Replay(replays.scope(**SCOPE), "f1", "digest", {"id": "f1", "version": 3}, 1_000)


async def run(store: Store, statement: Statement) -> int:
    """How many rows a statement answers."""

    def script() -> Script[int]:
        return len((yield statement))

    return await store.run(script)


async def test_a_replay_is_found_as_it_was_kept(store: Store) -> None:
    await run(store, replays.keep("ws1", OLD))
    found = await store.read(replays.find("ws1", OLD.scope))
    assert [replays.replay(row) for row in found] == [OLD]


async def test_it_is_found_under_its_whole_scope_only(store: Store) -> None:
    await run(store, replays.keep("ws1", OLD))
    assert await store.read(replays.find("ws2", OLD.scope)) == []
    for part in SCOPE:
        assert await store.read(replays.find("ws1", replays.scope(**{**SCOPE, part: "other"}))) == []


async def test_only_the_expired_replay_is_forgotten_not_the_one_written_since(store: Store) -> None:
    await run(store, replays.keep("ws1", OLD))
    assert await run(store, replays.forget("ws1", OLD)) == 1
    await run(store, replays.keep("ws1", structs.replace(OLD, at=2_000)))
    assert await run(store, replays.forget("ws1", OLD)) == 0
    assert len(await store.read(replays.find("ws1", OLD.scope))) == 1
