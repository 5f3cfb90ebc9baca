"""Deliveries that wait, as if changes had been made out."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, select

from graphql_api.domain.webhooks import Webhook
from graphql_api.storage.engine import Script, Shape, Statement, Store
from graphql_api.storage.tables import DELIVERIES

DUE = {"version": 0, "operation": "CREATE", "attempts": 0, "next_at": 5}
EVERY = Statement(Shape(select(DELIVERIES).order_by(*DELIVERIES.primary_key)), {})

_ADD = Shape(insert(DELIVERIES).values({c.name: bindparam(f"new_{c.name}", type_=c.type) for c in DELIVERIES.c}))


async def wait_for(webhook: Webhook, store: Store, *those: Mapping[str, Any]) -> None:
    """At the positions 1, 2, 3, each of a flow of its own; `those` tell what is not as in `DUE`."""
    whose = {"workspace_id": webhook.workspace_id, "webhook_id": webhook.id}

    def script() -> Script[None]:
        for position, members in enumerate(those, 1):
            row = {**whose, **DUE, "position": position, "flow_id": f"f{position}", **members}
            yield Statement(_ADD, {f"new_{c.name}": row.get(c.name) for c in DELIVERIES.c})

    await store.run(script, together=True)
