"""Cursors as opaque text, and those of changes: a place in the stream of one database, as a workspace is told it."""

import base64

import msgspec

from graphql_api.domain.errors import Refused, refused


def encoded(raw: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Raises ValueError for what is no such text."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


Parts = tuple[str, str, int]


class ChangeCursor(msgspec.Struct, frozen=True):
    """Behind the change at `position` of the stream with that name; 0 is before the first."""

    stream: str
    workspace: str
    position: int

    def text(self) -> str:
        return encoded(msgspec.json.encode((self.stream, self.workspace, self.position)))


def change_cursor(text: str, workspace: str) -> ChangeCursor:
    """Reads a cursor; refuses (BAD_REQUEST) any other text, and one that another workspace was told."""
    try:
        parts = msgspec.json.decode(decoded(text), type=Parts)
    except (ValueError, msgspec.DecodeError):
        raise _no_cursor() from None
    found = ChangeCursor(*parts)
    if not 0 <= found.position < 2**63:
        raise _no_cursor()
    if found.workspace != workspace:
        raise refused("BAD_REQUEST", "after is a cursor of another workspace", "after")
    return found


def _no_cursor() -> Refused:
    return refused(
        "BAD_REQUEST", "after is not a cursor of a change; send one that messageFlowChanged gave you", "after"
    )
