"""Keys that are guessed by the thousand, and keys too long to be one, over real connections to a server process."""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphql_api import storage
from graphql_api.edits import keys
from graphql_api.web.auth import GUESSES, GUESSING
from tests.served import serving
from tests.web.sockets import Server, heard, request

pytestmark = pytest.mark.processes

WRONG, AT_ONCE = 10_000, 100
"""Requests, and those sent before an answer is awaited."""
FLOWS = json.dumps({"query": "{messageFlows {totalCount}}"}).encode()
LENGTHS = {45: 401, 1_000: 401, 8_000: 401, 20_000: 400, 1_000_000: 400}
"""Of keys that are longer than any, with the status that answers them; the last two are more than a head may hold."""
DOORS = {"graphql": ("POST", "/graphql", FLOWS), "rest": ("GET", "/v1/api/message-flows", None)}


@pytest.fixture
def secret(database_url: str) -> str:
    """A key of the workspace that requests name."""

    async def make() -> str:
        store = storage.opened(database_url)
        issued = await keys.create(store, 0, ["exampleWorkspaceId1"], {"flows:read"})
        await store.close()
        return issued.secret

    return asyncio.run(make())


@pytest.fixture
def server(database_url: str, secret: str, tmp_path: Path) -> Iterator[Server]:
    log = tmp_path / "log"
    with serving(database_url, log, auth="keys", key_points="1000000") as address:
        yield Server(int(address.rpartition(":")[2]), log)


def asking(door: str, **headers: str) -> bytes:
    method, target, body = DOORS[door]
    return request(method, target, body, **headers)


def lines(server: Server, level: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in server.log.read_text("utf-8").splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry["level"] == level]


def test_ten_thousand_wrong_keys_are_refused_cheaply_and_keep_nobody_else_out(server: Server, secret: str) -> None:
    right = [asking(door, x_api_key=secret) for door in DOORS]
    answered, known = Counter[int](), Counter[int]()
    assert [server.tell(raw).status for raw in right] == [200, 200]
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection, connection.makefile("rb") as answers:
        for first in range(0, WRONG, 2 * AT_ONCE):
            tries = range(first, first + 2 * AT_ONCE, 2)
            wrong = [asking(door, x_api_key=f"mfk_{n + one:040x}") for n in tries for one, door in enumerate(DOORS)]
            connection.sendall(b"".join([*wrong, *right]))
            answered.update(heard(answers).status for _ in wrong)
            known.update(heard(answers).status for _ in right)
    took = time.monotonic() - began
    assert answered.keys() == {401, 429}
    assert GUESSES <= answered[401] <= GUESSES * (2 + took // GUESSING)
    assert known == {200: WRONG // AT_ONCE}
    assert 1 <= len(lines(server, "warning")) <= 2 * (2 + took)
    assert lines(server, "error") == []
    assert "mfk_0000" not in server.log.read_text("utf-8")
    for length, status in LENGTHS.items():
        for door in DOORS:
            for header, key in (("x_api_key", "f" * length), ("authorization", f"Bearer {secret}{'f' * length}")):
                assert server.tell(asking(door, **{header: key})).status == status, (length, header, door)
    assert [server.tell(raw).status for raw in right] == [200, 200]
    assert lines(server, "error") == []
    assert "f" * 12 not in server.log.read_text("utf-8")
