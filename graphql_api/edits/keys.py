"""What an operator does with API keys: create, rotate, revoke, list; and noting when one was last used."""

from collections.abc import Collection, Sequence
from secrets import token_bytes

import msgspec

from graphql_api.domain import keys as domain
from graphql_api.domain.errors import refused
from graphql_api.domain.keys import Key
from graphql_api.storage import keys
from graphql_api.storage.engine import Script, Store, script_of

NOTED_EVERY = 60_000
"""Milliseconds between two notes of a key's last use."""

ID_BYTES = 6


class IssuedKey(msgspec.Struct, frozen=True):
    """A key with its secret, which is kept nowhere."""

    key: Key
    secret: str


async def create(
    store: Store,
    now: int,
    workspaces: Sequence[str],
    scopes: Collection[str],
    *,
    name: str = "",
    expires_at: int | None = None,
) -> IssuedKey:
    """Raises Refused for workspaces or scopes that cannot be."""
    secret = domain.secret(token_bytes(domain.SECRET_BYTES))
    key = Key(
        domain.key_id(token_bytes(ID_BYTES)),
        secret[: domain.SHOWN],
        name,
        domain.checked_workspaces(workspaces),
        domain.checked_scopes(scopes),
        now,
        expires_at,
    )
    await store.run(lambda: script_of(keys.create(domain.digest(secret), key)), together=True)
    return IssuedKey(key, secret)


async def rotate(
    store: Store,
    now: int,
    named: str,
    grace: int,
    *,
    expires_at: int | None = None,
) -> IssuedKey:
    """A new secret for a key, which stays the same actor; the old ones live on for `grace` milliseconds at most.

    The key is named as for `revoke`. Raises Refused (NOT_FOUND) when there is no such key that is still live.
    """
    secret = domain.secret(token_bytes(domain.SECRET_BYTES))
    return await store.run(lambda: _rotate(secret, named, now, grace, expires_at), together=True)


def _rotate(secret: str, named: str, now: int, grace: int, expires_at: int | None) -> Script[IssuedKey]:
    yield keys.named(named)  # when nobody else is at it any more: what they have made is seen by the next statement
    found = yield keys.named(named)
    live = [row for row in found if keys.key(row).is_live(now)]
    if not live:
        raise refused("NOT_FOUND", f"there is no live key {domain.concealed(named)}")
    old = keys.key(live[-1])
    new = msgspec.structs.replace(
        old,
        prefix=secret[: domain.SHOWN],
        created_at=max(now, old.created_at + 1),  # it is the newest also by a clock that goes behind
        expires_at=old.expires_at if expires_at is None else expires_at,
        last_used_at=None,
    )
    for row in live:
        yield keys.end(row["digest"], now + grace)
    yield keys.create(domain.digest(secret), new)
    return IssuedKey(new, secret)


async def revoke(store: Store, now: int, named: str) -> Sequence[Key]:
    """All secrets of an id, or the one that a prefix or itself names; answers those that were not revoked before.

    Raises Refused (NOT_FOUND) when there is no such key.
    """
    return await store.run(lambda: _revoke(named, now), together=True)


def _revoke(named: str, now: int) -> Script[Sequence[Key]]:
    if not (yield keys.named(named)):
        raise refused("NOT_FOUND", f"there is no key {domain.concealed(named)}")
    return [keys.key(row) for row in (yield keys.revoke(named, now))]


async def every(store: Store) -> Sequence[Key]:
    return [keys.key(row) for row in await store.read(keys.every())]


async def find(store: Store, digest: str) -> Key | None:
    rows = await store.read(keys.find(digest))
    return keys.key(rows[0]) if rows else None


async def note_use(store: Store, now: int, digests: Collection[str]) -> int:
    """How many notes were written: none for a key of which one is younger than a minute, by whatever worker."""
    return len(await store.run(lambda: script_of(keys.used(sorted(digests), now, now - NOTED_EVERY))))
