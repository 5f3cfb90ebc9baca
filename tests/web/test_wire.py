"""Requests as bytes on a connection: the same answers however they are split, in the order of the requests."""

import asyncio
import gc
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.server import ServerState

from graphql_api import app, edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.web import http1, lingering, sse, taking, telemetry
from graphql_api.web.exchange import Exchange
from graphql_api.web.frames import Frames
from graphql_api.web.gathered import GATHERED
from graphql_api.web.pieces import LONGEST
from graphql_api.web.wire import Wire
from tests.conftest import configured
from tests.edits.conftest import NEW
from tests.web.live import served
from tests.web.sockets import request
from tests.wired import Socketless

LIMIT = 2_048
FLOWS = "/v1/api/message-flows"


class Connection(Socketless):
    """A server's end of a connection without a socket, and what it says."""

    def __init__(self, desk: Desk, root_path: str = "", **others: Any) -> None:
        super().__init__()
        application = app.made(configured(root_path=root_path), desk)
        settings = uvicorn.Config(
            application, http=Wire, ws=Frames, h11_max_incomplete_event_size=LIMIT, root_path=root_path, **others
        )
        settings.load()
        self.said = b""
        self._protocol: Any = Wire(settings, ServerState(), {})
        self._protocol.connection_made(self)

    def write(self, data: Any) -> None:
        assert not self.is_ended, data
        self.said += bytes(data)

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def receive(self, data: bytes) -> None:
        self._protocol.data_received(data)

    async def hear(self, *parts: bytes) -> None:
        """Whoever waits for a part has gone on when the next one comes."""
        for part in parts:
            asyncio.get_running_loop().call_soon(self._protocol.data_received, part)  # in no task, as from a socket
            for _ in range(5):
                await asyncio.sleep(0)

    def last(self, *parts: bytes) -> None:
        """Says these parts, and that there will be no more."""
        for part in parts:
            asyncio.get_running_loop().call_soon(self._protocol.data_received, part)
        asyncio.get_running_loop().call_soon(self._close_sending)

    def _close_sending(self) -> None:
        if not self.is_read:
            asyncio.get_running_loop().call_later(0.001, self._close_sending)
        elif not self._protocol.eof_received():
            self.lose()

    async def end(self) -> bytes:
        """All that was said when the server says no more."""
        return await self.until(lambda: self.is_ended)

    async def answer(self) -> bytes:
        """What was said when the server has begun to."""
        return await self.until(lambda: self.said != b"")

    async def until(self, has_come: Callable[[], bool]) -> bytes:
        async with asyncio.timeout(10):
            while not has_come():  # noqa: ASYNC110 (writing and closing tell nobody)
                await asyncio.sleep(0.001)
        return self.said

    def lose(self) -> None:
        self.is_closed = True
        self._protocol.connection_lost(None)


@pytest.fixture
async def connect(desk: Desk) -> AsyncIterator[Callable[[], Connection]]:
    made: list[Connection] = []

    def connected() -> Connection:
        made.append(Connection(desk))
        return made[-1]

    yield connected
    for one in made:
        one.lose()


@pytest.fixture
async def id(desk: Desk, caller: Caller) -> str:
    """Of a new flow."""
    return str((await edits.create_flow(desk, caller, NEW)).flow["id"])


def put(id: str, body: bytes = b"", **headers: str | None) -> bytes:
    return request("PUT", f"{FLOWS}/{id}", body, **{"x_workspace_id": "ws1", **headers})


@pytest.mark.parametrize("behind", [" ", "\t", " \t "])
async def test_the_blank_behind_a_value_is_no_part_of_it(
    connect: Callable[[], Connection], id: str, behind: str
) -> None:
    """A proxy may take it away, and a key must stay the same by that."""
    connection = connect()
    toggle = f"{id}/toggle-autopilot"
    first = put(toggle, x_workspace_id=f"ws1{behind}", idempotency_key=f"a key{behind}")
    again = put(toggle, idempotency_key="a key", connection="close")
    await connection.hear(first + again)
    said = await connection.end()
    assert statuses(said) == [200, 200]
    assert said.count(b'etag: "1"') == 2
    assert said.count(b"idempotency-replayed: true") == 1


# Trailers


def chunked(id: str, **headers: str | None) -> bytes:
    """A request that renames the flow, up to its trailers."""
    head = put(id, b"", content_length=None, transfer_encoding="chunked", connection="close", **headers)
    return head + b'e\r\n{"name":"new"}\r\n0\r\n'


