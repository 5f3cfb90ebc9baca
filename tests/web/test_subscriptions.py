"""Subscriptions on both protocols, over real sockets: what is told, where it goes on, and when it ends."""

import asyncio
import gc
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
import websockets

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.cursors import ChangeCursor
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk, keys
from graphql_api.edits.upkeep import prune
from graphql_api.feed import Feed, Watcher
from graphql_api.feed.reader import Now
from graphql_api.schema.operations import Operations
from graphql_api.web import gathered, metrics, telemetry
from graphql_api.web.under_way import UNDER_WAY
from tests.conftest import Clock
from tests.edits.conftest import new_flow, rename
from tests.sampling import sampled
from tests.served import serving
from tests.web.live import SOON, WATCH, connected, served, streaming

DAY = 86_400_000


class Begun:
    """Counts watchers from when they miss nothing more; over HTTP the first bytes say so, over WebSockets nothing."""

    def __init__(self) -> None:
        self.count = 0

    def watcher(self, *where: Any) -> Watcher:
        self.count += 1
        return Watcher(*where)

    async def until(self, count: int) -> None:
        """So many have begun since the test did."""
        await until(lambda: self.count >= count)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not is_so():  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Those of the log of a server that is made from now on."""
    lines = list[dict[str, Any]]()
    monkeypatch.setattr(telemetry, "write_line", lambda level, **members: lines.append({"level": level, **members}))
    return lines


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    begun = Begun()
    monkeypatch.setattr("graphql_api.feed.reader.Watcher", begun.watcher)
    return begun


async def test_a_websocket_is_told_what_was_committed(desk: Desk, caller: Caller, begun: Begun) -> None:
    id = await new_flow(desk, caller)
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1", id=id)
        await begun.until(1)
        await rename(desk, caller, id, "one", "one", "two")
        await edits.delete_flow(desk, caller, id)
        await edits.restore_flow(desk, caller, id)
        await edits.revert_flow(desk, caller, id, 1)
        changes = [await socket.change() for _ in range(5)]
    assert [(change["operation"], change["version"], change["changedFields"]) for change in changes] == [
        ("UPDATE", 1, ["name"]),
        ("UPDATE", 2, ["name"]),
        ("DELETE", 3, []),
        ("RESTORE", 4, []),
        ("REVERT", 5, ["name"]),
    ]
    assert [change["messageFlow"] for change in changes] == [
        {"name": "one", "version": 1},
        {"name": "two", "version": 2},
        None,
        {"name": "two", "version": 4},
        {"name": "one", "version": 5},
    ]
    assert {change["messageFlowId"] for change in changes} == {id}


async def test_an_event_stream_is_told_the_same_with_cursors_as_ids(desk: Desk, caller: Caller, begun: Begun) -> None:
    id = await new_flow(desk, caller)
    before = (deliveries(), lags())
    async with served(desk) as at:
        without_cursor = "subscription { messageFlowChanged { version } }"
        async with streaming(at, without_cursor) as events, streaming(at, id=id) as others:
            await begun.until(2)
            await rename(desk, caller, id, "one")
            event, cursor, data = await events.hear()
            assert (event, data) == ("next", {"data": {"messageFlowChanged": {"version": 1}}})
            _, same, told = await others.hear()
            assert same == cursor == told["data"]["messageFlowChanged"]["cursor"]
            assert (deliveries(), lags()) == (before[0] + 2, before[1] + 2)


def deliveries() -> float:
    """How many the metrics count."""
    return metrics.OWN.get_sample_value("message_flows_deliveries_total") or 0


def lags() -> float:
    return metrics.OWN.get_sample_value("message_flows_delivery_lag_seconds_count") or 0


async def test_a_silent_stream_shows_that_it_lives(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphql_api.web.sse.HEARTBEAT", 0.05)
    async with served(desk) as at, streaming(at) as events:
        await events.place()
        assert [await events.comment() for _ in range(3)] == ["", "", ""]


async def test_head_of_an_event_stream_ends_with_its_head(desk: Desk) -> None:
    headers = {"x-workspace-id": "ws1", "accept": "text/event-stream"}
    asked = {"query": "subscription { messageFlowChanged { version } }"}
    before = open_subscriptions()
    async with served(desk) as at, httpx2.AsyncClient(trust_env=False, headers=headers, timeout=SOON) as client:
        for _ in range(2):
            answer = await client.head(f"http://{at}/graphql", params=asked)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        async with asyncio.timeout(SOON):
            while open_subscriptions() != before:  # noqa: ASYNC110 (nobody tells of it)
                await asyncio.sleep(0.01)


async def test_who_leaves_watches_nothing_more(desk: Desk, begun: Begun) -> None:
    before = open_subscriptions()
    async with served(desk) as at:
        async with connected(at) as socket:
            await socket.begin()
            await socket.subscribe("1")
            await begun.until(1)
            assert open_subscriptions() == before + 1
        await until(lambda: open_subscriptions() == before)


def open_subscriptions() -> float:
    return metrics.OWN.get_sample_value("message_flows_subscriptions") or 0


async def test_a_cursor_leads_on_on_either_protocol_and_on_another_server(
    desk: Desk, caller: Caller, begun: Begun
) -> None:
    id = await new_flow(desk, caller)
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1")
        await begun.until(1)
        await rename(desk, caller, id, "one")
        cursor = (await socket.change())["cursor"]
    await rename(desk, caller, id, "two", "three")
    async with served(desk) as at:
        async with connected(at) as socket:
            await socket.begin()
            await socket.subscribe("1", id=id, after=cursor)
            assert [(await socket.change())["version"] for _ in range(2)] == [2, 3]
            await rename(desk, caller, id, "four")
            assert (await socket.change())["version"] == 4
        # A native EventSource: no headers but Last-Event-ID, which stands before `after`.
        async with streaming(
            at, get=True, workspace=None, parameters={"workspace": "ws1"}, headers={"last-event-id": cursor}, after="x"
        ) as events:
            told = [(await events.hear())[2]["data"]["messageFlowChanged"]["version"] for _ in range(3)]
            assert told == [2, 3, 4]


async def test_a_missing_workspace_is_asked_for_where_the_client_can_name_it(desk: Desk) -> None:
    async with served(desk) as at:
        async with connected(at) as socket:
            await socket.begin(by="nobody")
            await socket.subscribe("1")
            [error] = (await socket.hear())["payload"]
        async with streaming(at, get=True, workspace=None) as events:
            [other] = (await events.hear())[2]["errors"]
    assert error["extensions"] == other["extensions"] == {"code": "WORKSPACE_REQUIRED"}
    assert error["message"] == "x-workspace-id in the payload of connection_init is missing"
    assert other["message"] == "the header x-workspace-id, or ?workspace= of an EventSource, is missing"


async def test_a_workspace_in_the_url_names_no_other_than_the_header_or_the_key(desk: Desk) -> None:
    issued = await keys.create(desk.store, 0, ("ws1",), {"flows:read"})
    events = {"accept": "text/event-stream"}
    for auth, by in (("open", {"x-workspace-id": "ws1"}), ("keys", {"x-api-key": issued.secret})):
        async with served(desk, auth=auth) as at, httpx2.AsyncClient(trust_env=False, headers=events | by) as client:
            asked = {"query": "{changeCursor}", "workspace": "ws1"}
            assert (await client.get(f"http://{at}/graphql", params=asked)).status_code == 200
            other = await client.get(f"http://{at}/graphql", params=asked | {"workspace": "ws2"})
            assert (other.status_code, other.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("auth", ["open", "keys"])
async def test_the_url_of_a_websocket_names_no_other_workspace_and_shows_no_key(desk: Desk, auth: str) -> None:
    secret = (await keys.create(desk.store, 0, ("ws1",), {"flows:read"})).secret
    by = {"x-workspace-id": "ws1"} if auth == "open" else {"x-api-key": secret}
    async with served(desk, auth=auth) as at:
        for query in ("", "?workspace=ws1", "?other=ws2"):
            async with connected(at, query=query) as socket:
                await socket.begin(**by)
        for query, why in (
            ("?workspace=ws2", "workspace in the URL names another one than connection_init or the key"),
            (f"?x={secret}", "a key must not stand in a URL, where logs and proxies keep it; send it in x-api-key"),
        ):
            async with connected(at, query=query) as socket:
                await socket.say({"type": "connection_init", "payload": by})
                code, reason = await socket.closed()
                assert (code, reason.partition(", and rotate")[0]) == (4400, why)


@pytest.mark.parametrize(("name", "argument"), [("idempotency-key", "idempotencyKey"), ("if-match", "ifVersion")])
async def test_a_mutation_that_is_answered_by_events_takes_no_guard_from_headers(
    desk: Desk, caller: Caller, name: str, argument: str
) -> None:
    id = await new_flow(desk, caller)
    flip = f'mutation {{ updateMessageFlow(id: "{id}", input: {{toggleAutopilot: true}}) {{ changedFields }} }}'
    headers = {"accept": "text/event-stream", "x-workspace-id": "ws1", name: '"0"'}
    async with served(desk) as at, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://{at}/graphql", json={"query": flip}, headers=headers)
    message = f"the header {name} is of REST alone; send the argument {argument} of the mutation"
    error = {"message": message, "extensions": {"code": "BAD_REQUEST"}}
    assert (answer.status_code, answer.json()) == (400, {"errors": [error]})
    assert await version_of(desk, caller, id) == 0


async def test_an_event_stream_tells_its_place_before_there_is_a_change(desk: Desk, caller: Caller) -> None:
    id = await new_flow(desk, caller)
    async with served(desk) as at:
        async with streaming(at, id=id) as events:
            begun = await events.place()
        await rename(desk, caller, id, "while nobody watched")
        async with streaming(at, id=id, headers={"last-event-id": begun}) as events:
            assert await events.place() == begun
            assert (await events.hear())[2]["data"]["messageFlowChanged"]["version"] == 1


@pytest.mark.parametrize("get", [False, True])
async def test_a_change_behind_the_head_of_an_event_stream_is_told(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch, get: bool
) -> None:
    """As long as it takes until a subscription has begun, its client is not told that it has."""
    id, caught_up = await new_flow(desk, caller), Feed._caught_up

    async def late(feed: Feed) -> Now:
        await asyncio.sleep(0.1)
        return await caught_up(feed)

    monkeypatch.setattr(Feed, "_caught_up", late)
    async with served(desk) as at, streaming(at, get=get, id=id) as events:
        await rename(desk, caller, id, "one")
        assert (await events.hear())[2]["data"]["messageFlowChanged"]["version"] == 1


async def test_who_asks_for_the_cursor_of_now_may_read_and_then_watch(desk: Desk, caller: Caller) -> None:
    id = await new_flow(desk, caller)
    now = "{ changeCursor }"
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1", now)
        cursor = (await socket.hear())["payload"]["data"]["changeCursor"]
        assert (await socket.hear())["type"] == "complete"
        await rename(desk, caller, id, "one", "two")
        await socket.subscribe("2", id=id, after=cursor)
        assert [(await socket.change())["version"] for _ in range(2)] == [1, 2]
        async with httpx2.AsyncClient(trust_env=False, headers={"x-workspace-id": "ws1"}) as client:
            answer = (await client.post(f"http://{at}/graphql", json={"query": now})).json()
        assert answer["data"]["changeCursor"] != cursor
        async with streaming(at, id=id, after=answer["data"]["changeCursor"]) as events:
            await rename(desk, caller, id, "three")
            assert (await events.hear())[2]["data"]["messageFlowChanged"]["version"] == 3


async def test_the_cursor_of_now_is_told_to_readers_only(desk: Desk) -> None:
    writer = (await keys.create(desk.store, 0, ("ws1",), {"flows:write"})).secret
    async with served(desk, auth="keys") as at, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"http://{at}/graphql", json={"query": "{ changeCursor }"}, headers={"x-api-key": writer}
        )
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"id": "000000000000000000000000"}, "NOT_FOUND"),
        ({"id": "no such id"}, "NOT_FOUND"),
        ({"after": "x"}, "BAD_REQUEST"),
        ({"after": ""}, "BAD_REQUEST"),
        ({"after": "\0☃"}, "BAD_REQUEST"),
        ({"after": "x" * 50_000}, "BAD_REQUEST"),
        ({"after": ChangeCursor("", "ws1", 2**63).text()}, "BAD_REQUEST"),
        ({"after": ChangeCursor("", "ws1", -1).text()}, "BAD_REQUEST"),
        ({"after": ChangeCursor("of another database", "ws1", 0).text()}, "RESYNC_REQUIRED"),
        ({"after": ChangeCursor("", "ws1", 2**62).text()}, "RESYNC_REQUIRED"),
        ({"after": ChangeCursor("", "ws2", 0).text()}, "BAD_REQUEST"),
        ({"after": ChangeCursor("", "ws1", 0).text() + "☃"}, "BAD_REQUEST"),
        ({"id": {"a": 1}}, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_watched_is_an_error_not_silence(desk: Desk, variables: dict[str, Any], code: str) -> None:
    async with served(desk) as at:
        async with connected(at) as socket:
            await socket.begin()
            await socket.subscribe("1", **variables)
            message = await socket.hear()
            assert (message["type"], message["id"]) == ("error", "1")
            assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        async with streaming(at, **variables) as events:
            event, _, data = await events.hear()
            assert (event, [error["extensions"]["code"] for error in data["errors"]]) == ("next", [code])
            assert (await events.hear())[0] == "complete"


async def test_a_cursor_of_another_workspace_or_from_before_what_is_kept_is_refused(
    desk: Desk, caller: Caller, clock: Clock, begun: Begun
) -> None:
    id = await new_flow(desk, caller)
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1")
        await begun.until(1)
        await rename(desk, caller, id, "one", "two", "three")
        cursor = (await socket.change())["cursor"]
        clock.now += 10 * DAY
        await prune(desk, DAY)
        await socket.subscribe("2", after=cursor)
        while (message := await socket.hear())["id"] == "1":
            pass
        assert message["payload"][0]["extensions"]["code"] == "RESYNC_REQUIRED"
    async with served(desk) as at, connected(at) as socket:
        await socket.begin(**{"x-workspace-id": "other"})
        await socket.subscribe("1", after=cursor)
        assert (await socket.hear())["payload"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_workspaces_do_not_hear_of_one_another(desk: Desk, caller: Caller, begun: Begun) -> None:
    theirs = Caller("ws2", request_id="r2")
    id, other = await new_flow(desk, caller), await new_flow(desk, theirs)
    async with served(desk) as at, connected(at) as socket:
        await socket.begin(**{"x-workspace-id": "ws2"})
        await socket.subscribe("1")
        await socket.subscribe("2", id=id)
        assert (await socket.hear())["payload"][0]["extensions"]["code"] == "NOT_FOUND"
        await begun.until(1)
        await rename(desk, caller, id, "one")
        await rename(desk, theirs, other, "two")
        assert (await socket.change())["messageFlowId"] == other


async def test_a_subscription_by_plain_http_is_refused(http: httpx2.AsyncClient) -> None:
    for request in (
        http.post("/graphql", json={"query": WATCH}),
        http.get("/graphql", params={"query": WATCH}),
    ):
        response = await request
        assert response.status_code == 400
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert "text/event-stream" in error["message"]


@pytest.mark.parametrize(
    "accept",
    [
        "application/json, text/event-stream",
        "text/event-stream;q=0.1, */*",
        "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
    ],
)
async def test_a_subscription_is_answered_by_events_wherever_accept_names_them(
    desk: Desk, caller: Caller, accept: str
) -> None:
    id = await new_flow(desk, caller)
    headers = {"accept": accept, "x-workspace-id": "ws1"}
    watch = "subscription { messageFlowChanged { version } }"
    async with served(desk) as at:
        for get in (False, True):
            async with streaming(at, watch, get=get, headers=headers) as events:
                await events.place()
                await rename(desk, caller, id, f"by get: {get}")
                assert (await events.hear())[2] == {"data": {"messageFlowChanged": {"version": 1 + get}}}
        async with httpx2.AsyncClient(trust_env=False, headers=headers) as client:
            answer = await client.post(f"http://{at}/graphql", json={"query": "{ __typename }"})
            assert answer.json() == {"data": {"__typename": "Query"}}


async def test_an_event_stream_that_is_not_acceptable_is_not_sent(http: httpx2.AsyncClient) -> None:
    headers = {"accept": "application/json, text/event-stream;q=0"}
    answer = await http.post("/graphql", json={"query": WATCH}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


def requests(operation: str) -> float:
    """How many the metrics count."""
    gathered.GATHERED.tell()
    labels = {"route": "/graphql", "operation": operation, "status": "200"}
    return metrics.OWN.get_sample_value("message_flows_requests_total", labels) or 0


async def test_queries_mutations_and_errors_by_websocket_and_by_events(desk: Desk, caller: Caller) -> None:
    id = await new_flow(desk, caller)
    update = 'mutation($id: ID!) { updateMessageFlow(id: $id, input: {name: "by socket"}) { messageFlow { name } } }'
    name = "query($id: ID!) { messageFlow(id: $id) { name } }"
    async with served(desk) as at:
        async with connected(at) as socket:
            await socket.begin()
            before = requests("updateMessageFlow")
            await socket.subscribe("1", update, id=id)
            data = {"updateMessageFlow": {"messageFlow": {"name": "by socket"}}}
            assert await socket.hear() == {"id": "1", "type": "next", "payload": {"data": data}}
            assert await socket.hear() == {"id": "1", "type": "complete"}
            assert requests("updateMessageFlow") == before + 1
            await socket.subscribe("1", "{ nope")
            message = await socket.hear()
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")
        async with streaming(at, name, id=id) as events:
            assert await events.hear() == ("next", None, {"data": {"messageFlow": {"name": "by socket"}}})
            assert (await events.hear())[0] == "complete"
        async with streaming(at, "{ nope") as events:
            assert (await events.hear())[2]["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_mutation_behind_a_subscription_is_told_to_it(desk: Desk, caller: Caller) -> None:
    """Though it takes a subscription longer to begin than a mutation to be carried out."""
    id = await new_flow(desk, caller)
    update = "mutation($id: ID!, $n: String!) { updateMessageFlow(id: $id, input: {name: $n}) { errors { code } } }"
    async with served(desk) as at:
        for number in range(5):
            async with connected(at) as socket:
                await socket.begin()
                await socket.subscribe("refused", id="nobody")
                await socket.subscribe("1", id=id)
                await socket.subscribe("2", update, id=id, n=f"{number}")
                heard = [await socket.hear() for _ in range(4)]
                changes = [one["payload"]["data"]["messageFlowChanged"] for one in heard if one["id"] == "1"]
                assert [change["version"] for change in changes] == [number + 1]
                assert [one["type"] for one in heard if one["id"] == "refused"] == ["error"]
                await socket.subscribe("3", "{ __typename }")
                assert (await socket.hear())["id"] == "3"


async def test_what_an_operation_cost_is_told_over_either_way_to_who_asks(desk: Desk) -> None:
    asked = {"query": "{ __typename }", "extensions": {"cost": True, "plan": True}}
    told = {"data": {"__typename": "Query"}, "extensions": {"cost": 0, "plan": "general"}}
    async with served(desk) as at:
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = (await client.post(f"http://{at}/graphql", json=asked)).json()
            events = await client.post(f"http://{at}/graphql", json=asked, headers={"accept": "text/event-stream"})
        assert answer == told
        assert f"data: {json.dumps(told, separators=(',', ':'))}\n" in events.text
        async with connected(at) as socket:
            await socket.begin()
            await socket.say({"id": "1", "type": "subscribe", "payload": asked})
            assert (await socket.hear())["payload"] == told


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("[]", 4400),
        ("5", 4400),
        ("{", 4400),
        ('{"type": "nope"}', 4400),
        ('{"type": 5}', 4400),
        ('{"type": []}', 4400),
        ('{"type": {"a": 1}}', 4400),
        ('{"no": "type"}', 4400),
        (b'{"type": "ping"}', 4400),
        ("[" * 90_000, 4400),
        ('{"type": "connection_init"}', 4429),
        ('{"type": "subscribe", "payload": {"query": "{__typename}"}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{__typename}"}}', 4400),
        ('{"type": "subscribe", "id": 1, "payload": {"query": "{__typename}"}}', 4400),
        ('{"type": "subscribe", "id": "1"}', 4400),
        ('{"type": "subscribe", "id": "' + "x" * 257 + '", "payload": {"query": "{__typename}"}}', 4400),
        ('{"type": "complete"}', 4400),
        ('{"type": "complete", "id": null}', 4400),
        ('{"type": "complete", "id": ""}', 4400),
        ('{"type": "complete", "id": 1}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": 5}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": [{"query": "{__typename}"}]}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{__typename}", "variables": 5}}', 4400),
        ('{"type": "ping", "payload": "x"}', 4400),
        ('{"type": "pong", "payload": []}', 4400),
        ('{"type": "ping", "payload": "' + "x" * 200_000 + '"}', 1009),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_breaks_the_protocol_ends_the_connection(desk: Desk, said: str | bytes, code: int) -> None:
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}
        await socket.say(said)
        assert (await socket.closed())[0] == code


async def test_a_fault_of_ours_ends_an_event_stream_in_order(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch, lines: list[dict[str, Any]]
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Operations, "_event", broken)
    id = await new_flow(desk, caller)
    async with served(desk) as at, streaming(at, id=id, headers={"x-request-id": "lost-1"}) as events:
        await events.place()
        await rename(desk, caller, id, "one")
        error = {"message": "internal error; the log has it under lost-1", "extensions": {"code": "INTERNAL"}}
        assert await events.hear() == ("next", None, {"errors": [error]})
        assert await events.hear() == ("complete", None, None)
        with pytest.raises(EOFError):
            await events.hear()
    (ended,) = [line for line in lines if line.get("event") == "subscription"]
    assert ended["reason"] == "INTERNAL"


async def test_a_fault_of_ours_ends_one_operation_of_a_websocket(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch, begun: Begun, lines: list[dict[str, Any]]
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Operations, "_event", broken)
    id = await new_flow(desk, caller)
    async with served(desk) as at, connected(at, x_request_id="lost-1") as socket:
        await socket.begin()
        await socket.subscribe("1", id=id)
        await begun.until(1)
        await rename(desk, caller, id, "one")
        error = {"message": "internal error; the log has it under lost-1", "extensions": {"code": "INTERNAL"}}
        assert await socket.hear() == {"id": "1", "type": "error", "payload": [error]}
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}
    (ended,) = [line for line in lines if line.get("event") == "subscription"]
    assert ended["reason"] == "INTERNAL"


async def test_a_fault_of_ours_at_the_beginning_of_a_subscription_is_told_as_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, lines: list[dict[str, Any]]
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Operations, "begin", broken)
    async with served(desk) as at, connected(at, x_request_id="lost-1") as socket, httpx2.AsyncClient() as http:
        await socket.begin()
        await socket.subscribe("1")
        error = {"message": "internal error; the log has it under lost-1", "extensions": {"code": "INTERNAL"}}
        assert await socket.hear() == {"id": "1", "type": "error", "payload": [error]}
        streamed = {"accept": "text/event-stream", "x-workspace-id": "ws1", "x-request-id": "lost-1"}
        answer = await http.post(f"http://{at}/graphql", json={"query": WATCH}, headers=streamed)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
        await until(lambda: len(lines) == 4)
    ended = [(line["way"], line["reason"]) for line in lines if line.get("event") == "subscription"]
    assert ended == [("websocket", "INTERNAL"), ("sse", "INTERNAL")]
    assert [(line["level"], line["status"]) for line in lines if "event" not in line] == [("error", 500)] * 2


@pytest.mark.parametrize(("arguments", "code"), [('id: "nobody"', "NOT_FOUND"), ('after: "x"', "BAD_REQUEST")])
async def test_the_line_of_a_subscription_that_is_refused_says_why(
    desk: Desk, lines: list[dict[str, Any]], arguments: str, code: str
) -> None:
    query = f"subscription {{ messageFlowChanged({arguments}) {{ version }} }}"
    async with served(desk) as at, connected(at) as socket, streaming(at, query) as events:
        await socket.begin()
        await socket.subscribe("1", query)
        assert (await socket.hear())["payload"][0]["extensions"]["code"] == code
        assert (await events.hear())[2]["errors"][0]["extensions"]["code"] == code
        await events.hear()
    ended = [(line["way"], line["reason"]) for line in lines if line.get("event") == "subscription"]
    assert sorted(ended) == [("sse", code), ("websocket", code)]


async def test_a_connection_must_introduce_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(desk) as at:
        async with connected(at) as socket:
            await socket.subscribe("1")
            assert (await socket.closed())[0] == 4401
        async with connected(at, "graphql-ws") as socket:
            assert (await socket.closed())[0] == 4406
        for payload in ("5", "[]", '""', "false"):
            async with connected(at) as socket:
                await socket.say(f'{{"type": "connection_init", "payload": {payload}}}')
                assert await socket.closed() == (4400, "payload of connection_init must be an object")
        async with connected(at) as socket:
            await socket.say({"type": "connection_init", "payload": None})
            assert await socket.hear() == {"type": "connection_ack"}
        async with connected(at) as socket:
            await socket.begin()
            await socket.subscribe("1")
            await socket.subscribe("1")
            assert await socket.closed() == (4409, "subscriber for 1 already exists")
        monkeypatch.setattr("graphql_api.web.websocket.INIT_SECONDS", 0.2)
        async with connected(at) as socket:
            assert (await socket.closed())[0] == 4408


async def test_who_stops_listening_may_use_the_id_again(desk: Desk, caller: Caller, begun: Begun) -> None:
    id = await new_flow(desk, caller)
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1")
        await begun.until(1)
        await socket.say({"id": "1", "type": "complete"})
        await socket.subscribe("1")
        await begun.until(2)
        await rename(desk, caller, id, "one")
        assert (await socket.change())["version"] == 1
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}


@pytest.mark.parametrize("database", ["sqlite"])
async def test_an_id_has_up_to_256_characters(desk: Desk) -> None:
    async with served(desk) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("☃" * 256, "{ __typename }")
        assert [(await socket.hear())["id"] for _ in range(2)] == ["☃" * 256] * 2


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_subscription_keeps_only_the_variables_that_it_declares(
    desk: Desk, caller: Caller, without_garbage: None, begun: Begun
) -> None:
    id = await new_flow(desk, caller)
    sent = ["nobody declares it"]
    async with served(desk) as at, connected(at) as socket, streaming(at, id=id, unneeded=sent) as events:
        await socket.begin()
        await socket.subscribe("1", id=id, unneeded=sent)
        await events.place()
        await begun.until(2)
        await rename(desk, caller, id, "one")
        assert (await socket.change())["version"] == 1
        assert (await events.hear())[2]["data"]["messageFlowChanged"]["version"] == 1
        found = [one for one in gc.get_objects() if type(one) is list and one == sent]
        assert [one is sent for one in found] == [True]


@pytest.fixture
def without_garbage() -> None:
    """What earlier tests left is not mistaken for what is kept."""
    gc.collect()


async def test_pages_of_foreign_origins_are_refused(desk: Desk) -> None:
    async with served(desk, cors_origins="https://app.example.com") as at:
        for origin in (f"http://{at}", "https://app.example.com"):
            async with connected(at, origin=origin) as socket:
                await socket.begin()
        for origin in ("https://evil.example.com", "null", f"http://{at}.evil.example.com"):
            with pytest.raises(websockets.InvalidStatus) as refusal:
                async with connected(at, origin=origin):
                    pass
            response = refusal.value.response
            assert response.status_code == 403
            assert response.headers["content-type"] == "application/json"
            assert response.headers["x-content-type-options"] == "nosniff"
            told = json.loads(response.body or b"")
            assert told["error"]["code"] == "forbidden"
            assert told["requestId"] == response.headers["x-request-id"]


async def test_keys_are_checked_at_the_start(desk: Desk) -> None:
    good = (await keys.create(desk.store, 0, ("ws1",), {"flows:read"})).secret
    writer = (await keys.create(desk.store, 0, ("ws1",), {"flows:write"})).secret
    async with served(desk, auth="keys") as at:
        for accepted in ({"x-api-key": good}, {"Authorization": f"Bearer {good}", "x-workspace-id": "ws1"}):
            async with connected(at) as socket:
                await socket.begin(**accepted)
        async with connected(at, x_api_key=good) as socket:
            await socket.begin(**{"x-workspace-id": "ws1"})
        refused: list[tuple[dict[str, Any], int]] = [
            ({"x-workspace-id": "ws1"}, 4401),
            ({"x-api-key": f"mfk_{'0' * 40}"}, 4401),
            ({"x-api-key": good, "x-workspace-id": "ws2"}, 4403),
            ({"x-api-key": good, "authorization": f"Bearer {writer}"}, 4400),
            ({"x-api-key": 5}, 4400),
        ]
        for payload, code in refused:
            async with connected(at) as socket:
                await socket.say({"type": "connection_init", "payload": payload})
                assert (await socket.closed())[0] == code, payload
        async with connected(at) as socket:
            await socket.begin(**{"x-api-key": writer})
            await socket.subscribe("1")
            assert (await socket.hear())["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        past = "subscription {messageFlowChanged {messageFlow {revisions {nodes {version}}}}}"
        async with connected(at) as socket:
            await socket.begin(**{"x-api-key": good})
            await socket.subscribe("1", past)
            told = await socket.hear()
            assert (told["type"], told["payload"][0]["message"]) == ("error", "this key lacks the scope history:read")
        async with httpx2.AsyncClient(trust_env=False) as client:
            events = {"accept": "text/event-stream", "x-workspace-id": "ws1"}
            asked = {"query": WATCH}
            nobody = await client.post(f"http://{at}/graphql", json=asked, headers=events)
            in_url = await client.get(
                f"http://{at}/graphql?workspace=ws1", params=asked, headers={"accept": "text/event-stream"}
            )
        assert (nobody.status_code, in_url.status_code) == (401, 401)


async def test_an_expired_key_ends_what_it_watches(desk: Desk, clock: Clock) -> None:
    clock.step = 0
    issued = await keys.create(desk.store, 0, ("ws1",), {"flows:read"}, expires_at=clock.now + DAY)
    async with served(desk, auth="keys") as at, connected(at) as socket:
        await socket.begin(**{"x-api-key": issued.secret})
        await socket.subscribe("1")
        clock.now += DAY
        assert (await socket.closed())[0] == 4401


async def test_a_revoked_key_ends_what_it_watches(desk: Desk, clock: Clock) -> None:
    clock.step = 0
    issued = await keys.create(desk.store, 0, ("ws1",), {"flows:read"})
    async with served(desk, auth="keys") as at, connected(at) as socket:
        await socket.begin(**{"x-api-key": issued.secret})
        await socket.subscribe("1")
        async with streaming(at, headers={"x-api-key": issued.secret}) as events:
            await keys.revoke(desk.store, desk.now(), issued.key.id)
            assert (await socket.closed())[0] == 4401
            event, _, data = await events.hear()
            assert (event, data["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
            assert (await events.hear())[0] == "complete"


async def test_so_many_of_one_caller_and_no_more(desk: Desk) -> None:
    async with served(desk, max_subscriptions=2) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1")
        await socket.subscribe("2")
        await socket.subscribe("3")
        message = await socket.hear()
        assert (message["id"], message["type"]) == ("3", "error")
        assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        async with httpx2.AsyncClient(trust_env=False) as client:
            events = {"accept": "text/event-stream", "x-workspace-id": "ws1"}
            response = await client.post(f"http://{at}/graphql", json={"query": WATCH}, headers=events)
        assert response.status_code == 400
        assert "max_subscriptions" in response.json()["errors"][0]["message"]
        async with connected(at) as second, connected(at) as third:
            await second.begin()
            await third.say({"type": "connection_init", "payload": {}})
            assert (await third.closed())[0] == 1013


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_limit_of_one_is_told_in_the_singular(desk: Desk) -> None:
    async with served(desk, max_subscriptions=1) as at, connected(at) as socket, connected(at) as second:
        await socket.begin()
        await socket.subscribe("1")
        await socket.subscribe("2")
        (refused,) = (await socket.hear())["payload"]
        assert refused["message"] == "more than 1 operation at once (max_subscriptions)"
        async with httpx2.AsyncClient(trust_env=False) as client:
            events = {"accept": "text/event-stream", "x-workspace-id": "ws1"}
            response = await client.post(f"http://{at}/graphql", json={"query": WATCH}, headers=events)
        assert response.json()["errors"][0]["message"] == "more than 1 subscription of one caller (max_subscriptions)"
        await second.say({"type": "connection_init", "payload": {}})
        assert await second.closed() == (1013, "more than 1 connection of one caller (max_subscriptions)")


@pytest.mark.parametrize("database", ["sqlite"])
async def test_ten_thousand_subscriptions_of_one_key_come_to_a_few(desk: Desk) -> None:
    key = {"x-api-key": (await keys.create(desk.store, 0, ("ws1",), {"flows:read"})).secret}
    other = {"x-api-key": (await keys.create(desk.store, 0, ("ws1",), {"flows:read"})).secret}
    batches = sampled(34)
    async with served(desk, auth="keys", max_subscriptions=3, key_points=0) as at, AsyncExitStack() as open_now:
        await open_now.enter_async_context(streaming(at, headers=key))
        sockets = [await open_now.enter_async_context(connected(at)) for _ in range(3)]
        codes = Counter[str]()
        for socket in sockets:
            await socket.begin(**key)
        for socket in sockets:
            for batch in range(batches):
                for number in range(100):
                    await socket.subscribe(f"{batch} {number}")
                await socket.say({"type": "ping"})
                while (message := await socket.hear())["type"] != "pong":
                    codes[message["payload"][0]["extensions"]["code"]] += 1
        assert metrics.OWN.get_sample_value("message_flows_subscriptions") == 3
        assert codes == {"LIMIT_EXCEEDED": 3 * batches * 100 - 2}
        for _ in range(3):
            async with connected(at) as one_more:
                await one_more.say({"type": "connection_init", "payload": key})
                assert (await one_more.closed())[0] == 1013
        async with httpx2.AsyncClient(trust_env=False, headers={"accept": "text/event-stream", **key}) as client:
            answers = [await client.post(f"http://{at}/graphql", json={"query": WATCH}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [400, 400, 400]
        await open_now.enter_async_context(streaming(at, headers=other))
        assert metrics.OWN.get_sample_value("message_flows_subscriptions") == 4


@pytest.mark.processes
async def test_a_server_that_stops_tells_who_watches(database_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as clients:
        server = ExitStack()
        at = server.enter_context(serving(database_url, tmp_path / "log", drain_seconds="0")).partition("://")[2]
        socket = await clients.enter_async_context(connected(at))
        await socket.begin()
        events = await clients.enter_async_context(streaming(at))
        stopping = asyncio.create_task(asyncio.to_thread(server.close))
        assert (await socket.closed())[0] == 1012
        with pytest.raises(EOFError):
            await events.hear()
        await stopping


async def test_points_are_charged_on_a_websocket_too(desk: Desk) -> None:
    async with served(desk, address_points=5) as at, connected(at) as socket:
        await socket.begin()
        codes = []
        for number in range(60):
            await socket.subscribe(str(number), '{ messageFlow(id: "a") { name } }')
            message = await socket.hear()
            if message["type"] == "error":
                codes.append(message["payload"][0]["extensions"]["code"])
                break
            assert (await socket.hear())["type"] == "complete"
        assert codes == ["RATE_LIMITED"]


@pytest.mark.usefixtures("_whole_minute")
@pytest.mark.parametrize("query", ["{", "{ nothing }", "query ($id: ID!) { messageFlow(id: $id) { name } }"])
async def test_an_operation_that_cannot_be_carried_out_costs_one_point_on_a_websocket_too(
    desk: Desk, query: str
) -> None:
    async with served(desk, address_points=20) as at, connected(at) as socket:
        await socket.begin()
        codes = []
        for number in range(21):
            await socket.subscribe(str(number), query)
            codes.append((await socket.hear())["payload"][0]["extensions"]["code"])
        assert codes == ["BAD_REQUEST"] * 20 + ["RATE_LIMITED"]


@pytest.mark.usefixtures("_whole_minute")
async def test_operations_beyond_those_at_once_cost_a_point_each(desk: Desk) -> None:
    async with served(desk, address_points=20, max_subscriptions=1) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("a")
        codes = []
        for number in range(20):
            await socket.subscribe(str(number))
            codes.append((await socket.hear())["payload"][0]["extensions"]["code"])
        assert (codes[0], codes[-1]) == ("LIMIT_EXCEEDED", "RATE_LIMITED")


@pytest.mark.usefixtures("_whole_minute")
async def test_an_operation_costs_the_same_on_a_websocket_as_by_a_request(desk: Desk) -> None:
    query = "{ messageFlows(first: 3) { nodes { id } } }"
    client = httpx2.AsyncClient(trust_env=False, headers={"x-workspace-id": "ws1"})
    async with served(desk, address_points=1_000) as at, connected(at) as socket, client:
        await socket.begin()
        rest = []
        for number in range(2):
            answer = await client.post(f"http://{at}/graphql", json={"query": query})
            rest.append(int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0]))
            await socket.subscribe(str(number), query)
            assert [(await socket.hear())["type"] for _ in range(2)] == ["next", "complete"]
    assert 1_000 - rest[0] == (rest[0] - rest[1]) / 2


async def test_an_operation_dearer_than_any_minute_is_told_so_on_a_websocket_too(desk: Desk) -> None:
    async with served(desk, address_points=50) as at, connected(at) as socket:
        await socket.begin()
        await socket.subscribe("1", "{ messageFlows(first: 100) { nodes { id } } }")
        (error,) = (await socket.hear())["payload"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert error["message"] == "the operation costs 101 points; the limit is 50 in a minute (address_points)"
        await socket.subscribe("2", "{ messageFlows(first: 40) { nodes { id } } }")
        assert (await socket.hear())["type"] == "next"


async def test_who_has_no_points_left_is_told_so_by_the_status_of_an_event_stream(desk: Desk) -> None:
    headers = {"accept": "text/event-stream", "x-workspace-id": "ws1"}
    async with served(desk, address_points=5) as at, httpx2.AsyncClient(trust_env=False, headers=headers) as client:
        for _ in range(60):
            answer = await client.post(f"http://{at}/graphql", json={"query": '{ messageFlow(id: "a") { name } }'})
            if answer.status_code != 200:
                break
        watching = await client.post(f"http://{at}/graphql", json={"query": WATCH})
    for refused in (answer, watching):
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/json; charset=utf-8")
        assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_the_log_has_a_line_of_each_operation_and_of_what_ends_a_connection(
    desk: Desk, caller: Caller, begun: Begun, lines: list[dict[str, Any]]
) -> None:
    id = await new_flow(desk, caller)
    issued = await keys.create(desk.store, 0, ("ws1",), {"flows:read"})
    named = "query Named($id: ID!) { messageFlow(id: $id) { name } }"
    rename = 'mutation Change($id: ID!) { updateMessageFlow(id: $id, input: {name: "secret"}) { changedFields } }'
    async with served(desk, auth="keys", log_sample=1) as at, connected(at, x_request_id="abc") as socket:
        await socket.begin(**{"x-api-key": issued.secret})
        for told_of, query in enumerate((named, rename, "query Secret { secret }"), 1):
            await socket.subscribe("1", query, id=id)
            await until(lambda told_of=told_of: len(lines) == told_of)  # type: ignore[misc]
            await socket.say({"id": "1", "type": "complete"})
        await socket.subscribe("1", "subscription Stop { messageFlowChanged { version } }", id=id)
        await begun.until(1)
        await socket.say({"id": "1", "type": "complete"})
        await until(lambda: lines[-1].get("operation") == "Stop" and "event" not in lines[-1])
        await socket.say("secret")
        assert (await socket.closed())[0] == 4400
        async with connected(at) as stranger:
            await stranger.say({"type": "connection_init", "payload": {"x-api-key": "secret"}})
            assert (await stranger.closed())[0] == 4401
        with pytest.raises(websockets.InvalidStatus):
            async with connected(at, origin="https://secret.example.com"):
                pass
    requests = [line for line in lines if "event" not in line]
    told = [(line["level"], line["method"], line["route"], line["operation"], line["status"]) for line in requests]
    assert told == [
        ("info", "WEBSOCKET", "/graphql", "Named", 200),
        ("warning", "WEBSOCKET", "/graphql", "Change", 403),
        ("warning", "WEBSOCKET", "/graphql", "", 400),
        ("info", "WEBSOCKET", "/graphql", "Stop", 200),
        ("warning", "WEBSOCKET", "/graphql", "", 400),
        ("warning", "WEBSOCKET", "/graphql", "", 401),
        ("warning", "WEBSOCKET", "/graphql", "", 403),
    ]
    first = requests[0]
    assert (first["key"], first["workspace"], first["request_id"]) == (issued.secret[:12], "ws1", "abc")
    assert first["ms"] > 0 < first["cost"]
    (ended,) = [line for line in lines if line.get("event") == "subscription"]
    assert (ended["operation"], ended["way"], ended["deliveries"]) == ("Stop", "websocket", 0)
    assert (ended["key"], ended["workspace"], ended["request_id"]) == (issued.secret[:12], "ws1", "abc")
    assert (ended["reason"], ended["cost"] > 0 < ended["ms"]) == ("gone", True)
    assert "secret" not in repr(lines).replace(issued.secret, "").lower()


async def test_the_line_of_a_stream_names_the_workspace_of_its_url_and_its_request(
    desk: Desk, lines: list[dict[str, Any]]
) -> None:
    named: dict[str, Any] = {"workspace": None, "parameters": {"workspace": "ws1"}}
    async with served(desk) as at:
        async with streaming(at, get=True, headers={"x-request-id": "abc"}, **named) as events:
            await events.place()
        await until(lambda: lines)
    (ended,) = [line for line in lines if line.get("event") == "subscription"]
    assert (ended["workspace"], ended["request_id"], ended["reason"]) == ("ws1", "abc", "gone")


@pytest.mark.parametrize("reads_again", [True, False])
async def test_who_does_not_read_is_disconnected(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch, reads_again: bool, begun: Begun
) -> None:
    # Who reads again must have the time for it that a busy machine takes.
    monkeypatch.setattr("graphql_api.web.websocket.STALLED", 2 if reads_again else 0.3)
    monkeypatch.setattr("graphql_api.web.sse.STALLED", 0.3)
    if not reads_again:
        monkeypatch.setattr("graphql_api.web.taking.UNREAD_SECONDS", 0.5)
    id = await new_flow(desk, caller)
    long = "subscription { messageFlowChanged { cursor version messageFlow { prompt } } }"
    by_socket, by_events, lines = list[Any](), list[Any](), list[dict[str, Any]]()
    monkeypatch.setattr(telemetry, "write_line", lambda level, **members: lines.append(members))
    async with served(desk) as at, connected(at) as socket, streaming(at, long) as events:
        await socket.begin()
        await socket.subscribe("1", long)
        await begun.until(2)
        assert metrics.OWN.get_sample_value("message_flows_subscriptions") == 2
        for number in range(24):
            await edits.update_flow(desk, caller, id, Sent({"prompt": f"{number}" + "x" * 99_000}))
        async with asyncio.timeout(SOON):
            while metrics.OWN.get_sample_value("message_flows_subscriptions"):  # noqa: ASYNC110 (a metric tells nobody)
                await asyncio.sleep(0.05)
        await asyncio.sleep(0 if reads_again else 1)
        with pytest.raises(websockets.ConnectionClosedError) as end:
            await socket.all(by_socket)
        with pytest.raises(httpx2.RemoteProtocolError):
            await events.all(by_events)
        assert (end.value.rcvd.code if end.value.rcvd else None) == (1013 if reads_again else None)
        reasons = [line["reason"] for line in lines if line.get("event") == "subscription"]
        assert reasons == ["stalled", "stalled"]
        # What was sent before is whole, and leads on to the rest.
        last = by_socket[-1]["payload"]["data"]["messageFlowChanged"]
        assert len(by_socket) == last["version"] < 24
        async with connected(at) as again:
            await again.begin()
            await again.subscribe("1", after=last["cursor"])
            rest = [(await again.change())["version"] for _ in range(24 - last["version"])]
        assert rest == list(range(last["version"] + 1, 25))
        _, cursor, _ = by_events[-1]
        async with streaming(at, headers={"last-event-id": cursor}) as more:
            missed = [(await more.hear())[2]["data"] for _ in range(24 - len(by_events))]
        versions = [data["messageFlowChanged"]["version"] for data in missed]
        assert versions == list(range(len(by_events) + 1, 25))


async def test_an_edit_that_has_begun_is_finished_though_its_connection_is_gone(
    desk: Desk, caller: Caller, database_url: str
) -> None:
    id = await new_flow(desk, caller)
    update = 'mutation($id: ID!) { updateMessageFlow(id: $id, input: {name: "finished"}) { changedFields } }'
    async with served(desk) as at:
        async with writes_held(database_url, id), connected(at) as socket:
            await socket.begin()
            await socket.subscribe("1", update, id=id)
            await until(lambda: UNDER_WAY)
        async with asyncio.timeout(SOON):
            while await name_of(desk, caller, id) != "finished":  # noqa: ASYNC110 (the edit tells nobody)
                await asyncio.sleep(0.05)


async def test_what_a_client_has_ended_counts_as_long_as_it_is_under_way(
    desk: Desk, caller: Caller, database_url: str
) -> None:
    id = await new_flow(desk, caller)
    update = "mutation($id: ID!) { updateMessageFlow(id: $id, input: {toggleAutopilot: true}) { changedFields } }"
    async with served(desk, max_subscriptions=2) as at, connected(at) as socket:
        await socket.begin()
        async with writes_held(database_url, id):
            for number in (1, 2):
                await socket.subscribe(str(number), update, id=id)
                await until(lambda number=number: len(UNDER_WAY) == number)  # type: ignore[misc]
                await socket.say({"id": str(number), "type": "complete"})
            await socket.subscribe("3", update, id=id)
            message = await socket.hear()
            assert (message["id"], message["payload"][0]["extensions"]["code"]) == ("3", "LIMIT_EXCEEDED")
        async with asyncio.timeout(SOON):
            while await version_of(desk, caller, id) < 2:  # noqa: ASYNC110 (the edits tell nobody)
                await asyncio.sleep(0.05)
        await until(lambda: not UNDER_WAY)
        await socket.subscribe("4", update, id=id)
        assert (await socket.hear())["type"] == "next"
    assert await version_of(desk, caller, id) == 3


async def version_of(desk: Desk, caller: Caller, id: str) -> int:
    flow = await reads.flow(desk.store, caller, id, ("version",))
    assert flow is not None
    return int(flow["version"])


async def name_of(desk: Desk, caller: Caller, id: str) -> str:
    flow = await reads.flow(desk.store, caller, id, ("name",))
    assert flow is not None
    return str(flow["name"])


@asynccontextmanager
async def writes_held(database_url: str, id: str) -> AsyncIterator[None]:
    """Another client of the database holds the flow, so that an edit of it has to wait."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.partition("///")[2], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM message_flows WHERE id = $1 FOR UPDATE", id)
        yield
    await connection.close()
