"""openapi.json is current, its examples hold, and real answers and real refusals are what it says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from graphql_api import app
from graphql_api.domain import instants, zones
from graphql_api.domain.errors import KINDS
from graphql_api.domain.example import EXAMPLE, WORKSPACE
from graphql_api.domain.flow import LEAVES
from graphql_api.edits import Desk
from graphql_api.web import front, openapi
from graphql_api.web.parameters import KNOWN
from graphql_api.web.routes import PREFIX, ROUTES
from tests.conftest import configured

Json = dict[str, Any]
DOCUMENT = openapi.document()
FLOWS = f"{PREFIX}/message-flows"
ONE = f"{FLOWS}/{{id}}"
TOGGLE = f"{ONE}/toggle-autopilot"
HOURS = f"{ONE}/working-hours"
NEW = {leaf.path: EXAMPLE[leaf.path] for leaf in LEAVES if leaf.is_required}
OF_EVERY_ANSWER = {name.decode() for name, _ in front.ALWAYS} | {"content-length", "content-type"}

formats = FormatChecker(())
formats.checks("date-time", ValueError)(lambda text: bool(instants.parse(text)))
formats.checks("iana-timezone")(lambda name: not isinstance(name, str) or zones.canonical(name) is not None)


def resolved(node: Json) -> Json:
    while "$ref" in node:
        found: Any = DOCUMENT
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def wrong(schema: Json, value: Any) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole, format_checker=formats).iter_errors(value)]


def responses() -> list[tuple[str, Json]]:
    return [
        (f"{method} {path} {status}", resolved(response))
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        for status, response in operation["responses"].items()
    ]


def test_the_committed_file_is_current() -> None:
    committed = Path(__file__).parents[2] / "openapi.json"
    assert json.loads(committed.read_text("utf-8")) == DOCUMENT, "run `make schema`"


async def test_the_server_answers_it_under_the_path_of_its_proxy(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/openapi.json")
    assert answer.json() == DOCUMENT
    assert json.loads(openapi.served("/flows")) == {**DOCUMENT, **openapi.document("/flows")}
    assert openapi.document("/flows")["servers"][0]["url"] == "/flows"


async def test_it_can_only_be_read(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/openapi.json")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert wrong({"$ref": "#/components/schemas/Error"}, answer.json()) == []


def test_every_route_and_every_parameter_is_described() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == {(route.method, f"{PREFIX}{route.path}") for route in ROUTES}
    asked = DOCUMENT["paths"][FLOWS]["get"]["parameters"]
    assert [parameter["name"] for parameter in asked if parameter.get("in") == "query"] == list(KNOWN)
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["ErrorCode"]["enum"] == [code.lower() for code in KINDS]


def test_the_answer_to_an_update_has_the_documented_members_in_the_documented_order() -> None:
    flow = DOCUMENT["components"]["schemas"]["MessageFlow"]
    assert list(flow["properties"]) == flow["required"] == [name for name in EXAMPLE if name != "initiationMessage"]


def test_schemas_are_schemas() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_no_default_is_offered_for_an_update() -> None:
    """A client that fills them in would overwrite what it did not mean to touch."""
    schemas = DOCUMENT["components"]["schemas"]
    updates = {name: json.dumps(schema) for name, schema in schemas.items() if name.startswith("Update")}
    assert len(updates) == 6
    assert not [name for name, text in updates.items() if '"default"' in text]


def test_every_example_fits_its_schema() -> None:
    bodies = [
        operation["requestBody"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    tried = 0
    for holder in [*bodies, *(response for _, response in responses())]:
        for media in holder.get("content", {}).values():
            for example in media["examples"].values():
                tried += 1
                assert wrong(media["schema"], example["value"]) == []
    named = [*DOCUMENT["components"]["parameters"].values(), *DOCUMENT["components"]["headers"].values()]
    for one in named:
        if "example" in one:
            tried += 1
            assert wrong(one["schema"], one["example"]) == []
    assert tried > 100


async def sent(http: httpx2.AsyncClient, method: str, path: str, **request: Any) -> httpx2.Response:
    """Sends a request and holds its answer against what is documented for the route."""
    form = request.pop("form")
    answer = await http.request(method, path, **request)
    fits(DOCUMENT["paths"][form][method.lower()], answer)
    return answer


def fits(operation: Json, answer: httpx2.Response) -> None:
    assert str(answer.status_code) in operation["responses"], answer.text
    documented = resolved(operation["responses"][str(answer.status_code)])
    if "content" in documented:
        media = documented["content"][answer.headers["content-type"]]
        assert wrong(media["schema"], answer.json()) == []
    else:
        assert answer.content == b""
    named = {name.lower(): resolved(header) for name, header in documented["headers"].items()}
    assert {*answer.headers} - OF_EVERY_ANSWER <= {*named}
    for name, header in named.items():
        if name in answer.headers:
            value: Any = answer.headers[name]
            value = int(value) if header["schema"]["type"] == "integer" else value
            assert wrong(header["schema"], value) == []


async def test_the_life_of_a_flow_is_answered_as_documented(http: httpx2.AsyncClient) -> None:
    new = await sent(http, "POST", FLOWS, form=FLOWS, json=NEW, headers={"idempotency-key": "k1"})
    assert new.status_code == 201
    assert {"etag", "location", "x-request-id"} <= {*new.headers}
    again = await sent(http, "POST", FLOWS, form=FLOWS, json=NEW, headers={"idempotency-key": "k1"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    place = new.headers["location"]
    read = await sent(http, "GET", place, form=ONE)
    assert (read.status_code, read.headers["etag"]) == (200, '"0"')
    assert (await sent(http, "GET", place, form=ONE, headers={"if-none-match": '"0"'})).status_code == 304
    for version, method in enumerate(("PUT", "PATCH"), 1):
        delay = {"settings": {"responseSettings": {"delay": version + 0.5}}}
        update = await sent(http, method, place, form=ONE, json=delay)
        assert (update.status_code, update.headers["etag"]) == (200, f'"{version}"')
        assert update.headers["x-changed-fields"] == "settings.responseSettings.delay"
    back = await sent(http, "PUT", place, form=ONE, json=(await sent(http, "GET", place, form=ONE)).json())
    assert (back.status_code, back.headers["etag"], back.headers["x-changed-fields"]) == (200, '"2"', "")
    flipped = await sent(http, "PUT", f"{place}/toggle-autopilot", form=TOGGLE, json={"": "s"})
    assert (flipped.status_code, flipped.json()["autopilot"]) == (200, True)
    second = await sent(http, "POST", FLOWS, form=FLOWS, json=NEW | {"name": "Fr\u00fchling"})
    found = await sent(http, "GET", f"{FLOWS}?nameContains=FR%C3%9CH", form=FLOWS)
    assert [flow["_id"] for flow in found.json()] == [second.json()["_id"]]
    page = await sent(http, "GET", f"{FLOWS}?limit=1", form=FLOWS)
    assert [flow["_id"] for flow in page.json()] == [second.json()["_id"]]
    assert page.headers["link"].endswith('; rel="next"')
    assert (await sent(http, "DELETE", place, form=ONE)).status_code == 204
    assert (await sent(http, "GET", place, form=ONE)).status_code == 404


async def test_what_is_left_of_the_points_is_told_as_documented(desk: Desk) -> None:
    transport = httpx2.ASGITransport(app.made(configured(address_points=20), desk))
    headers = {"x-workspace-id": WORKSPACE}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as http:
        new = await sent(http, "POST", FLOWS, form=FLOWS, json=NEW)
        place = new.headers["location"]
        answers = [new, *[await sent(http, "GET", place, form=ONE) for _ in range(3)]]
    assert [answer.status_code for answer in answers] == [201, 200, 429, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"points";q=20;w=60'}
    assert all("ratelimit" in answer.headers for answer in answers)


async def test_who_shows_no_key_is_answered_as_documented(desk: Desk) -> None:
    transport = httpx2.ASGITransport(app.made(configured(auth="keys"), desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await sent(http, "GET", FLOWS, form=FLOWS)
    example = DOCUMENT["components"]["headers"]["WWW-Authenticate"]["example"]
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, example)


async def test_the_example_of_working_hours_is_what_the_server_answers(http: httpx2.AsyncClient) -> None:
    hours = {"enabled": True, "start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"}
    new = await http.post(FLOWS, json={**NEW, "settings": {"responseSettings": {"workingHours": hours}}})
    place = f"{new.headers['location']}/working-hours"
    operation = DOCUMENT["paths"][HOURS]["get"]
    asked = {one["name"]: one["example"] for one in map(resolved, operation["parameters"]) if one["in"] == "query"}
    answer = await sent(http, "GET", place, form=HOURS, params=asked)
    assert (
        answer.json() == operation["responses"]["200"]["content"]["application/json"]["examples"]["overnight"]["value"]
    )
    assert (await sent(http, "GET", place, form=HOURS)).json().keys() == {"isOpen", "nextTransition"}
    assert (await sent(http, "GET", place, form=HOURS, params={"at": "now"})).status_code == 400


REFUSED: Mapping[str, tuple[str, str, str, Json]] = {
    "the shape of a body": ("PUT", ONE, "validation_failed", {"json": {"desciption": "x"}}),
    "the values of a body": ("PATCH", ONE, "validation_failed", {"json": {"settings": {"security": None}}}),
    "an empty window": (
        "PUT",
        ONE,
        "validation_failed",
        {"json": {"settings": {"responseSettings": {"workingHours": {"end": "09:00"}}}}},
    ),
    "no JSON": ("POST", FLOWS, "invalid_json", {"content": "{", "headers": {"content-type": "application/json"}}),
    "no body": ("PUT", ONE, "unsupported_media_type", {}),
    "a form": ("PUT", ONE, "unsupported_media_type", {"data": {"name": "x"}}),
    "too much": ("PUT", ONE, "payload_too_large", {"json": {"prompt": "x" * 3_000_000}}),
    "no workspace": ("GET", FLOWS, "workspace_required", {"headers": {"x-workspace-id": ""}}),
    "an unknown parameter": ("GET", FLOWS, "bad_request", {"params": {"limt": "1"}}),
    "a parameter that is not UTF-8": ("GET", FLOWS + "?nameContains=%FF", "bad_request", {}),
    "a malformed cursor": ("GET", FLOWS, "bad_request", {"params": {"cursor": "x"}}),
    "a malformed tag": ("DELETE", ONE, "bad_request", {"headers": {"if-match": "7"}}),
    "another version to read": ("GET", ONE, "version_conflict", {"headers": {"if-match": '"7"'}}),
    "another version": ("PUT", ONE, "version_conflict", {"json": {}, "headers": {"if-match": '"7"'}}),
    "another version to toggle": ("PUT", TOGGLE, "version_conflict", {"headers": {"if-match": '"7"'}}),
    "another version to delete": ("DELETE", ONE, "version_conflict", {"headers": {"if-match": '"7"'}}),
    "a body that is no object": ("PUT", TOGGLE, "validation_failed", {"json": []}),
}


@pytest.mark.parametrize(("method", "form", "code", "request_"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("accept", ["application/json", "application/problem+json"])
async def test_refusals_are_answered_as_documented(
    http: httpx2.AsyncClient, method: str, form: str, code: str, request_: Json, accept: str
) -> None:
    id = (await http.post(FLOWS, json=NEW)).json()["_id"]
    headers = {"accept": accept, **request_.get("headers", {})}
    path = form.replace("{id}", id)
    answer = await sent(http, method, path, form=form.partition("?")[0], **{**request_, "headers": headers})
    assert answer.headers["content-type"] == accept
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(("method", "form"), [("GET", ONE), ("PUT", ONE), ("DELETE", ONE), ("PUT", TOGGLE)])
@pytest.mark.parametrize("id", ["unknown", "ä b"])
async def test_ids_without_a_flow_are_answered_as_documented(
    http: httpx2.AsyncClient, method: str, form: str, id: str
) -> None:
    body: Json = {"json": {}} if method == "PUT" else {}
    answer = await sent(http, method, form.replace("{id}", quote(id)), form=form, **body)
    assert answer.status_code == (404 if id == "unknown" else 400)


async def test_examples_of_refusals_are_what_the_server_answers(http: httpx2.AsyncClient) -> None:
    told = DOCUMENT["components"]["responses"]["BadRequest"]["content"]["application/json"]["examples"]
    id = (await http.post(FLOWS, json=NEW)).json()["_id"]
    both = {"settings": {"responseSettings": {"delay": -1, "workingHours": {"start": "9am"}}}}
    empty = {"settings": {"responseSettings": {"workingHours": {"start": "17:00"}}}}
    for name, body in {"members": both, "unknownMember": {"desciption": "x"}, "emptyWindow": empty}.items():
        answer = await http.put(f"{FLOWS}/{id}", json=body)
        assert {**answer.json(), "requestId": ""} == {**told[name]["value"], "requestId": ""}
    answer = await http.get(FLOWS, headers={"x-workspace-id": ""})
    assert {**answer.json(), "requestId": ""} == {**told["workspaceRequired"]["value"], "requestId": ""}
    missing = DOCUMENT["components"]["responses"]["NotFound"]["content"]["application/json"]["examples"]
    answer = await http.get(f"{FLOWS}/exampleId2", headers={"x-workspace-id": WORKSPACE})
    assert {**answer.json(), "requestId": ""} == {**missing["unknownFlow"]["value"], "requestId": ""}


def hours(**members: Any) -> Json:
    return {"settings": {"responseSettings": {"workingHours": members}}}


UPDATES: list[Json] = [
    {},
    {"settings": {}},
    {"settings": {"responseSettings": {"workingHours": {}}}},
    {"description": None},
    {"description": "x" * 2_000},
    {"name": "n" * 200},
    {"name": "\U0001f600" * 200},
    {"prompt": "\n"},
    {"agent": "a-_9"},
    {"direction": "inbound"},
    {"messageChannel": "Email"},
    {"toggleAutopilot": None, "autopilot": True},
    {"toggleAutopilot": False, "autopilot": True},
    {"toggleAutopilot": True},
    {"settings": {"responseSettings": {"delay": 86_400}}},
    {"settings": {"responseSettings": {"delay": 0.25}}},
    hours(start="9:00", end="24:00"),
    hours(timezone="europe/berlin", outOfHoursMessage=None, enabled=None),
    {"settings": {"emailSettings": {"subjectLine": "s" * 500, "signature": "a\nb"}}},
    {"createdAt": 7, "updatedAt": None, "version": "x", "__v": 0},
]
NO_UPDATES: list[Json] = [
    {"settings": None},
    {"settings": []},
    {"name": None},
    {"name": ""},
    {"name": " \n"},
    {"name": "n" * 201},
    {"name": "a\0"},
    {"prompt": ""},
    {"prompt": 7},
    {"agent": "a b"},
    {"agent": "a" * 65},
    {"direction": "INBOUND"},
    {"messageChannel": "EMAIL"},
    {"isActive": "true"},
    {"isActive": None},
    {"toggleAutopilot": True, "autopilot": True},
    {"toggleAutopilot": 1},
    {"settings": {"security": {"hipaaCompliance": None}}},
    {"settings": {"responseSettings": {"delay": -1}}},
    {"settings": {"responseSettings": {"delay": 86_400.5}}},
    {"settings": {"responseSettings": {"delay": "5"}}},
    {"settings": {"responseSettings": {"start": "10:00"}}},
    hours(start="24:00"),
    hours(start="9am"),
    hours(end="09:60"),
    hours(timezone="Mars/Olympus"),
    {"settings": {"emailSettings": {"subjectLine": "a\r\nBcc: x"}}},
    {"settings": {"emailSettings": {"subjectLine": "a\u2028b"}}},
    {"_id": 7},
    {"unknown": 1},
]


async def test_the_server_takes_the_updates_that_the_schema_takes_and_no_others(http: httpx2.AsyncClient) -> None:
    place = (await http.post(FLOWS, json=NEW)).headers["location"]
    schema = {"$ref": "#/components/schemas/UpdateMessageFlow"}
    for body in UPDATES:
        assert wrong(schema, body) == [], body
        assert (await sent(http, "PUT", place, form=ONE, json=body)).status_code == 200, body
    for body in NO_UPDATES:
        assert wrong(schema, body) != [], body
        assert (await sent(http, "PUT", place, form=ONE, json=body)).status_code == 400, body


async def test_the_server_takes_the_new_flows_that_the_schema_takes_and_no_others(http: httpx2.AsyncClient) -> None:
    schema = {"$ref": "#/components/schemas/CreateMessageFlow"}
    direct = {"settings": {"responseSettings": {"delay": 1, "start": "10:00", "timezone": "Europe/Berlin"}}}
    defaults = [
        {leaf.path: leaf.default}
        for leaf in LEAVES
        if not leaf.is_required and len(leaf.attributes) == 1 and leaf.rule.resets
    ]
    for more in [{}, direct, hours(start="10:00"), {"description": None}, {"workspaceId": "ws1", "__v": 0}, *defaults]:
        assert wrong(schema, {**NEW, **more}) == [], more
        assert (await sent(http, "POST", FLOWS, form=FLOWS, json={**NEW, **more})).status_code == 201, more
    without = [{name: NEW[name] for name in NEW if name != missing} for missing in NEW]
    others: list[Json] = [{"_id": "x"}, {"toggleAutopilot": True}, {"name": None}, {"settings": None}]
    for body in [*without, *({**NEW, **other} for other in others)]:
        assert wrong(schema, body) != [], body
        assert (await sent(http, "POST", FLOWS, form=FLOWS, json=body)).status_code == 400, body
