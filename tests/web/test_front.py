"""What every request passes first and every answer last: hosts, origins, the head, faults, request ids."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from graphql_api import app
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk
from graphql_api.storage.engine import Store
from graphql_api.web import patience, telemetry, wire
from graphql_api.web.cors import Cors
from graphql_api.web.front import Front
from graphql_api.web.hosts import Hosts
from tests.conftest import configured

FLOWS = "/v1/api/message-flows"
SECRET = "s3cret-of-a-caller"
PAGE = "https://app.example.com"

Open = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def serving(desk: Desk) -> AsyncIterator[Open]:
    """The whole server with some settings, without a socket."""
    clients = []

    def opened(**settings: Any) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app.made(configured(**settings), desk))
        headers = {"x-workspace-id": "ws1"}
        clients.append(httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers))
        return clients[-1]

    yield opened
    for client in clients:
        await client.aclose()


async def statuses(client: httpx2.AsyncClient, path: str, *hosts: str) -> list[int]:
    return [(await client.get(path, headers={"host": host})).status_code for host in hosts]


# Hosts


async def test_on_loopback_only_its_names_are_answered(serving: Open) -> None:
    good = ("localhost", "LocalHost:8000", "127.0.0.1:80", "[::1]", "[::1]:8000")
    bad = ("example.com", "localhost.example.com", "127.0.0.2", "[::2]", "localhost.", "localhost:http", "", "a b")
    assert await statuses(serving(), FLOWS, *good) == [200] * len(good)
    assert await statuses(serving(), FLOWS, *bad) == [400] * len(bad)
    assert await statuses(serving(host="127.0.0.2"), FLOWS, "127.0.0.2", "localhost", "127.0.0.3") == [200, 200, 400]


async def test_elsewhere_any_host_will_do_unless_some_are_set(serving: Open) -> None:
    assert await statuses(serving(host="0.0.0.0"), FLOWS, "flows.example.com", "10.0.0.7:8000", "a b") == [
        200,
        200,
        400,
    ]
    named = serving(host="0.0.0.0", allowed_hosts="flows.example.com,[::1]")
    assert await statuses(named, FLOWS, "Flows.Example.com:443", "[::1]", "localhost", "10.0.0.7") == [
        200,
        200,
        400,
        400,
    ]


def test_only_http_1_0_may_leave_the_host_out_and_only_where_any_will_do() -> None:
    asked: dict[str, Any] = {"path": FLOWS, "headers": []}
    Hosts().check({**asked, "http_version": "1.0"})
    for hosts, version in ((Hosts(), "1.1"), (Hosts(["localhost"]), "1.0")):
        with pytest.raises(Refused, match="must have one header Host"):
            hosts.check({**asked, "http_version": version})


async def test_probes_may_call_by_any_address(serving: Open) -> None:
    client = serving(allowed_hosts="flows.example.com")
    assert await statuses(client, "/health/live", "10.0.0.7:8000", "flows.example.com") == [200, 200]
    assert await statuses(client, "/openapi.json", "10.0.0.7:8000") == [400]


async def test_behind_a_root_path_probes_are_still_probes(desk: Desk) -> None:
    transport = httpx2.ASGITransport(app.made(configured(root_path="/flows"), desk), root_path="/flows")
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert await statuses(client, "/flows/health/live", "10.0.0.7") == [200]


# Origins


async def test_without_a_setting_no_page_is_told_anything(serving: Open) -> None:
    client = serving()
    asked = {"origin": PAGE, "access-control-request-method": "PUT"}
    answers = [await client.options(f"{FLOWS}/a", headers=asked), await client.get(FLOWS, headers={"origin": PAGE})]
    assert [answer.status_code for answer in answers] == [204, 200]
    assert not [name for answer in answers for name in answer.headers if name.startswith(("access-control", "vary"))]


async def test_a_browser_may_ask_beforehand_for_an_origin_that_is_set(serving: Open) -> None:
    client = serving(cors_origins=f"{PAGE},http://localhost:3000")
    asked = {"origin": PAGE, "access-control-request-method": "PATCH", "access-control-request-headers": "if-match"}
    answer = await client.options(f"{FLOWS}/a", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "PATCH" in answer.headers["access-control-allow-methods"].split(", ")
    sent = answer.headers["access-control-allow-headers"].split(", ")
    assert {"content-type", "x-workspace-id", "x-api-key", "authorization", "idempotency-key", "if-match"} <= {*sent}
    assert {"traceparent", "tracestate", "baggage"} <= {*sent}
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_of_a_set_origin_reads_our_headers_also_of_refusals(serving: Open) -> None:
    client = serving(cors_origins=PAGE)
    for path in (FLOWS, f"{FLOWS}/unknown", "/nowhere"):
        answer = await client.get(path, headers={"origin": PAGE})
        assert answer.headers["access-control-allow-origin"] == PAGE
        told = answer.headers["access-control-expose-headers"].split(", ")
        assert {"ETag", "Location", "Link", "X-Changed-Fields", "Idempotency-Replayed", "X-Request-Id"} <= {*told}
        assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= {*told}


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{PAGE}.evil.example", f"{PAGE}/", PAGE.upper(), "null", "http://app.example.com"],
)
async def test_any_other_origin_is_told_nothing(serving: Open, origin: str) -> None:
    client = serving(cors_origins=PAGE)
    asked = {"origin": origin, "access-control-request-method": "PUT"}
    for answer in (await client.options(FLOWS, headers=asked), await client.get(FLOWS, headers={"origin": origin})):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["vary"] == "Origin"


async def test_who_names_two_origins_is_told_nothing(serving: Open) -> None:
    client = serving(cors_origins=PAGE)
    asked = [("origin", PAGE), ("origin", "https://evil.example"), ("access-control-request-method", "PUT")]
    for answer in (await client.options(FLOWS, headers=asked), await client.get(FLOWS, headers=asked)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


# Every answer


async def test_every_answer_has_the_same_headers(serving: Open) -> None:
    client = serving()
    for path in (
        FLOWS,
        f"{FLOWS}/unknown",
        "/nowhere",
        "/health/live",
        "/openapi.json",
        "/graphql?query=%7B__typename%7D",
    ):
        headers = (await client.get(path, headers={"x-request-id": "mine-1"})).headers
        assert headers["x-request-id"] == "mine-1"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize("path", ["/health/live", "/openapi.json", "/graphql?query=%7B__typename%7D", FLOWS])
async def test_head_is_get_without_the_body(serving: Open, path: str) -> None:
    head, whole = await serving().head(path), await serving().get(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole.content)))


async def test_a_head_is_measured_with_its_target(serving: Open) -> None:
    client = serving(max_header_bytes=2_048)
    fits, long, target = {"x-filler": "x" * 1_000}, {"x-filler": "x" * 2_048}, f"{FLOWS}?nameContains={'x' * 2_048}"
    assert (await client.get(FLOWS, headers=fits)).status_code == 200
    for answer in (await client.get(FLOWS, headers=long), await client.get(target)):
        assert answer.status_code == 400
        message = "the head of the request is longer than 2048 bytes (max_header_bytes)"
        assert answer.json()["error"] == {"code": "limit_exceeded", "message": message}


# Faults


@pytest.mark.parametrize(
    "path", [FLOWS, f"{FLOWS}/{SECRET}", f"/graphql?query={{messageFlow(id:%22{SECRET}%22){{id}}}}"]
)
async def test_a_fault_is_masked_and_logged_once_under_its_id(
    serving: Open, store: Store, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def broken(sql: str) -> None:
        raise RuntimeError(SECRET)

    client = serving()
    store.heard = broken
    answer = await client.get(path, headers={"x-request-id": "lost-1", "x-filler": SECRET})
    store.heard = None
    assert "internal error; the log has it under lost-1" in answer.text
    assert ("graphql" in path) or (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().startswith("request lost-1 failed: RuntimeError at ")
    assert SECRET not in caplog.text


async def test_a_fault_behind_the_beginning_of_an_answer_begins_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    async def nothing() -> Message:
        raise AssertionError("nothing is read")

    async def hear(message: Message) -> None:
        heard.append(message["type"])

    heard: list[str] = []
    asked = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    await Front(broken, Hosts(), Cors(), 1_000)(asked, nothing, hear)
    assert heard == ["http.response.start"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_mistakes_of_callers_are_no_errors_in_the_log(serving: Open, caplog: pytest.LogCaptureFixture) -> None:
    client = serving()
    caplog.set_level(logging.DEBUG, "message_flows")
    for body in (b"{", b"[]", b'{"query": "{ nope }"}', b'{"query": "{ messageFlows(first: 0) { totalCount } }"}'):
        await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        await client.post(FLOWS, content=body, headers={"content-type": "application/json"})
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "nope" not in caplog.text


# Before any application


@asynccontextmanager
async def listening(desk: Desk) -> AsyncIterator[int]:
    """The port of the server as uvicorn runs it, in this process."""
    settings = uvicorn.Config(
        app.made(configured(), desk), http=wire.Wire, ws="none", lifespan="off", log_level="error"
    )
    server = uvicorn.Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server._serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await task


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\nGET"])
async def test_a_head_has_a_time_to_arrive_in(desk: Desk, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    async with listening(desk) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
    assert b"the head of the request did not arrive within 0.2 s" in said
    assert said.count(b"HTTP/1.1 ") == (2 if sent.endswith(b"GET") else 1)


async def test_a_body_may_take_longer_than_a_head(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    body = b'{"query": "{__typename}"}'
    head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    async with listening(desk) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head % len(body))
        await asyncio.sleep(0.5)
        writer.write(body)
        said = await asyncio.wait_for(reader.readuntil(b"}}"), 5)
        writer.close()
        await writer.wait_closed()
    assert said.startswith(b"HTTP/1.1 200 OK")


async def test_who_never_says_anything_is_told_nothing_nor_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    lines: list[Any] = []
    monkeypatch.setattr(telemetry, "write_line", lambda level, **members: lines.append(members))
    async with listening(desk) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await writer.wait_closed()
    assert lines == []
