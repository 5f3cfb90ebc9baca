"""Rate limits by points: told before they bite, refused with 429 on both doors, the same for all processes by Redis."""

import asyncio
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from graphql_api import app, config
from graphql_api.edits import Desk, keys
from graphql_api.web import throttle
from graphql_api.web.throttle import Counts, Limited, OwnCounts, SharedCounts, Throttle

RATE = re.compile(r'"points";r=(\d+);t=(\d+)')
READ = "{messageFlow(id: 1) {id}}"
MINUTE = 29_000_000


def server(desk: Desk, **settings: object) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app.made(config.load(**settings), desk), client=("10.1.2.3", 5))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers={"x-workspace-id": "ws1"})


def left(response: httpx2.Response) -> int:
    match = RATE.fullmatch(response.headers["ratelimit"])
    assert match
    assert 0 < int(match[2]) <= 60
    return int(match[1])


@pytest.fixture
def _whole_minute() -> None:
    """A test that counts within one minute does not begin in its last seconds."""
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)


@pytest.mark.usefixtures("_whole_minute")
async def test_every_answer_tells_what_is_left_and_429_when_to_come_back(desk: Desk) -> None:
    async with server(desk, address_points=5) as client:
        first = await client.get("/v1/api/message-flows/f1")
        assert first.headers["ratelimit-policy"] == '"points";q=5;w=60'
        cost = 5 - left(first)
        assert cost > 0
        answers = [await client.get("/v1/api/message-flows/f1") for _ in range(5)]
        refused = answers[-1]
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert error["code"] == "rate_limited"
        assert error["message"].startswith("more than 5 points in a minute; wait ")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", error["reset_at"])
        assert left(refused) == 0
        told = await client.post("/graphql", json={"query": READ})
        assert (told.status_code, told.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert "data" not in told.json()
        assert 1 <= int(told.headers["retry-after"]) <= 60


@pytest.mark.usefixtures("_whole_minute")
async def test_an_operation_costs_its_points_and_one_that_goes_beyond_them_is_not_carried_out(
    desk: Desk, heard: list[str]
) -> None:
    async with server(desk, address_points=100) as client:

        async def page(size: int) -> httpx2.Response:
            document = f"{{messageFlows(first: {size}) {{nodes {{id}}}}}}"
            return await client.post("/graphql", json={"query": document, "extensions": {"cost": True}})

        small = await page(20)
        assert 100 - left(small) == small.json()["extensions"]["cost"] > 10
        heard.clear()
        large = await page(100)
        assert large.status_code == 429
        assert heard == []


@pytest.mark.usefixtures("_whole_minute")
async def test_a_request_that_cannot_be_carried_out_costs_one_point(desk: Desk) -> None:
    async with server(desk, address_points=2) as client:
        statuses = [(await client.post("/graphql", json={"query": "{"})).status_code for _ in range(3)]
    assert statuses[:2] != [429, 429]
    assert statuses[2] == 429


@pytest.mark.usefixtures("_whole_minute")
async def test_each_key_has_its_own_points_and_keeps_them_when_it_is_rotated(desk: Desk) -> None:
    one = await keys.create(desk.store, 0, ["ws1"], {"flows:read"})
    two = await keys.create(desk.store, 0, ["ws1"], {"flows:read"})
    again = await keys.rotate(desk.store, 1, one.key.id, 10**15)
    async with server(desk, auth="keys", key_points=2) as client:
        tries = (one.secret, one.secret, one.secret, again.secret, two.secret)
        statuses = [
            (await client.post("/graphql", json={"query": "{__typename}"}, headers={"x-api-key": secret})).status_code
            for secret in tries
        ]
        unknown = await client.post("/graphql", json={"query": "{__typename}"})
    assert statuses == [200, 200, 429, 429, 200]
    assert unknown.status_code == 401
    assert "ratelimit" not in unknown.headers


async def test_without_a_limit_nothing_is_told(http: httpx2.AsyncClient) -> None:
    response = await http.get("/v1/api/message-flows")
    assert response.status_code == 200
    assert not any(name.startswith("ratelimit") for name in response.headers)


@pytest.mark.usefixtures("_whole_minute")
async def test_an_address_that_guesses_keys_is_told_when_to_come_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.web.auth.GUESSES", 3)
    async with server(desk, auth="keys") as client:
        answers = [
            await client.get("/v1/api/message-flows", headers={"x-api-key": f"mfk_{number:040x}"})
            for number in range(4)
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].headers["retry-after"] == "10"
    assert "reset_at" in answers[-1].json()["error"]


# Counting


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server, which `make test` installs where it is missing."""
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--daemonize", "no"]
    server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


@pytest.fixture(params=["own", "redis"])
async def counts(request: pytest.FixtureRequest) -> AsyncIterator[Counts]:
    counts = OwnCounts() if request.param == "own" else SharedCounts(request.getfixturevalue("redis_url"))
    yield counts
    await counts.close()


async def test_windows_begin_anew(counts: Counts, request: pytest.FixtureRequest) -> None:
    now = 60.0 * MINUTE + 58.5
    held = Throttle(counts, 10, lambda: now)
    who = request.node.name
    assert [(await held.charge(who, 4)).left for _ in range(3)] == [6, 2, -2]
    window = await held.charge(who, 1)
    assert (window.reset, window.wait) == (60 * (MINUTE + 1), 2)
    with pytest.raises(Limited, match="more than 10 points in a minute; wait 2 s"):
        window.check()
    assert (await held.charge("another", 1)).left == 9
    now += 2
    assert (await held.charge(who, 4)).left == 6


async def test_all_processes_count_together_in_redis(redis_url: str) -> None:
    one, two = SharedCounts(redis_url), SharedCounts(redis_url)
    await asyncio.gather(*(counts.add("k", MINUTE, 2) for counts in (one, two) for _ in range(50)))
    assert await one.add("k", MINUTE, 0) == 200
    await asyncio.gather(one.close(), two.close())


async def test_without_redis_nobody_is_refused_and_it_is_asked_again_after_a_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    elapsed = 0.0
    counts = SharedCounts(f"redis://127.0.0.1:{free_port()}/0", lambda: elapsed)
    assert [await counts.add("k", MINUTE, 10**6) for _ in range(3)] == [0, 0, 0]
    assert [record.message for record in caplog.records] == [
        "no rate limits for 5 s: Redis does not answer (ConnectionError)"
    ]
    elapsed += throttle.PAUSE
    await counts.add("k", MINUTE, 1)
    assert len(caplog.records) == 2
    await counts.close()
