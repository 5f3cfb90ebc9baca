"""Connections whose requests go the short way: in pieces, idle, closed, given up."""

import asyncio
import math
import re

import pytest

from graphql_api.web.wire import BODY_SECONDS
from tests.web.ways import DELAY, FLOWS, Connection, both, whole


async def test_a_request_in_pieces_and_several_in_one_are_answered_in_turn(database_url: str) -> None:
    async with both(database_url) as ways:
        await ways.asked("GET", f"{FLOWS}/f1")
        connection = ways.open["short"]
        one, two, three = (ways.asking("GET", f"{FLOWS}/f{n}") for n in (1, 2, 0))
        connection.said = b""
        connection.server.data_received(one)
        connection.server.data_received(two + three)
        said = await connection.answers(b"", 3)
        assert re.findall(rb'"_id":"(f\d)"', said) == [b"f1", b"f2", b"f0"]
        put = ways.asking("PUT", f"{FLOWS}/f1", {"name": "In pieces"})
        await connection.answers(put)
        connection.server.data_received(put[:-4])
        assert b'"name":"In pieces"' in await connection.answers(put[-4:])


async def test_a_body_may_follow_its_head(database_url: str) -> None:
    """As it does with Python's clients, which send both by themselves."""
    async with both(database_url) as ways:
        connection = ways.open["short"]
        put = ways.asking("PUT", f"{FLOWS}/f1", {"name": "Behind"})
        head, end, body = put.partition(b"\r\n\r\n")
        await connection.answers(put)
        connection.server.data_received(head + end)
        assert connection.server._patience.until == math.inf  # it is not idle
        assert b'"name":"Behind"' in await connection.answers(body)
        assert ways.went_short == 1
        for pieces in ((head + end, body[:3], body[3:]), (head, end, body), (head + end[:2], end[2:], body)):
            connection.said = b""
            for piece in pieces:
                connection.server.data_received(piece)
            assert b'"name":"Behind"' in await connection.answers(b"")
        assert ways.went_short == 1
        assert b'"name":"Behind"' in await connection.answers(put + head + end)
        assert b'"name":"Behind"' in await connection.answers(body)


async def test_a_head_is_known_again_though_no_body_ever_came_with_it(database_url: str) -> None:
    async with both(database_url) as ways:
        connection = ways.open["short"]
        for number in range(3):
            put = ways.asking("PUT", f"{FLOWS}/f1", {"name": f"Apart {number}"})
            head, end, body = put.partition(b"\r\n\r\n")
            connection.server.data_received(head + end)
            connection.said = b""
            connection.server.data_received(body)
            assert f'"name":"Apart {number}"'.encode() in await connection.answers(b"")
            assert ways.went_short == number
        assert connection.server._head == b""  # nor is it kept


async def test_a_body_that_does_not_follow_is_waited_for_by_the_parser(database_url: str) -> None:
    async with both(database_url, body_timeout=0.1) as ways:
        connection = ways.open["short"]
        put = ways.asking("PUT", f"{FLOWS}/f1", {"name": "Late"})
        head, end, body = put.partition(b"\r\n\r\n")
        await connection.answers(put)
        connection.server.data_received(head + end)
        await asyncio.sleep(2 * BODY_SECONDS)
        assert b'"name":"Late"' in await connection.answers(body)
        answer = await connection.answers(head + end)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"the body did not arrive within 0.1 s" in answer
        assert ways.went_short == 0


@pytest.mark.parametrize("how", ["eof_received", "shutdown"])
async def test_a_head_whose_body_is_waited_for_has_begun(database_url: str, how: str) -> None:
    async with both(database_url) as ways:
        connection = Connection(ways.application, is_short=True)
        put = ways.asking("PUT", f"{FLOWS}/f1", {"name": "Half"})
        head, end, body = put.partition(b"\r\n\r\n")
        await connection.answers(put)
        connection.said = b""
        connection.server.data_received(head + end)
        getattr(connection.server, how)()
        if how == "shutdown":
            answer = await connection.answers(body)
            assert b'"name":"Half"' in answer
            assert b"connection: close\r\n" in answer
        else:
            await asyncio.sleep(2 * BODY_SECONDS)
            assert connection.is_closed
        connection.server.connection_lost(None)


async def test_a_connection_that_is_to_end_says_so_and_ends(database_url: str) -> None:
    async with both(database_url) as ways:
        await ways.asked("GET", f"{FLOWS}/f1")
        connection = ways.open["short"]
        connection.said = b""
        connection.server.data_received(ways.asking("GET", f"{FLOWS}/f1"))
        is_under_way = not whole(connection.said)  # SQLite answers at once
        connection.server.shutdown()
        said = await connection.answers(b"")
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 1
        assert (b"connection: close\r\n" in said) is is_under_way
        assert connection.is_closed


async def test_who_asks_for_the_end_of_the_connection_has_it_each_time(database_url: str) -> None:
    async with both(database_url) as ways:
        for _ in range(3):
            connection = Connection(ways.application, is_short=True)
            said = await connection.answers(ways.asking("GET", f"{FLOWS}/f1", connection="close"))
            assert b"connection: close\r\n" in said
            assert connection.is_closed
            connection.server.connection_lost(None)
        assert ways.went_short == 0


async def test_a_connection_is_idle_only_while_no_answer_is_due(database_url: str) -> None:
    async with both(database_url) as ways:
        connection = ways.open["short"]
        for method, body in [("GET", None), ("PUT", DELAY), ("PUT", {"nam": 1})] * 3:
            connection.said = b""
            connection.server.data_received(ways.asking(method, f"{FLOWS}/f1", body))
            is_under_way = not whole(connection.said)  # who is refused is answered at once
            assert (connection.server._patience.until == math.inf) is is_under_way
            await connection.answers(b"")
            assert connection.server._patience.until < math.inf
        assert ways.went_short == 6


async def test_a_request_that_is_given_up_ends_its_connection(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with both(database_url) as ways:
        connection = ways.open["short"]
        put = ways.asking("PUT", f"{FLOWS}/f1", DELAY)
        await connection.answers(put)
        connection.said = b""
        connection.server.data_received(put)
        for one in [*connection.server.tasks]:
            one.cancel("the server stops")
        assert await connection.answers(b"") == b""
        assert connection.is_closed
        assert ways.went_short == 1
        assert not caplog.records


async def test_what_came_behind_a_request_whose_client_is_gone_is_not_begun(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with both(database_url) as ways:
        first, second = (ways.asking("PUT", f"{FLOWS}/f1", {"name": name}) for name in ("One", "Two"))
        await ways.open["short"].answers(first)
        gone = Connection(ways.application, is_short=True)
        gone.server.data_received(first.replace(b"One", b"Six"))
        gone.server.data_received(second)
        assert not gone.server._turn.response_complete
        gone.is_closed = True
        gone.server.connection_lost(None)
        async with asyncio.timeout(10):
            while not gone.server._turn.response_complete:  # noqa: ASYNC110 (nobody is told)
                await asyncio.sleep(0.001)
        assert gone.said == b""
        read = await ways.open["short"].answers(ways.asking("GET", f"{FLOWS}/f1"))
        assert b'"name":"Six"' in read
        assert caplog.records == []
        assert ways.went_short == 1
