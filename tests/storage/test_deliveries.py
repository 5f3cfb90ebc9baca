"""Deliveries where many wait for one webhook: what is next is found by its place, and what goes, goes in pieces."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from graphql_api.domain.webhooks import Webhook
from graphql_api.storage import deliveries, migrations
from graphql_api.storage.engine import Script, Statement, Store
from tests.conftest import Beside
from tests.waiting import EVERY, wait_for

WEBHOOK = Webhook("ws1", "w1", "https://example.com/", "", ("flow.updated",), "s", 1, 100)
NOW = 1_000


async def changed(store: Store, statement: Statement) -> int:
    """How many rows a statement answers."""

    def script() -> Script[int]:
        return len((yield statement))

    return await store.run(script, together=True)


def test_what_is_due_is_found_in_its_order_on_sqlite(tmp_path: Path) -> None:
    """However many became due at once, as all that wait do after a failover."""
    migrations.upgrade(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    waiting = deliveries.waiting(WEBHOOK, 9)
    (text,) = waiting.shape.sqlite
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", text.arguments(waiting.values))]
    assert len(plan) == 1
    assert "INDEX ix_webhook_deliveries_next (workspace_id=? AND webhook_id=? AND next_at>?)" in plan[0]


def test_what_is_due_and_the_first_that_go_are_found_by_their_places_on_postgresql(
    emptied_postgres: Callable[..., str], beside_postgres: Beside
) -> None:
    row = "'ws1', 'w1', n, 'f' || n, 0, 'UPDATE', 0, 5"
    columns = "workspace_id, webhook_id, position, flow_id, version, operation, attempts, next_at"
    rows = f"INSERT INTO webhook_deliveries ({columns}) SELECT {row} FROM generate_series(1, 4000) AS s(n);"
    emptied_postgres(f"{rows} ANALYZE webhook_deliveries")
    waiting = plan(beside_postgres, deliveries.waiting(WEBHOOK, 9))
    assert "ix_webhook_deliveries_next" in waiting
    assert "Sort" not in waiting
    assert "Seq Scan" not in plan(beside_postgres, deliveries.forget(WEBHOOK, 2_000))


def plan(beside: Beside, statement: Statement) -> str:
    text = statement.shape.postgresql
    beside.do(f"PREPARE look AS {text.sql}")
    given = ", ".join(repr(value) for value in text.arguments(statement.values))
    told = beside.value(f"EXPLAIN (FORMAT JSON) EXECUTE look({given})")
    beside.do("DEALLOCATE look")
    return str(told)


async def test_what_begins_anew_is_what_was_tried_at_the_place_where_it_failed_first(store: Store) -> None:
    tried = {"attempts": 3, "failing_since": 700, "next_at": 900}
    put_off = {"attempts": 1, "failing_since": 800, "next_at": 5_000}
    by_a_fast_clock = {"attempts": 1, "failing_since": 2_000, "next_at": 5_000}
    await wait_for(WEBHOOK, store, {}, tried, put_off, by_a_fast_clock, {"next_at": 2_000}, {"next_at": None})
    assert await changed(store, deliveries.begin_anew(WEBHOOK, NOW)) == 4
    rows = await store.read(EVERY)
    assert [row["next_at"] for row in rows] == [5, 700, 800, NOW, NOW, None]
    assert {(row["attempts"], row["failing_since"]) for row in rows} == {(0, None)}


async def test_the_first_ones_of_a_webhook_are_forgotten(store: Store) -> None:
    await wait_for(WEBHOOK, store, {}, {}, {"webhook_id": "w0"}, {"workspace_id": "ws0"}, {})
    assert await changed(store, deliveries.forget(WEBHOOK, 2)) == 2
    assert [row["position"] for row in await store.read(EVERY)] == [4, 3, 5]
    assert await changed(store, deliveries.forget(WEBHOOK, 2)) == 1
