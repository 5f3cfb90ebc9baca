"""The REST routes beyond their bad input: hints, links, places under a proxy's path, and the database away."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.types import Scope

from graphql_api import app, config
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk
from graphql_api.storage.engine import Store, unavailable
from graphql_api.web.routes import ROUTES, NotTaken, find
from tests.conftest import Execute

FLOWS = "/v1/api/message-flows"
NEW = {
    "name": "Sale",
    "direction": "inbound",
    "agent": "a",
    "prompt": "p",
    "initiationMessage": "i",
    "messageChannel": "SMS",
}


@pytest.fixture
async def quiet(desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """The whole server under /flows, without hints."""
    settings = config.load(suggestions=False, root_path="/flows")
    transport = httpx2.ASGITransport(app.made(settings, desk), root_path="/flows")
    headers = {"x-workspace-id": "ws1"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost/flows", headers=headers) as client:
        yield client


async def test_with_hints_off_nothing_known_is_listed(quiet: httpx2.AsyncClient) -> None:
    id = (await quiet.post(FLOWS, json=NEW)).json()["_id"]
    said = [
        (await quiet.put(f"{FLOWS}/{id}", json={"nmae": "x", "colour": 1, "direction": "up"})).text,
        (await quiet.get(f"{FLOWS}?limt=1")).text,
        (await quiet.get(f"{FLOWS}?colour=1")).text,
        (await quiet.get(f"{FLOWS}?direction=up")).text,
        (await quiet.get(f"{FLOWS}?orderBy=up")).text,
    ]
    for text in said:
        assert not [
            word for word in ("did you mean", "known are", "name", "inbound", "limit", "createdAt") if word in text
        ]
    assert "nmae is not a member" in said[0]


async def test_places_stand_under_the_path_that_a_proxy_publishes(quiet: httpx2.AsyncClient) -> None:
    created = [await quiet.post(FLOWS, json=NEW) for _ in range(2)]
    place = created[0].headers["location"]
    assert place == f"/flows{FLOWS}/{created[0].json()['_id']}"
    page = await quiet.get(f"{FLOWS}?limit=1&nameContains=s%26le+%C3%A9")
    assert (page.json(), "link" in page.headers) == ([], False)
    first = await quiet.get(f"{FLOWS}?nameContains=SALE&limit=1")
    link = first.headers["link"]
    assert link.startswith(f"</flows{FLOWS}?nameContains=SALE&limit=1&cursor=")
    assert link.endswith('>; rel="next"')
    second = await quiet.get(link[len("</flows") : link.index(">")])
    assert [flow["_id"] for answer in (first, second) for flow in answer.json()] == [
        answer.json()["_id"] for answer in reversed(created)
    ]
    assert "link" not in second.headers


async def test_without_the_database_every_route_answers_503(http: httpx2.AsyncClient, store: Store) -> None:
    def away(sql: str) -> None:
        raise unavailable("it cannot be reached")

    store.heard = away
    answers = [
        await http.get(FLOWS),
        await http.get(f"{FLOWS}/a"),
        await http.post(FLOWS, json=NEW),
        await http.put(f"{FLOWS}/a", json={"name": "x"}),
        await http.put(f"{FLOWS}/a/toggle-autopilot"),
        await http.delete(f"{FLOWS}/a"),
        await http.get("/health/ready"),
    ]
    store.heard = None
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["error"]["code"] == "unavailable"
    assert (await http.get("/health/live")).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "direction=outbound",
        "messageChannel=Email",
        "isActive=true",
        "autopilot=true",
        "hipaaCompliance=true",
        "agent=b",
        "nameContains=OTHER",
        "updatedSince=2026-11-22T12:00:02Z",
        "limit=1",
        "limit=1&orderBy=name",
        "limit=1&orderBy=-updatedAt",
        "limit=1&orderBy=-createdAt",
    ],
)
async def test_each_parameter_of_the_list_picks_flows(http: httpx2.AsyncClient, asked: str) -> None:
    other = {
        "name": "another",
        "direction": "outbound",
        "agent": "b",
        "messageChannel": "Email",
        "isActive": True,
        "autopilot": True,
        "settings": {"security": {"hipaaCompliance": True}},
    }
    await http.post(FLOWS, json=NEW)
    await http.post(FLOWS, json={**NEW, **other})
    assert [flow["name"] for flow in (await http.get(f"{FLOWS}?{asked}")).json()] == ["another"]


@pytest.mark.parametrize(
    ("behind", "body", "headers", "code", "details"),
    [
        ("", {"name": ""}, {}, "validation_failed", [("/name", "blank")]),
        ("", {"settings": {"a/b~": 1}}, {}, "validation_failed", [("/settings/a~1b~0", "unknown_field")]),
        ("", {"note": "x"}, {}, "validation_failed", [("/note", "unknown_field")]),
        (".b", {}, {}, "invalid_id", []),
        ("", {}, {"idempotency-key": "x" * 256}, "too_long", []),
    ],
)
async def test_what_is_wrong_with_a_member_is_a_detail_and_with_anything_else_the_whole(
    http: httpx2.AsyncClient, behind: str, body: Any, headers: dict[str, str], code: str, details: list[tuple[str, str]]
) -> None:
    flow = f"{FLOWS}/{(await http.post(FLOWS, json=NEW)).json()['_id']}"
    error = (await http.put(f"{flow}{behind}", json=body, headers=headers)).json()["error"]
    told = [(detail["pointer"], detail["code"]) for detail in error.get("details", [])]
    assert (error["code"], told) == (code, details)


async def test_history_tells_by_which_door_and_request_a_change_came(
    http: httpx2.AsyncClient, execute: Execute
) -> None:
    created = await http.post(FLOWS, json=NEW, headers={"x-request-id": "mine"})
    id = created.json()["_id"]
    rename = 'mutation($id: ID!) { updateMessageFlow(id: $id, input: {name: "x"}) { changedFields } }'
    renamed = await http.post("/graphql", json={"query": rename, "variables": {"id": id}})
    toggled = await http.put(f"{FLOWS}/{id}/toggle-autopilot")
    told = await execute("query($id: ID!) { messageFlow(id: $id) { revisions { nodes { source requestId } } } }", id=id)
    assert told["data"]["messageFlow"]["revisions"]["nodes"] == [
        {"source": "REST", "requestId": toggled.headers["x-request-id"]},
        {"source": "GRAPHQL", "requestId": renamed.headers["x-request-id"]},
        {"source": "REST", "requestId": "mine"},
    ]


async def test_who_has_the_version_is_told_its_tag_and_no_flow(http: httpx2.AsyncClient) -> None:
    flow = f"{FLOWS}/{(await http.post(FLOWS, json=NEW)).json()['_id']}"
    await http.put(flow, json={"name": "x"})
    same = await http.get(flow, headers={"if-none-match": '"0", "1"'})
    other = await http.get(flow, headers={"if-none-match": '"0"'})
    assert (same.status_code, same.headers["etag"], same.content) == (304, '"1"', b"")
    assert (other.status_code, other.headers["etag"], other.json()["name"]) == (200, '"1"', "x")


async def test_a_flow_is_read_only_at_a_version_that_if_match_lists(http: httpx2.AsyncClient) -> None:
    flow = f"{FLOWS}/{(await http.post(FLOWS, json=NEW)).json()['_id']}"
    await http.put(flow, json={"name": "x"})
    for read in (http.get, http.head):
        assert (await read(flow, headers={"if-match": '"1"'})).status_code == 200
        assert (await read(flow, headers={"if-match": '"0"'})).status_code == 412
    refused = await http.get(flow, headers={"if-match": '"0"'})
    assert (refused.headers["etag"], refused.json()["error"]["currentVersion"]) == ('"1"', 1)


async def test_any_version_guards_no_new_flow(http: httpx2.AsyncClient) -> None:
    assert (await http.post(FLOWS, json=NEW, headers={"if-match": "*"})).status_code == 201
    assert (await http.post(FLOWS, json=NEW, headers={"if-match": '"0"'})).status_code == 400
    assert len((await http.get(FLOWS)).json()) == 1


@pytest.mark.parametrize("tags", ['"7"', 'W/"0"', "7", "", "*"])
async def test_what_if_match_says_matters_only_to_a_flow_that_is_there(http: httpx2.AsyncClient, tags: str) -> None:
    deleted = f"{FLOWS}/{(await http.post(FLOWS, json=NEW)).json()['_id']}"
    assert (await http.delete(deleted)).status_code == 204
    headers = {"if-match": tags}
    assert (await http.delete(deleted, headers=headers)).status_code == 204
    for answer in (
        await http.get(f"{FLOWS}/unknown", headers=headers),
        await http.get(deleted, headers=headers),
        await http.delete(f"{FLOWS}/unknown", headers=headers),
        await http.put(f"{FLOWS}/unknown", json={}, headers=headers),
        await http.patch(deleted, json={"name": "x"}, headers=headers),
        await http.put(f"{deleted}/toggle-autopilot", headers=headers),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_malformed_if_match_changes_nothing(http: httpx2.AsyncClient) -> None:
    flow = f"{FLOWS}/{(await http.post(FLOWS, json=NEW)).json()['_id']}"
    for answer in (
        await http.put(flow, json={"name": "x"}, headers={"if-match": "0"}),
        await http.put(f"{flow}/toggle-autopilot", headers={"if-match": "0"}),
        await http.delete(flow, headers={"if-match": "0"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
        assert "etag" not in answer.headers
    assert (await http.get(flow)).headers["etag"] == '"0"'


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize(
    ("response", "told"),
    [
        (
            {"start": "9am", "timezone": "Mars", "workingHours": {"end": "noon"}},
            [
                ("workingHours/end", "settings.responseSettings.workingHours.end must be a time"),
                ("start", "settings.responseSettings.start must be a time"),
                ("timezone", "settings.responseSettings.timezone must be a name"),
            ],
        ),
        ({"start": "9:00", "end": "09:00"}, [("", "working hours from 09:00 to 09:00")]),
        ({"start": "9:00", "workingHours": {"end": "09:00"}}, [("workingHours", "working hours from 09:00 to 09:00")]),
    ],
)
async def test_what_is_wrong_with_working_hours_of_a_new_flow_is_told_where_they_stand(
    http: httpx2.AsyncClient, response: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    answer = await http.post(FLOWS, json={**NEW, "settings": {"responseSettings": response}})
    above = "/settings/responseSettings"
    details = {detail["pointer"]: detail["message"] for detail in answer.json()["error"]["details"]}
    assert (answer.status_code, set(details)) == (400, {f"{above}/{place}".rstrip("/") for place, _ in told})
    for place, words in told:
        assert words in details[f"{above}/{place}".rstrip("/")]
    assert (await http.get(FLOWS)).json() == []


def scope(method: str, path: str, root: str = "") -> Scope:
    return {"method": method, "path": path, "raw_path": path.encode(), "root_path": root}


def test_segments_are_split_before_they_are_decoded() -> None:
    assert find(scope("GET", f"{FLOWS}/a%2Fb"))[1] == "a/b"
    assert find(scope("GET", f"{FLOWS}/%C3%A9"))[1] == "é"
    assert find(scope("GET", f"/x{FLOWS}/a", "/x"))[1] == "a"
    assert find(scope("PUT", f"{FLOWS}/a/toggle-autopilot"))[0].takes == "toggle"
    for path in (
        f"{FLOWS}/",
        f"{FLOWS}//toggle-autopilot",
        f"{FLOWS}/a%2Ftoggle-autopilot/",
        "/v1%2Fapi/message-flows",
    ):
        with pytest.raises(Refused):
            find(scope("PUT", path))


def test_every_route_is_found_by_its_own_form() -> None:
    for route in ROUTES:
        assert find(scope(route.method, f"/v1/api{route.path}".replace("{id}", "x"))) == (
            route,
            "x" if "{id}" in route.path else "",
        )


def test_other_methods_of_a_path_are_named() -> None:
    with pytest.raises(NotTaken) as other:
        find(scope("POST", f"{FLOWS}/a"))
    assert set(other.value.methods) == {"GET", "PUT", "PATCH", "DELETE"}
