"""A database that goes back to what it was, as when a backup or a standby without the last changes takes its place."""

import sqlite3
from contextlib import closing

import asyncpg


async def rewind(url: str, position: int, version: int | None = None) -> None:
    """To a history that ends there; the flows are called otherwise, and keep their versions if none is given.

    The row of the sender is locked first, as by whatever changes webhooks or notes what was sent.
    """
    steps = [
        "UPDATE webhook_sender SET beat = beat",
        f"DELETE FROM message_flow_revisions WHERE position > {position}",
        f"DELETE FROM webhook_deliveries WHERE position > {position}",
        f"UPDATE webhooks SET position = {position} WHERE position > {position}",
        f"UPDATE webhook_sender SET position = {position} WHERE position > {position}",
        "UPDATE message_flows SET name = 'as it was', name_folded = 'as it was'",
    ]
    if version is not None:
        steps.append(f"UPDATE message_flows SET version = {version}")
    if not url.startswith("sqlite"):
        steps.append(f"SELECT setval(pg_get_serial_sequence('message_flow_revisions', 'position'), {position})")
    await _run(url, steps)


async def retell(url: str, id: str, version: int, description: str) -> None:
    """As when another history takes its place, in which a version of a flow described it otherwise ever after."""
    which = f"WHERE flow_id = '{id}' AND version = {version}"
    told = f'{{"description": ["", "{description}"]}}'
    steps = [
        f"UPDATE message_flow_revisions SET at = at + 1, changes = '{told}' {which}",
        f"UPDATE message_flows SET description = '{description}' WHERE id = '{id}'",
    ]
    await _run(url, steps)


async def rename_stream(url: str, how: str = "UPDATE message_flow_stream SET name = 'other'") -> None:
    """As when another database takes its place."""
    await _run(url, [how])


async def _run(url: str, steps: list[str]) -> None:
    """In one transaction, past the server."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition("///")[2])) as connection:
            connection.executescript("; ".join(["BEGIN", *steps, "COMMIT"]))
        return
    other = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await other.execute("; ".join(steps))
    finally:
        await other.close()
