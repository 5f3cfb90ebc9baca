"""Clients that leave what they are sent unread lose their connection; those that are slow keep it."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from graphql_api import edits
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.web import taking
from graphql_api.web.taking import Taking
from tests.edits.conftest import NEW
from tests.web.live import LITTLE, SOON, served
from tests.web.sockets import request
from tests.wired import Socketless

SECONDS = 0.2
LENGTH = 2_000_000


class Slow(Socketless):
    """Something always lies unread in its buffer."""

    unread = 100


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "UNREAD_SECONDS", SECONDS)


async def test_who_takes_some_of_it_keeps_the_connection_until_it_takes_none() -> None:
    transport = Slow()
    assert Taking(asyncio.get_running_loop(), transport).watch()
    for _ in range(4):
        transport.unread -= 1
        await asyncio.sleep(SECONDS)
    assert not transport.is_cut_off
    await asyncio.sleep(3 * SECONDS)
    assert transport.is_cut_off


async def test_to_be_watched_anew_leaves_no_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off = list[bool]()
    looked = asyncio.Event()

    def look(one: Taking) -> None:
        looks(one)
        cut_off.append(transport.is_cut_off)
        looked.set()

    looks = Taking._look
    monkeypatch.setattr(Taking, "_look", look)
    transport = Slow()
    one = Taking(asyncio.get_running_loop(), transport)
    one.watch()
    transport.unread -= 1
    one.watch()
    async with asyncio.timeout(SOON):
        await looked.wait()
    assert cut_off == [False]
    one.end()


@pytest.mark.parametrize("is_gone", [True, False])
async def test_who_has_taken_all_of_it_or_is_gone_is_left_alone(is_gone: bool) -> None:
    transport = Slow()
    one = Taking(asyncio.get_running_loop(), transport)
    assert one.watch()
    if is_gone:
        one.end()
    else:
        transport.unread = 0
    await asyncio.sleep(3 * SECONDS)
    assert (transport.is_cut_off, one.watch()) == (False, is_gone)
    one.end()


class Acknowledged:
    """A socket whose system tells how much of what it was given has arrived."""

    arrived = 0

    def getsockopt(self, *_: int) -> bytes:
        return bytes(120) + self.arrived.to_bytes(8, sys.byteorder) + bytes(24)


async def test_what_has_arrived_counts_though_the_system_takes_no_more_of_our_buffer() -> None:
    connection = Acknowledged()
    transport = Slow({"socket": connection})
    assert Taking(asyncio.get_running_loop(), transport).watch()
    for _ in range(4):
        connection.arrived += 1
        await asyncio.sleep(SECONDS)
    assert not transport.is_cut_off
    await asyncio.sleep(3 * SECONDS)
    assert transport.is_cut_off


@pytest.fixture
async def long(desk: Desk, caller: Caller) -> bytes:
    """A document whose answer is longer than what the system takes for the way."""
    await edits.create_flow(desk, caller, Sent({**NEW.values, "prompt": "x" * 100_000}))
    fields = " ".join(f"p{number}: prompt" for number in range(LENGTH // 100_000))
    return json.dumps({"query": f"{{ messageFlows(first: 1) {{ nodes {{ {fields} }} }} }}"}).encode()


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
async def test_an_answer_over_http_that_is_left_unread_is_dropped_with_its_connection(
    desk: Desk, long: bytes, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = asyncio.Event()

    def look(taking: Taking) -> None:
        looks(taking)
        if taking._timer is None:  # it does not look again
            given_up.set()

    looks = Taking._look
    monkeypatch.setattr(Taking, "_look", look)
    async with asked(desk, long, connection) as client:
        async with asyncio.timeout(SOON):
            await given_up.wait()
        assert 0 < len(await heard(client, LENGTH)) < LENGTH


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
async def test_one_that_is_read_slowly_comes_whole(
    desk: Desk, long: bytes, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In twice the time that it may lie unread; a busy machine has that time between two parts."""
    monkeypatch.setattr(taking, "UNREAD_SECONDS", 1.0)
    async with asked(desk, long, connection) as client:
        began = asyncio.get_running_loop().time()
        assert len(await heard(client, 60_000, 0.07)) > LENGTH
        assert asyncio.get_running_loop().time() - began > 2


@asynccontextmanager
async def asked(desk: Desk, body: bytes, connection: str) -> AsyncIterator[socket.socket]:
    """A client with little room that has sent a request."""
    async with served(desk) as at:
        host, _, port = at.partition(":")
        with socket.socket() as client:
            client.setsockopt(*LITTLE)
            client.connect((host, int(port)))
            client.setblocking(False)
            raw = request("POST", "/graphql", body, x_workspace_id="ws1", connection=connection)
            await asyncio.get_running_loop().sock_sendall(client, raw)
            yield client


async def heard(client: socket.socket, part: int, pause: float = 0) -> bytes:
    """What comes until the connection ends or the answer is whole, part by part."""
    got = b""
    async with asyncio.timeout(3 * SOON):
        with contextlib.suppress(ConnectionResetError):
            while more := await asyncio.get_running_loop().sock_recv(client, part):
                got += more
                if got.endswith(b"}]}}}"):
                    break
                await asyncio.sleep(pause)
    return got
