"""The first answer to an Idempotency-Key, kept in the transaction of the change that it tells about."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.tables import REPLAYS, owned


class Replay(msgspec.Struct, frozen=True):
    """`scope` is what the key holds for, `target` the flow's id; `request` tells the same request from another one."""

    scope: str
    target: str
    request: str
    outcome: Any
    at: int

    def row(self) -> tuple[Any, ...]:
        """As it is stored; the columns are named like the members."""
        return self.scope, self.target, self.request, msgspec.json.encode(self.outcome).decode(), self.at


def scope(workspace: str, actor: str, operation: str, target: str, key: str) -> str:
    """No part has a line break in it; half of SHA-256 is enough for what a caller can only do to itself."""
    return hashlib.sha256(f"{workspace}\n{actor}\n{operation}\n{target}\n{key}".encode()).hexdigest()[:32]


_MINE = [owned(REPLAYS), REPLAYS.c.scope == bindparam("scope")]


def find(workspace: str, scope: str, *, rechecked: bool = False) -> Statement:
    """What was answered before."""
    return Statement(_FIND, {"workspace": workspace, "scope": scope}, rechecked=rechecked)


_FIND = Shape(select(*(REPLAYS.c[name] for name in Replay.__struct_fields__)).where(*_MINE), single=True)


def replay(row: Row) -> Replay:
    members = {name: row[name] for name in Replay.__struct_fields__}
    return Replay(**{**members, "outcome": msgspec.json.decode(row["outcome"])})


def forget(workspace: str, expired: Replay) -> Statement:
    """Removes this very replay, not a younger one that somebody else has written under the same key by now."""
    return Statement(_FORGET, {"workspace": workspace, "scope": expired.scope, "at": expired.at})


_FORGET = Shape(delete(REPLAYS).where(*_MINE, REPLAYS.c.at == bindparam("at")).returning(REPLAYS.c.scope))


def keep(workspace: str, replay: Replay) -> Statement:
    """For a request that changed nothing; otherwise the replay is written with the flow."""
    return Statement(_KEEP, {"workspace": workspace, **dict(zip(_NEW, replay.row(), strict=True))})


_NEW = tuple(f"new_{name}" for name in Replay.__struct_fields__)
_KEEP = Shape(
    insert(REPLAYS)
    .values(
        {
            "workspace_id": bindparam("workspace"),
            **{name: bindparam(f"new_{name}") for name in Replay.__struct_fields__},
        }
    )
    .returning(REPLAYS.c.scope)
)
