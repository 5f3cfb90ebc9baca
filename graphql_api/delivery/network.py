"""Connections to addresses that were checked: a name is looked up, and what was checked is what is connected to."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import httpcore2

from graphql_api.domain import addresses
from graphql_api.domain.addresses import Address, Network

MOST_SAID = 24 * 1024
"""Bytes that an endpoint may say to one message: interim responses (100 Continue) may come first, and without end."""
PIECE = 1024
"""Bytes of them that are looked at before others have their turn."""

LOOKUPS = 32
"""Names that are looked up at the same time; a look-up that hangs keeps its place until the resolver gives it up."""

Allows = Callable[[Address], bool]


class Forbidden(Exception):
    """A name leads only to addresses that may not be reached."""


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Checked at each connection and not before: a name may lead elsewhere a moment later."""

    def __init__(self, networks: Iterable[Network], *, is_plain: bool) -> None:
        """`is_plain`: without TLS only the allowed networks are reached."""
        self._networks = tuple(networks)
        self._allows: Allows = self._is_allowed if is_plain else self._may_be_reached
        self._network = httpcore2.AnyIOBackend()
        self._places = asyncio.Semaphore(LOOKUPS)

    def _is_allowed(self, address: Address) -> bool:
        return addresses.is_allowed(address, self._networks)

    def _may_be_reached(self, address: Address) -> bool:
        return addresses.may_be_reached(address, self._networks)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the library asks
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        found = await self._found(host)
        allowed = [address for address in found if self._allows(address)]
        if not allowed:
            raise Forbidden
        for address in allowed[:-1]:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                share = None if timeout is None else timeout / len(allowed)
                return await self._connected(address, port, share, local_address, socket_options)
        return await self._connected(allowed[-1], port, timeout, local_address, socket_options)

    async def _connected(self, address: Address, *how: Any) -> "Bounded":
        return Bounded(await self._network.connect_tcp(str(address), *how))

    async def _found(self, host: str) -> list[Address]:
        address = addresses.literal(host)
        if address is not None:
            return [address]
        try:
            found = await self._looked_up(host)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        return list(dict.fromkeys(found))

    async def _looked_up(self, host: str) -> list[Address]:
        """In a thread that nobody waits for when the process ends."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Address]] = loop.create_future()

        def finish(found: list[Address], failure: OSError | None) -> None:
            self._places.release()
            if done.done():
                return
            if failure is None:
                done.set_result(found)
            else:
                done.set_exception(failure)

        def look_up() -> None:
            found, failure = _addresses(host)
            with suppress(RuntimeError):  # the event loop is closed
                loop.call_soon_threadsafe(finish, found, failure)

        threading.Thread(target=look_up, name="webhook-name", daemon=True).start()
        return await done


class Bounded(httpcore2.AsyncNetworkStream):
    """A connection that is read in small pieces, and is broken when too much comes on it without being asked again."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left = MOST_SAID

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self._left <= 0:
            raise httpcore2.ReadError("the endpoint says too much")
        await asyncio.sleep(0)  # what TLS has at hand comes without waiting
        piece = await self._stream.read(min(max_bytes, PIECE), timeout)
        self._left -= len(piece)
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._left = MOST_SAID
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        return Bounded(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str) -> tuple[list[Address], OSError | None]:
    """Those that the resolver of this machine tells, or why it tells none."""
    try:
        told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ip_address(str(address[0])) for *_, address in told], None
    except OSError as error:
        return [], error
    except ValueError:  # a label that IDNA does not take
        return [], OSError("no such name")
