"""One request and its answer on a connection: what leaves when, and what never leaves."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

from graphql_api.web.exchange import Exchange, head
from graphql_api.web.http import ARRIVED
from tests.wired import Socketless


class Said(Socketless):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.writes.append(data)


def exchange(said: Said, method: str = "POST", version: str = "1.1") -> Exchange:
    return Exchange(
        {"type": "http", "method": method, "http_version": version}, said, FlowControl(said), [], lambda: None
    )


def start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


async def test_head_and_body_of_a_known_length_leave_in_one_write() -> None:
    said = Said()
    one = exchange(said)
    await one.send(start((b"content-length", b"2")))
    await one.send({"type": "http.response.body", "body": b"ok"})
    assert said.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
    assert one.response_complete
    assert not said.is_closed


async def test_the_head_of_a_stream_leaves_before_there_is_anything_to_say() -> None:
    said = Said()
    one = exchange(said)
    await one.send(start())
    await one.send({"type": "http.response.body", "body": b"tick", "more_body": True})
    await one.send({"type": "http.response.body"})
    assert said.writes == [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"4\r\ntick\r\n",
        b"0\r\n\r\n",
    ]


async def test_a_stream_over_http_1_0_is_sent_as_it_is() -> None:
    said = Said()
    one = exchange(said, version="1.0")
    one.keep_alive = False
    await one.send(start())
    await one.send({"type": "http.response.body", "body": b"tick", "more_body": True})
    await one.send({"type": "http.response.body"})
    assert b"".join(said.writes) == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ntick"
    assert one.response_complete


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb"])
def test_a_header_with_a_line_break_never_leaves(value: bytes) -> None:
    with pytest.raises(ValueError, match="a header with a line break"):
        head(200, [(b"x-request-id", value)])


async def test_a_body_that_is_whole_is_told_once_and_then_only_the_end_of_the_connection() -> None:
    one = exchange(Said())
    one.take(b"ab")
    assert one.scope["extensions"][ARRIVED]() is None
    one.take(b"c")
    one.take_end()
    assert one.scope["extensions"][ARRIVED]() == b"abc"
    waiting = asyncio.create_task(one.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    one.hang_up()
    assert await waiting == {"type": "http.disconnect"}


async def test_who_falls_silent_is_taken_for_gone_when_the_body_is_told() -> None:
    said = Said()
    one = exchange(said)
    one.take(b"ab")
    one.take_end()
    one.fall_silent()
    assert await one.receive() == {"type": "http.request", "body": b"ab", "more_body": False}
    assert await one.receive() == {"type": "http.disconnect"}
    await one.send(start((b"content-length", b"2")))
    await one.send({"type": "http.response.body", "body": b"ok"})
    assert said.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]


async def test_nothing_is_said_on_a_connection_that_is_closed() -> None:
    said = Said()
    one = exchange(said)
    await one.send(start())
    said.close()
    await one.send({"type": "http.response.body", "body": b"tick", "more_body": True})
    assert len(said.writes) == 1


async def test_no_more_of_a_body_is_read_than_an_application_takes() -> None:
    said = Said()
    one = exchange(said)
    one.take(b"a" * HIGH_WATER_LIMIT)
    assert said.is_read
    one.take(b"b")
    assert not said.is_read
    assert len((await one.receive())["body"]) == HIGH_WATER_LIMIT + 1
    waiting = asyncio.create_task(one.receive())
    await asyncio.sleep(0)
    assert said.is_read
    one.take(b"c")
    assert await waiting == {"type": "http.request", "body": b"c", "more_body": True}


async def test_an_application_that_fails_or_says_nothing_costs_the_connection() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    for app in (broken, silent):
        said = Said()
        await exchange(said).run(app)
        assert (said.writes, said.is_closed) == ([], True)
