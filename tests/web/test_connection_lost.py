"""A connection that is gone leaves nothing behind."""

import gc
import weakref
from collections.abc import Callable

import pytest

from tests.web.sockets import request
from tests.web.test_wire import FLOWS, HANDSHAKE, Connection, connect, statuses

__all__ = ["connect"]  # the fixture

pytestmark = pytest.mark.parametrize("database", ["sqlite"])


@pytest.mark.parametrize("unread", [0, 1])
async def test_a_connection_that_is_gone_is_kept_by_nothing(connect: Callable[[], Connection], unread: int) -> None:
    """Neither for as long as one may be idle nor for as long as an answer may lie unread."""
    connection = connect()
    await connection.hear(request("GET", FLOWS))
    connection.unread = unread
    await connection.answer()
    protocol = connection._protocol
    assert protocol.connections == {protocol}
    assert protocol._taking.watch() == (unread > 0)
    connection.lose()
    assert protocol.connections == set()
    kept = [weakref.ref(protocol), weakref.ref(protocol._taking)]
    protocol = connection._protocol = Gone()
    gc.collect()
    assert [one() for one in kept] == [None, None]


async def test_of_a_connection_that_became_a_websocket_nothing_of_http_is_kept(
    connect: Callable[[], Connection],
) -> None:
    connection = connect()
    kept = weakref.ref(connection._protocol)
    await connection.hear(request("GET", "/graphql", None, **HANDSHAKE))
    assert statuses(await connection.answer()) == [101]
    gc.collect()
    assert kept() is None


class Gone:
    def connection_lost(self, _: None) -> None:
        """Has been told."""


async def test_who_waits_until_a_client_takes_more_is_told_that_it_is_gone(connect: Callable[[], Connection]) -> None:
    connection = connect()
    connection._protocol.pause_writing()
    await connection.hear(request("GET", "/nothing"))
    assert connection._protocol.tasks
    assert connection.said == b""
    connection.lose()
    await connection.until(lambda: not connection._protocol.tasks)
