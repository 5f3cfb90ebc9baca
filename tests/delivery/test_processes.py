"""Servers as processes: one that is killed while it sends loses nothing, one that stops finishes what is on its way."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from tests.commands import command, environment
from tests.conftest import CREATE, WORKSPACE
from tests.delivery.conftest import Add, owner, soon
from tests.delivery.endpoints import Endpoint, Received, Write, status

CREATED = "mutation ($input: CreateMessageFlowInput!) { createMessageFlow(input: $input) { messageFlow { id } } }"
UPDATED = """mutation ($id: ID!, $text: String!) {
    updateMessageFlow(id: $id, input: {description: $text}) { messageFlow { version } errors { code } }
}"""


@dataclass
class Server:
    process: asyncio.subprocess.Process
    http: httpx2.AsyncClient
    log: Path

    async def send(self, query: str, **variables: object) -> object:
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        (answer,) = response.json()["data"].values()
        return answer["messageFlow"]


@asynccontextmanager
async def serving(database_url: str, log: Path, drain: str = "0") -> AsyncIterator[Server]:
    named = environment(
        database_url,
        MESSAGE_FLOWS_WEBHOOK_NETWORKS="127.0.0.0/8",
        MESSAGE_FLOWS_LOG_SAMPLE="0",
        MESSAGE_FLOWS_DRAIN_SECONDS=drain,
    )
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(
            *command("serve", "--port", "0"), stdout=asyncio.subprocess.PIPE, stderr=told, env=named
        )
    try:
        assert process.stdout is not None
        greeting = (await process.stdout.readline()).decode().split()
        assert greeting, "the server does not start"
        address = greeting[1].removesuffix("/graphql")
        headers = {"x-workspace-id": WORKSPACE}
        async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=20) as http:
            yield Server(process, http, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_sender_that_is_killed_in_the_middle_loses_nothing_and_another_goes_on(
    desk: Desk, caller: Caller, add: Add, endpoint: Endpoint, database_url: str, tmp_path: Path
) -> None:
    webhook = await add(endpoint)
    async with serving(database_url, tmp_path / "first") as first:
        killed = await soon(lambda: owner(desk), bool)
        async with serving(database_url, tmp_path / "second") as second:

            async def manner(request: Received, write: Write) -> None:
                """Kills the one that sends when it has sent for a while; then its messages have no answer."""
                if len(endpoint.received) == 25:
                    os.kill(first.process.pid, signal.SIGKILL)
                await status(200)(request, write)

            endpoint.manner = manner
            flows = [dict(await second.send(CREATED, input=CREATE))["id"] for _ in range(6)]  # type: ignore[call-overload]
            for number in range(8):
                await asyncio.gather(*(second.send(UPDATED, id=id, text=str(number)) for id in flows))
            all_changes = {(id, version) for id in flows for version in range(9)}
            await endpoint.until(lambda: all_changes <= set(endpoint.changes), 10 + 50)
            assert await first.process.wait() == -signal.SIGKILL
            assert await owner(desk) not in (killed, None)
            await soon(lambda: office.waiting(desk, caller, webhook.id), lambda count: not count)
    for id in flows:
        seen = [version for flow, version in endpoint.changes if flow == id]
        assert list(dict.fromkeys(seen)) == list(range(9))
        assert all(after in (before, before + 1) for before, after in pairwise(seen)), seen


async def test_a_server_that_stops_waits_for_the_answers_to_what_it_has_sent(
    desk: Desk, caller: Caller, add: Add, endpoint: Endpoint, database_url: str, tmp_path: Path
) -> None:
    answered = asyncio.Event()

    async def manner(request: Received, write: Write) -> None:
        await answered.wait()
        await status(200)(request, write)

    endpoint.manner = manner
    webhook = await add(endpoint)
    async with serving(database_url, tmp_path / "log") as server:
        await server.send(CREATED, input=CREATE)
        await endpoint.until(lambda: len(endpoint.received) == 1)
        server.process.terminate()
        await asyncio.sleep(0.5)  # requests need it no more by then
        assert server.process.returncode is None
        answered.set()
        async with asyncio.timeout(10):
            assert await server.process.wait() == 0, server.log.read_text()
    (tried,) = await office.attempts(desk, caller, webhook.id, 10)
    assert (tried.outcome, tried.attempt) == ("DELIVERED", 1)
    assert (await owner(desk), await office.waiting(desk, caller, webhook.id)) == (None, 0)
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_server_stops_though_an_endpoint_says_nothing(
    add: Add, endpoint: Endpoint, database_url: str, tmp_path: Path
) -> None:
    async def manner(request: Received, write: Write) -> None:
        await asyncio.Event().wait()

    endpoint.manner = manner
    await add(endpoint)
    async with serving(database_url, tmp_path / "log") as server:
        await server.send(CREATED, input=CREATE)
        await endpoint.until(lambda: len(endpoint.received) == 1)
        server.process.terminate()
        async with asyncio.timeout(20):
            assert await server.process.wait() == 0, server.log.read_text()


async def test_a_server_that_drains_begins_no_more_messages(
    desk: Desk, add: Add, endpoint: Endpoint, database_url: str, tmp_path: Path
) -> None:
    await add(endpoint)
    async with serving(database_url, tmp_path / "log", drain="120") as server:
        await soon(lambda: owner(desk), bool)
        server.process.terminate()
        await soon(lambda: owner(desk), lambda name: name is None)
        assert await server.send(CREATED, input=CREATE)
    assert endpoint.received == []
