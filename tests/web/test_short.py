"""The short way answers as the long one does, and takes only what says nothing unusual."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from graphql_api import app, edits, storage
from graphql_api.delivery.posting import Poster
from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import DEFAULTS
from graphql_api.domain.instants import HOUR
from graphql_api.domain.webhooks import Rules
from graphql_api.edits import Desk, keys
from graphql_api.edits import webhooks as office
from graphql_api.edits.importing import Imported
from graphql_api.web import counts, telemetry
from graphql_api.web.short import Application
from graphql_api.web.wire import BODY_SECONDS, Wire
from tests.conftest import Noise, configured
from tests.delivery.conftest import HERE
from tests.web.sockets import reserved
from tests.wired import Socketless

WORKSPACES = {"long": "ws1", "short": "ws2"}
ALIKE = re.compile(rb"(x-request-id: |requestId\":\"|under |;t=)[0-9a-f]+")
"""What tells two requests apart though they are answered alike."""

FLOW: dict[str, Any] = {
    **DEFAULTS,
    "name": "Sale",
    "direction": "INBOUND",
    "agent": "a1",
    "prompt": "p",
    "initiation_message": "i",
    "message_channel": "SMS",
    "created_at": 0,
    "updated_at": 0,
}
CREATE = {
    "name": "Sale",
    "direction": "inbound",
    "agent": "a1",
    "prompt": "p",
    "initiationMessage": "i",
    "messageChannel": "SMS",
}
READ = "query Get($id: ID!) { messageFlow(id: $id) { id name autopilot updatedAt } }"
LIST = "{ messageFlows(first: 2) { nodes { id settings { responseSettings { delay } } } totalCount } }"
UPDATE = """mutation Up($id: ID!, $input: UpdateMessageFlowInput!, $v: Int) {
  updateMessageFlow(id: $id, input: $input, ifVersion: $v) {
    messageFlow { id version settings { responseSettings { delay } } } changedFields errors { code message path } } }"""
FLOWS = "/v1/api/message-flows"
WRITER = frozenset({"flows:read", "flows:write"})
TEST = "mutation ($id: ID!) { testWebhook(id: $id) { delivery { outcome } errors { message } } }"


class Connection(Socketless):
    """One connection to a server without a socket."""

    def __init__(self, application: Application, *, is_short: bool, root_path: str = "") -> None:
        super().__init__()
        settings = uvicorn.Config(application, http=Wire, ws="none", proxy_headers=False, root_path=root_path)
        settings.load()
        self.server = Wire(settings, ServerState(), {})
        if not is_short:
            self.server._short = None
        self.said = b""
        self.server.connection_made(self)

    def write(self, data: Any) -> None:
        self.said += bytes(data)

    async def answers(self, sent: bytes, number: int = 1) -> bytes:
        """What comes back until so many answers are whole."""
        if sent:
            self.said = b""
            asyncio.get_running_loop().call_soon(self.server.data_received, sent)  # in no task, as from a socket
        async with asyncio.timeout(10):
            while len(whole(self.said)) < number and not self.is_closed:  # noqa: ASYNC110 (writing tells nobody)
                await asyncio.sleep(0.001)
        return self.said


def whole(said: bytes) -> list[bytes]:
    """The answers that are complete."""
    found = []
    while b"\r\n\r\n" in said:
        head, _, rest = said.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            break
        found.append(head + b"\r\n\r\n" + rest[:size])
        said = rest[size:]
    return found


def asking(method: str, path: str, body: Any = None, **headers: str) -> bytes:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Host": "localhost", "content-type": "application/json", **headers}
    told = {name.replace("_", "-"): value for name, value in told.items()}
    if method != "GET":
        told["content-length"] = str(len(content))
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


class Ways:
    """The same database and settings, by the long way and by the short one, each in a workspace of its own."""

    def __init__(self, application: Application, desk: Desk, keys: dict[str, str]) -> None:
        self.application = application
        self.desk = desk
        self._keys = keys
        self.went_short = 0
        self.open = {way: Connection(application, is_short=way == "short") for way in WORKSPACES}
        enter = application.short.enter

        def counted(*request: Any) -> Any:
            work = enter(*request)
            self.went_short += work is not None
            return work

        application.short.enter = counted  # type: ignore[method-assign, assignment]

    async def ask(self, way: str, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        told = {"x_workspace_id": WORKSPACES[way], "x_api_key": self._keys[way], **headers}
        return await self.open[way].answers(asking(method, path, body, **told))

    async def asked(self, method: str, path: str, body: Any = None, **headers: str) -> list[bytes]:
        """The answers by both ways, without what must differ."""
        answers = [await self.ask(way, method, path, body, **headers) for way in WORKSPACES]
        return [ALIKE.sub(rb"\1", said).replace(b"ws2", b"ws1") for said in answers]


@asynccontextmanager
async def both(url: str, scopes: frozenset[str] = WRITER, **settings: Any) -> AsyncIterator[Ways]:
    desk = Desk(storage.opened(url), lambda: 1_795_605_200_000, Noise(), 24 * HOUR, Rules(HERE), Poster(HERE))
    flows = [Imported(f"f{n}", workspace, FLOW) for n in range(3) for workspace in WORKSPACES.values()]
    await edits.import_flows(desk, Caller(None, source="CLI"), flows)
    shown = {
        way: (await keys.create(desk.store, 0, [workspace], scopes)).secret for way, workspace in WORKSPACES.items()
    }
    made = app.made(configured(**{"auth": "keys", "log_sample": 0, **settings}), desk)
    assert isinstance(made, Application)
    throttle = made.short._middleware.throttle
    if throttle is not None:
        throttle.now = lambda: 1_795_605_200.0  # no window ends between two answers
    ways = Ways(made, desk, shown)
    try:
        yield ways
    finally:
        for connection in ways.open.values():
            connection.server.connection_lost(None)
        if throttle is not None:
            await throttle.close()
        await desk.post.close()
        await desk.store.close()


def graphql(query: str, **variables: Any) -> Any:
    return {"query": query, "variables": variables}


DELAY = {"settings": {"responseSettings": {"delay": 7}}}
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


async def test_a_request_in_pieces_and_several_in_one_are_answered_in_turn(database_url: str) -> None:
    async with both(database_url) as ways:
        await ways.asked("GET", f"{FLOWS}/f1")
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        one, two, three = (asking("GET", f"{FLOWS}/f{n}", **told) for n in (1, 2, 0))
        connection.said = b""
        connection.server.data_received(one)
        connection.server.data_received(two + three)
        said = await connection.answers(b"", 3)
        assert re.findall(rb'"_id":"(f\d)"', said) == [b"f1", b"f2", b"f0"]
        put = asking("PUT", f"{FLOWS}/f1", {"name": "In pieces"}, **told)
        await connection.answers(put)
        connection.server.data_received(put[:-4])
        assert b'"name":"In pieces"' in await connection.answers(put[-4:])


async def test_a_body_may_follow_its_head(database_url: str) -> None:
    """As it does with Python's clients, which send both by themselves."""
    async with both(database_url) as ways:
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        put = asking("PUT", f"{FLOWS}/f1", {"name": "Behind"}, **told)
        head, end, body = put.partition(b"\r\n\r\n")
        await connection.answers(put)
        connection.server.data_received(head + end)
        assert connection.server._patience.until == math.inf  # it is not idle
        assert b'"name":"Behind"' in await connection.answers(body)
        assert ways.went_short == 1
        for pieces in ((head + end, body[:3], body[3:]), (head, end, body), (head + end[:2], end[2:], body)):
            connection.said = b""
            for piece in pieces:
                connection.server.data_received(piece)
            assert b'"name":"Behind"' in await connection.answers(b"")
        assert ways.went_short == 1
        assert b'"name":"Behind"' in await connection.answers(put + head + end)
        assert b'"name":"Behind"' in await connection.answers(body)


