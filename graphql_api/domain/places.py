"""Cursors of changes: a place in the stream of one database, as it is told to one workspace."""

import base64
import binascii

import msgspec

from graphql_api.domain.errors import Refused, refused

Parts = tuple[str, str, int]


class Place(msgspec.Struct, frozen=True):
    """Behind the change at `position` of the stream with that name; 0 is before the first."""

    stream: str
    workspace: str
    position: int

    def text(self) -> str:
        raw = msgspec.json.encode((self.stream, self.workspace, self.position))
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def place(text: str, workspace: str) -> Place:
    """Reads a cursor; refuses (BAD_REQUEST) any other text, and one that another workspace was told."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(raw, type=Parts)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _no_cursor() from None
    found = Place(*parts)
    if not 0 <= found.position < 2**63:
        raise _no_cursor()
    if found.workspace != workspace:
        raise refused("BAD_REQUEST", "after is a cursor of another workspace", "after")
    return found


def _no_cursor() -> Refused:
    return refused(
        "BAD_REQUEST", "after is not a cursor of a change; send one that messageFlowChanged gave you", "after"
    )
