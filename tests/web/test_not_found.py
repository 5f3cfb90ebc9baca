"""A path that differs from one that is there by case or a slash at its end is refused with the right one."""

import httpx2
import pytest

from graphql_api import app
from graphql_api.edits import Desk
from tests.conftest import configured

NOTHING = "there is nothing at this path"
FLOWS = "/v1/api/message-flows"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/graphql/", "/graphql"),
        ("/GraphQL", "/graphql"),
        ("/graphql//", "/graphql"),
        ("/Health/Live", "/health/live"),
        ("/openapi.json/", "/openapi.json"),
        (f"{FLOWS}/", FLOWS),
        ("/V1/API/message-flows", FLOWS),
        (f"{FLOWS}/AbC/", f"{FLOWS}/AbC"),
        ("/v1/Api/message-flows/AbC", f"{FLOWS}/AbC"),
        (f"{FLOWS}/a%2Fb/", f"{FLOWS}/a%2Fb"),
        (f"{FLOWS}/AbC/toggle-autopilot/", f"{FLOWS}/AbC/toggle-autopilot"),
        (f"{FLOWS}/AbC/Working-Hours", f"{FLOWS}/AbC/working-hours"),
    ],
)
async def test_the_path_that_was_meant_is_told(http: httpx2.AsyncClient, method: str, path: str, meant: str) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        {"code": "not_found", "message": f"{NOTHING}; did you mean {meant}?"},
    )


@pytest.mark.parametrize(
    "path",
    [
        "/graphqll",
        "/graphql/x",
        "/v1/api/",
        f"{FLOWS}//toggle-autopilot",
        f"{FLOWS}/a/b/",
        f"{FLOWS}/{'a' * 65}/",
        "/%00/",
    ],
)
async def test_nothing_is_told_of_any_other_path(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, NOTHING)


async def test_a_path_is_told_below_the_one_that_a_proxy_publishes(desk: Desk) -> None:
    transport = httpx2.ASGITransport(app.made(configured(root_path="/crm"), desk), root_path="/crm")
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost/crm") as client:
        told = [(await client.get(path)).json()["error"]["message"] for path in ("graphql/", f"{FLOWS[1:]}/")]
    assert told == [f"{NOTHING}; did you mean /crm{meant}?" for meant in ("/graphql", FLOWS)]


async def test_with_hints_off_no_path_is_told(desk: Desk) -> None:
    transport = httpx2.ASGITransport(app.made(configured(suggestions=False), desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        told = [(await client.get(path)).json()["error"]["message"] for path in ("/graphql/", f"{FLOWS}/")]
    assert told == [NOTHING, NOTHING]
