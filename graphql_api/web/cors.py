"""Pages of other origins: none may call the server unless its origin is a setting (CORS of the Fetch standard)."""

from collections.abc import Iterable

from starlette.types import Scope

from graphql_api.web.http import Answer, Headers

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
SENT = (
    b"accept, authorization, baggage, content-type, idempotency-key, if-match, if-none-match, last-event-id, "
    b"traceparent, tracestate, x-api-key, x-request-id, x-workspace-id"
)
TOLD = (
    b"ETag, Location, Link, X-Changed-Fields, Idempotency-Replayed, X-Request-Id, Retry-After, "
    b"RateLimit, RateLimit-Policy"
)
REMEMBERED = b"600"
"""Seconds for which a browser need not ask again."""


class Cors:
    """Exact origins; no credentials, because the server reads no cookies."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, scope: Scope) -> Headers:
        """What an answer tells the browser; caches must know that it depends on Origin."""
        if not self._origins:
            return []
        origin = self._origin(scope)
        vary = [(b"vary", b"Origin")]
        if origin is None:
            return vary
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", TOLD), *vary]

    def preflight(self, scope: Scope) -> Answer | None:
        """The answer to a browser that asks beforehand for one of the origins; None for any other request."""
        if scope["method"] != "OPTIONS" or not self._origin(scope):
            return None
        if b"access-control-request-method" not in dict(scope["headers"]):
            return None
        allowed: Headers = [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", SENT),
            (b"access-control-max-age", REMEMBERED),
        ]
        return Answer(204, media=None, headers=allowed)

    def _origin(self, scope: Scope) -> bytes | None:
        """The request's origin if it is allowed."""
        given = [value for name, value in scope["headers"] if name == b"origin"]
        return given[0] if len(given) == 1 and given[0] in self._origins else None
