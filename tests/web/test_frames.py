"""Connections of WebSockets whose clients leave what they are sent unread, or never end a message."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState
from websockets.server import ServerProtocol

from graphql_api.edits import Desk
from graphql_api.web import taking
from graphql_api.web.frames import AT_ONCE, MOST_FRAGMENTS, MOST_OF_STRANGERS, Frames
from tests.web.live import LITTLE, SOON, served
from tests.wired import Socketless


class Slow(Socketless):
    """Something always lies unread in its buffer."""

    unread = 100


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> tuple[Frames, Slow]:
    monkeypatch.setattr(taking, "UNREAD_SECONDS", 0.01)
    made = Frames(uvicorn.Config(nothing), ServerState(), {}, asyncio.new_event_loop())
    made.loop.close()
    return made, Slow()


async def test_a_client_that_reads_nothing_is_cut_off(connection: tuple[Frames, Slow]) -> None:
    made, transport = begun(*connection)
    made.pause_writing()
    async with asyncio.timeout(10):
        while not transport.is_cut_off:  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)


def begun(made: Frames, transport: Slow) -> tuple[Frames, Slow]:
    made.loop = asyncio.get_running_loop()
    made.connection_made(transport)
    made.handshake_complete = True
    return made, transport


@pytest.mark.parametrize("is_gone", [True, False])
async def test_one_that_reads_again_or_has_left_is_not(connection: tuple[Frames, Slow], is_gone: bool) -> None:
    made, transport = begun(*connection)
    made.pause_writing()
    if is_gone:
        made.connection_lost(None)
    else:
        transport.unread = 0
        made.resume_writing()
    await asyncio.sleep(0.05)
    assert not transport.is_cut_off


async def test_a_ping_that_lies_behind_what_is_unread_is_waited_for(connection: tuple[Frames, Slow]) -> None:
    made, _ = begun(*connection)
    made.keepalive_timeout()
    assert (made.close_sent, made.pong_timer is not None) == (False, True)
    made.connection_lost(None)


async def test_a_client_is_heard_again_when_it_reads_again(connection: tuple[Frames, Slow]) -> None:
    made, transport = begun(*connection)
    made.pause_writing()
    assert not transport.is_read
    made.resume_writing()
    assert transport.is_read


async def test_what_waits_for_the_application_and_what_is_unread_both_keep_a_client_unheard(
    connection: tuple[Frames, Slow],
) -> None:
    made, transport = begun(*connection)
    for _ in range(2):
        made.frames = [b"hello"]
        made.send_receive_event_to_app()
    made.pause_writing()
    await made.receive()
    made.resume_writing()
    assert not transport.is_read
    made.pause_writing()
    await made.receive()
    assert not transport.is_read
    made.resume_writing()
    assert transport.is_read


PING = b"\x89\xfd\0\0\0\0" + b"x" * 125
PONG = b"\x8a\x7d" + b"x" * 125
SHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


@asynccontextmanager
async def shaken(at: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket byte by byte, behind its handshake, whose client leaves little unread on the way."""
    host, _, port = at.partition(":")
    plain = socket.socket()
    plain.setsockopt(*LITTLE)
    plain.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=plain, limit=1_024)
    writer.write(SHAKE)
    async with asyncio.timeout(SOON):
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("database", ["sqlite"])
async def test_pings_are_taken_only_as_far_as_their_answers_are_read(desk: Desk) -> None:
    batch, most = 1_000, 100  # some thirteen megabytes
    async with served(desk) as at, shaken(at) as (reader, writer):
        writer.write(INIT)
        assert await reader.readexactly(len(ACK)) == ACK
        sent = 0
        while sent < most:
            writer.write(PING * batch)
            sent += 1
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except TimeoutError:
                break
        assert sent < most
        async with asyncio.timeout(6 * SOON):
            assert await reader.readexactly(len(PONG) * batch * sent) == PONG * batch * sent
            writer.write(PING)
            assert await reader.readexactly(len(PONG)) == PONG


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(("fragments", "code"), [(MOST_FRAGMENTS, 4400), (MOST_FRAGMENTS + 1, 1009)])
async def test_a_message_has_so_many_fragments_and_no_more(desk: Desk, fragments: int, code: int) -> None:
    """Of no bytes at all; one that ends in time is a message, though none of the protocol."""
    first, next_one, last = (bytes((head, 0x80)) + bytes(4) for head in (0x01, 0x00, 0x80))
    async with served(desk) as at, shaken(at) as (reader, writer):
        writer.write(first + next_one * (fragments - 2) + last)
        async with asyncio.timeout(SOON):
            opcode, _, *said = await reader.readexactly(4)
        assert (opcode, int.from_bytes(said)) == (0x88, code)


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("opening", [b"\x01\x80" + bytes(4), b"\x81\xff" + (2**24).to_bytes(8) + bytes(4)])
async def test_a_client_that_says_too_much_learns_why_when_it_has_said_it(desk: Desk, opening: bytes) -> None:
    """In fragments without end, or in one long frame; none of it is kept, and the connection is not reset."""
    async with served(desk) as at, shaken(at) as (reader, writer), asyncio.timeout(6 * SOON):
        writer.write(INIT)
        assert await reader.readexactly(len(ACK)) == ACK
        writer.write(opening)
        for _ in range(40):
            writer.write((b"\x00\x80" + bytes(4)) * 20_000)
            await writer.drain()
            await asyncio.sleep(0.01)
        opcode, _, *said = (await reader.read())[:4]
        assert (opcode, int.from_bytes(said)) == (0x88, 1009)


