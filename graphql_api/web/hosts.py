"""Which names a request may call the server by, so that no page can reach it under a name of its own."""

import re
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import Scope

from graphql_api.domain.errors import refused
from graphql_api.web.http import headers

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
PROBED = "/health/"
"""Probes call a server by its address; what they are told is no secret."""

HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class Hosts:
    """The allowed names; without any, every well-formed Host will do."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)

    def check(self, scope: Scope) -> None:
        """Raises Refused (BAD_REQUEST) unless there is one Host with an allowed name."""
        given = headers(scope, b"host")
        if not given and scope.get("http_version") == "1.0" and not self._names:
            return
        name = spelt(given[0]) if len(given) == 1 else None
        if name is None:
            raise refused("BAD_REQUEST", "the request must have one header Host, such as localhost:8000")
        if self._names and name not in self._names and not _is_probe(scope):
            raise refused("BAD_REQUEST", "the header Host names no host of this server (allowed_hosts)")


@lru_cache(maxsize=64)
def spelt(host: str) -> str | None:
    """The name in a Host header, in lower case; None when it is not well-formed."""
    match = HOST.fullmatch(host)
    return match[1].lower() if match else None


def _is_probe(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).startswith(PROBED)
