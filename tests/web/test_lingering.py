"""The last answer reaches a client that has not said all: its connection is not reset under it."""

import asyncio
from collections.abc import Callable

import pytest

from graphql_api.edits import Desk
from graphql_api.web import lingering
from tests.web.live import SOON, served
from tests.web.sockets import request
from tests.web.test_wire import FLOWS, LIMIT, Connection, Secure, connect, id, put, statuses

__all__ = ["connect", "id"]  # the fixtures

ENDLESS = b"GET / HTTP/1.1\r\na: " + b"a" * 2 * LIMIT
TOO_LONG = request("PUT", f"{FLOWS}/x", b"", content_length="9999999", connection="close", x_workspace_id="ws1")


@pytest.mark.parametrize(("said", "status"), [(b"hello\r\n\r\n", 400), (TOO_LONG, 413)])
async def test_a_client_that_reads_when_it_has_said_all_has_its_answer(desk: Desk, said: bytes, status: int) -> None:
    """On a connection that is closed at once the first piece behind the answer brings a reset, and the second fails."""
    async with served(desk) as at, asyncio.timeout(SOON):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(at.rpartition(":")[2]))
        writer.write(said)
        answer = await reader.read(1)
        for _ in range(3):
            writer.write(b"a" * 200_000)
            await writer.drain()
            await asyncio.sleep(0.02)
        answer += await reader.read()
        writer.close()
    assert statuses(answer) == [status]


@pytest.mark.parametrize("said", [ENDLESS, TOO_LONG, b"hello\r\n\r\n"])
async def test_a_client_hears_that_nothing_more_is_said_and_has_some_time_to_hang_up(
    connect: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.05)
    connection = connect()
    await connection.hear(said)
    answer = await connection.end()
    assert not connection.is_closed
    await connection.hear(b"a" * 1_000, request("GET", FLOWS))
    await connection.until(lambda: connection.is_closed)
    assert connection.said == answer


async def test_a_client_that_has_said_all_is_let_go_at_once(connect: Callable[[], Connection]) -> None:
    connection = connect()
    await connection.hear(request("GET", FLOWS, connection="close", x_workspace_id="ws1"))
    await connection.until(lambda: connection.is_closed)
    refused = connect()
    await refused.hear(ENDLESS)
    await refused.end()
    assert not refused.is_closed
    refused._protocol.eof_received()
    assert refused.is_closed


async def test_nobody_is_waited_for_who_has_hung_up_before_the_answer(connect: Callable[[], Connection]) -> None:
    connection = connect()
    connection.receive(TOO_LONG)
    connection._protocol.eof_received()
    assert statuses(await connection.end()) == [413]
    assert connection.is_closed


async def test_what_waits_for_more_of_a_request_that_is_refused_ends_without_another_answer(
    connect: Callable[[], Connection], id: str
) -> None:
    connection = connect()
    await connection.hear(put(id, b"", content_length=None, transfer_encoding="chunked") + b"1\r\n{\r\n", b"none\r\n")
    assert statuses(await connection.end()) == [400]
    refused = connection._protocol._lost.__self__
    await asyncio.gather(*refused.tasks)
    assert statuses(connection.said) == [400]
    assert not connection.is_closed
    refused.shutdown()
    assert connection.is_closed


async def test_a_client_is_heard_on_though_much_of_what_it_said_was_waiting(connect: Callable[[], Connection]) -> None:
    connection = connect()
    connection.receive(request("GET", FLOWS, x_workspace_id="ws1") + ENDLESS + b"a" * 200_000)
    assert not connection.is_read
    assert statuses(await connection.end()) == [200, 400]
    assert connection.is_read


async def test_a_client_is_heard_on_though_its_body_was_too_much_at_once(connect: Callable[[], Connection]) -> None:
    connection = connect()
    connection.receive(TOO_LONG + b"a" * 200_000)
    assert not connection.is_read
    assert statuses(await connection.end()) == [413]
    assert connection.is_read


async def test_a_connection_that_is_gone_is_forgotten(connect: Callable[[], Connection]) -> None:
    connection = connect()
    connections = connection._protocol.connections
    await connection.hear(ENDLESS)
    assert len(connections) == 1
    connection.lose()
    assert not connections


async def test_over_tls_a_client_is_heard_until_its_time_is_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.05)
    connection = Secure(desk)
    await connection.hear(ENDLESS)
    assert statuses(await connection.answer()) == [400]
    assert not connection.is_closed
    await connection.hear(b"a" * 1_000)
    await connection.end()
    connection.lose()