def framed(text: bytes) -> bytes:
    """A masked frame of text; zeros as a mask leave it as it is."""
    size = len(text)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2) if size < 65_536 else None
    return b"\x81" + (length or b"\xff" + size.to_bytes(8)) + bytes(4) + text


INIT = framed(b'{"type":"connection_init","payload":{"x-workspace-id":"ws1"}}')
ACK = b'\x81\x19{"type":"connection_ack"}'
SUBSCRIBE = b'{"type":"subscribe","id":"a","payload":{"query":"{__typename}"%b}}'


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("size", [MOST_OF_STRANGERS + 1_000, 90_000])
async def test_a_client_that_is_not_known_is_heard_for_little(desk: Desk, size: int) -> None:
    large = framed(SUBSCRIBE % (b" " * size))
    async with served(desk) as at, shaken(at) as (reader, writer), asyncio.timeout(SOON):
        writer.write(large[:-1])  # which it never ends
        opcode, _, *said = await reader.readexactly(4)
        assert (opcode, int.from_bytes(said)) == (0x88, 1009)
    async with served(desk) as at, shaken(at) as (reader, writer), asyncio.timeout(SOON):
        writer.write(INIT)
        await reader.readexactly(len(ACK))
        writer.write(large)
        await reader.readuntil(b'"complete"')


@pytest.mark.parametrize("database", ["sqlite"])
async def test_messages_that_wait_for_the_application_stay_bytes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    most, number = 0, 5_000
    receive = Frames.receive

    async def counted(self: Frames) -> object:
        nonlocal most
        most = max(most, self.queue.qsize())
        return await receive(self)

    monkeypatch.setattr(Frames, "receive", counted)
    async with served(desk) as at, shaken(at) as (reader, writer), asyncio.timeout(6 * SOON):
        writer.write(INIT + framed(b'{"type":"ping"}') * number)
        heard = b""
        while heard.count(b"pong") < number:
            heard += await reader.read(65_536)
    assert most <= AT_ONCE / len(framed(b'{"type":"ping"}')) + 1, most


@pytest.mark.parametrize("database", ["sqlite"])
async def test_others_have_their_turn_between_the_frames_of_one_client(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = list[int]()
    received = ServerProtocol.receive_data

    def counted(self: ServerProtocol, data: bytes) -> None:
        at_once.append(len(data))
        received(self, data)

    async with served(desk) as at, shaken(at) as (reader, writer), asyncio.timeout(6 * SOON):
        writer.write(INIT)
        await reader.readexactly(len(ACK))
        monkeypatch.setattr(ServerProtocol, "receive_data", counted)
        writer.write(PING * 1_000)
        while sum(at_once) < len(PING) * 1_000:
            await reader.read(65_536)
    assert max(at_once) <= AT_ONCE


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_close_is_answered_though_much_was_sent_before(desk: Desk) -> None:
    """What comes behind the message that ends the conversation is read, and passed over."""
    async with served(desk) as at, shaken(at) as (reader, writer), asyncio.timeout(SOON):
        writer.write(INIT + framed(b"no message") + framed(b" " * 50_000) + b"\x88\x80" + bytes(4))
        said = await reader.read()
    assert (4400).to_bytes(2) in said


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("behind", [0, 10, None])
async def test_frames_behind_the_handshake_are_heard_however_they_come(desk: Desk, behind: int | None) -> None:
    """RFC 6455 (4.1) has clients wait; part of what one says must not be lost all the same."""
    async with served(desk) as at, asyncio.timeout(SOON):
        reader, writer = await asyncio.open_connection(*at.split(":"))
        writer.write(SHAKE + INIT[:behind])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(INIT[len(INIT[:behind]) :])
        assert await reader.readexactly(len(ACK)) == ACK
        writer.close()


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"\x81\x82" + bytes(4) + b"a\xff", 1007),
        (b"\x01\x81" + bytes(4) + b"a" + b"\x80\x81" + bytes(4) + b"\xff", 1007),
        (b"\x83\x80" + bytes(4), 1002),
    ],
)
async def test_who_breaks_the_protocol_is_told_so_and_the_log_is_not(
    desk: Desk, caplog: pytest.LogCaptureFixture, said: bytes, code: int
) -> None:
    """Also while the application has something to say."""
    async with served(desk) as at:
        for before in (b"", INIT, INIT + framed(b'{"type":"ping"}')):
            async with shaken(at) as (reader, writer), asyncio.timeout(SOON):
                writer.write(before + said)
                assert b"\x88" in (heard := await reader.read())
                assert code.to_bytes(2) in heard
    assert not caplog.records