@pytest.mark.parametrize("cuts", [[], [-30], [-30, -5], list(range(-60, 0))])
async def test_a_trailer_is_no_header_however_it_comes(
    connect: Callable[[], Connection], id: str, cuts: list[int]
) -> None:
    sent = chunked(id, x_workspace_id=None) + b"x-workspace-id: ws1\r\nx-other: 1\r\n\r\n"
    connection = connect()
    ends = [0, *(len(sent) + cut for cut in cuts), len(sent)]
    await connection.hear(*(sent[start:end] for start, end in pairwise(ends)))
    said = await connection.end()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b'"workspace_required"' in said


@pytest.mark.parametrize("trailer", [b"a: %b\r\n" % (b"x" * 100) * 30, b"a: " + b"x" * 2_100 + b"\r\n"])
@pytest.mark.parametrize("size", [None, 500])
async def test_trailers_are_held_to_the_limit_of_a_head(
    connect: Callable[[], Connection], desk: Desk, caller: Caller, id: str, trailer: bytes, size: int | None
) -> None:
    connection = connect()
    sent = chunked(id) + trailer + b"\r\n"
    size = size or len(sent)
    await connection.hear(*(sent[at : at + size] for at in range(0, len(sent), size)))
    said = await connection.end()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"the trailers of the request are longer than 2048 bytes (max_header_bytes)" in said
    assert said.count(b"HTTP/1.1 ") == 1
    assert await name_of(desk, caller, id) == "Sale"


async def name_of(desk: Desk, caller: Caller, id: str) -> str:
    flow = await reads.flow(desk.store, caller, id, ("name",))
    assert flow is not None
    return str(flow["name"])


async def test_too_many_trailers_behind_an_answer_end_the_connection(connect: Callable[[], Connection]) -> None:
    connection = connect()
    await connection.hear(request("POST", "/nothing", x_workspace_id="ws1", transfer_encoding="chunked"))
    await connection.answer()
    assert not connection.is_closed
    await connection.hear(b"0\r\n" + b"a: %b\r\n" % (b"x" * 100) * 30)
    assert connection.is_ended
    assert connection.said.startswith(b"HTTP/1.1 404 ")
    assert connection.said.count(b"HTTP/1.1 ") == 1


async def test_trailers_behind_an_upgrade_that_is_ignored_are_held_to_the_same(
    connect: Callable[[], Connection], id: str
) -> None:
    connection = connect()
    sent = chunked(id).replace(b"connection: close", b"connection: upgrade\r\nupgrade: h2c")
    await connection.hear(sent + b"a: %b\r\n" % (b"x" * 100) * 30 + b"\r\n")
    assert b"the trailers of the request are longer than 2048 bytes (max_header_bytes)" in await connection.end()


async def test_a_body_in_many_chunks_is_no_trailer(connect: Callable[[], Connection], id: str) -> None:
    head = put(id, content_length=None, transfer_encoding="chunked", connection="close")
    body = b'{"description":"%b"}' % (b"x" * 1_500)
    connection = connect()
    await connection.hear(head + b"".join(b"1;a=b\r\n%c\r\n" % one for one in body) + b"0\r\n\r\n")
    assert b" 200 OK" in await connection.end()


async def test_the_size_of_a_chunk_is_held_to_the_limit_of_a_head_behind_another_too(
    connect: Callable[[], Connection], id: str
) -> None:
    connection = connect()
    head = put(id, content_length=None, transfer_encoding="chunked")
    await connection.hear(head + b"1\r\n{\r\n", b"1;a=" + b"x" * LIMIT)
    assert b"the size of a chunk, with its extensions, is longer than 2048 bytes" in await connection.end()


# What is no request


@pytest.mark.parametrize("broken", [b"x\r\n", b"0\r\n" + b"a: %b\r\n" % (b"x" * 100) * 30])
async def test_a_body_that_breaks_off_is_refused_behind_the_answers_to_what_came_before(
    connect: Callable[[], Connection], desk: Desk, caller: Caller, id: str, broken: bytes
) -> None:
    connection = connect()
    second = put(id, content_length=None, transfer_encoding="chunked") + b'e\r\n{"name":"two"}\r\n'
    await connection.hear(put(id, b'{"name":"one"}') + put(id, b'{"description":"d"}') + second + broken)
    said = await connection.end()
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"200", b"400"]
    assert await name_of(desk, caller, id) == "one"


