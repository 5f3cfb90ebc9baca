"""A connection to PostgreSQL as it is made: with settings of our own, whatever its role or its database has."""

from typing import Any

import asyncpg


async def connected(dsn: str, allowed: float) -> Any:
    """What else would have statements refused or done otherwise is set; `allowed`: seconds that a statement may run."""
    milliseconds = str(int(allowed * 1000))
    return await asyncpg.connect(
        dsn,
        command_timeout=allowed + 1,  # the database gives up first, and tells that it did nothing
        server_settings={
            "application_name": "message-flows",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "lock_timeout": "0",
            "default_transaction_isolation": "read committed",
        },
    )
