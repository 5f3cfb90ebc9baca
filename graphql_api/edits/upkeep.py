"""What time takes away, in small steps: replays past their lifetime, history past its retention, old tombstones."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter

from graphql_api.domain.batching import batched
from graphql_api.domain.errors import Refused, fault
from graphql_api.edits.desk import Desk
from graphql_api.storage import changes, upkeep
from graphql_api.storage.engine import Row, Script, script_of

STEP = 500
"""Rows a transaction."""

BETWEEN_SWEEPS = 600.0
"""Seconds."""

SLACK = 300_000
"""Milliseconds by which the clock of a server that keeps replays may be behind ours."""

WORKSPACE = itemgetter("workspace_id")

log = logging.getLogger("message_flows")


async def sweep(desk: Desk) -> None:
    """Removes replays past their lifetime for as long as the server lives; workers take turns by chance."""
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.0) * BETWEEN_SWEEPS)
        try:
            await forget_replays(desk)
        except Refused as refusal:
            log.warning("old replays were not removed: %s", refusal)
        except Exception as error:
            log.error("old replays were not removed: %s", fault(error))


async def forget_replays(desk: Desk) -> int:
    """Removes every replay past its lifetime; tells how many there were."""
    forgotten = 0
    while True:
        cut = desk.now() - desk.replay_lifetime
        step = len(await desk.store.run(partial(script_of, upkeep.forget_replays(cut, STEP))))
        forgotten += step
        if step < STEP:
            return forgotten
        await asyncio.sleep(0.01)


async def prune(desk: Desk, retention: int, tell: Callable[[int], None] = lambda flows: None) -> tuple[int, int]:
    """Removes history older than `retention` milliseconds and flows that were deleted before that.

    Of every flow the newest revision before the cut stays, so that each version that was current since then can
    still be read; as the cut never lies within the lifetime of replays, no living replay loses its flow.
    Answers how many revisions and how many deleted flows are gone; `tell` hears how many flows were looked at.
    """
    cut = desk.now() - max(retention, desk.replay_lifetime)
    revisions = tombstones = 0
    place = ("", "")
    dead: list[Row] = []
    while True:
        rows = await desk.store.read(upkeep.flows_behind(place, STEP))
        for workspace, flows in groupby(rows, key=WORKSPACE):
            ids = [row["id"] for row in flows]
            for step in _steps(await desk.store.read(upkeep.old_history(workspace, ids, cut))):
                revisions += await desk.store.run(lambda w=workspace, s=step: _forget_old(w, s, cut), together=True)  # type: ignore[misc]
        dead += [row for row in rows if row["deleted_at"] is not None and row["deleted_at"] <= cut]
        is_last = len(rows) < STEP
        if dead and (is_last or len(dead) >= STEP):
            tombstones += await _forget_unnamed(desk, dead, cut)
            dead = []
        tell(len(rows))
        if is_last:
            return revisions, tombstones
        place = (rows[-1]["workspace_id"], rows[-1]["id"])


def _steps(old: Sequence[Row]) -> Iterator[list[tuple[str, int]]]:
    """Flow and version of what one transaction after another removes, so that no edit waits long; oldest first."""
    versions = ((row["flow_id"], version) for row in old for version in range(row["first"], row["kept"]))
    return batched(versions, STEP)


def _forget_old(workspace: str, versions: Sequence[tuple[str, int]], cut: int) -> Script[int]:
    gone = yield upkeep.forget_revisions(workspace, versions, cut)
    yield from _pruned(gone)
    return len(gone)


def _pruned(gone: Sequence[Row]) -> Script[None]:
    """The stream remembers how far it is incomplete, in the transaction that removes its revisions."""
    if gone:
        yield changes.pruned(max(row["position"] for row in gone))


async def _forget_unnamed(desk: Desk, dead: Sequence[Row], cut: int) -> int:
    """All but those that a replay names; while others wait only the replays that came since are looked through."""
    since = desk.now() - SLACK
    named = _places(await desk.store.read(upkeep.named([row["id"] for row in dead])))
    those = [row for row in dead if (row["workspace_id"], row["id"]) not in named]
    return await desk.store.run(lambda: _forget_deleted(those, since, cut), together=True)


def _places(rows: Sequence[Row]) -> set[tuple[str, str]]:
    return {(row["workspace_id"], row["target"]) for row in rows}


def _forget_deleted(dead: Sequence[Row], since: int, cut: int) -> Script[int]:
    """Flows in the order of their workspaces."""
    named = _places((yield upkeep.named_since([row["id"] for row in dead], since)))
    forgotten = 0
    for workspace, flows in groupby(dead, key=WORKSPACE):
        ids = [row["id"] for row in flows if (workspace, row["id"]) not in named]
        gone = yield upkeep.forget_flows(workspace, ids, cut)
        if gone:
            told = yield upkeep.forget_history(workspace, [row["id"] for row in gone])
            yield from _pruned(told)
        forgotten += len(gone)
    return forgotten
