"""What was changed before a watcher came or while it was slow, and flows as changes left them, out of history."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from time import monotonic
from weakref import WeakValueDictionary

from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.flow import Values
from graphql_api.storage import changes, flows, recalled, revisions
from graphql_api.storage.changes import Change
from graphql_api.storage.engine import Row, Store, drive_waiting
from graphql_api.storage.revisions import Revision

Topic = tuple[str | None, str | None]
"""A workspace and a flow in it; None for all."""

PAGE = 64

MOST = 1 << 20
"""Characters of changes that wait in memory for a watcher, in a page and as many besides; one alone may have more."""

READERS = 4
"""Pages that are read at the same time: hundreds who come back at once must leave connections to everybody else."""

LATEST = 256
"""Flows that are remembered as changes left them: the next change leads on from there without a read.

Each for `recalled.SECONDS` after it was read: by then changes of rows that were made past the server are seen.
"""

VERSIONS = 8
"""Of one flow, for watchers that catch up at different places."""

CachedFlow = tuple[float, Values | None]
"""Until when, and the flow."""

UNKNOWN: CachedFlow = (0.0, None)

FLOW = "flow"

AFTER_TROUBLE = 0.25
"""Seconds."""


class Past:
    """History as the watchers of one process read it: what was made of a change for one of them serves all."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: WeakValueDictionary[int, Change] = WeakValueDictionary()
        self._latest: OrderedDict[tuple[str, str], dict[int, CachedFlow]] = OrderedDict()
        self._turns = asyncio.Semaphore(READERS)

    def change(self, row: Row) -> Change:
        """The same object as long as anybody holds it."""
        known = self._known.get(row["position"])
        if known is None:
            known = self._known[row["position"]] = changes.change(row)
        return known

    async def page(self, topic: Topic, begin: int, end: int, limit: int) -> Sequence[Change]:
        """The first changes behind `begin` up to `end`, as many as there may be; waits while the database is away.

        Raises Refused (RESYNC_REQUIRED) when some of them are pruned.
        """
        while True:
            with contextlib.suppress(Refused):
                async with self._turns:
                    rows = await self._store.read(changes.between(*topic, begin, end, limit))
                    (now,) = rows[:1] or await self._store.read(changes.STREAM_NOW)
                break
            await asyncio.sleep(AFTER_TROUBLE)
        if now["pruned"] > begin:
            raise too_old()
        return [self.change(row) for row in _light(rows)]

    async def flow(self, change: Change) -> Values | None:
        """The flow as the change left it, read once for all watchers; None after a delete."""
        if change.revision.operation == "DELETE":
            return None
        reading = change.made.get(FLOW)
        if reading is None:
            reading = change.made[FLOW] = asyncio.create_task(self._flow(change))
        found: Values | None = await asyncio.shield(reading)
        return found

    async def _flow(self, change: Change) -> Values | None:
        revision = change.revision
        known, now = self._versions(change.workspace, revision.flow_id), monotonic()
        until, flow = known.get(revision.version, UNKNOWN)
        if flow is not None and now < until:
            return flow
        until, before = known.get(revision.version - 1, UNKNOWN)
        if before is not None and now < until:
            flow = revisions.onward(before, revision)
        else:
            until = now + recalled.SECONDS
            flow = await self._read_as_of(change.workspace, revision)
        if flow is not None:
            known[revision.version] = until, flow
            if len(known) > VERSIONS:
                del known[next(iter(known))]
        return flow

    def _versions(self, workspace: str, flow_id: str) -> dict[int, CachedFlow]:
        """What is remembered of a flow, by version; the one that nobody asked for longest is forgotten first."""
        known = self._latest.setdefault((workspace, flow_id), {})
        self._latest.move_to_end((workspace, flow_id))
        if len(self._latest) > LATEST:
            self._latest.popitem(last=False)
        return known

    async def _read_as_of(self, workspace: str, revision: Revision) -> Values | None:
        while True:
            with contextlib.suppress(Refused):
                rows = await self._store.read(flows.read_whole(workspace, revision.flow_id))
                if not rows:
                    return None
                past = revisions.past(workspace, flows.values(rows[0]), revision.version)
                found = await drive_waiting(past, self._store.read)
                return None if found is None else found[0]
            await asyncio.sleep(AFTER_TROUBLE)


def _light(rows: Sequence[Row]) -> Sequence[Row]:
    """The first of them that together may wait in memory."""
    sizes = accumulate(len(row["changes"]) for row in rows)
    return rows[: max(1, sum(size <= MOST for size in sizes))]


def too_old() -> Refused:
    return refused(
        "RESYNC_REQUIRED", "changes after this cursor are no longer kept; read the flows again, then watch from now on"
    )