@pytest.mark.parametrize("whole", [0, 1, 2, 3])
async def test_a_target_that_cannot_be_read_is_refused_behind_the_answers_to_what_came_before(
    connect: Callable[[], Connection], id: str, whole: int
) -> None:
    connection = connect()
    await connection.hear(put(id, b'{"name":"new"}') * whole + request("GET", "http://a:b/"))
    assert statuses(await connection.end()) == [*[200] * whole, 400]


@pytest.mark.parametrize("query", ["", "?a=b"])
async def test_a_whole_uri_may_have_no_path(connect: Callable[[], Connection], query: str) -> None:
    connection = connect()
    await connection.hear(request("OPTIONS", f"http://localhost{query}") + request("OPTIONS", "/", connection="close"))
    first, second = statuses(await connection.end())
    assert first == second != 400


@pytest.mark.parametrize("target", ["/", "*", "http://localhost/", "localhost:443"])
async def test_connect_is_no_request(connect: Callable[[], Connection], id: str, target: str) -> None:
    connection = connect()
    await connection.hear(put(id, b'{"name":"new"}') + request("CONNECT", target) + b"more")
    assert statuses(await connection.end()) == [200, 400]


async def test_only_what_belongs_to_a_head_makes_it_too_long(connect: Callable[[], Connection], id: str) -> None:
    connection = connect()
    first = chunked(id).replace(b"connection: close\r\n", b"") + b"x: %b\r\n\r\n" % (b"x" * 1_500)
    long = put(id, b'{"description":"%b"}' % (b"x" * 1_500), a="a" * 1_500)
    last = request("GET", f"{FLOWS}/{id}", x_workspace_id="ws1", connection="close")
    await connection.hear(first[:-1_000], first[-1_000:] + long[:500], long[500:] + long + last[:-10], last[-10:])
    assert statuses(await connection.end()) == [200, 200, 200, 200]


async def test_a_head_that_becomes_too_long_is_refused_behind_the_answers_to_what_came_before(
    connect: Callable[[], Connection], id: str
) -> None:
    connection = connect()
    connection.last(put(id, b'{"name":"new"}') * 2 + b"GET / HTTP/1.1\r\nx: ", b"x" * (LIMIT + 1))
    said = await connection.end()
    assert statuses(said) == [200, 200, 400]
    assert b"the head of the request is longer than 2048 bytes (max_header_bytes)" in said


@pytest.mark.parametrize("size", [1_000, 5_000])
@pytest.mark.parametrize(("more", "told"), [(0, [404, 404]), (1, [400])])
async def test_a_head_is_held_to_the_same_limit_however_it_comes(
    connect: Callable[[], Connection], size: int, more: int, told: list[int]
) -> None:
    """And the connection of one that is too long ends."""
    connection, empty = connect(), request("GET", "/nothing", a="")
    head = request("GET", "/nothing", a="a" * (LIMIT - len(empty) + more))
    sent = head + request("GET", "/nothing", connection="close")
    await connection.hear(*(sent[at : at + size] for at in range(0, len(sent), size)))
    assert statuses(await connection.end()) == told


@pytest.mark.parametrize("before", [b"", b"\r\n"])
async def test_a_head_is_held_to_its_limit_while_it_arrives(
    connect: Callable[[], Connection], id: str, before: bytes
) -> None:
    connection = connect()
    await connection.hear(put(id, b'{"name":"new"}') + before)
    await connection.answer()
    part = b"GET / HTTP/1.1\r\na: " + b"x" * (LIMIT - 100)
    await connection.hear(part, b"x" * 50)
    assert not connection.is_closed
    await connection.hear(b"x" * 50)
    assert statuses(await connection.end()) == [200, 400]
    assert b"the head of the request is longer than 2048 bytes (max_header_bytes)" in connection.said


# Upgrades

HANDSHAKE: dict[str, str | None] = {
    "x_workspace_id": "ws1",
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec_websocket_version": "13",
    "sec_websocket_protocol": "graphql-transport-ws",
}


