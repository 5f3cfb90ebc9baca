"""What is still to be told to a webhook: a row for each change, of which the first one of each flow has its time."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete

from graphql_api.domain.webhooks import Webhook
from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.sets import one_of, without_index
from graphql_api.storage.tables import DELIVERIES, REVISIONS, owned

_WEBHOOK = bindparam("webhook", type_=DELIVERIES.c.webhook_id.type)
_OURS = (owned(DELIVERIES), DELIVERIES.c.webhook_id == _WEBHOOK)
_PLACE = bindparam("place", type_=DELIVERIES.c.position.type)
_NOW = bindparam("now", type_=DELIVERIES.c.next_at.type)
_FLOW = DELIVERIES.c.flow_id == bindparam("flow", type_=DELIVERIES.c.flow_id.type)


def make_out(webhook: Webhook, after: int, until: int, limit: int) -> Statement:
    """A delivery for each of the first changes behind a position that the webhook asks for; without a time yet."""
    values = {
        **_of(webhook),
        "operations": one_of.value(webhook.operations),
        "after": after,
        "until": until,
        "limit": limit,
    }
    return Statement(_MAKE_OUT, values)


def _of(webhook: Webhook) -> dict[str, str]:
    return {"workspace": webhook.workspace_id, "webhook": webhook.id}


_FROM_HISTORY = ("position", "flow_id", "version", "operation")
_UP_TO = (
    select(
        REVISIONS.c.workspace_id,
        _WEBHOOK,
        literal(0),
        REVISIONS.c.at,
        *(REVISIONS.c[name] for name in _FROM_HISTORY),
    )
    .where(
        REVISIONS.c.position > bindparam("after"),
        REVISIONS.c.position <= bindparam("until"),
        one_of(REVISIONS.c.operation, "operations"),
    )
    .order_by(REVISIONS.c.position)
    .limit(bindparam("limit"))
)
_NAMES = ["workspace_id", "webhook_id", "attempts", "changed_at", *_FROM_HISTORY]


_OF_WORKSPACE = _UP_TO.where(without_index(owned(REVISIONS)))
_MAKE_OUT = Shape(insert(DELIVERIES).from_select(_NAMES, _OF_WORKSPACE).returning(DELIVERIES.c.position))


def set_off(webhook: Webhook, after: int, now: int) -> Statement:
    """Gives their time to those behind a place in the stream before which no change of the same flow waits."""
    return Statement(_SET_OFF, {**_of(webhook), "after": after, "now": now})


_EARLIER = DELIVERIES.alias("earlier")
_IS_HELD = exists(
    select(literal(1)).where(
        _EARLIER.c.workspace_id == DELIVERIES.c.workspace_id,
        _EARLIER.c.webhook_id == DELIVERIES.c.webhook_id,
        _EARLIER.c.flow_id == DELIVERIES.c.flow_id,
        _EARLIER.c.position < DELIVERIES.c.position,
    )
)
_SET_OFF = Shape(
    update(DELIVERIES)
    .where(*_OURS, DELIVERIES.c.position > bindparam("after"), ~_IS_HELD)
    .values(next_at=_NOW)
    .returning(DELIVERIES.c.position)
)


def waiting(webhook: Webhook, limit: int) -> Statement:
    """The first deliveries of each flow with their times, those first that are due first."""
    return Statement(_WAITING, {**_of(webhook), "limit": limit})


_MEMBERS = [DELIVERIES.c[name] for name in (*_FROM_HISTORY, "changed_at", "attempts", "failing_since", "next_at")]
_WAITING = Shape(
    select(*_MEMBERS)
    .where(*_OURS, DELIVERIES.c.next_at.is_not(None))
    .order_by(DELIVERIES.c.next_at, DELIVERIES.c.position)
    .limit(bindparam("limit"))
)


def count(workspace: str, webhook: str) -> Statement:
    return Statement(_COUNT, {"workspace": workspace, "webhook": webhook})


_COUNT = Shape(select(func.count().label("total")).select_from(DELIVERIES).where(*_OURS))


def done(webhook: Webhook, position: int) -> Statement:
    return Statement(_DONE, {**_of(webhook), "place": position})


_DONE = Shape(delete(DELIVERIES).where(*_OURS, DELIVERIES.c.position == _PLACE).returning(DELIVERIES.c.flow_id))


def follow(webhook: Webhook, flow_id: str, now: int) -> Statement:
    """The next change of a flow has its time now."""
    return Statement(_FOLLOW, {**_of(webhook), "flow": flow_id, "now": now})


_FIRST = select(func.min(DELIVERIES.c.position)).where(*_OURS, _FLOW).scalar_subquery()
_FOLLOW = Shape(
    update(DELIVERIES)
    .where(*_OURS, DELIVERIES.c.position == _FIRST)
    .values(next_at=_NOW)
    .returning(DELIVERIES.c.position)
)


def failed(webhook: Webhook, position: int, seen: int, failing_since: int, next_at: int) -> Statement:
    """One attempt more than the `seen` ones; no row back: it was noted before."""
    values = {"place": position, "seen": seen, "since": failing_since, "now": next_at}
    return Statement(_FAILED, {**_of(webhook), **values})


_FAILED = Shape(
    update(DELIVERIES)
    .where(*_OURS, DELIVERIES.c.position == _PLACE, DELIVERIES.c.attempts == bindparam("seen"))
    .values(
        attempts=DELIVERIES.c.attempts + 1,
        failing_since=bindparam("since", type_=DELIVERIES.c.failing_since.type),
        next_at=_NOW,
    )
    .returning(DELIVERIES.c.position)
)


def hurry(webhook: Webhook, now: int) -> Statement:
    """What waits for another attempt need not wait any longer."""
    return Statement(_HURRY, {**_of(webhook), "now": now})


_HURRY = Shape(
    update(DELIVERIES).where(*_OURS, DELIVERIES.c.next_at > _NOW).values(next_at=_NOW).returning(DELIVERIES.c.position)
)


def bring_near(webhook: Webhook, now: int, latest: int) -> Statement:
    """Gives their time now to those that no attempt has put off, and to those that are put off beyond the latest."""
    return Statement(_BRING_NEAR, {**_of(webhook), "now": now, "latest": latest})


_IS_FAR = or_(DELIVERIES.c.attempts == 0, DELIVERIES.c.next_at > bindparam("latest"))
_BRING_NEAR = Shape(
    update(DELIVERIES)
    .where(*_OURS, DELIVERIES.c.next_at > _NOW, _IS_FAR)
    .values(next_at=_NOW)
    .returning(DELIVERIES.c.position)
)


def begin_anew(webhook: Webhook, now: int) -> Statement:
    """As if nothing had been tried yet; what was not tried is due already, and stays as it is."""
    return Statement(_BEGIN_ANEW, {**_of(webhook), "now": now})


_SINCE = DELIVERIES.c.failing_since
_BEGIN_ANEW = Shape(
    update(DELIVERIES)
    .where(*_OURS, DELIVERIES.c.next_at.is_not(None), or_(DELIVERIES.c.attempts > 0, DELIVERIES.c.next_at > _NOW))
    .values(next_at=case((_SINCE < _NOW, _SINCE), else_=_NOW), attempts=0, failing_since=null())
    .returning(DELIVERIES.c.position)
)


def forget(webhook: Webhook, limit: int) -> Statement:
    """The first ones."""
    return Statement(_FORGET, {**_of(webhook), "limit": limit})


def _forgotten(those: ColumnElement[bool]) -> ReturningDelete[Any]:
    return delete(DELIVERIES).where(*_OURS, those).returning(DELIVERIES.c.position)


_ONES = select(DELIVERIES.c.position).where(*_OURS).order_by(DELIVERIES.c.position).limit(bindparam("limit"))
# As an array: to join them PostgreSQL would go through the whole table.
_FORGET = Shape(
    _forgotten(DELIVERIES.c.position.in_(_ONES)),
    postgresql=_forgotten(DELIVERIES.c.position == any_(func.array(_ONES.scalar_subquery()))),
)
