"""Upgrades that clients offer: one to a WebSocket may be taken, any other is passed over as if it were not offered."""

from starlette.types import Scope
from websockets.datastructures import Headers as Fields
from websockets.http11 import Request
from websockets.server import ServerProtocol

from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.words import printable
from graphql_api.web.http import Headers, headers

WEBSOCKETS = "/graphql"
"""The path where they are opened."""

VERSION = "13"
"""Of the protocol; there is no other."""

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


def flaw(scope: Scope) -> tuple[Refused, Headers] | None:
    """What is wrong with a handshake, and the headers that say what would be right."""
    fields = Fields([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
    reader = ServerProtocol()
    reader.accept(Request(scope["path"], fields))
    if reader.handshake_exc is None:
        return None
    wrong = printable(str(reader.handshake_exc))
    more = (
        [] if headers(scope, b"sec-websocket-version") == [VERSION] else [(b"sec-websocket-version", VERSION.encode())]
    )
    return refused("BAD_REQUEST", f"this is no handshake as RFC 6455 has it: {wrong}"), more


def without_offer(scope: Scope, target: bytes) -> bytes:
    """The head of the request once more."""
    line = b"%b %b HTTP/%b\r\n" % (scope["method"].encode(), target, scope["http_version"].encode())
    fields = [b"%b: %b\r\n" % field for field in scope["headers"] if field[0] != b"upgrade"]
    return b"".join([line, *fields, b"\r\n"])
