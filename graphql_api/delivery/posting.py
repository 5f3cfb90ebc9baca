"""One POST to an endpoint, whose answer has to begin within its time; of the answer only its head counts."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from graphql_api import __version__
from graphql_api.domain.addresses import Network
from graphql_api.domain.endpoints import Target, target
from graphql_api.domain.webhooks import PostResult

if TYPE_CHECKING:
    import httpcore2

USER_AGENT = f"message-flows/{__version__}"
IDLE = 32
"""Connections that are kept for the next message, each for `IDLE_SECONDS`."""
IDLE_SECONDS = 15.0
MOST_READ = 16 * 1024
"""Bytes of an answer's body that are read, within `READING` seconds, so that its connection can be used again."""
READING = 0.5


class Poster:
    """See `domain.webhooks.Post`. Redirects are not followed, proxies of the environment not used."""

    def __init__(self, networks: tuple[Network, ...], timeout: float = 10.0) -> None:
        self._networks = networks
        self._timeout = timeout
        self._pools: dict[str, httpcore2.AsyncConnectionPool] = {}

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> PostResult:
        to = target(url)
        pool = await self._pool(to.scheme)
        began = perf_counter()
        outcome, status, retry_after = await self._tried(pool, to, headers, body)
        return PostResult(outcome, status, round((perf_counter() - began) * 1_000), retry_after)

    async def _tried(
        self, pool: "httpcore2.AsyncConnectionPool", to: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, int | None, int]:
        import httpcore2

        from graphql_api.delivery.network import Forbidden

        try:
            status, retry_after = await self._sent(pool, to, headers, body)
        except (TimeoutError, httpcore2.TimeoutException):
            return "TIMED_OUT", None, 0
        except Forbidden:
            return "FORBIDDEN_ADDRESS", None, 0
        except httpcore2.ConnectError as error:
            return "TLS_FAILED" if isinstance(error.__context__, ssl.SSLError) else "UNREACHABLE", None, 0
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError):
            return "BROKEN", None, 0
        return outcome_of(status), status, retry_after

    async def _sent(
        self, pool: "httpcore2.AsyncConnectionPool", to: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, int]:
        import httpcore2

        address = httpcore2.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.path)
        all_headers = {"Host": to.authority, "User-Agent": USER_AGENT, "Accept": "*/*", **headers}
        within = {"timeout": {"connect": self._timeout}}
        async with (
            asyncio.timeout(self._timeout) as limit,
            pool.stream(
                "POST", address, headers=list(all_headers.items()), content=body, extensions=within
            ) as response,
        ):
            limit.reschedule(None)  # answered in time, whatever becomes of the body
            with suppress(OSError, httpcore2.NetworkError, httpcore2.ProtocolError):
                await _drained(response)
            return response.status, _retry_after(dict(response.headers))

    async def _pool(self, scheme: str) -> "httpcore2.AsyncConnectionPool":
        """Made aside when it is needed: the library takes its time to import, and certificates theirs to be read."""
        if scheme not in self._pools:
            made = await asyncio.to_thread(self._made, scheme)
            self._pools.setdefault(scheme, made)
        return self._pools[scheme]

    def _made(self, scheme: str) -> "httpcore2.AsyncConnectionPool":
        import httpcore2

        from graphql_api.delivery.network import CheckedNetwork

        return httpcore2.AsyncConnectionPool(
            ssl_context=httpcore2.default_ssl_context(),
            max_connections=None,
            max_keepalive_connections=IDLE,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=CheckedNetwork(self._networks, is_plain=scheme == "http"),
        )

    async def close(self) -> None:
        while self._pools:
            await self._pools.popitem()[1].aclose()


def outcome_of(status: int) -> str:
    if 200 <= status < 300:
        return "DELIVERED"
    if status == 410:
        return "GONE"
    return "REDIRECTED" if 300 <= status < 400 else "REJECTED"


async def _drained(response: Any) -> None:
    """A small body is read to its end; a connection with a long or slow one is given up."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(READING), aclosing(response.aiter_stream()) as pieces:
            async for piece in pieces:
                size += len(piece)
                if size > MOST_READ:
                    return


def _retry_after(headers: dict[bytes, bytes]) -> int:
    """Seconds that Retry-After asks for, as such or by a date (RFC 9110, 10.2.3); 0 where it is neither."""
    asked = {name.lower(): value for name, value in headers.items()}.get(b"retry-after", b"")
    if asked.isdigit():
        return int(asked[:6])
    try:
        date = parsedate_to_datetime(asked.decode("ascii"))
        # One that names no zone, in the old form of C's asctime, is in UTC as all dates of HTTP are (RFC 9110, 5.6.7).
        return max(0, ceil(date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time()))
    except (ValueError, OverflowError):
        return 0
