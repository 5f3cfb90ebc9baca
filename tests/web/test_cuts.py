"""The same requests have the same answers, one by one, all at once or cut anywhere, on both ways."""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.web.sockets import request
from tests.web.test_wire import FLOWS, Connection, connect, id, put, statuses

__all__ = ["connect", "id"]  # the fixtures

CHANGING = re.compile(rb'(date: |x-request-id: |"requestId":")[^\r"]*')


def possible(id: str) -> list[bytes]:
    """Requests that leave the connection open."""
    body, flow = b'{"name":"new"}', f"{FLOWS}/{id}"
    offer: Any = {"connection": "upgrade", "upgrade": "h2c"}
    coded: Any = {"content_type": "application/json", "transfer_encoding": "chunked"}
    chunks = (
        b'3;a=b\r\n{"n\r\n9\r\name":\r\n\r\n\r\n5\r\n"new"\r\n8\r\n}\r\n\r\n\r\n\n\r\n000\r\nx-workspace-id: a\r\n\r\n'
    )
    queries = [b'{"query":"{__typename}"}', b'{"query":"{nothing}"}', b"{", b"", b" " * 70_000]
    return [
        *(request("GET", target, x_workspace_id="ws1") for target in (flow, FLOWS, "/%ff", f"{FLOWS}?limit=x")),
        *(request("POST", "/graphql", query, x_workspace_id="ws1") for query in queries),
        *(put(id, body, **more) for more in ({}, {"expect": "100-continue"}, {"content_type": "text/plain"}, offer)),
        put(id, content_length=None, **coded) + chunks,
        put(id, content_length=None, **coded, **offer) + chunks,
        request("POST", "/nothing", **coded) + chunks,
        request("HEAD", flow, x_workspace_id="ws1"),
        request("OPTIONS", flow, x_workspace_id="ws1"),
        b"\r\n\r\n\n" + request("GET", flow, x_workspace_id="ws1"),
    ]


def last(chance: random.Random) -> bytes:
    """One that ends it."""
    asked = request("GET", FLOWS, x_workspace_id="ws1", connection="close")
    broken = [
        asked.replace(*one) for one in ((b" HTTP/1.1", b""), (b"host:", b"host :"), (b"ws1", b"w\0s"), (b"\r\n", b"\n"))
    ]
    double = request("POST", "/graphql", b"{}", transfer_encoding="chunked")
    return chance.choice([asked, asked.replace(b"1.1", b"1.0"), *broken, double, request("GET", "/", a="a" * 3_000)])


def cut(chance: random.Random, sent: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(sent):
        size = chance.choice([1, 2, 5, 50, 500, 5_000, 50_000])
        yield sent[at : at + size]
        at += size


@pytest.mark.parametrize("seed", range(20))
async def test_requests_have_the_same_answers_however_they_come(
    connect: Callable[[], Connection], id: str, seed: int
) -> None:
    chance = random.Random(seed)
    every = possible(id)
    asked = [*chance.choices(every, k=chance.randint(1, 8)), last(chance)]
    await heard(connect(), [put(id, b'{"name":"new"}', connection="close")])
    expected = await heard(connect(), asked, one_by_one=True)
    assert len(re.findall(rb"HTTP/1\.1 [2-5]", expected)) == len(asked)
    assert await heard(connect(), asked, one_by_one=True) == expected
    assert await heard(connect(), [b"".join(asked)]) == expected
    for _ in range(3):
        assert await heard(connect(), list(cut(chance, b"".join(asked)))) == expected


async def heard(connection: Connection, parts: list[bytes], *, one_by_one: bool = False) -> bytes:
    """All that is said, but for what is another at each time."""
    for part in parts:
        answered = len(finals(connection.said))
        await connection.hear(part)
        if one_by_one:
            await connection.until(lambda: len(finals(connection.said)) > answered)  # noqa: B023 (it ends before)
    return CHANGING.sub(b"", await connection.end())


def finals(said: bytes) -> list[int]:
    return [status for status in statuses(said) if status != 100]
