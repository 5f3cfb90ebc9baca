"""API keys, of which only the SHA-256 is kept; the one table that belongs to the operator and to no workspace."""

from collections.abc import Sequence

from sqlalchemy import bindparam, insert, or_, select, update

from graphql_api.domain.keys import Key, digest
from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.sets import one_of
from graphql_api.storage.tables import KEYS

_SHOWN = [KEYS.c[name] for name in Key.__struct_fields__]
_NAMED = or_(
    KEYS.c.id == bindparam("named", type_=KEYS.c.id.type),
    KEYS.c.prefix == bindparam("named", type_=KEYS.c.id.type),
    KEYS.c.digest == bindparam("digest", type_=KEYS.c.digest.type),
)
_WHEN = KEYS.c.created_at.type


def key(row: Row) -> Key:
    members = {name: row[name] for name in Key.__struct_fields__}
    members["workspaces"] = tuple(row["workspaces"].split(","))
    members["scopes"] = frozenset(row["scopes"].split(","))
    return Key(**members)


def find(digest: str) -> Statement:
    return Statement(_FIND, {"digest": digest})


_FIND = Shape(select(*_SHOWN).where(KEYS.c.digest == bindparam("digest", type_=KEYS.c.digest.type)))


def every() -> Statement:
    """All keys, oldest first, also those that are expired or revoked."""
    return Statement(_EVERY, {})


_EVERY = Shape(select(*_SHOWN).order_by(KEYS.c.created_at, KEYS.c.digest))


def named(name: str) -> Statement:
    """The keys of an id, or the one of a prefix or that is the name itself, with their digests.

    Oldest first, so that all who would lock them begin with the same one.
    """
    return Statement(_OF_NAME, {"named": name, "digest": digest(name)})


_OF_NAME = Shape(select(*_SHOWN, KEYS.c.digest).where(_NAMED).order_by(KEYS.c.created_at, KEYS.c.digest), locks=True)


def create(digest: str, key: Key) -> Statement:
    row = {name: getattr(key, name) for name in Key.__struct_fields__}
    row |= {"workspaces": ",".join(key.workspaces), "scopes": ",".join(sorted(key.scopes))}
    return Statement(_CREATE, {f"new_{name}": value for name, value in {"digest": digest, **row}.items()})


_CREATE = Shape(
    insert(KEYS).values({c.name: bindparam(f"new_{c.name}", type_=c.type) for c in KEYS.c}).returning(KEYS.c.id)
)


def end(digest: str, at: int) -> Statement:
    """A key lives no longer than until `at`."""
    return Statement(_END, {"digest": digest, "at": at})


_END = Shape(
    update(KEYS)
    .where(
        KEYS.c.digest == bindparam("digest", type_=KEYS.c.digest.type),
        or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > bindparam("at", type_=_WHEN)),
    )
    .values(expires_at=bindparam("at", type_=_WHEN))
    .returning(KEYS.c.id)
)


def revoke(name: str, now: int) -> Statement:
    return Statement(_REVOKE, {"named": name, "digest": digest(name), "now": now})


_REVOKE = Shape(
    update(KEYS)
    .where(_NAMED, KEYS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now", type_=_WHEN))
    .returning(*_SHOWN)
)


def used(digests: Sequence[str], now: int, cut: int) -> Statement:
    """Notes the last use of keys of which none is noted since `cut`."""
    return Statement(_USED, {"digests": one_of.value(digests), "now": now, "cut": cut})


_USED = Shape(
    update(KEYS)
    .where(
        one_of(KEYS.c.digest, "digests"),
        or_(KEYS.c.last_used_at.is_(None), KEYS.c.last_used_at <= bindparam("cut", type_=_WHEN)),
    )
    .values(last_used_at=bindparam("now", type_=_WHEN))
    .returning(KEYS.c.id)
)
