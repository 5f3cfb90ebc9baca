"""Upgrades that clients offer: one to a WebSocket may be taken, any other is passed over as if it were not offered."""

from starlette.types import Scope

WEBSOCKETS = "/graphql"
"""The path where they are opened."""

BODY = frozenset({b"content-length", b"transfer-encoding"})
"""Headers of a request that has a body."""


def is_for_websocket(scope: Scope) -> bool:
    """Whether one can be opened by such a request, if it offers that."""
    return (
        scope["path"] == scope["root_path"] + WEBSOCKETS
        and scope["method"] == "GET"
        and scope["http_version"] != "1.0"
        and BODY.isdisjoint(dict(scope["headers"]))
    )


def without_offer(scope: Scope, target: bytes) -> bytes:
    """The head of the request once more."""
    line = b"%b %b HTTP/%b\r\n" % (scope["method"].encode(), target, scope["http_version"].encode())
    fields = [b"%b: %b\r\n" % field for field in scope["headers"] if field[0] != b"upgrade"]
    return b"".join([line, *fields, b"\r\n"])
