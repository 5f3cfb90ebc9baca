"""The reader of the stream in one process: hands each change, once it is settled, to those whom it concerns."""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence

from graphql_api.domain.caller import Caller
from graphql_api.domain.cursors import ChangeCursor, change_cursor
from graphql_api.domain.errors import Refused, refused, unknown_flow
from graphql_api.domain.flow import Values
from graphql_api.domain.ids import is_id
from graphql_api.feed.past import AFTER_TROUBLE, Past, Topic, too_old
from graphql_api.feed.watcher import Watcher
from graphql_api.storage import changes, flows
from graphql_api.storage.changes import Change
from graphql_api.storage.engine import Row, Store
from graphql_api.storage.signals import wait_at_most
from graphql_api.storage.tail import PositionRange, Rewritten, Tail

Now = tuple[int, Sequence[PositionRange]]
"""A place before all that is not committed yet, and what is committed behind it."""

HELD = (0.002, 0.1)
"""Seconds between two looks at a gap: at first, and at most."""

UNHEARD = 2.0
"""Seconds after which the reader looks though it has heard of nothing: no fault of the hearing may make it deaf."""

log = logging.getLogger("message_flows")


class Feed:
    """The stream of changes of one database, for the watchers of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name = ""
        self._past = Past(store)
        self._watchers: dict[Topic, set[Watcher]] = {}
        self.count = 0
        """How many watch."""
        self._tail: Tail | None = None
        self._work: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._asking: list[asyncio.Future[Now]] = []

    @contextlib.asynccontextmanager
    async def watching(
        self, workspace: str | None, flow_id: str | None = None, after: int | None = None
    ) -> AsyncIterator[Watcher]:
        """The changes of a workspace, of one flow in it, or of all workspaces (None), behind the position `after`.

        Without a position: those that are committed from now on. Raises Refused: RESYNC_REQUIRED when the position
        lies before what has been pruned or beyond the end of the stream, UNAVAILABLE while there is no database.
        """
        await self._check(after)
        async with self._kept():
            now, known = await self._caught_up()
            # The reader may have gone on since; what it has read by then comes out of history.
            settled = self._tail.place if self._tail else now
            begin = (now, settled, known) if after is None else (after, settled)
            watcher = Watcher(self._past, (workspace, flow_id), *begin)
            watchers = self._watchers.setdefault((workspace, flow_id), set())
            watchers.add(watcher)
            try:
                yield watcher
            finally:
                watchers.discard(watcher)
                if not watchers:
                    self._watchers.pop((workspace, flow_id), None)

    async def _check(self, after: int | None) -> None:
        (now,) = await self._store.read(changes.STREAM_NOW)
        self._name = now["name"]
        if after is None:
            return
        if after < now["pruned"]:
            raise too_old()
        if after > max(now["top"], now["pruned"]):
            raise of_another_history()

    # For callers

    @contextlib.asynccontextmanager
    async def seen_by(self, caller: Caller, id: str | None, cursor: str | None) -> AsyncIterator[Watcher]:
        """The changes of the caller's workspace, or of one flow, behind a cursor or from now on.

        Raises Refused as `watching` does, BAD_REQUEST for what is no cursor, NOT_FOUND for a flow that is not there; a
        deleted one may still be gone on with.
        """
        workspace = caller.within("flows:read")
        after = None if cursor is None else change_cursor(cursor, workspace)
        async with self.watching(workspace, id, None if after is None else after.position) as watched:
            if id is not None:  # looked for only now: a flow that is gone by then is told or refused, never waited for
                rows = await self._store.read(flows.read_whole(workspace, id)) if is_id(id) else ()
                if not rows or (after is None and rows[0]["deleted_at"] is not None):
                    raise unknown_flow(id)
            if after is not None and after.stream != self._name:
                raise of_another_history()
            yield watched

    async def now(self, caller: Caller) -> str:
        """A cursor: whatever is not to be seen by a read that begins from now on comes behind it."""
        workspace = caller.within("flows:read")
        await self._check(None)
        if not self.count:
            return self.cursor(workspace, (await Tail.begun(self._store)).place)
        async with self._kept():
            place, _ = await self._caught_up()
        return self.cursor(workspace, place)

    def cursor(self, workspace: str, position: int) -> str:
        return ChangeCursor(self._name, workspace, position).text()

    async def flow(self, change: Change) -> Values | None:
        """The flow as the change left it; None after a delete."""
        return await self._past.flow(change)

    # The reader of this process

    @contextlib.asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        """The reader works as long as somebody watches."""
        self.count += 1
        if not self._work:
            self._work = [asyncio.create_task(self._listen()), asyncio.create_task(self._read())]
        try:
            yield
        finally:
            self.count -= 1
            if not self.count:
                await self._stop()

    async def _stop(self) -> None:
        """Nothing is remembered: the history that the next reader finds may be another one."""
        self._past = Past(self._store)
        work, self._work, self._tail, self._asking = self._work, [], None, []
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    async def _caught_up(self) -> Now:
        """As the reader finds it in a look that begins after this call."""
        asking: asyncio.Future[Now] = asyncio.get_running_loop().create_future()
        self._asking.append(asking)
        self._wake.set()
        return await asking

    async def _listen(self) -> None:
        while True:
            with _kept_alive():
                async with contextlib.aclosing(self._store.commits()) as commits:
                    async for _ in commits:
                        self._wake.set()
            await asyncio.sleep(AFTER_TROUBLE)

    async def _read(self) -> None:
        while True:
            with _kept_alive():
                await self._read_on()
            await asyncio.sleep(AFTER_TROUBLE)
            self._wake.set()

    async def _read_on(self) -> None:
        loop = asyncio.get_running_loop()
        held = HELD[0]
        while True:
            await wait_at_most(UNHEARD, self._wake)
            self._wake.clear()
            asking, self._asking = self._asking, []
            try:
                tail = await self._look()
                now = (tail.place, await tail.known() if asking else ())
            except Exception as error:
                _answer(asking, error)
                if isinstance(error, Refused):
                    return
                raise
            _answer(asking, now)
            held = min(2 * held, HELD[1]) if tail.is_held else HELD[0]
            if tail.is_held:
                loop.call_later(held, self._wake.set)

    async def _look(self) -> Tail:
        try:
            return await self._read_all()
        except Rewritten as why:
            log.warning("%s; all watchers begin anew", why)
            self._tail, self._past = None, Past(self._store)
            for watcher in self._everybody():
                watcher.end(of_another_history())
            return await self._read_all()

    async def _read_all(self) -> Tail:
        tail = self._tail
        if tail is None:
            tail = self._tail = await Tail.begun(self._store)
        seen = tail.place
        while rows := await tail.more():
            if tail.has_missed:
                for watcher in self._everybody():
                    watcher.fall_behind(seen, tail.place)
            else:
                for row in rows:
                    self._give(row)
            seen = tail.place
        return tail

    def _everybody(self) -> list[Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    def _give(self, row: Row) -> None:
        workspace, flow_id = row["workspace_id"], row["flow_id"]
        topics = ((None, None), (workspace, None), (workspace, flow_id))
        watchers = [watcher for topic in topics for watcher in self._watchers.get(topic, ())]
        if watchers:
            change = self._past.change(row)
            for watcher in watchers:
                watcher.offer(change)


@contextlib.contextmanager
def _kept_alive() -> Iterator[None]:
    """A fault of ours must not leave all watchers without a reader, nor one that looks like the end of its task."""
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        places = "".join(traceback.format_tb(error.__traceback__)[-3:])
        log.error("the reader of changes failed and goes on: %s\n%s", type(error).__name__, places)


def _answer(asking: list[asyncio.Future[Now]], answer: Now | Exception) -> None:
    for one in asking:
        if one.done():
            continue
        if isinstance(answer, Exception):
            one.set_exception(answer)
        else:
            one.set_result(answer)


def of_another_history() -> Refused:
    return refused(
        "RESYNC_REQUIRED", "the cursor belongs to another history; read the flows again, then watch from now on"
    )
