"""Points are counted in memory for one window only, and by `limits` in Redis for all processes together."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from redis import Redis

from graphql_api import app
from graphql_api.edits import Desk
from graphql_api.web import counts as counting
from graphql_api.web.counts import SharedCounts
from graphql_api.web.short import WrittenAnswer
from graphql_api.web.throttle import Counts, Limited, OwnCounts, Throttle
from graphql_api.web.turn import Turn
from tests.conftest import configured
from tests.test_app import living_server
from tests.web.sockets import reserved

MINUTE = 29_000_000
SPENDER = """
import asyncio, sys
from graphql_api.web.counts import SharedCounts
from graphql_api.web.throttle import Throttle

async def main():
    counts = SharedCounts(sys.argv[1])
    held = Throttle(counts, 1_000)
    sys.stdin.readline()
    purse = held.purse("together", 29_000_000)
    print(sum([await purse.pay(3) for _ in range(400)]), purse.left)
    await counts.close()

asyncio.run(main())
"""


@pytest.fixture(params=["own", "redis"])
async def counts(request: pytest.FixtureRequest) -> AsyncIterator[Counts]:
    counts = OwnCounts() if request.param == "own" else SharedCounts(request.getfixturevalue("redis_url"))
    yield counts
    await counts.close()


async def test_windows_begin_anew(counts: Counts, request: pytest.FixtureRequest) -> None:
    now = 60.0 * MINUTE + 58.5
    held = Throttle(counts, 10, lambda: now)
    one, another = held.account(request.node.name), held.account("another")
    for left in (6, 2):
        await one.pay(4)
        assert one.purse.left == left
    with pytest.raises(Limited, match=r"more than 10 points in a minute \(key_points\); wait 2 s") as refusal:
        await one.pay(4)
    assert (refusal.value.reset, refusal.value.wait) == (60 * (MINUTE + 1), 2)
    await one.pay(2)
    await another.pay(1)
    assert (one.purse.left, another.purse.left) == (0, 9)
    now += 1.499
    with pytest.raises(Limited, match="wait 1 s"):
        await one.pay(1)
    now += 0.001
    await one.pay(4)
    assert one.purse.left == 6


async def test_requests_at_once_are_granted_what_is_there_and_no_more(
    counts: Counts, request: pytest.FixtureRequest
) -> None:
    purse = Throttle(counts, 300).purse(request.node.name, 60.0 * MINUTE)
    paid = await asyncio.gather(*(purse.pay(7) for _ in range(100)))
    assert (sum(paid), purse.left) == (42, 300 - 42 * 7)
    assert await counts.add(request.node.name, MINUTE, 0) == 42 * 7


async def test_in_memory_only_the_last_window_is_held() -> None:
    counts = OwnCounts()
    for minute in range(2):
        assert [await counts.add(f"k{number}", MINUTE + minute, 2) for number in range(50)] == [2] * 50
        assert await counts.add("k1", MINUTE + minute, 3) == 5
    assert len(counts._given) == 50


@pytest.mark.processes
def test_all_processes_count_together_in_redis(redis_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SPENDER, redis_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].split() for process in processes]
    spent = 3 * sum(int(paid) for paid, _ in told)
    # A draft of 20 is 6 operations and 2 points that buy none.
    assert 1_000 - 2 * 2 <= spent <= 1_000
    assert spent + sum(int(left) for _, left in told) == 1_000


async def test_what_a_process_has_drawn_and_not_spent_is_held_back_from_the_others(redis_url: str) -> None:
    processes = [Throttle(SharedCounts(redis_url), 1_000) for _ in range(2)]
    one, two = (process.purse("held back", MINUTE) for process in processes)
    assert [await one.pay(1), await two.pay(1)] == [True, True]
    assert [one.left, two.left] == [999, 979]
    assert sum([await two.pay(1) for _ in range(1_000)]) == 979
    assert [await one.pay(19), await one.pay(1)] == [True, False]
    await asyncio.gather(*(process.close() for process in processes))


async def test_a_server_that_has_lived_leaves_no_connection_to_redis(desk: Desk, redis_url: str) -> None:
    watching = Redis.from_url(redis_url)
    before = {client["id"] for client in watching.client_list()}
    made = app.made(configured(address_points=1_000, redis_url=redis_url), desk)
    transport = httpx2.ASGITransport(made)
    async with living_server(made), httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.post("/graphql", json={"query": "{ __typename }"})).status_code == 200
        assert {client["id"] for client in watching.client_list()} - before
    for _ in range(100):
        if not {client["id"] for client in watching.client_list()} - before:
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("one is still there")
    watching.close()


@pytest.mark.parametrize(("auth", "setting"), [("open", "address_points"), ("keys", "key_points")])
def test_the_setting_that_limits_is_known_wherever_is_counted(auth: str, setting: str) -> None:
    for redis_url in ("", "redis://127.0.0.1:1/0"):
        throttle = app.throttle_of(configured(auth=auth, **{setting: 7}, redis_url=redis_url))
        assert throttle is not None
        assert (throttle.setting, throttle.points) == (setting, 7)


async def test_a_count_that_is_begun_in_no_task_opens_a_connection_as_well(redis_url: str) -> None:
    counts = SharedCounts(redis_url)
    loop = asyncio.get_running_loop()
    tasks = list[asyncio.Task[None]]()
    turn = Turn(lambda _: None, lambda rest: tasks.append(loop.create_task(rest)), set())
    answered = list[int | None]()

    async def request() -> WrittenAnswer:
        answered.append(await counts.add("in no task", MINUTE, 3))
        return 200, b""

    loop.call_soon(turn.begin, request())
    await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert answered == [3]
    await counts.close()


async def test_without_redis_nobody_is_refused_and_it_is_asked_again_after_a_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    elapsed = 0.0
    with reserved() as port:
        counts = SharedCounts(f"redis://127.0.0.1:{port}/0", lambda: elapsed)
        assert [await counts.add("k", MINUTE, 10**6) for _ in range(3)] == [None] * 3
        (told,) = (record.message for record in caplog.records)
        assert told.startswith("no rate limits for 5 s: Redis does not answer (ConnectionError: Error 111")
        elapsed += counting.PAUSE
        purse = Throttle(counts, 5).purse("k", MINUTE)
        assert [(await purse.pay(4), purse.left) for _ in range(3)] == [(True, 5)] * 3
        assert len(caplog.records) == 2
        await counts.close()


async def test_a_redis_that_does_not_count_says_why(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    elapsed = 0.0
    counts = SharedCounts(redis_url, lambda: elapsed)
    administrator = Redis.from_url(redis_url)
    administrator.hset(f"LIMITS:message-flows/{MINUTE}/another type", "a", "b")
    assert await counts.add("another type", MINUTE, 1) is None
    elapsed += counting.PAUSE
    administrator.config_set("maxmemory", 1)
    assert await counts.add("full", MINUTE, 1) is None
    administrator.config_set("maxmemory", 0)
    elapsed += counting.PAUSE
    assert await counts.add("full", MINUTE, 1) == 1
    await counts.close()
    mistaken = SharedCounts(redis_url.replace("//", "//nobody:wr0ng@"))
    assert await mistaken.add("full", MINUTE, 1) is None
    for record, said in zip(caplog.records, ("WRONGTYPE", "OutOfMemory", "AuthenticationError: invalid"), strict=True):
        assert record.message.startswith("no rate limits for 5 s: Redis does not count (")
        assert said in record.message
        assert "wr0ng" not in record.message
    await mistaken.close()


async def test_connections_that_redis_closed_are_opened_again_and_nobody_goes_uncounted(redis_url: str) -> None:
    counts = SharedCounts(redis_url)
    await asyncio.gather(*(counts.add("closed", MINUTE, 1) for _ in range(5)))
    Redis.from_url(redis_url).client_kill_filter(_type="normal")
    assert [await counts.add("closed", MINUTE, 1) for _ in range(5)] == [6, 7, 8, 9, 10]
    await counts.close()


async def test_however_many_ask_at_once_all_are_counted_over_a_few_connections(redis_url: str) -> None:
    counts = SharedCounts(redis_url)
    assert await asyncio.gather(*(counts.add(f"at once {number}", MINUTE, 2) for number in range(300))) == [2] * 300
    clients = Redis.from_url(redis_url).client_list()
    assert sum("EVALSHA" in client["cmd"].upper() for client in clients) <= counting.CONNECTIONS
    await counts.close()


async def test_a_redis_that_stands_still_is_waited_for_once_and_told_of_once(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    counts = SharedCounts(redis_url)
    await counts.add("still", MINUTE, 1)
    Redis.from_url(redis_url).client_pause(2_000)
    began = time.monotonic()
    assert await asyncio.gather(*(counts.add("still", MINUTE, 1) for _ in range(100))) == [None] * 100
    assert counting.PATIENCE <= time.monotonic() - began < 3 * counting.PATIENCE
    Redis.from_url(redis_url).client_unpause()
    assert len(caplog.records) == 1
    await counts.close()


async def test_a_slow_redis_is_waited_for_a_second_in_all(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "PATIENCE", 10)
    counts = SharedCounts(redis_url)
    await counts.add("slow", MINUTE, 1)
    monkeypatch.setattr(counting, "LONGEST", 0.1)
    Redis.from_url(redis_url).client_pause(1_000)
    assert await counts.add("slow", MINUTE, 1) is None
    await counts.close()


@pytest.mark.parametrize(
    "says", [b"+hello", b"HTTP/1.1 400 Bad Request", b"*1\r\n*0", b"$2\r\n\xff\xff", b"$-1", b":x", b"*99999999999"]
)
async def test_what_is_no_redis_counts_nobody_and_is_told_of(says: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4_096):
            writer.write(says + b"\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        counts = SharedCounts(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        assert [await counts.add("junk", MINUTE, 1), await counts.add("junk", MINUTE, 1)] == [None, None]
        await counts.close()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["no rate limits for 5 s"]
