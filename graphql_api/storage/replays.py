"""The first answer to an Idempotency-Key, kept in the transaction of the change that it tells about."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.tables import REPLAYS, owned


class Replay(msgspec.Struct, frozen=True):
    """Scope of a key: workspace, actor, operation and target; `request` tells the same request from another one."""

    actor: str
    operation: str
    target: str
    key: str
    request: str
    outcome: Any
    at: int

    def row(self) -> tuple[Any, ...]:
        """As it is stored; the columns are named like the members."""
        outcome = msgspec.json.encode(self.outcome).decode()
        return self.actor, self.operation, self.target, self.key, self.request, outcome, self.at


_SCOPE = ("actor", "operation", "target", "key")
_MINE = [owned(REPLAYS), *(REPLAYS.c[name] == bindparam(f"scope_{name}") for name in _SCOPE)]


def _scope(workspace: str, replay: Replay) -> dict[str, str]:
    return {"workspace": workspace, **{f"scope_{name}": getattr(replay, name) for name in _SCOPE}}


def find(workspace: str, asked: Replay) -> Statement:
    """What was answered before under the scope of `asked`."""
    return Statement(_FIND, _scope(workspace, asked))


_FIND = Shape(select(*(REPLAYS.c[name] for name in Replay.__struct_fields__)).where(*_MINE), single=True)


def replay(row: Row) -> Replay:
    members = {name: row[name] for name in Replay.__struct_fields__}
    return Replay(**{**members, "outcome": msgspec.json.decode(row["outcome"])})


def forget(workspace: str, expired: Replay) -> Statement:
    """Removes this very replay, not a younger one that somebody else has written under the same key by now."""
    return Statement(_FORGET, {**_scope(workspace, expired), "at": expired.at})


_FORGET = Shape(delete(REPLAYS).where(*_MINE, REPLAYS.c.at == bindparam("at")).returning(REPLAYS.c.key))


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
    .returning(REPLAYS.c.key)
)
