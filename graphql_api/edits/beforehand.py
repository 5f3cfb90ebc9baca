"""What an edit needs of a long history, read before its transaction, in which all other edits of a SQLite file wait.

Few edits need any: a transaction begins without, and is given up, before it has written anything, where it finds that
it does.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from graphql_api.domain.flow import Values
from graphql_api.edits.desk import Desk, Edit
from graphql_api.storage import revisions
from graphql_api.storage.engine import Script, drive_waiting
from graphql_api.storage.revisions import Revision

T = TypeVar("T")
Known = TypeVar("Known")


class FarAhead(Exception):
    """The flow has come more than a step further since a version that an edit asks for."""

    def __init__(self, flow: Values) -> None:
        super().__init__()
        self.flow = flow


async def with_history(change: Callable[[Known | None], Awaitable[T]], read: Callable[[Values], Awaitable[Known]]) -> T:
    """Runs a change with what `read` finds in the history of its flow, where it cannot do without."""
    try:
        return await change(None)
    except FarAhead as far:
        flow = far.flow
    return await change(await read(flow))


def must_be_near(edit: Edit, flow: Values, version: int) -> None:
    """Raises FarAhead, but not for an edit that only reads, which nobody waits for."""
    if flow["version"] - version > revisions.STEP and version >= 0 and not edit.terms.validate_only:
        raise FarAhead(flow)


class PastFlow(NamedTuple):
    """A flow as it was, and the revision that made it so; None when history does not hold it."""

    found: tuple[Values, Revision] | None


class Changed(NamedTuple):
    """The version of a flow, and the columns that changed up to it; None when history does not hold them any more."""

    until: int
    columns: frozenset[str] | None


async def past(desk: Desk, edit: Edit, flow: Values, version: int) -> PastFlow:
    return PastFlow(await drive_waiting(revisions.past(edit.workspace, flow, version), desk.store.read))


async def changed(desk: Desk, edit: Edit, flow: Values, seen: int) -> Changed:
    told = await drive_waiting(revisions.changed_since(edit.workspace, flow, seen), desk.store.read)
    return Changed(flow["version"], told)


def still(edit: Edit, id: str, known: PastFlow | None) -> Script[Values | None]:
    """The flow as it was, if history has that revision yet."""
    if known is None or known.found is None:
        return None
    flow, made_by = known.found
    rows = yield revisions.one(edit.workspace, id, made_by.version)
    return flow if [revisions.revision(row) for row in rows] == [made_by] else None


def changed_since(edit: Edit, flow: Values, seen: int, known: Changed | None) -> Script[frozenset[str] | None]:
    """As in `revisions`; of what is known only the rest is read."""
    until, before = known or (seen, frozenset())
    if until > flow["version"]:  # it was removed and made anew
        until, before = seen, frozenset()
    if before is None:
        return None
    since = yield from revisions.changed_since(edit.workspace, flow, until)
    return None if since is None else before | since
