"""Requests on the short way: they wait in no task as long as they wait for futures alone, and are finished."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop

from graphql_api.storage.engine import in_task
from graphql_api.web.gathered import GATHERED
from graphql_api.web.short import WrittenAnswer
from graphql_api.web.turn import Turn
from tests.wired import connected, prepared, script

OK: WrittenAnswer = (200, b"answer")


class Connection:
    """What a turn tells the connection that it belongs to."""

    def __init__(self) -> None:
        self.answers: list[WrittenAnswer | None] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.under_way: set[Any] = set()
        self.turn = Turn(self.answers.append, self._spawn, self.under_way)

    def _spawn(self, rest: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(rest))


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture
async def future() -> "asyncio.Future[WrittenAnswer]":
    return asyncio.get_running_loop().create_future()


async def turns() -> None:
    """Of the event loop, enough for all that need not wait for anything else."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_need_not_wait_is_answered_at_once(connection: Connection) -> None:
    async def work() -> WrittenAnswer:
        return OK

    in_flight = GATHERED.in_flight
    connection.turn.begin(work())
    assert connection.answers == [OK]
    assert (connection.turn.response_complete, GATHERED.in_flight) == (True, in_flight)


async def test_what_waits_for_futures_needs_no_task(
    connection: Connection, future: "asyncio.Future[WrittenAnswer]"
) -> None:
    async def work() -> WrittenAnswer:
        await future
        await asyncio.shield(future)
        assert asyncio.current_task() is None
        return await future

    in_flight = GATHERED.in_flight
    connection.turn.begin(work())
    assert (connection.turn.response_complete, GATHERED.in_flight) == (False, in_flight + 1)
    assert connection.under_way == {connection.turn}
    future.set_result(OK)
    await turns()
    assert (connection.answers, connection.tasks, connection.under_way) == ([OK], [], set())
    assert (connection.turn.response_complete, GATHERED.in_flight) == (True, in_flight)


async def test_what_needs_a_task_goes_on_in_one_at_any_time(
    connection: Connection, future: "asyncio.Future[WrittenAnswer]"
) -> None:
    async def work() -> WrittenAnswer:
        await future
        await in_task()
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        return await future

    in_flight = GATHERED.in_flight
    connection.turn.begin(work())
    future.set_result(OK)
    await turns()
    assert connection.answers == [OK]
    assert (len(connection.tasks), connection.under_way, GATHERED.in_flight) == (1, set(), in_flight)


@pytest.mark.parametrize("needs_task", [False, True])
async def test_a_fault_after_a_wait_ends_the_connection(
    connection: Connection, future: "asyncio.Future[WrittenAnswer]", needs_task: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> WrittenAnswer:
        await future
        if needs_task:
            await in_task()
        raise ZeroDivisionError

    in_flight = GATHERED.in_flight
    connection.turn.begin(work())
    future.set_result(OK)
    with caplog.at_level(logging.ERROR, "message_flows"):
        await turns()
    assert (connection.answers, GATHERED.in_flight, connection.under_way) == ([None], in_flight, set())
    assert connection.turn.response_complete
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("needs_task", [False, True])
async def test_what_the_server_does_not_wait_for_any_longer_is_cancelled(
    connection: Connection, future: "asyncio.Future[WrittenAnswer]", needs_task: bool
) -> None:
    told: list[str] = []

    async def work() -> WrittenAnswer:
        if needs_task:
            await in_task()
        try:
            return await future
        finally:
            told.append("cleared up")

    in_flight = GATHERED.in_flight
    connection.turn.begin(work())
    await turns()
    for one in [*connection.under_way, *connection.tasks]:
        one.cancel(msg="no time is left")
    await turns()
    assert told == ["cleared up"]
    assert (connection.answers, GATHERED.in_flight, connection.under_way) == ([None], in_flight, set())


async def test_one_turn_follows_the_other(connection: Connection) -> None:
    loop = asyncio.get_running_loop()

    async def work(future: "asyncio.Future[WrittenAnswer]") -> WrittenAnswer:
        return await future

    for number in range(3):
        future = loop.create_future()
        connection.turn.begin(work(future))
        future.set_result((200, b"%d" % number))
        await turns()
    assert connection.answers == [(200, b"0"), (200, b"1"), (200, b"2")]


@pytest.mark.parametrize("operation", ["U", "P"])
@pytest.mark.parametrize("is_idle", [False, True])
def test_no_timer_of_the_connection_ends_it_while_a_request_waits(
    database_url: str, operation: str, is_idle: bool
) -> None:
    """Neither the one of an idle connection nor the one of a first head, though the moment of either has come."""

    async def asked() -> None:
        requests = iter(script(operation, await prepared(database_url)))
        async with asyncio.timeout(10), connected(database_url) as connection:
            server = connection.server
            await connection.ask(next(requests))  # which makes its head known
            patience = server._patience
            patience._is_idle, patience.until = is_idle, 0.0
            answer = connection.begun(next(requests))
            assert server.cycle is server._turn
            assert not answer.done()
            patience._look()
            assert b" 200 OK" in await answer
            assert not connection.client.is_closed
            answer = connection.begun(UNKNOWN)
            assert b" 401 " in await answer
            assert patience._is_idle
            assert patience.until > asyncio.get_running_loop().time()

    uvloop.run(asked())


UNKNOWN = b"GET /v1/api/message-flows HTTP/1.1\r\nHost: localhost\r\nx-workspace-id: ws1\r\n\r\n"
"""A request that goes the long way."""
