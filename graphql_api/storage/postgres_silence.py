"""Connections that wait for an answer of PostgreSQL and hear nothing: whether one can still come."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import asyncpg

from graphql_api.storage.postgres_errors import AWAY

SILENCE = 0.75
"""Seconds a statement may say nothing before the database is asked, and that it has to answer."""

TICK = 0.25
"""Seconds between two looks."""

IDLE_THERE = "SELECT pid, state_change FROM pg_stat_activity WHERE pid = any($1) AND state = 'idle'"

Silent = Mapping[Any, float]
"""Connections, and when they began to work."""

log = logging.getLogger("message_flows")


async def in_vain(dsn: str, silent: Silent) -> Silent:
    """Those of which nothing more can come.

    A database that is only slow answers a new connection; one that is frozen, or behind a broken network, does not.
    """
    try:
        async with asyncio.timeout(SILENCE):
            probe = await asyncpg.connect(dsn, timeout=SILENCE)
    except (TimeoutError, OSError):
        log.warning("the database says nothing; %d connections are given up", len(silent))
        return silent
    except (asyncpg.PostgresError, asyncpg.InterfaceError):
        return {}  # an answer, such as that there are too many connections
    try:
        async with asyncio.timeout(SILENCE):
            lost = await _forgotten(probe, silent)
    except (TimeoutError, asyncpg.PostgresError, *AWAY):
        return {}
    finally:
        probe.terminate()
    if lost:
        log.warning("%d connections are lost on their way to the database and are given up", len(lost))
    return lost


async def _forgotten(probe: Any, silent: Silent) -> Silent:
    """Those of which the database says, twice, that it has had nothing to do for them since."""
    by_pid = {one.get_server_pid(): one for one in silent}
    seen = dict(await probe.fetch(IDLE_THERE, list(by_pid)))
    if seen:
        await asyncio.sleep(TICK)
        seen = dict(seen.items() & dict(await probe.fetch(IDLE_THERE, list(by_pid))).items())
    return {by_pid[pid]: silent[by_pid[pid]] for pid in seen}