async def test_a_head_is_known_again_though_no_body_ever_came_with_it(database_url: str) -> None:
    async with both(database_url) as ways:
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        for number in range(3):
            put = asking("PUT", f"{FLOWS}/f1", {"name": f"Apart {number}"}, **told)
            head, end, body = put.partition(b"\r\n\r\n")
            connection.server.data_received(head + end)
            connection.said = b""
            connection.server.data_received(body)
            assert f'"name":"Apart {number}"'.encode() in await connection.answers(b"")
            assert ways.went_short == number
        assert connection.server._head == b""  # nor is it kept


async def test_a_body_that_does_not_follow_is_waited_for_by_the_parser(database_url: str) -> None:
    async with both(database_url, body_timeout=0.1) as ways:
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        put = asking("PUT", f"{FLOWS}/f1", {"name": "Late"}, **told)
        head, end, body = put.partition(b"\r\n\r\n")
        await connection.answers(put)
        connection.server.data_received(head + end)
        await asyncio.sleep(2 * BODY_SECONDS)
        assert b'"name":"Late"' in await connection.answers(body)
        answer = await connection.answers(head + end)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"the body did not arrive within 0.1 s" in answer
        assert ways.went_short == 0


@pytest.mark.parametrize("how", ["eof_received", "shutdown"])
async def test_a_head_whose_body_is_waited_for_has_begun(database_url: str, how: str) -> None:
    async with both(database_url) as ways:
        connection = Connection(ways.application, is_short=True)
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        put = asking("PUT", f"{FLOWS}/f1", {"name": "Half"}, **told)
        head, end, body = put.partition(b"\r\n\r\n")
        await connection.answers(put)
        connection.said = b""
        connection.server.data_received(head + end)
        getattr(connection.server, how)()
        if how == "shutdown":
            answer = await connection.answers(body)
            assert b'"name":"Half"' in answer
            assert b"connection: close\r\n" in answer
        else:
            await asyncio.sleep(2 * BODY_SECONDS)
            assert connection.is_closed
        connection.server.connection_lost(None)


