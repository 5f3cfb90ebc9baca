"""The short way answers as the long one does, and takes only what says nothing unusual."""

import asyncio
import json
import re
from typing import Any

import pytest

from graphql_api import app, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.instants import HOUR
from graphql_api.edits import Desk
from graphql_api.edits import webhooks as office
from graphql_api.web import counts, telemetry
from graphql_api.web.short import Application
from tests.conftest import configured
from tests.web.sockets import reserved
from tests.web.ways import CREATE, DELAY, FLOWS, WORKSPACES, Connection, both

READ = "query Get($id: ID!) { messageFlow(id: $id) { id name autopilot updatedAt } }"
LIST = "{ messageFlows(first: 2) { nodes { id settings { responseSettings { delay } } } totalCount } }"
UPDATE = """mutation Up($id: ID!, $input: UpdateMessageFlowInput!, $v: Int) {
  updateMessageFlow(id: $id, input: $input, ifVersion: $v) {
    messageFlow { id version settings { responseSettings { delay } } } changedFields errors { code message path } } }"""
TEST = "mutation ($id: ID!) { testWebhook(id: $id) { delivery { outcome } errors { message } } }"


def graphql(query: str, **variables: Any) -> Any:
    return {"query": query, "variables": variables}


SHORT = [
    ("POST", "/graphql", graphql(READ, id="f1"), {}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"accept": "application/graphql-response+json"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"accept": "application/json, text/event-stream"}),
    ("POST", "/graphql", graphql(READ, id="nobody"), {}),
    ("POST", "/graphql", graphql(READ), {}),
    ("POST", "/graphql", graphql("{ nothing }"), {}),
    ("POST", "/graphql", graphql("{ messageFlows {"), {"accept": "application/graphql-response+json"}),
    ("POST", "/graphql", graphql(LIST), {}),
    ("POST", "/graphql", graphql(UPDATE, id="f1", input=DELAY), {}),
    ("POST", "/graphql", graphql(UPDATE, id="f1", input={"name": ""}), {}),
    ("POST", "/graphql", graphql(UPDATE, id="f1", input=DELAY, v=99), {}),
    ("POST", "/graphql", {**graphql(READ, id="f1"), "extensions": {"cost": True, "plan": True}}, {}),
    ("POST", "/graphql", [graphql(READ)], {}),
    ("POST", "/graphql", b'{"query": "{ __typename }", "query": "x"}', {}),
    ("POST", "/graphql", b"{", {"content_type": "text/plain"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"x_workspace_id": "another"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"accept": "text/html"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"Origin": "https://a.example"}),
    ("GET", FLOWS, None, {}),
    ("GET", f"{FLOWS}/f1", None, {}),
    ("GET", f"{FLOWS}/f1", None, {"Host": "localhost \t"}),
    ("GET", f"{FLOWS}/nobody", None, {"accept": "application/problem+json"}),
    ("GET", f"{FLOWS}/f1", None, {"if_none_match": '"0", "1", "2", "3"'}),
    ("PUT", f"{FLOWS}/f1", DELAY, {}),
    ("PUT", f"{FLOWS}/f2", {"settings": {"responseSettings": {"delay": -7}}, "nam": 1}, {}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"if_match": '"77"'}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"if_match": '"77"', "accept": "application/problem+json"}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"if_match": "77"}),
    ("PUT", f"{FLOWS}/f2/toggle-autopilot", {}, {}),
    ("PUT", f"{FLOWS}/f2", {"name": "Keyed"}, {"idempotency_key": "k1"}),
    ("PUT", f"{FLOWS}/f2", {"name": "Other"}, {"idempotency_key": "k1"}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"idempotency_key": "\t"}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"idempotency_key": "k" * 256}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"idempotency_key": "k2", "if_match": "W/"}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"if_none_match": "*"}),
    ("POST", "/graphql", graphql(UPDATE, id="f1", input=DELAY), {"if_match": '"1"'}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"if_match": "of REST alone, and no query is guarded"}),
    ("POST", "/graphql", graphql(UPDATE, id="f1", input=DELAY), {"Idempotency_Key": "of REST alone"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"x_request_id": "mine"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"X_Request_Id": "not mine"}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}),
    ("DELETE", f"{FLOWS}/f0", None, {}),
]
"""What goes the short way from its second time on."""