def statuses(said: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", said)]


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("PUT", FLOWS, b'{"name":"new"}', 200),
        ("GET", FLOWS, None, 200),
        ("GET", FLOWS, b"", 200),
        ("POST", "/graphql", b'{"query":"{__typename}"}', 200),
        ("GET", "/graphql?query={__typename}", b"{}", 200),
        ("POST", "/nothing", b"{}", 404),
        ("GET", "/nothing", None, 404),
    ],
)
async def test_an_upgrade_that_is_not_taken_is_ignored(
    connect: Callable[[], Connection], id: str, method: str, target: str, body: bytes | None, status: int
) -> None:
    target = f"{FLOWS}/{id}" if target == FLOWS else target
    connection = connect()
    await connection.hear(request(method, target, body, **HANDSHAKE))
    assert statuses(await connection.answer()) == [status]
    connection.said = b""
    await connection.hear(request("GET", f"{FLOWS}/{id}", x_workspace_id="ws1"))
    assert statuses(await connection.answer()) == [200]


async def test_any_number_of_upgrades_is_ignored(connect: Callable[[], Connection]) -> None:
    connection = connect()
    await connection.hear(
        b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: a\r\n\r\n" * 1_000
    )
    connection.last()
    assert statuses(await connection.end()) == [404] * 1_000


@pytest.mark.parametrize("root_path", ["", "/flows"])
@pytest.mark.parametrize("behind", ["", " \t"])
async def test_a_websocket_is_opened_where_it_lives(desk: Desk, root_path: str, behind: str) -> None:
    connection = Connection(desk, root_path)
    handshake = {name: f"{value}{behind}" for name, value in HANDSHAKE.items()}
    await connection.hear(request("GET", "/graphql?a=b", None, **handshake))
    assert statuses(await connection.answer()) == [101]
    connection.lose()


async def test_a_handshake_that_cannot_be_read_is_refused(connect: Callable[[], Connection]) -> None:
    connection = connect()
    many = {f"a{number}": "" for number in range(130)}
    await connection.hear(request("GET", "/graphql", None, **HANDSHAKE, **many))
    assert statuses(await connection.end()) == [400]
    assert b"the head of the handshake has too many headers, or one that is too long" in connection.said


@pytest.mark.parametrize(
    ("odd", "message", "versions"),
    [
        ({"sec_websocket_version": "7"}, b"invalid Sec-WebSocket-Version header: 7", [b"13"]),
        ({"sec_websocket_version": None}, b"missing Sec-WebSocket-Version header", [b"13"]),
        ({"sec_websocket_key": None}, b"missing Sec-WebSocket-Key header", []),
        ({"sec_websocket_key": "x"}, b"invalid Sec-WebSocket-Key header: x", []),
        ({"origin": "http://a", "Origin": "http://b"}, b"Origin", []),
    ],
)
async def test_what_is_no_handshake_is_refused_in_the_one_error_body(
    connect: Callable[[], Connection], odd: dict[str, str | None], message: bytes, versions: list[bytes]
) -> None:
    connection = connect()
    await connection.hear(request("GET", "/graphql", None, **{**HANDSHAKE, **odd}, x_request_id="abc"))
    said = await connection.end()
    head, _, body = said.partition(b"\r\n\r\n")
    assert statuses(said) == [400]
    assert re.findall(rb"sec-websocket-version: (\S+)", head) == versions
    assert {b"x-request-id: abc", b"x-content-type-options: nosniff", b"cache-control: no-store"} <= {
        *head.split(b"\r\n")
    }
    assert message in body
    assert json.loads(body)["requestId"] == "abc"


async def test_a_handshake_behind_a_request_is_taken_behind_its_answer(
    connect: Callable[[], Connection], id: str
) -> None:
    """An answer in frames would come first else."""
    connection = connect()
    await connection.hear(put(id, b'{"name":"new"}') + request("GET", "/graphql", None, **HANDSHAKE))
    await connection.until(lambda: len(statuses(connection.said)) == 2)
    assert statuses(connection.said) == [200, 101]


