"""The history of a flow as GraphQL shows it: revisions, newest first."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import strawberry
from strawberry.scalars import JSON

from graphql_api import reads
from graphql_api.domain import cursors, instants
from graphql_api.domain.errors import refused
from graphql_api.reads import Revision as StoredRevision
from graphql_api.schema.context import Context, Info
from graphql_api.schema.enums import RevisionOperation, RevisionSource
from graphql_api.schema.relay import Around, Node, PageInfo, page_size
from graphql_api.schema.scalars import Instant

REVISION_ID = re.compile(r"([A-Za-z0-9_-]{1,64}):(0|[1-9]\d{0,9})", re.ASCII)


@strawberry.type(description="One leaf that a revision changed.")
class LeafChange:
    path: str = strawberry.field(description="Path of the leaf, such as `settings.responseSettings.delay`.")
    before: JSON | None = strawberry.field(description="Its value before; null when the flow was new.")
    after: JSON | None = strawberry.field(description="Its value afterwards.")


@strawberry.type(description="One effective change of a flow.")
class Revision(Node):
    version: int = strawberry.field(description="The version that the change made.")
    at: Instant = strawberry.field(description="When the change was made.")
    actor: str = strawberry.field(description="Id of the API key that asked for it, or `anonymous`.")
    source: RevisionSource = strawberry.field(description="The door that it came in by.")
    operation: RevisionOperation = strawberry.field(description="What made it.")
    changes: list[LeafChange] = strawberry.field(description="The leaves that changed, in the order of the schema.")
    note: str | None = strawberry.field(description="What the caller noted; null when nothing.")
    request_id: str | None = strawberry.field(
        description="The x-request-id of the request, sent or given to it; null for the command line."
    )


@strawberry.type(description="A revision and its place.")
class RevisionEdge:
    cursor: str = strawberry.field(description="Opaque cursor of this place.")
    node: Revision = strawberry.field(description="The revision.")


@strawberry.type(description="A page of revisions, newest first.")
class RevisionConnection:
    edges: list[RevisionEdge] = strawberry.field(description="The revisions with their cursors.")
    nodes: list[Revision] = strawberry.field(description="The revisions.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and from where on.")


class FoundRevisions(msgspec.Struct, frozen=True):
    """A page of the history of a flow."""

    revisions: Sequence[StoredRevision]
    has_before: bool
    has_behind: bool


async def of_flow(info: Info, id: str, first: int | None, after: str | None) -> RevisionConnection:
    found = await read(info.context, id, first, after)
    nodes = [shown(revision) for revision in found.revisions]
    edges = [RevisionEdge(cursor=cursor(one), node=node) for one, node in zip(found.revisions, nodes, strict=True)]
    around = Around(edges, found.has_before, found.has_behind)
    return RevisionConnection(edges=edges, nodes=nodes, page_info=PageInfo(around=around))


async def read(context: Context, id: str, first: int | None, after: str | None) -> FoundRevisions:
    """Refuses as `asked` does."""
    size, before = asked(context, id, first, after)
    revisions = await reads.history(context.desk.store, context.caller, id, size + 1, before)
    return FoundRevisions(revisions[:size], before is not None, len(revisions) > size)


def asked(context: Context, id: str | None, first: int | None, after: str | None) -> tuple[int, int | None]:
    """How many revisions below which version; refuses who may not see them, and a cursor of any flow but this one."""
    context.caller.within("history:read")
    return page_size(context, first).limit, None if after is None else place(after, id)


def shown(revision: StoredRevision) -> Revision:
    changes: list[Any] = [
        LeafChange(path=path, before=shown_value(path, before), after=shown_value(path, after))
        for path, (before, after) in revision.changes.items()
    ]
    return Revision(
        id=strawberry.ID(id_of(revision)),
        version=revision.version,
        at=revision.at,  # type: ignore[arg-type]
        actor=revision.actor,
        source=RevisionSource(revision.source),
        operation=RevisionOperation(revision.operation),
        changes=changes,
        note=revision.note,
        request_id=revision.request_id,
    )


def id_of(revision: StoredRevision) -> str:
    return f"{revision.flow_id}:{revision.version}"


def cursor(revision: StoredRevision) -> str:
    return cursors.encoded(id_of(revision).encode())


def shown_value(path: str, value: Any) -> Any:
    """A leaf's value as it is; the times that an import brings along as the schema shows them everywhere."""
    return instants.text(value) if path in ("createdAt", "updatedAt") and value is not None else value


def place(text: str, flow_id: str | None) -> int:
    """The version that a cursor of this flow's history stands at; refuses any other text."""
    try:
        known = revision_id(cursors.decoded(text).decode())
    except ValueError:
        known = None
    if known is None or known[0] != flow_id:
        raise refused("BAD_REQUEST", "after is not a cursor of this flow's revisions; send one that pageInfo gave you")
    return known[1]


def revision_id(text: str) -> tuple[str, int] | None:
    """The flow's id and the version of a revision's id `<flow id>:<version>`; None for any other text."""
    match = REVISION_ID.fullmatch(text)
    return (match[1], int(match[2])) if match and int(match[2]) < 2**31 else None