LONG = [
    ("GET", "/health/live", None, {}),
    ("GET", "/graphql", None, {}),
    ("GET", f"{FLOWS}?limit=2", None, {}),
    ("GET", f"{FLOWS}/f%31", None, {}),
    ("POST", f"{FLOWS}/f0", {}, {}),
    ("GET", f"{FLOWS}/f0/nothing", None, {}),
    ("GET", "/v1/api/nothing", None, {}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"accept": "text/event-stream"}),
    ("POST", "/graphql", graphql("subscription { nothing }"), {"accept": "application/json, text/event-stream"}),
    ("POST", "/graphql", graphql(READ, id="f\u2603"), {"accept": "application/json, text/event-stream"}),
    ("POST", "/graphql", graphql(READ, id="f" * 3_000), {}),
    ("PUT", f"{FLOWS}/f2", DELAY, {"User_Agent": "caf\u00e9"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"x_api_key": "mfk_" + "0" * 40}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"Host": "elsewhere.example"}),
    ("POST", "/graphql", graphql(READ, id="f1"), {"authorization": "Bearer another"}),
]
"""What never goes it."""


@pytest.mark.parametrize("asks", [{"auth": "keys", "key_points": 10**7}, {"auth": "open", "address_points": 0}])
async def test_both_ways_answer_alike(database_url: str, asks: dict[str, Any]) -> None:
    async with both(database_url, cors_origins=("https://a.example",), **asks) as ways:
        for method, path, body, headers in SHORT:
            before = ways.went_short
            for _ in range(3):
                by_long, by_short = await ways.asked(method, path, body, **headers)
                assert by_short == by_long
            assert ways.went_short >= before + 2, (method, path, headers)


