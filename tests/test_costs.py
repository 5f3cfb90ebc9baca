"""What a request costs in Python's own instructions and calls, which no clock and no other process can change."""

import asyncio
import gc
import json
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count, pairwise
from statistics import median
from types import FrameType
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from graphql_api import app, config, edits, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.edits import Desk, keys
from graphql_api.edits.importing import Imported
from graphql_api.web import gathered
from graphql_api.web.wire import Wire

COSTS = {
    ("sqlite", "R"): 1_490,
    ("sqlite", "U"): 3_789,
    ("sqlite", "A"): 3_678,
    ("sqlite", "L"): 2_210,
    ("sqlite", "P"): 4_476,
    ("postgresql", "R"): 2_353,
    ("postgresql", "U"): 4_776,
    ("postgresql", "A"): 3_890,
    ("postgresql", "L"): 2_772,
    ("postgresql", "P"): 5_508,
}
"""Steps of one request on Python 3.11: reading one flow, a small update, another one of a flow that was written lately,
a page of 50, and a PUT of one leaf."""

TOLERANCE = 0.1
REQUESTS = 20
FLOWS = 60

READ = "query Get($id: ID!) { messageFlow(id: $id) { id name autopilot messageChannel updatedAt } }"
UPDATE = """mutation Upd($id: ID!, $input: UpdateMessageFlowInput!) { updateMessageFlow(id: $id, input: $input) {
  messageFlow { id name description autopilot updatedAt version
    settings { responseSettings { delay workingHours { start } } } }
  errors { code message path } } }"""
LIST = """query List($first: Int!) { messageFlows(first: $first) { nodes {
  id workspaceId name direction description agent prompt isActive autopilot messageChannel createdAt updatedAt version
  settings { responseSettings { delay workingHours { enabled start end timezone outOfHoursMessage } }
    security { hipaaCompliance } emailSettings { subjectLine signature } } } } }"""


class Steps:
    """Counts instructions of Python code and calls of C functions, in this thread and in those that begin meanwhile."""

    def __init__(self) -> None:
        self.made = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode":
            self.made += 1
        return self.trace

    def profile(self, _: FrameType, event: str, __: Any) -> None:
        self.made += event == "c_call"

    def __enter__(self) -> "Steps":
        gc.disable()
        threading.settrace(self.trace)
        threading.setprofile(self.profile)
        sys.settrace(self.trace)
        sys.setprofile(self.profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        sys.settrace(None)
        threading.setprofile(None)
        threading.settrace(None)
        gc.enable()


class Client(asyncio.Transport):
    """One connection without a socket: what the server writes is gathered until an answer is whole."""

    def __init__(self) -> None:
        super().__init__()
        self._said = b""
        self._answer: asyncio.Future[bytes] | None = None

    def write(self, data: Any) -> None:
        self._said += bytes(data)
        head, _, body = self._said.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length and len(body) >= int(length):
            assert self._answer is not None
            self._answer.set_result(self._said)
            self._said = b""

    async def asked(self, server: Wire, request: bytes) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        server.data_received(request)
        return await self._answer

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        return

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


def request(method: str, path: str, secret: str, body: Any) -> bytes:
    content = json.dumps(body, separators=(",", ":"))
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nx-workspace-id: ws1\r\nx-api-key: {secret}\r\n"
    return f"{head}content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n{content}".encode()


def script(operation: str, secret: str) -> list[bytes]:
    """The same requests every time, each update another change."""

    def graphql(query: str, **variables: Any) -> bytes:
        return request("POST", "/graphql", secret, {"query": query, "variables": variables})

    def made(number: int) -> bytes:
        id = f"f{number % (REQUESTS if operation == 'A' else FLOWS)}"
        if operation == "R":
            return graphql(READ, id=id)
        if operation == "L":
            return graphql(LIST, first=50)
        if operation == "P":
            change = {"settings": {"responseSettings": {"delay": number + 1}}}
            return request("PUT", f"/v1/api/message-flows/{id}", secret, change)
        hours = {"start": f"08:{number:02d}"}
        return graphql(
            UPDATE, id=id, input={"settings": {"responseSettings": {"delay": number, "workingHours": hours}}}
        )

    return [made(number) for number in range(2 * REQUESTS)]


async def steps(url: str, operation: str) -> float:
    """Steps of the middle one of some requests, after as many others that fill the caches: some look up what is old."""
    secret = await prepared(url)
    with Steps() as counted:  # a writer thread begins within
        async with connected(url) as ask:
            requests = script(operation, secret)
            for one in requests[:REQUESTS]:
                await ask(one)
            made = [counted.made]
            for one in requests[REQUESTS:]:
                await ask(one)
                made.append(counted.made)
    return median(after - before for before, after in pairwise(made))


async def left(url: str, operation: str) -> int:
    """Objects that some requests leave to the collector of cycles, after as many others."""
    secret = await prepared(url)
    requests = script(operation, secret)
    gc.disable()
    try:
        async with connected(url) as ask:
            for one in requests[:REQUESTS]:
                await ask(one)
            gc.collect()
            for one in requests[REQUESTS:]:
                await ask(one)
            return gc.collect()
    finally:
        gc.enable()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """A connection to a server with keys, over which a request must be answered as it should be."""
    desk = desk_at(url)
    settings = uvicorn.Config(
        app.made(config.load(auth="keys", log_sample=0), desk), http=Wire, ws="none", proxy_headers=False
    )
    settings.load()
    server, client = Wire(settings, ServerState(), {}), Client()
    server.connection_made(client)

    async def ask(request: bytes) -> None:
        answer = await client.asked(server, request)
        assert b" 200 OK" in answer
        assert b'"errors":[{' not in answer

    yield ask
    server.connection_lost(None)
    await desk.store.close()


def desk_at(url: str) -> Desk:
    now = count(1_795_605_200_000)
    return Desk(storage.opened(url), lambda: next(now), lambda: next(now).to_bytes(8, "big"), 24 * HOUR)


async def prepared(url: str) -> str:
    """The secret of a key for a database with some flows."""
    desk = desk_at(url)
    sale: dict[str, Any] = {
        "name": "Sale",
        "direction": "INBOUND",
        "agent": "a1",
        "prompt": "p",
        "initiation_message": "i",
    }
    leaves: dict[str, Any] = {**DEFAULTS, **sale, "message_channel": "SMS", "created_at": 0, "updated_at": 0}
    flows = [Imported(f"f{number}", "ws1", leaves) for number in range(FLOWS)]
    await edits.import_flows(desk, Caller(None, source="CLI"), flows)
    issued = await keys.create(desk.store, 0, ["ws1"], {"flows:read", "flows:write"})
    await desk.store.close()
    return issued.secret


@pytest.mark.parametrize("operation", ["R", "U", "A", "L", "P"])
def test_a_request_costs_what_is_written_here(
    database: str, database_url: str, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that has to be changed is a change of speed: the new one is printed.

    The metrics are not brought up meanwhile, which is done by the clock.
    """
    monkeypatch.setattr(gathered, "MOMENT", 3_600.0)
    made = uvloop.run(steps(database_url, operation))
    gathered.GATHERED.tell()
    print(f"{database} {operation}: {made:.0f}")
    assert made == pytest.approx(COSTS[database, operation], rel=TOLERANCE)


@pytest.mark.parametrize("operation", ["R", "U", "L", "P"])
def test_a_request_leaves_nothing_to_the_collector(database_url: str, operation: str) -> None:
    assert uvloop.run(left(database_url, operation)) == 0
