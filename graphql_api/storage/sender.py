"""Who sends for all webhooks of a database, and how far: one row, which whatever changes webhooks locks first."""

from sqlalchemy import bindparam, case, exists, func, literal, null, select, update

from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.tables import SENDER, WEBHOOKS
from graphql_api.storage.webhooks import COLUMNS

_OWNER = bindparam("me", type_=SENDER.c.owner.type)
_MEMBERS = [SENDER.c.owner, SENDER.c.beat, SENDER.c.edition, SENDER.c.position]
_IS_LIVE = WEBHOOKS.c.parked_at.is_(None)

LOOK = Statement(Shape(select(*_MEMBERS, exists(select(literal(1)).where(_IS_LIVE)).label("has_work"))), {})


def take(me: str, seen_beat: int) -> Statement:
    """No row back: its owner lives, or somebody else was first; both show in the beat."""
    return Statement(_TAKE, {"me": me, "seen_beat": seen_beat})


_TAKE = Shape(
    update(SENDER)
    .where(SENDER.c.beat == bindparam("seen_beat", type_=SENDER.c.beat.type))
    .values(owner=_OWNER, beat=SENDER.c.beat + 1)
    .returning(*_MEMBERS)
)


def beat(me: str, position: int) -> Statement:
    """The position never goes back, not even by one whose last commit was never answered."""
    return Statement(_BEAT, {"me": me, "place": position})


_PLACE = bindparam("place", type_=SENDER.c.position.type)
_FARTHEST = case((SENDER.c.position > _PLACE, SENDER.c.position), else_=_PLACE)
_BEAT = Shape(
    update(SENDER)
    .where(SENDER.c.owner == _OWNER)
    .values(beat=SENDER.c.beat + 1, position=_FARTHEST)
    .returning(*_MEMBERS)
)


def hold(me: str) -> Statement:
    """Nobody takes over before the transaction ends; no row back: somebody has."""
    return Statement(_HOLD, {"me": me})


_HOLD = Shape(select(*_MEMBERS).where(SENDER.c.owner == _OWNER), locks=True)


def move(position: int) -> Statement:
    return Statement(_MOVE, {"place": position})


_MOVE = Shape(update(SENDER).values(position=_PLACE).returning(SENDER.c.position))


def lay_down(me: str) -> Statement:
    return Statement(_LAY_DOWN, {"me": me})


_LAY_DOWN = Shape(update(SENDER).where(SENDER.c.owner == _OWNER).values(owner=null()).returning(SENDER.c.beat))

NEXT_EDITION = Statement(Shape(update(SENDER).values(edition=SENDER.c.edition + 1).returning(SENDER.c.edition)), {})
"""The first statement of everything that changes a webhook, so that the sender hears of it."""

LIVE = Statement(Shape(select(*COLUMNS).where(_IS_LIVE).order_by(WEBHOOKS.c.workspace_id, WEBHOOKS.c.id)), {})
"""All webhooks of all workspaces that are not parked."""

PARKED = Statement(Shape(select(func.count().label("total")).where(~_IS_LIVE)), {})