async def test_both_ways_are_logged_alike(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(telemetry, "write_line", lambda level, **members: logged.append({"level": level, **members}))
    own = dict.fromkeys(("ms", "request_id", "key", "workspace"))
    async with both(database_url, log_sample=1) as ways:
        for body in (DELAY, {"nam": 1}):
            for _ in range(2):
                await ways.asked("PUT", f"{FLOWS}/f1", body)
        assert ways.went_short == 2
    assert [one["workspace"] for one in logged] == [*WORKSPACES.values()] * 4
    by_long, by_short = ([{**one, **own} for one in logged[way::2]] for way in (0, 1))
    assert by_short == by_long


async def test_a_server_that_stops_says_so_with_each_answer(database_url: str) -> None:
    async with both(database_url) as ways:
        for _ in range(2):
            await ways.asked("GET", f"{FLOWS}/f1")
        ways.application.short._middleware.ready.is_stopping = True
        by_long, by_short = await ways.asked("GET", f"{FLOWS}/f1")
        assert by_short == by_long
        assert b"connection: close\r\n" in by_short


async def test_what_is_unusual_goes_the_long_way(database_url: str) -> None:
    async with both(database_url, max_body_bytes=3_000) as ways:
        for method, path, body, headers in LONG:
            for _ in range(3):
                by_long, by_short = await ways.asked(method, path, body, **headers)
                assert by_short == by_long
        assert ways.went_short == 0


@pytest.mark.parametrize("counted", ["own", "redis"])
async def test_points_are_charged_alike_and_who_has_none_is_refused_the_long_way(
    database_url: str, counted: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PATIENCE", "LONGEST"):  # else who asks a busy machine's Redis may go uncounted
        monkeypatch.setattr(counts, name, 20)
    shared = {"redis_url": request.getfixturevalue("redis_url")} if counted == "redis" else {}
    async with both(database_url, key_points=500, **shared) as ways:
        statuses = [[], []]  # type: ignore[var-annotated]
        for _ in range(260):
            answers = await ways.asked("POST", "/graphql", graphql(LIST))
            for told, answer in zip(statuses, answers, strict=True):
                told.append(answer[9:12])
        assert statuses[0] == statuses[1]
        assert statuses[0][-1] == b"429"
        assert 0 < ways.went_short < 259


async def test_an_operation_that_needs_a_task_has_one(database_url: str) -> None:
    with reserved() as port:
        url = f"https://127.0.0.1:{port}/"
        async with both(database_url, frozenset({"admin"}), key_points=1_000_000) as ways:
            webhooks = {
                workspace: await office.create(ways.desk, Caller(workspace), url, ["flow.deleted"])
                for workspace in WORKSPACES.values()
            }
            for _ in range(3):
                for way, workspace in WORKSPACES.items():
                    body = graphql(TEST, id=webhooks[workspace].webhook.id)
                    answer = await ways.ask(way, "POST", "/graphql", body)
                    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
                        "data": {"testWebhook": {"delivery": {"outcome": "UNREACHABLE"}, "errors": []}}
                    }
            assert ways.went_short >= 2


@pytest.mark.parametrize("headers", [{"max_header_bytes": 1_024}, {}])
async def test_a_head_that_is_too_long_is_refused_also_where_its_meaning_is_known(
    database_url: str, headers: dict[str, Any]
) -> None:
    async with both(database_url, **headers) as ways:
        for length, status in ((1, b"200"), (300, b"200"), (2_000, b"400" if headers else b"200")):
            for by in await ways.asked("GET", f"{FLOWS}/f1", User_Agent="a" * length):
                assert by[9:12] == status
        assert ways.went_short == (1 if headers else 2)


async def test_places_are_told_as_a_proxy_publishes_them(database_url: str) -> None:
    async with both(database_url, root_path="/base") as ways:
        create = ways.asking("POST", FLOWS, CREATE)
        for is_short in (False, True, True):
            connection = Connection(ways.application, is_short=is_short, root_path="/base")
            said = await connection.answers(create)
            assert re.search(rb"\r\nlocation: /base/v1/api/message-flows/[0-9a-f]{24}\r\n", said)
            connection.server.connection_lost(None)
        assert ways.went_short == 1


async def test_nothing_that_a_request_says_of_itself_is_remembered(database_url: str) -> None:
    async with both(database_url) as ways:
        for _ in range(2):
            await ways.asked("GET", f"{FLOWS}/f1", x_request_id="first")
            await ways.asked("PUT", f"{FLOWS}/f1", {"name": "First"}, idempotency_key="first")
            await ways.asked("PUT", f"{FLOWS}/f1", {"name": "k0"}, if_match="*")
            await ways.asked("GET", f"{FLOWS}/f1", if_match="*")
            await ways.asked("GET", f"{FLOWS}/f1", if_none_match='"99"')
            await ways.asked("POST", FLOWS, CREATE, if_match="*")
        ways.went_short = 0
        for number in range(3, 9):
            name = f"k{number % 2}"
            for asked, status in (
                (("PUT", f"{FLOWS}/f1", {"name": name}, {"idempotency_key": f"{number}"}), b"200"),
                (("PUT", f"{FLOWS}/f1", {"name": name}, {"if_match": f'"{number}"'}), b"200"),
                (("PUT", f"{FLOWS}/f1", {"name": name}, {"if_match": f'"{number - 1}"'}), b"412"),
                (("GET", f"{FLOWS}/f1", None, {"if_match": f'"{number}"'}), b"200"),
                (("GET", f"{FLOWS}/f1", None, {"if_match": f'"{number - 1}"'}), b"412"),
                (("GET", f"{FLOWS}/f1", None, {"if_none_match": f'"{number}"'}), b"304"),
                (("GET", f"{FLOWS}/f1", None, {"if_none_match": f'"{number - 1}"'}), b"200"),
                (("POST", FLOWS, CREATE, {"if_match": f'"{number}"'}), b"400"),
                (("GET", f"{FLOWS}/f1", None, {"x_request_id": f"mine-{number}"}), b"200"),
            ):
                method, path, body, headers = asked
                by_long, by_short = await ways.asked(method, path, body, **headers)
                assert by_short == by_long
                assert by_short[9:12] == status, asked
            assert f"x-request-id: mine-{number}\r\n".encode() in by_short
            assert all(b"x-request-id: mine" not in by for by in await ways.asked("GET", f"{FLOWS}/f1"))
        assert ways.went_short == 6 * 10 - 2  # a keyed PUT of this length and a plain GET are new to it at first


@pytest.mark.parametrize(("auth", "points", "is_short"), [("keys", 9, True), ("open", 9, False), ("open", 0, True)])
async def test_where_a_proxy_says_who_pays_nothing_goes_short(
    database_url: str, auth: str, points: int, is_short: bool
) -> None:
    desk = Desk(storage.opened(database_url), lambda: 1_795_605_200_000, lambda: b"12345678", 24 * HOUR)
    try:
        made = app.made(configured(auth=auth, address_points=points, trusted_proxies="127.0.0.1"), desk)
        assert isinstance(made, Application) is is_short
    finally:
        await desk.store.close()


LINE = b"GET /v1/api/message-flows/f1 HTTP/1.1\r\n"
UNUSUAL = [
    b"\r\n" + LINE,
    LINE.replace(b" HTTP", b"?a HTTP"),
    LINE.replace(b"f1", b"%66%31"),
    LINE.replace(b"/v1", b"http://localhost/v1"),
    LINE.replace(b"1.1", b"1.0"),
    LINE.replace(b"\r\n", b"\n"),
    LINE.replace(b"GET", b"HEAD"),
    LINE.replace(b"GET", b"OPTIONS"),
]


async def test_only_plain_first_lines_go_short(database_url: str) -> None:
    async with both(database_url) as ways:
        await ways.asked("GET", f"{FLOWS}/f1")
        usual = ways.asking("GET", f"{FLOWS}/f1")
        assert usual.startswith(LINE)
        await ways.open["short"].answers(usual)
        assert ways.went_short == 1
        for line in UNUSUAL:
            connection = Connection(ways.application, is_short=True)
            connection.server.data_received(line + usual.removeprefix(LINE))
            async with asyncio.timeout(10):
                while b"\r\n\r\n" not in connection.said:  # noqa: ASYNC110 (writing tells nobody)
                    await asyncio.sleep(0.001)
            connection.server.connection_lost(None)
        assert ways.went_short == 1