async def test_a_connection_that_is_to_end_says_so_and_ends(database_url: str) -> None:
    async with both(database_url) as ways:
        await ways.asked("GET", f"{FLOWS}/f1")
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        connection.said = b""
        connection.server.data_received(asking("GET", f"{FLOWS}/f1", **told))
        is_under_way = not whole(connection.said)  # SQLite answers at once
        connection.server.shutdown()
        said = await connection.answers(b"")
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 1
        assert (b"connection: close\r\n" in said) is is_under_way
        assert connection.is_closed


async def test_who_asks_for_the_end_of_the_connection_has_it_each_time(database_url: str) -> None:
    async with both(database_url) as ways:
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"], "connection": "close"}
        for _ in range(3):
            connection = Connection(ways.application, is_short=True)
            said = await connection.answers(asking("GET", f"{FLOWS}/f1", **told))
            assert b"connection: close\r\n" in said
            assert connection.is_closed
            connection.server.connection_lost(None)
        assert ways.went_short == 0


async def test_a_connection_is_idle_only_while_no_answer_is_due(database_url: str) -> None:
    async with both(database_url) as ways:
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        for method, body in [("GET", None), ("PUT", DELAY), ("PUT", {"nam": 1})] * 3:
            connection.said = b""
            connection.server.data_received(asking(method, f"{FLOWS}/f1", body, **told))
            is_under_way = not whole(connection.said)  # who is refused is answered at once
            assert (connection.server._patience.until == math.inf) is is_under_way
            await connection.answers(b"")
            assert connection.server._patience.until < math.inf
        assert ways.went_short == 6


async def test_a_request_that_is_given_up_ends_its_connection(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with both(database_url) as ways:
        connection = ways.open["short"]
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        put = asking("PUT", f"{FLOWS}/f1", DELAY, **told)
        await connection.answers(put)
        connection.said = b""
        connection.server.data_received(put)
        for one in [*connection.server.tasks]:
            one.cancel("the server stops")
        assert await connection.answers(b"") == b""
        assert connection.is_closed
        assert ways.went_short == 1
        assert not caplog.records


async def test_what_came_behind_a_request_whose_client_is_gone_is_not_begun(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with both(database_url) as ways:
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        first, second = (asking("PUT", f"{FLOWS}/f1", {"name": name}, **told) for name in ("One", "Two"))
        await ways.open["short"].answers(first)
        gone = Connection(ways.application, is_short=True)
        gone.server.data_received(first.replace(b"One", b"Six"))
        gone.server.data_received(second)
        assert not gone.server._turn.response_complete
        gone.is_closed = True
        gone.server.connection_lost(None)
        async with asyncio.timeout(10):
            while not gone.server._turn.response_complete:  # noqa: ASYNC110 (nobody is told)
                await asyncio.sleep(0.001)
        assert gone.said == b""
        read = await ways.open["short"].answers(asking("GET", f"{FLOWS}/f1", **told))
        assert b'"name":"Six"' in read
        assert caplog.records == []
        assert ways.went_short == 1


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
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        create = asking("POST", FLOWS, CREATE, **told)
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
        told = {"x_workspace_id": "ws2", "x_api_key": ways._keys["short"]}
        usual = asking("GET", f"{FLOWS}/f1", **told)
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
