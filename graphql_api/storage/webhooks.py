"""Rows of webhooks and of what was tried to deliver to them, always those of one workspace."""

from sqlalchemy import bindparam, case, delete, insert, null, select, update

from graphql_api.domain.webhooks import Attempt, Webhook
from graphql_api.storage.engine import Row, Shape, Statement
from graphql_api.storage.tables import ATTEMPTS, WEBHOOKS, owned

COLUMNS = [WEBHOOKS.c[name] for name in Webhook.__dataclass_fields__]
_ID = WEBHOOKS.c.id == bindparam("webhook", type_=WEBHOOKS.c.id.type)


def webhook(row: Row) -> Webhook:
    members = {name: row[name] for name in Webhook.__dataclass_fields__}
    members |= {"events": tuple(row["events"].split(",")), "is_behind": bool(row["is_behind"])}
    return Webhook(**members)


def create(webhook: Webhook) -> Statement:
    row = {name: getattr(webhook, name) for name in Webhook.__dataclass_fields__}
    row["events"] = ",".join(webhook.events)
    return Statement(_CREATE, {f"new_{name}": value for name, value in row.items()})


_CREATE = Shape(
    insert(WEBHOOKS)
    .values({c.name: bindparam(f"new_{c.name}", type_=c.type) for c in WEBHOOKS.c})
    .returning(WEBHOOKS.c.id)
)


def every(workspace: str) -> Statement:
    """Oldest first."""
    return Statement(_EVERY, {"workspace": workspace})


_EVERY = Shape(select(*COLUMNS).where(owned(WEBHOOKS)).order_by(WEBHOOKS.c.created_at, WEBHOOKS.c.id))


def find(workspace: str, id: str) -> Statement:
    return Statement(_FIND, {"workspace": workspace, "webhook": id})


_FIND = Shape(select(*COLUMNS).where(owned(WEBHOOKS), _ID))


def remove(workspace: str, id: str) -> Statement:
    return Statement(_REMOVE, {"workspace": workspace, "webhook": id})


_REMOVE = Shape(delete(WEBHOOKS).where(owned(WEBHOOKS), _ID).returning(WEBHOOKS.c.id))


def park(workspace: str, id: str, position: int, at: int, because: str) -> Statement:
    """`position` is that of the sender, up to which deliveries are made out; no row back: it is parked already."""
    values = {"workspace": workspace, "webhook": id, "at": at, "because": because, "place": position}
    return Statement(_PARK, values)


_PLACE = bindparam("place", type_=WEBHOOKS.c.position.type)
_STAYS = WEBHOOKS.c.is_behind | (WEBHOOKS.c.position > _PLACE)
_PARK = Shape(
    update(WEBHOOKS)
    .where(owned(WEBHOOKS), _ID, WEBHOOKS.c.parked_at.is_(None))
    .values(
        parked_at=bindparam("at", type_=WEBHOOKS.c.parked_at.type),
        parked_because=bindparam("because", type_=WEBHOOKS.c.parked_because.type),
        position=case((_STAYS, WEBHOOKS.c.position), else_=_PLACE),
    )
    .returning(*COLUMNS)
)


def resume(workspace: str, id: str) -> Statement:
    """What happened meanwhile is caught up with."""
    return Statement(_RESUME, {"workspace": workspace, "webhook": id})


_RESUME = Shape(
    update(WEBHOOKS)
    .where(owned(WEBHOOKS), _ID, WEBHOOKS.c.parked_at.is_not(None))
    .values(parked_at=null(), parked_because=null(), is_behind=True)
    .returning(*COLUMNS)
)


def move(workspace: str, id: str, position: int, is_behind: bool) -> Statement:
    return Statement(_MOVE, {"workspace": workspace, "webhook": id, "place": position, "behind": is_behind})


_MOVE = Shape(
    update(WEBHOOKS)
    .where(owned(WEBHOOKS), _ID)
    .values(
        position=_PLACE,
        is_behind=bindparam("behind", type_=WEBHOOKS.c.is_behind.type),
    )
    .returning(WEBHOOKS.c.id)
)


def rotate(workspace: str, id: str, secret: str, until: int) -> Statement:
    """A new secret; the one before signs as well until `until`."""
    return Statement(_ROTATE, {"workspace": workspace, "webhook": id, "fresh": secret, "until": until})


_ROTATE = Shape(
    update(WEBHOOKS)
    .where(owned(WEBHOOKS), _ID)
    .values(
        old_secret=WEBHOOKS.c.secret,
        old_secret_until=bindparam("until", type_=WEBHOOKS.c.old_secret_until.type),
        secret=bindparam("fresh", type_=WEBHOOKS.c.secret.type),
    )
    .returning(*COLUMNS)
)


# Attempts

_TRIED = [ATTEMPTS.c[name] for name in Attempt.__struct_fields__]
_OF_WEBHOOK = ATTEMPTS.c.webhook_id == bindparam("webhook", type_=ATTEMPTS.c.webhook_id.type)


def attempt(row: Row) -> Attempt:
    return Attempt(**{name: row[name] for name in Attempt.__struct_fields__})


def note(workspace: str, id: str, attempt: Attempt) -> Statement:
    values = {f"new_{name}": getattr(attempt, name) for name in Attempt.__struct_fields__}
    return Statement(_NOTE, {"workspace": workspace, "webhook": id, **values})


_NOTE = Shape(
    insert(ATTEMPTS)
    .values(
        workspace_id=bindparam("workspace", type_=ATTEMPTS.c.workspace_id.type),
        webhook_id=bindparam("webhook", type_=ATTEMPTS.c.webhook_id.type),
        **{c.name: bindparam(f"new_{c.name}", type_=c.type) for c in _TRIED},
    )
    .returning(ATTEMPTS.c.at)
)


def attempts(workspace: str, id: str, limit: int) -> Statement:
    """Newest first."""
    return Statement(_ATTEMPTS, {"workspace": workspace, "webhook": id, "limit": limit})


_NEWEST = select(*_TRIED).where(owned(ATTEMPTS), _OF_WEBHOOK).order_by(ATTEMPTS.c.at.desc(), ATTEMPTS.c.message_id)
_ATTEMPTS = Shape(_NEWEST.limit(bindparam("limit")))


def forget_attempts(workspace: str, id: str, kept: int) -> Statement:
    """All but the newest ones; those of one moment stay or go together."""
    return Statement(_FORGET, {"workspace": workspace, "webhook": id, "kept": kept})


_OLDEST_KEPT = (
    select(ATTEMPTS.c.at)
    .where(owned(ATTEMPTS), _OF_WEBHOOK)
    .order_by(ATTEMPTS.c.at.desc())
    .offset(bindparam("kept"))
    .limit(1)
    .scalar_subquery()
)
_FORGET = Shape(
    delete(ATTEMPTS).where(owned(ATTEMPTS), _OF_WEBHOOK, ATTEMPTS.c.at <= _OLDEST_KEPT).returning(ATTEMPTS.c.at)
)
