"""Keys are kept as hashes, rotate without changing whom they stand for, and end when they are told to."""

import asyncio

import pytest

from graphql_api.domain import keys as domain
from graphql_api.domain.errors import Refused
from graphql_api.edits import keys
from graphql_api.storage.engine import Store
from tests.edits.conftest import broken

NOW = 1_000_000_000
READ = frozenset({"flows:read"})


async def test_a_key_is_found_by_its_digest_and_its_secret_is_nowhere(store: Store, heard: list[str]) -> None:
    issued = await keys.create(
        store, NOW, ["ws1", "ws2"], {"flows:read", "flows:write"}, name="crm", expires_at=NOW + 5
    )
    assert domain.is_spelt(issued.secret)
    found = await keys.find(store, domain.digest(issued.secret))
    assert found == issued.key
    assert (found.workspaces, found.name, found.expires_at) == (("ws1", "ws2"), "crm", NOW + 5)
    assert found.scopes == {"flows:read", "flows:write"}
    assert found.prefix == issued.secret[:12]
    assert await keys.find(store, domain.digest(issued.secret[:-1] + "x")) is None
    assert all(issued.secret not in repr(key) for key in await keys.every(store))


async def test_rotating_keeps_the_actor_and_lets_the_old_secret_live_on_for_the_grace(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ, name="crm")
    new = await keys.rotate(store, NOW + 10, old.key.prefix, 1_000)
    assert new.secret != old.secret
    assert (new.key.id, new.key.workspaces, new.key.scopes, new.key.name) == (old.key.id, ("ws1",), READ, "crm")
    assert new.key.expires_at is None
    ending = await keys.find(store, domain.digest(old.secret))
    assert ending is not None
    assert ending.expires_at == NOW + 1_010


async def test_rotating_never_makes_an_old_secret_live_longer(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ, expires_at=NOW + 100)
    await keys.rotate(store, NOW, old.key.id, 1_000, expires_at=NOW + 9_000)
    assert [key.expires_at for key in await keys.every(store) if key.prefix == old.key.prefix] == [NOW + 100]


async def test_rotating_lets_an_old_secret_live_for_the_grace_at_most(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ, expires_at=NOW + 9_000)
    new = await keys.rotate(store, NOW, old.key.id, 1_000)
    ends = {key.prefix: key.expires_at for key in await keys.every(store)}
    assert ends == {old.key.prefix: NOW + 1_000, new.key.prefix: NOW + 9_000}


async def test_what_is_rotated_within_the_grace_of_an_old_secret_does_not_end_with_that(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ)
    await keys.rotate(store, NOW + 10, old.key.id, 1_000)
    newest = await keys.rotate(store, NOW + 20, old.key.id, 1_000)
    assert newest.key.expires_at is None


async def test_what_is_rotated_by_a_clock_that_goes_behind_does_not_end_with_the_old_secret(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ)
    await keys.rotate(store, NOW - 3_600_000, old.key.id, 1_000)
    newest = await keys.rotate(store, NOW - 3_600_000, old.key.id, 1_000)
    assert newest.key.expires_at is None


async def test_a_rotation_that_breaks_off_ends_no_secret(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ)
    monkeypatch.setattr("graphql_api.storage.keys.create", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await keys.rotate(store, NOW, old.key.id, 0)
    assert await keys.every(store) == [old.key]


async def test_a_dead_or_unknown_key_does_not_rotate(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ, expires_at=NOW + 100)
    for named, now in ((old.key.id, NOW + 100), ("key_unknown", NOW)):
        with pytest.raises(Refused, match="there is no live key"):
            await keys.rotate(store, now, named, 1_000)
    assert len(await keys.every(store)) == 1


async def test_revoking_an_id_ends_all_its_secrets_and_a_prefix_only_one(store: Store) -> None:
    first = await keys.create(store, NOW, ["ws1"], READ)
    second = await keys.rotate(store, NOW, first.key.id, 10_000)
    assert [key.prefix for key in await keys.revoke(store, NOW + 1, first.key.prefix)] == [first.key.prefix]
    assert [key.prefix for key in await keys.revoke(store, NOW + 2, first.key.id)] == [second.key.prefix]
    assert await keys.revoke(store, NOW + 3, first.key.id) == []
    assert {key.revoked_at for key in await keys.every(store)} == {NOW + 1, NOW + 2}
    with pytest.raises(Refused, match="there is no key key_x"):
        await keys.revoke(store, NOW, "key_x")


async def test_the_last_use_is_noted_once_a_minute(store: Store) -> None:
    issued = await keys.create(store, NOW, ["ws1"], READ)
    digest = domain.digest(issued.secret)
    noted = [await keys.note_use(store, now, {digest}) for now in (NOW, NOW + 59_999, NOW + 60_000)]
    assert noted == [1, 0, 1]
    assert [key.last_used_at for key in await keys.every(store)] == [NOW + 60_000]


async def test_a_key_that_cannot_be_is_not_made(store: Store) -> None:
    with pytest.raises(Refused, match="at least one workspace"):
        await keys.create(store, NOW, [], READ)
    with pytest.raises(Refused, match="scopes out of"):
        await keys.create(store, NOW, ["ws1"], {"flows:delete"})
    assert await keys.every(store) == []


async def test_of_rotations_at_once_each_ends_what_the_one_before_it_made(store: Store) -> None:
    old = await keys.create(store, NOW, ["ws1"], READ)
    made = await asyncio.gather(*(keys.rotate(store, NOW + n, old.key.id, 1_000) for n in range(1, 6)))
    assert [one.key.expires_at for one in made] == [None] * 5
    assert sum(key.expires_at is None for key in await keys.every(store)) == 1


async def test_a_key_that_is_rotated_while_it_is_revoked_lives_on_by_no_secret(store: Store) -> None:
    for _ in range(5):
        old = await keys.create(store, NOW, ["ws1"], READ)
        await asyncio.gather(
            keys.rotate(store, NOW + 1, old.key.id, 1_000),
            keys.revoke(store, NOW + 1, old.key.id),
            return_exceptions=True,
        )
        assert [key for key in await keys.every(store) if key.id == old.key.id and key.revoked_at is None] == []
