"""Rate limits by points: told before they bite, refused with 429 on both doors, drawn from the count in drafts."""

import re
from collections import Counter
from contextlib import nullcontext

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api import app
from graphql_api.edits import Desk, keys
from graphql_api.web import throttle
from graphql_api.web.throttle import Limited, OwnCounts, Throttle
from tests.conftest import configured

RATE = re.compile(r'"points";r=(\d+);t=(\d+)')
READ = "{messageFlow(id: 1) {id}}"
MINUTE = 29_000_000


def server(desk: Desk, **settings: object) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app.made(configured(**settings), desk), client=("10.1.2.3", 5))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers={"x-workspace-id": "ws1"})


def left(response: httpx2.Response) -> int:
    match = RATE.fullmatch(response.headers["ratelimit"])
    assert match
    assert 0 < int(match[2]) <= 60
    return int(match[1])


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
        assert error["message"].startswith("more than 5 points in a minute (address_points); wait ")
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
        large = await page(80)
        assert large.status_code == 429
        assert heard == []


@pytest.mark.usefixtures("_whole_minute")
@pytest.mark.parametrize("auth", ["open", "keys"])
async def test_an_operation_dearer_than_any_minute_is_told_so_and_not_to_come_back(
    desk: Desk, heard: list[str], auth: str
) -> None:
    key = await keys.create(desk.store, 0, ["ws1"], {"flows:read"})
    setting = "key_points" if auth == "keys" else "address_points"
    async with server(desk, auth=auth, **{setting: 50}) as client:
        client.headers["x-api-key"] = key.secret
        heard.clear()
        document = "query Page($first: Int!) {messageFlows(first: $first) {nodes {id}}}"
        asked = {"query": document, "variables": {"first": 100}}
        graphql = await client.post("/graphql", json=asked, headers={"accept": "application/graphql-response+json"})
        rest = await client.get("/v1/api/message-flows?limit=100")
        events = await client.post("/graphql", json=asked, headers={"accept": "text/event-stream"})
        assert [one for one in heard if "message_flows" in one] == []
        message = rf"the operation costs \d+ points; the limit is 50 in a minute \({setting}\)"
        for answer, error in ((graphql, graphql.json()["errors"][0]), (rest, rest.json()["error"])):
            assert answer.status_code == 400
            assert re.fullmatch(message, error["message"])
            assert "retry-after" not in answer.headers
        assert graphql.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert rest.json()["error"]["code"] == "limit_exceeded"
        assert re.search(message, events.text)
        assert left(rest) == 50 - 2


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


# Drawing


async def is_paid(held: Throttle, points: int, who: str = "k") -> bool:
    try:
        await held.account(who).pay(points)
    except Limited:
        return False
    return True


@given(limit=st.integers(1, 400), spending=st.lists(st.integers(1, 60), max_size=60))
async def test_one_process_grants_exactly_what_is_there_and_tells_it(limit: int, spending: list[int]) -> None:
    held = Throttle(OwnCounts(), limit, lambda: 60.0 * MINUTE)
    granted = 0
    for points in spending:
        fits = granted + points <= limit
        assert await is_paid(held, points) is fits
        granted += points if fits else 0
        assert held.account("k").purse.left == limit - granted


@given(
    limit=st.integers(1, 2_000),
    spending=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60)), max_size=200),
)
async def test_several_processes_grant_no_more_together_and_hold_back_less_than_a_draft_or_an_operation_each(
    limit: int, spending: list[tuple[int, int]]
) -> None:
    together = OwnCounts()
    processes = [Throttle(together, limit, lambda: 60.0 * MINUTE) for _ in range(4)]
    granted = 0
    for process, points in spending:
        if await is_paid(processes[process], points):
            granted += points
            assert granted <= limit
        else:
            assert granted + points > limit - 3 * max(limit // throttle.DRAFTS, 60)


@given(spending=st.lists(st.tuples(st.floats(0, 200), st.integers(1, 12)), max_size=60))
async def test_a_window_begins_with_its_minute_and_no_window_grants_more(spending: list[tuple[float, int]]) -> None:
    now = 60.0 * MINUTE
    held = Throttle(OwnCounts(), 20, lambda: now)
    account = held.account("k")
    granted: Counter[int] = Counter()
    for at, points in sorted(spending):
        now = 60.0 * MINUTE + at
        minute = int(now // 60)
        fits = granted[minute] + points <= 20
        with nullcontext() if fits else pytest.raises(Limited):
            await account.pay(points)
        granted[minute] += points if fits else 0
        assert (account.purse.left, account.purse.ends) == (20 - granted[minute], 60 * (minute + 1))


@pytest.mark.parametrize(("most", "points"), [(1, "1 point"), (1_200, "1,200 points")])
async def test_a_limit_is_told_in_the_right_number(most: int, points: str) -> None:
    account = Throttle(OwnCounts(), most, lambda: 60.0 * MINUTE).account("k")
    await account.pay(most)
    with pytest.raises(Limited, match=rf"^more than {points} in a minute \(key_points\); wait 60 s$"):
        await account.pay(1)


async def test_the_count_is_asked_once_for_many_requests_and_never_when_nothing_is_left() -> None:
    asked: list[int] = []

    class Heard(OwnCounts):
        async def add(self, who: str, window: int, points: int) -> int | None:
            asked.append(points)
            return await super().add(who, window, points)

    held = Throttle(Heard(), 5_000, lambda: 60.0 * MINUTE)
    assert [await is_paid(held, 1) for _ in range(250)] == [True] * 250
    assert asked == [100, 100, 100]
    assert not await is_paid(held, 5_001)
    assert asked == [100, 100, 100]
    assert await is_paid(held, 4_750)
    assert not await is_paid(held, 1)
    assert asked == [100, 100, 100, 4_700]