@pytest.mark.parametrize("more", [{}, {"connection": "Upgrade", "upgrade": "h2c"}])
async def test_http_1_0_is_answered_without_what_it_does_not_know(
    connect: Callable[[], Connection], id: str, more: dict[str, str | None]
) -> None:
    connection = connect()
    sent = put(id, b'{"name":"new"}', expect="100-continue", **more)
    await connection.hear(sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert statuses(await connection.end()) == [200]


async def test_events_over_http_1_0_end_with_the_connection(connect: Callable[[], Connection]) -> None:
    connection = connect()
    sent = request("GET", "/graphql?query={__typename}", accept="text/event-stream")
    await connection.hear(sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
    head, _, body = (await connection.end()).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"retry: 1000\n:\n\nevent: next\n")
    assert body.endswith(b"event: complete\ndata:\n\n")


@pytest.mark.parametrize("value", ["100-continue", "100-Continue"])
async def test_who_asks_to_go_on_may(connect: Callable[[], Connection], id: str, value: str) -> None:
    connection = connect()
    sent = put(id, b'{"name":"new"}', expect=value, connection="close")
    await connection.hear(sent[:-14])
    assert await connection.answer() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.hear(sent[-14:])
    assert statuses(await connection.end()) == [100, 200]


# Requests behind others

WATCH = b'{"query":"subscription{messageFlowChanged{version}}"}'
WATCHING = request("POST", "/graphql", WATCH, x_workspace_id="ws1", accept="text/event-stream")
TINY = b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("size", [100_000, 29, 1_000])
async def test_requests_behind_one_without_an_answer_stay_bytes(
    connect: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    made: list[Exchange] = []

    def counted(*request: Any) -> Exchange:
        made.append(Exchange(*request))
        return made[-1]

    monkeypatch.setattr(http1, "Exchange", counted)
    connection, sent = connect(), WATCHING + TINY * 3_000
    await connection.hear(*(sent[at : at + size] for at in range(0, len(sent), size)), TINY)
    assert len(made) == 1
    assert not connection.is_read


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("offered", [None, "a"])
async def test_nothing_more_is_read_while_many_requests_wait(
    connect: Callable[[], Connection], offered: str | None
) -> None:
    """Else each answer would let in as much again as a client can send at once."""
    connection, one = connect(), request("GET", "/x", a="a" * 1_000, connection=offered and "upgrade", upgrade=offered)
    await connection.hear(one * 100)
    while (answered := len(statuses(connection.said))) < 100 - HIGH_WATER_LIMIT // 1_000:
        assert not connection.is_read, answered
        await asyncio.sleep(0)
    connection.last()
    assert statuses(await connection.end()) == [404] * 100


async def test_a_body_that_waits_for_the_application_is_read_no_further(
    connect: Callable[[], Connection], id: str
) -> None:
    connection, sent = connect(), put(id, b'{"name":"new"%b}' % (b" " * 100_000), connection="close")
    connection.receive(sent[:90_000])
    assert not connection.is_read
    await asyncio.sleep(0.001)
    assert connection.is_read
    connection.receive(sent[90_000:])
    assert statuses(await connection.end()) == [200]


@pytest.mark.parametrize("database", ["sqlite"])
async def test_the_rest_of_a_body_that_nobody_reads_is_passed_over(connect: Callable[[], Connection]) -> None:
    connection = connect()
    sent = request("POST", "/nothing", b" " * 100_000)
    connection.receive(sent[:90_000])
    assert not connection.is_read
    await connection.answer()
    assert connection.is_read
    await connection.hear(sent[90_000:-1])
    assert len(connection._protocol.cycle._body) < 90_000  # nor is it kept
    await connection.hear(sent[-1:] + request("GET", "/nothing", connection="close"))
    assert statuses(await connection.end()) == [404, 404]


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("part", [b"\r\n", b"1\r\na\r\n"])
async def test_others_have_their_turn_while_a_body_of_many_parts_is_read(
    connect: Callable[[], Connection], part: bytes
) -> None:
    connection, turns = connect(), 0
    head = request("POST", "/nothing", transfer_encoding="chunked")
    parts = part * 20_000
    body = parts if b"a" in part else b"%x\r\n%b\r\n" % (len(parts), parts)
    connection.receive(head + body + b"0\r\n\r\n" + TINY.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    while not connection.is_closed:
        turns += 1
        await asyncio.sleep(0)
    assert statuses(connection.said) == [404, 400]
    assert turns >= len(body) / LONGEST / http1.AT_ONCE


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000, 100_000])
@pytest.mark.parametrize("is_known", [False, True])
async def test_requests_are_answered_one_after_the_other_however_they_come(
    connect: Callable[[], Connection], id: str, size: int, is_known: bool
) -> None:
    connection = connect()
    head = put(id, content_length=None, content_type="application/json", transfer_encoding="chunked")
    in_chunks = head + b'5\r\n{\r\n\r\n\r\na\r\n"name":"t"\r\n3\r\n\r\n}\r\n0\r\n\r\n'
    one = put(id, b'{"name":"one"}')
    if is_known:
        await connection.hear(one)
        await connection.answer()
        connection.said = b""
    sent = one + request("GET", "/nothing") + in_chunks + put(id, b'{"name":"three"}\r\n\r\n') + in_chunks
    connection.last(*(sent[at : at + size] for at in range(0, len(sent), size)))
    assert statuses(await connection.end()) == [200, 404, 200, 200, 200]
    assert re.findall(rb'"name":"([^"]*)"', connection.said) == [b"one", b"t", b"three", b"t"]


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("number", [1, 10_000])
@pytest.mark.parametrize("is_at_once", [False, True])
async def test_a_stream_with_requests_behind_it_ends_with_its_client(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int, is_at_once: bool
) -> None:
    """Whose leaving is seen at once, or where so much lies unread that no more is, when it takes nothing."""
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(telemetry, "write_line", lambda level, **members: lines.append(members))
    monkeypatch.setattr(sse, "HEARTBEAT", 0.05)
    async with served(desk) as at, asyncio.timeout(10):
        host, _, port = at.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(WATCHING + TINY * number * is_at_once)
        await reader.readuntil(b"retry: 1000")
        writer.write(TINY * number * (not is_at_once))
        await asyncio.sleep(0.1)
        writer.close()
        while not lines:  # noqa: ASYNC110 (a log tells nobody)
            await asyncio.sleep(0.01)
    assert [line["reason"] for line in lines if "reason" in line] == ["gone"]
    assert [line["status"] for line in lines if "status" in line and line["status"] >= 500] == []
    assert not caplog.records


# Clients that say nothing more


@pytest.mark.parametrize("is_known", [False, True])
async def test_whole_requests_are_answered_when_their_client_says_nothing_more(
    connect: Callable[[], Connection], id: str, is_known: bool
) -> None:
    connection = connect()
    one, two, three = (put(id, b'{"name":"%b"}' % name) for name in (b"one", b"two", b"three"))
    if is_known:
        await connection.hear(one)
        await connection.answer()
        connection.said = b""
    connection.last(one, two + three + b"GET / HTT")
    assert statuses(await connection.end()) == [200, 200, 200]
    assert connection.said.endswith(b"}")
    assert b'"name":"three"' in connection.said


@pytest.mark.parametrize("before", [0, 1])
async def test_a_body_of_many_parts_is_whole_though_its_client_says_nothing_more(
    connect: Callable[[], Connection], id: str, before: int
) -> None:
    connection = connect()
    head = put(id, content_length=None, content_type="application/json", transfer_encoding="chunked")
    parts = b"".join(b"4\r\n\r\n\r\n\r\n" for _ in range(100))
    connection.last((head + parts + b'e\r\n{"name":"new"}\r\n0\r\n\r\n') * (before + 1))
    assert statuses(await connection.end()) == [200] * (before + 1)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_stream_that_is_refused_while_its_client_leaves_is_no_fault(
    connect: Callable[[], Connection], caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect()
    body = b'{"query":"subscription{messageFlowChanged(after:\\"x\\"){version}}"}'
    connection.last(request("POST", "/graphql", body, x_workspace_id="ws1", accept="text/event-stream"))
    assert statuses(await connection.end()) == [200]
    await asyncio.sleep(0.01)
    gc.collect()
    assert not caplog.records


async def test_a_request_that_is_not_whole_ends_with_its_client(
    connect: Callable[[], Connection], desk: Desk, caller: Caller, id: str
) -> None:
    connection = connect()
    connection.last(put(id, b'{"name":"one"}'), put(id, b'{"name":"two"}')[:-1])
    assert statuses(await connection.end()) == [200]
    assert await name_of(desk, caller, id) == "one"


async def test_a_client_that_says_nothing_more_watches_no_longer(connect: Callable[[], Connection]) -> None:
    """It may be gone, which looks the same."""
    connection = connect()
    body = b'{"query":"subscription{messageFlowChanged{version}}"}'
    headers = {"x_workspace_id": "ws1", "accept": "text/event-stream"}
    await connection.hear(request("POST", "/graphql", body, **headers))
    await connection.answer()
    assert not connection.is_closed
    connection.last()
    await connection.end()


async def test_a_client_that_says_nothing_more_and_waits_for_nothing_is_let_go(
    connect: Callable[[], Connection],
) -> None:
    connection = connect()
    connection.last(b"GET / HTTP/1.1")
    assert await connection.end() == b""


async def test_what_is_no_request_is_refused_though_its_client_says_nothing_more(
    connect: Callable[[], Connection], id: str
) -> None:
    connection = connect()
    connection.last(put(id, b'{"name":"one"}') + b"hello\r\n\r\n")
    assert statuses(await connection.end()) == [200, 400]


async def test_a_client_that_closes_its_sending_side_reads_its_answer(desk: Desk, id: str) -> None:
    async with served(desk) as at:
        host, _, port = at.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(put(id, b'{"name":"new"}'))
        writer.write_eof()
        async with asyncio.timeout(10):
            said = await reader.read()
        writer.close()
    assert statuses(said) == [200]
    assert b'"name":"new"' in said


@pytest.mark.parametrize("said", [request("GET", FLOWS, connection="close"), b"hello\r\n\r\n"])
async def test_what_is_said_last_must_be_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(taking, "UNREAD_SECONDS", 0.01)
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0)
    connection = Connection(desk)
    connection.unread = 1
    await connection.hear(said)
    await connection.end()
    assert not connection.is_cut_off
    await asyncio.sleep(0.1)
    assert connection.is_cut_off
    connection.lose()


class Secure(Connection):
    """Over TLS, whose layer never asks for a pause and knows no connection that is half closed."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ssl.create_default_context() if name == "sslcontext" else default

    def can_write_eof(self) -> bool:
        return False


async def test_over_tls_an_answer_must_be_taken_as_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "UNREAD_SECONDS", 0.01)
    connection = Secure(desk)
    connection.unread = 1
    await connection.hear(request("GET", FLOWS))
    await connection.answer()
    assert not connection.is_cut_off
    await asyncio.sleep(0.1)
    assert connection.is_cut_off
    connection.lose()


async def test_what_stands_behind_an_answer_that_ends_the_connection_is_not_done(
    connect: Callable[[], Connection], desk: Desk, caller: Caller, id: str
) -> None:
    connection = connect()
    connection.receive(put(id, b'{"name":"one"}') + put(id, b'{"name":"two"}'))
    connection._protocol.shutdown()
    assert statuses(await connection.end()) == [200]
    await asyncio.gather(*connection._protocol.tasks)
    assert await name_of(desk, caller, id) == "one"


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(("kind", "is_kept"), [(Connection, True), (Secure, False)])
async def test_over_tls_who_says_nothing_more_hears_nothing_more(
    desk: Desk, kind: type[Connection], is_kept: bool
) -> None:
    connection = kind(desk)
    await connection.hear(WATCHING)
    assert connection._protocol.eof_received() is is_kept
    connection.lose()


async def test_a_connection_is_not_idle_while_its_client_takes_an_answer(desk: Desk) -> None:
    """Over TLS it would soon be cut off."""
    connection = Connection(desk, timeout_keep_alive=0.1)
    connection.unread = 1
    await connection.hear(request("GET", FLOWS))
    await connection.answer()
    await asyncio.sleep(0.5)
    assert not connection.is_closed
    connection.unread = 0
    await connection.end()
    connection.lose()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"secret\r\n\r\n", 400),
        (b"M0 /secret HTTP/1.1\r\nhost: localhost\r\n\r\n", 501),
        (b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: %b" % (b"secret" * LIMIT), 400),
    ],
)
async def test_what_is_refused_before_it_is_a_request_is_counted_and_logged_without_its_text(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, said: bytes, status: int
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(telemetry, "write_line", lambda level, **members: lines.append({"level": level, **members}))
    monkeypatch.setattr(telemetry, "UNREAD", telemetry.Sparing())
    count = GATHERED.counts["other", "", status, ""]
    before = sum(count.slots)
    connection = Connection(desk)
    await connection.hear(said)
    assert connection.said.startswith(b"HTTP/1.1 %d " % status)
    assert sum(count.slots) == before + 1
    await Connection(desk).hear(said)
    assert sum(count.slots) == before + 2
    assert [(one["level"], one["route"], one["method"], one["status"]) for one in lines] == [
        ("warning", "other", "other", status)
    ]
    assert b"x-request-id: %b\r\n" % lines[0]["request_id"].encode() in connection.said
    assert "secret" not in str(lines)
