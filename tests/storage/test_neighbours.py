"""Processes that tell each other what they wrote, each with a socket in the same folder."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic

import pytest

from graphql_api.storage.engine import FlowKey
from graphql_api.storage.neighbours import LARGEST, LOOK, Neighbours
from tests.scarcity import no_descriptors

A, B = ("ws1", "a"), ("ws1", "b")

News = list[tuple[FlowKey, bytes]]
Begin = Callable[[], tuple[Neighbours, News]]


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    """A process that has written once, so that it listens; and what it hears."""
    begun: list[Neighbours] = []

    def made() -> tuple[Neighbours, News]:
        heard: News = []

        def hear(moment: float, flow: FlowKey, written: bytes) -> None:
            assert moment <= monotonic()
            heard.append((flow, written))

        one = Neighbours(tmp_path, hear)
        one.tell(A, b"first")
        begun.append(one)
        return one, heard

    yield made
    for one in begun:
        one.close()


def sockets(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def travelled() -> None:
    """News have gone out of the event loop and come in again, which takes it some turns, however long."""
    for _ in range(4):
        await asyncio.sleep(0.001)


async def test_each_hears_of_what_the_others_wrote_and_never_of_its_own(begin: Begin) -> None:
    (one, told), (_, second), (_, third) = begin(), begin(), begin()
    await travelled()
    for heard in (told, second, third):
        heard.clear()
    one.tell(A, b"1")
    one.tell(B, b"2")
    one.tell(A, b"3")
    await travelled()
    assert told == []
    assert second == third == [(A, b"1"), (B, b"2"), (A, b"3")]


async def test_who_begins_later_is_told_after_a_second(begin: Begin) -> None:
    one, _ = begin()
    await travelled()
    _, late = begin()
    await asyncio.sleep(LOOK)
    one.tell(B, b"x")
    await travelled()
    assert late == [(B, b"x")]


async def test_who_is_gone_is_not_told_any_more(begin: Begin, tmp_path: Path) -> None:
    (one, _), (closed, _), (killed, _) = begin(), begin(), begin()
    await travelled()
    assert len(sockets(tmp_path)) == 3
    closed.close()
    closed.tell(A, b"late")
    assert len(sockets(tmp_path)) == 2
    mine = sockets(tmp_path)
    abandon(killed)
    assert sockets(tmp_path) == mine
    one.tell(A, b"x")
    await travelled()
    assert len(sockets(tmp_path)) == 1
    one.tell(A, b"y")
    await travelled()


async def test_what_is_not_out_yet_when_a_process_ends_stays_untold(begin: Begin) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    (one, _), (_, heard) = begin(), begin()
    await travelled()
    heard.clear()
    one.tell(A, b"x")
    one.close()
    await travelled()
    assert (heard, faults) == ([], [])


def abandon(neighbours: Neighbours) -> None:
    """As a process that is killed leaves its socket behind."""
    assert neighbours._socket is not None
    asyncio.get_running_loop().remove_reader(neighbours._socket)
    neighbours._socket.close()
    neighbours._socket = None


async def test_who_does_not_listen_holds_nobody_up(begin: Begin) -> None:
    (one, _), (busy, heard) = begin(), begin()
    await travelled()
    heard.clear()
    assert busy._socket is not None
    asyncio.get_running_loop().remove_reader(busy._socket)
    for number in range(1000):
        one.tell(A, b"%d" % number * 100)
        await asyncio.sleep(0)
    asyncio.get_running_loop().add_reader(busy._socket, busy._read)
    await travelled()
    assert 0 < len(heard) < 1000
    one.tell(A, b"last")
    await travelled()
    assert heard[-1] == (A, b"last")


async def test_what_is_too_much_for_a_message_is_not_told(begin: Begin) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    (one, _), (_, heard) = begin(), begin()
    await travelled()
    heard.clear()
    one.tell(A, b"x" * (LARGEST - 1))
    one.tell(A, b"xx")
    one.tell(B, b"y")
    await travelled()
    assert heard == [(A, b"x" * (LARGEST - 1)), (B, b"y")]
    one.tell(A, b"x" * (LARGEST + 1))
    await travelled()
    one.tell(("w" * 2 * LARGEST, "a"), b"x")
    await travelled()
    one.tell(B, b"y")
    await travelled()
    assert heard[2:] == [(B, b"y")]
    assert faults == [], "half a message can be read by nobody"


async def test_where_no_socket_can_be_each_stays_alone_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Neighbours(tmp_path / ("f" * 120), lambda *_: None)
    with caplog.at_level(logging.WARNING):
        one.tell(A, b"1")
        one.tell(A, b"2")
    assert len(caplog.records) == 1
    assert "cannot tell each other" in caplog.text
    one.close()


async def test_a_process_whose_descriptors_are_used_up_stays_alone_and_writes_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Neighbours(tmp_path, lambda *_: None)
    with no_descriptors():
        one.tell(A, b"1")
    assert "cannot tell each other what they wrote ([Errno 24] Too many open files)" in caplog.text
    one.tell(A, b"2")
    assert sockets(tmp_path) == set()


async def test_neighbours_that_cannot_be_looked_for_are_those_of_before(begin: Begin) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    (one, _), (_, heard) = begin(), begin()
    one.tell(A, b"x")
    await travelled()
    await asyncio.sleep(LOOK)
    heard.clear()
    with no_descriptors():
        one.tell(B, b"y")
        await travelled()
    assert (heard, faults) == ([(B, b"y")], [])
