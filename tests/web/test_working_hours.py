"""Working hours over HTTP, on both doors: what is taken, what is refused, what is answered (CONTRACT 4)."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from graphql_api.domain import instants
from tests.conftest import CREATE, Clock, Execute

Json = dict[str, Any]
Send = Callable[[Json], Awaitable["Told"]]

HOURS = "settings.responseSettings.workingHours"
DEFAULTS = {"enabled": False, "start": "09:00", "end": "17:00", "timezone": "UTC", "outOfHoursMessage": ""}
UPDATE = """
mutation ($id: ID!, $hours: WorkingHoursInput!) {
  updateMessageFlow(id: $id, input: {settings: {responseSettings: {workingHours: $hours}}}) {
    messageFlow { settings { responseSettings { workingHours { enabled start end timezone outOfHoursMessage } } } }
    errors { code message path }
  }
}
"""
READ = "{ messageFlow(id: %s) { settings { responseSettings { workingHours { %s } } } } }"


class Told:
    """What a door answered to working hours: those of the flow, or (code, path, message) of each refusal."""

    def __init__(self, hours: Json | None, refusals: list[tuple[str, str, str]]) -> None:
        self.hours = hours
        self.refusals = refusals


@pytest.fixture
async def id(execute: Execute) -> str:
    return await created(execute)


async def created(execute: Execute, **hours: Any) -> str:
    input = {**CREATE, "settings": {"responseSettings": {"workingHours": hours}}}
    made = await execute(
        "mutation ($input: CreateMessageFlowInput!) "
        "{ createMessageFlow(input: $input) { messageFlow { id } errors { message } } }",
        input=input,
    )
    assert made["data"]["createMessageFlow"]["errors"] == []
    return str(made["data"]["createMessageFlow"]["messageFlow"]["id"])


@pytest.fixture(params=["GraphQL", "REST"])
def send(request: pytest.FixtureRequest, execute: Execute, http: httpx2.AsyncClient, id: str) -> Send:
    """Sends working hours as an update of the flow through one of the doors."""

    async def by_graphql(hours: Json) -> Told:
        payload = (await execute(UPDATE, id=id, hours=hours))["data"]["updateMessageFlow"]
        refusals = [(error["code"], ".".join(error["path"]), error["message"]) for error in payload["errors"]]
        return Told(payload["messageFlow"] and within(payload["messageFlow"]), refusals)

    async def by_rest(hours: Json) -> Told:
        body = {"settings": {"responseSettings": {"workingHours": hours}}}
        answer = await http.put(f"/v1/api/message-flows/{id}", json=body)
        if answer.status_code == 200:
            return Told(within(answer.json()), [])
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_failed")
        details = answer.json()["error"]["details"]
        return Told(None, [(d["code"].upper(), d["pointer"][1:].replace("/", "."), d["message"]) for d in details])

    return by_graphql if request.param == "GraphQL" else by_rest


def within(flow: Json) -> Json:
    return dict(flow["settings"]["responseSettings"]["workingHours"])


async def stored(http: httpx2.AsyncClient, id: str) -> Json:
    return within((await http.get(f"/v1/api/message-flows/{id}")).json())


async def refused(send: Send, http: httpx2.AsyncClient, id: str, hours: Json) -> tuple[str, str, str]:
    """The one refusal, after making sure that nothing was written."""
    before = await stored(http, id)
    told = await send(hours)
    assert told.hours is None
    assert await stored(http, id) == before
    (refusal,) = told.refusals
    return refusal


# What is taken


TAKEN: list[tuple[Json, Json]] = [
    ({"start": "9:00"}, {"start": "09:00"}),
    ({"start": "0:00", "end": "24:00"}, {"start": "00:00", "end": "24:00"}),
    ({"start": "23:59", "end": "0:00"}, {"start": "23:59", "end": "00:00"}),
    ({"start": "22:00", "end": "6:00"}, {"start": "22:00", "end": "06:00"}),
    ({"timezone": "asia/CALCUTTA"}, {"timezone": "Asia/Calcutta"}),
    ({"timezone": "us/pacific"}, {"timezone": "US/Pacific"}),
    ({"timezone": "america/port-au-prince"}, {"timezone": "America/Port-au-Prince"}),
    ({"timezone": "etc/gmt+5"}, {"timezone": "Etc/GMT+5"}),
    ({"timezone": "europe/kiev"}, {"timezone": "Europe/Kiev"}),
]


async def test_times_and_zones_are_answered_in_their_canonical_form(
    send: Send, http: httpx2.AsyncClient, id: str
) -> None:
    for sent, kept in TAKEN:
        told = await send({**DEFAULTS, **sent})
        assert (told.refusals, told.hours) == ([], {**DEFAULTS, **kept})
        assert await stored(http, id) == {**DEFAULTS, **kept}


async def test_null_resets_each_member_to_its_default(send: Send) -> None:
    other = {"enabled": True, "start": "22:00", "end": "24:00", "timezone": "Asia/Tokyo", "outOfHoursMessage": "zzz"}
    assert (await send(other)).hours == other
    assert (await send(dict.fromkeys(other))).hours == DEFAULTS


async def test_start_and_end_may_arrive_in_two_requests(send: Send) -> None:
    assert (await send({"start": "16:59"})).hours == {**DEFAULTS, "start": "16:59"}
    assert (await send({"end": "16:58"})).hours == {**DEFAULTS, "start": "16:59", "end": "16:58"}


# What is refused

NO_TIMES = [
    "",
    "9",
    "9:0",
    "9am",
    "09:00:00",
    "009:00",
    " 09:00",
    "09:00 ",
    "09:00\n",
    "09 00",
    "09.00",
    "24:01",
    "25:00",
    "12:60",
    "-1:00",
    "+9:00",
    "09:00Z",
    "T09:00",
    "\uff10\uff19:\uff10\uff10",
    "\u0660\u0669:\u0660\u0660",
    "09\uff1a00",
    "09:00\0",
    "1" * 1_999,
]


@pytest.mark.parametrize("member", ["start", "end"])
async def test_anything_else_is_no_time(send: Send, http: httpx2.AsyncClient, id: str, member: str) -> None:
    for time in NO_TIMES:
        code, path, message = await refused(send, http, id, {member: time})
        assert (code, path) == ("INVALID_TIME", f"{HOURS}.{member}")
        assert "must be a time of day HH:MM from 00:00 to 23:59" in message


async def test_24_00_is_an_end_only(send: Send, http: httpx2.AsyncClient, id: str) -> None:
    code, path, message = await refused(send, http, id, {"start": "24:00"})
    assert (code, path) == ("INVALID_TIME", f"{HOURS}.start")
    assert message == f"{HOURS}.start must be a time of day HH:MM from 00:00 to 23:59, such as 09:00"


@pytest.mark.parametrize("hours", [{"start": "10:00", "end": "10:00"}, {"start": "17:00"}, {"end": "9:00"}])
async def test_equal_start_and_end_are_refused_on_the_merged_result(
    send: Send, http: httpx2.AsyncClient, id: str, hours: Json
) -> None:
    code, path, message = await refused(send, http, id, hours)
    assert (code, path) == ("EMPTY_WINDOW", HOURS)
    assert "00:00 and 24:00" in message
    assert "enabled: false" in message


NO_ZONES = [
    "",
    " ",
    "America",
    "america/",
    "Etc",
    "US",
    "right/UTC",
    "posix/Europe/Berlin",
    "localtime",
    "posixrules",
    "Factory",
    "+02:00",
    "UTC+2",
    "GMT+5",
    "UTC\0",
    "\0",
    "UTC\n",
    " UTC",
    "Europe//Berlin",
    "../UTC",
    "../../etc/passwd",
    "/etc/localtime",
    "tzdata.zi",
    "zone.tab",
    "zones",
    "__init__.py",
    "Europe/Berlin/",
    "Europe\\Berlin",
    "\u212aST",
    "A" * 255,
    "A" * 100_000,
    "a/" * 2_000,
]


async def test_what_zoneinfo_trips_over_is_no_zone(send: Send, http: httpx2.AsyncClient, id: str) -> None:
    for zone in NO_ZONES:
        code, path, message = await refused(send, http, id, {"timezone": zone})
        assert (code, path) == ("INVALID_TIMEZONE", f"{HOURS}.timezone")
        assert message.startswith(f"{HOURS}.timezone must be a name of the IANA time zone database")
        assert len(message) < 250


NEAR = [
    ("Europe/Berln", "Europe/Berlin"),
    ("Amerika/New_York", "America/New_York"),
    ("Calcutta", "Asia/Calcutta"),
    ("new york", "America/New_York"),
]


async def test_the_refusal_of_a_zone_offers_near_names(send: Send, http: httpx2.AsyncClient, id: str) -> None:
    for zone, near in NEAR:
        _, _, message = await refused(send, http, id, {"timezone": zone})
        assert near in message.partition("; near names: ")[2].split(", ")


async def test_all_that_is_wrong_is_told_at_once(send: Send) -> None:
    told = await send({"start": "9am", "end": "x", "timezone": "America", "enabled": True})
    assert [(code, path) for code, path, _ in told.refusals] == [
        ("INVALID_TIME", f"{HOURS}.start"),
        ("INVALID_TIME", f"{HOURS}.end"),
        ("INVALID_TIMEZONE", f"{HOURS}.timezone"),
    ]


# Open? When does that change? Which stretches?


async def ask(execute: Execute, id: str, selection: str) -> Json:
    answer = await execute(READ % (json.dumps(id), selection))
    assert "errors" not in answer, answer["errors"]
    return within(answer["data"]["messageFlow"])


async def test_a_flow_without_working_hours_is_always_open(execute: Execute, id: str) -> None:
    at = '"2026-01-01T00:00:00Z"'
    answer = await ask(
        execute, id, f'isOpen nextTransition {{ at }} openings(from: {at}, to: "2026-03-04T00:00:00Z") {{ from to }}'
    )
    whole = {"from": "2026-01-01T00:00:00Z", "to": "2026-03-04T00:00:00Z"}
    assert answer == {"isOpen": True, "nextTransition": None, "openings": [whole]}


async def test_absent_and_null_are_now_by_the_clock_of_the_server(execute: Execute, clock: Clock) -> None:
    id = await created(execute, enabled=True)
    for time, is_open, next in [
        ("2026-11-23T08:59:59Z", False, {"at": "2026-11-23T09:00:00Z", "opens": True}),
        ("2026-11-23T09:00:00Z", True, {"at": "2026-11-23T17:00:00Z", "opens": False}),
        ("2026-11-23T16:59:59Z", True, {"at": "2026-11-23T17:00:00Z", "opens": False}),
        ("2026-11-23T17:00:00Z", False, {"at": "2026-11-24T09:00:00Z", "opens": True}),
    ]:
        clock.now, clock.step = instants.milliseconds(instants.parse(time)), 0
        answer = await ask(
            execute,
            id,
            "isOpen null: isOpen(at: null) nextTransition { at opens } also: nextTransition(after: null) { at opens }",
        )
        assert answer == {"isOpen": is_open, "null": is_open, "nextTransition": next, "also": next}


async def test_the_clock_is_read_once_for_all_fields_of_an_answer(execute: Execute, clock: Clock) -> None:
    """The clock would go past the closing time from one reading to the next."""
    ids = [await created(execute, enabled=True, start="09:00", end="09:01") for _ in range(3)]
    clock.now, clock.step = instants.milliseconds(instants.parse("2026-11-23T08:59:30Z")), 30_000
    hours = "settings { responseSettings { workingHours { isOpen a: isOpen nextTransition { opens } } } }"
    answer = await execute(
        f'{{ messageFlows {{ nodes {{ id {hours} }} }} one: messageFlow(id: "{ids[0]}") {{ {hours} }} }}'
    )
    told = [within(flow) for flow in [*answer["data"]["messageFlows"]["nodes"], answer["data"]["one"]]]
    assert told == [{"isOpen": True, "a": True, "nextTransition": {"opens": False}}] * 4
    assert instants.text(clock.now) == "2026-11-23T09:00:00Z"


async def test_the_clock_is_not_read_where_instants_are_given(execute: Execute, clock: Clock) -> None:
    id = await created(execute, enabled=True)
    before = clock.now
    at = "2026-11-23T12:00:00+00:00"
    await ask(execute, id, f'isOpen(at: "{at}") nextTransition(after: "{at}") {{ at }}')
    assert clock.now == before


async def test_answers_after_a_mutation_are_those_of_the_new_hours(execute: Execute, id: str) -> None:
    document = UPDATE.replace("enabled start", 'isOpen(at: "2026-01-01T03:00:00Z") nextTransition { opens } start')
    answer = await execute(document, id=id, hours={"enabled": True})
    hours = within(answer["data"]["updateMessageFlow"]["messageFlow"])
    assert (hours["isOpen"], hours["nextTransition"]) == (False, {"opens": False})


async def test_a_flow_of_old_is_answered_by_its_hours_of_then(execute: Execute, id: str) -> None:
    await execute(UPDATE, id=id, hours={"enabled": True})
    at = 'settings { responseSettings { workingHours { isOpen(at: "2026-01-01T03:00:00Z") } } }'
    answer = await execute(
        f'{{ then: messageFlow(id: "{id}", atVersion: 0) {{ {at} }} now: messageFlow(id: "{id}") {{ {at} }} }}'
    )
    assert [within(answer["data"][name])["isOpen"] for name in ("then", "now")] == [True, False]


async def test_only_the_columns_of_the_window_are_read_and_one_query_serves_the_list(
    execute: Execute, heard: list[str]
) -> None:
    for _ in range(3):
        await created(execute, enabled=True)
    heard.clear()
    answer = await execute(
        "{ messageFlows { nodes { settings { responseSettings { workingHours { isOpen nextTransition { at } "
        'openings(from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z") { from } } } } } } }'
    )
    assert len(answer["data"]["messageFlows"]["nodes"]) == 3
    (statement,) = heard
    read = statement.partition("FROM")[0]
    for column in ("enabled", "start", "end", "timezone"):
        assert f"response_settings_working_hours_{column}" in read
    assert "out_of_hours_message" not in read
    assert "prompt" not in read


async def test_nothing_of_the_window_is_read_where_it_is_not_selected(
    execute: Execute, heard: list[str], id: str
) -> None:
    heard.clear()
    await execute(READ % (json.dumps(id), "enabled isOpen @skip(if: true)"))
    (statement,) = heard
    assert "response_settings_working_hours_timezone" not in statement


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (
            'openings(from: "2026-01-01T00:00:00Z", to: "2026-03-04T00:00:00.001Z") { from }',
            "to lies more than 62 days after from; ask in parts",
        ),
        (
            'openings(from: "2026-01-01T00:00:00Z", to: "2025-12-31T23:59:59.999Z") { from }',
            "to lies before from; send a later instant",
        ),
    ],
)
async def test_a_range_that_cannot_be_answered_is_a_top_level_error(
    execute: Execute, id: str, field: str, message: str
) -> None:
    answer = await execute(READ % (json.dumps(id), field))
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (message, "BAD_REQUEST")
    assert error["path"] == ["messageFlow", "settings", "responseSettings", "workingHours", "openings"]
    assert answer["data"] == {"messageFlow": None}


NO_INSTANTS = [
    "2026-03-08",
    "2026-03-08T02:30:00",
    "2026-03-08 02:30:00Z",
    "2026-02-30T00:00:00Z",
    "2026-03-08T24:00:00Z",
    "2026-03-08T02:30:60Z",
    "2026-03-08T02:30:00+24:00",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "10000-01-01T00:00:00Z",
    "1772937000",
    "now",
    "",
]


@pytest.mark.parametrize(
    "field",
    ["isOpen(at: $i)", "nextTransition(after: $i) { at }", 'openings(from: $i, to: "2026-01-01T00:00:00Z") { from }'],
)
async def test_instants_need_a_date_a_time_and_an_offset(execute: Execute, id: str, field: str) -> None:
    kind = "DateTime!" if "openings" in field else "DateTime"
    for instant in NO_INSTANTS:
        answer = await execute(f"query ($i: {kind}) {READ % (json.dumps(id), field)}", i=instant)
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert "RFC 3339 with an offset, such as 2026-03-08T02:30:00Z" in error["message"]
        assert "data" not in answer


@pytest.mark.parametrize(
    ("instant", "next"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T09:00:00Z"),
        ("9999-12-31T08:59:59.999999999Z", "9999-12-31T09:00:00Z"),
        ("9999-12-31T17:00:00Z", None),
    ],
)
async def test_the_ends_of_the_calendar_are_answered(
    execute: Execute, http: httpx2.AsyncClient, instant: str, next: str | None
) -> None:
    id = await created(execute, enabled=True)
    expected: Json = {"isOpen": False, "nextTransition": next and {"at": next, "opens": True}, "openings": []}
    answer = await ask(
        execute,
        id,
        f'isOpen(at: "{instant}") nextTransition(after: "{instant}") {{ at opens }} '
        f'openings(from: "{instant}", to: "{instant}") {{ from to }}',
    )
    assert answer == expected
    asked = {"at": instant, "from": instant, "to": instant}
    assert (await http.get(f"/v1/api/message-flows/{id}/working-hours", params=asked)).json() == expected


async def test_no_opening_has_ends_that_look_the_same(execute: Execute, id: str) -> None:
    """Answers are told to the millisecond, and so are ranges taken."""
    at = "2026-01-01T00:00:00"
    answer = await ask(execute, id, f'openings(from: "{at}.0001Z", to: "{at}.0009Z") {{ from to }}')
    assert answer == {"openings": []}


# The route


async def test_rest_answers_what_graphql_answers(execute: Execute, http: httpx2.AsyncClient) -> None:
    id = await created(execute, enabled=True, start="02:30", end="10:00", timezone="America/New_York")
    asked = {"at": "2026-03-08T01:59:59-05:00", "from": "2026-03-08T00:00:00-05:00", "to": "2026-03-10T00:00:00-04:00"}
    answer = await http.get(f"/v1/api/message-flows/{id}/working-hours", params=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "etag" not in answer.headers
    assert list(answer.json()) == ["isOpen", "nextTransition", "openings"]
    assert answer.json() == {
        "isOpen": False,
        "nextTransition": {"at": "2026-03-08T07:00:00Z", "opens": True},
        "openings": [
            {"from": "2026-03-08T07:00:00Z", "to": "2026-03-08T14:00:00Z"},
            {"from": "2026-03-09T06:30:00Z", "to": "2026-03-09T14:00:00Z"},
        ],
    }


async def test_without_parameters_it_is_now_and_there_are_no_openings(
    execute: Execute, http: httpx2.AsyncClient, clock: Clock
) -> None:
    id = await created(execute, enabled=True)
    clock.now, clock.step = instants.milliseconds(instants.parse("2026-11-23T16:59:59.999Z")), 0
    answer = await http.get(f"/v1/api/message-flows/{id}/working-hours", headers={"if-none-match": "*"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"isOpen": True, "nextTransition": {"at": "2026-11-23T17:00:00Z", "opens": False}},
    )


RANGE = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("when=now", "when is not a parameter of this route; known are at, from, to"),
        ("form=x", "form is not a parameter of this route; did you mean from?"),
        ("at=2026-01-01T00:00:00Z&at=2026-01-01T00:00:00Z", "the parameter at is given more than once"),
        (f"{RANGE}&to=2026-01-02T00:00:00Z", "the parameter to is given more than once"),
        ("from=2026-01-01T00:00:00Z", "the parameter to is missing; a range needs from and to"),
        ("to=2026-01-01T00:00:00Z", "the parameter from is missing; a range needs from and to"),
        ("at=", "the parameter at must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z"),
        ("at", "the parameter at must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z"),
        ("at=2026-03-08", "the parameter at must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z"),
        (
            "at=2026-03-08T02:30:00+01:00",
            "the parameter at must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z; "
            "write the + of an offset as %2B in an address",
        ),
        (
            "from=2026-01-01T00:00:00Z&to=x",
            "the parameter to must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z",
        ),
        (
            "from=2026-01-01T00:00:00Z&to=2026-03-05T00:00:00Z",
            "to lies more than 62 days after from; ask in parts",
        ),
        ("from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "to lies before from; send a later instant"),
    ],
)
async def test_parameters_that_are_wrong_are_named(http: httpx2.AsyncClient, id: str, query: str, message: str) -> None:
    answer = await http.get(f"/v1/api/message-flows/{id}/working-hours?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, {"code": "bad_request", "message": message})


async def test_an_escaped_offset_is_understood(http: httpx2.AsyncClient, id: str) -> None:
    answer = await http.get(f"/v1/api/message-flows/{id}/working-hours?at=2026-03-08T02:30:00%2B01:00")
    assert (answer.status_code, answer.json()) == (200, {"isOpen": True, "nextTransition": None})


@pytest.mark.parametrize("id", ["6b02d9410000000000000001", "unknown"])
async def test_the_hours_of_an_unknown_flow_are_not_found(http: httpx2.AsyncClient, id: str) -> None:
    answer = await http.get(f"/v1/api/message-flows/{id}/working-hours")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_the_hours_of_other_workspaces_and_of_deleted_flows_are_not_found(
    http: httpx2.AsyncClient, id: str
) -> None:
    path = f"/v1/api/message-flows/{id}/working-hours"
    assert (await http.get(path, headers={"x-workspace-id": "other"})).status_code == 404
    assert (await http.delete(f"/v1/api/message-flows/{id}")).status_code == 204
    assert (await http.get(path)).status_code == 404


async def test_the_route_asks_for_a_workspace_and_can_only_be_read(http: httpx2.AsyncClient, id: str) -> None:
    path = f"/v1/api/message-flows/{id}/working-hours"
    without = await http.get(path, headers={"x-workspace-id": ""})
    assert (without.status_code, without.json()["error"]["code"]) == (400, "workspace_required")
    put = await http.put(path, json={"start": "10:00"})
    assert put.status_code == 405
    assert "GET" in put.headers["allow"]


# A tzdata that knows a stored name no more


@pytest.fixture
async def forgotten(execute: Execute, database_url: str) -> str:
    """The id of a flow whose zone is none of the installed tzdata."""
    id = await created(execute, enabled=True, timezone="US/Pacific")
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        column = "response_settings_working_hours_timezone"
        await connection.execute(text(f"UPDATE message_flows SET {column} = 'US/Pacific-New' WHERE id = '{id}'"))
    await engine.dispose()
    return id


FORGOTTEN = "the stored time zone 'US/Pacific-New' is not in this server's tzdata; give timezone a name that is"


async def test_a_stored_zone_is_answered_as_it_is_stored(http: httpx2.AsyncClient, forgotten: str) -> None:
    assert (await stored(http, forgotten))["timezone"] == "US/Pacific-New"
    body = {"settings": {"responseSettings": {"delay": 3, "workingHours": {"start": "08:00"}}}}
    answer = await http.put(f"/v1/api/message-flows/{forgotten}", json=body)
    assert answer.headers["x-changed-fields"] == f"settings.responseSettings.delay, {HOURS}.start"
    assert within(answer.json())["timezone"] == "US/Pacific-New"


@pytest.mark.parametrize("field", ["isOpen", "nextTransition { at }"])
async def test_what_needs_the_zone_is_refused_with_a_sentence(execute: Execute, forgotten: str, field: str) -> None:
    answer = await execute(READ % (json.dumps(forgotten), field))
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]) == (FORGOTTEN, {"code": "INVALID_TIMEZONE"})


async def test_the_route_tells_it_too_and_mends_when_a_known_zone_is_given(
    http: httpx2.AsyncClient, forgotten: str
) -> None:
    path = f"/v1/api/message-flows/{forgotten}"
    answer = await http.get(f"{path}/working-hours")
    assert (answer.status_code, answer.json()["detail"]) == (400, FORGOTTEN)
    body = {"settings": {"responseSettings": {"workingHours": {"timezone": "us/pacific"}}}}
    assert (await http.put(path, json=body)).status_code == 200
    assert (await http.get(f"{path}/working-hours")).status_code == 200


async def test_hours_that_are_not_enabled_need_no_zone(execute: Execute, forgotten: str) -> None:
    await execute(UPDATE, id=forgotten, hours={"enabled": False})
    assert await ask(execute, forgotten, "isOpen nextTransition { at }") == {"isOpen": True, "nextTransition": None}
