"""Keys on both doors: who is let in, who is not, and that nobody learns why; what is remembered and how long."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from graphql_api import app
from graphql_api.domain.errors import Refused
from graphql_api.edits import Desk, keys
from graphql_api.storage.engine import Store, unavailable
from graphql_api.web import auth
from graphql_api.web.auth import GUESSES, GUESSING, Keyring
from tests.conftest import configured

NOW = 1_800_000_000_000
ALL = frozenset({"flows:read", "flows:write", "history:read", "admin"})
BOTH_DOORS = ["graphql", "rest"]
FLOWS = "{messageFlows {totalCount}}"


@pytest.fixture
async def secured(desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """The whole server with keys on; no key and no workspace are sent by themselves."""
    transport = httpx2.ASGITransport(app.made(configured(auth="keys"), desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def made(store: Store, *workspaces: str, scopes: frozenset[str] = ALL, expires_at: int | None = None) -> str:
    issued = await keys.create(store, 0, workspaces or ("ws1",), scopes, expires_at=expires_at)
    return issued.secret


async def ask(client: httpx2.AsyncClient, door: str, **headers: str) -> tuple[int, str, str]:
    """Status, code and message."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if door == "graphql":
        response = await client.post("/graphql", json={"query": FLOWS}, headers=sent)
        body = response.json()
        if "errors" in body:
            (error,) = body["errors"]
            assert "data" not in body
            return response.status_code, error["extensions"]["code"].lower(), error["message"]
    else:
        response = await client.get("/v1/api/message-flows", headers=sent)
        body = response.json()
        if "error" in body:
            return response.status_code, body["error"]["code"], body["error"]["message"]
    return response.status_code, "", ""


@pytest.mark.parametrize("door", BOTH_DOORS)
async def test_a_key_opens_both_doors_in_either_header(secured: httpx2.AsyncClient, store: Store, door: str) -> None:
    secret = await made(store)
    for header in (
        {"x_api_key": secret},
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"bearer  {secret}"},
    ):
        assert await ask(secured, door, x_workspace_id="ws1", **header) == (200, "", "")
    both = {"x_api_key": secret, "authorization": f"Bearer {secret}"}
    assert await ask(secured, door, x_workspace_id="ws1", **both) == (200, "", "")


@pytest.mark.parametrize("door", BOTH_DOORS)
async def test_whatever_is_no_live_key_is_refused_in_the_same_words(
    secured: httpx2.AsyncClient, store: Store, heard: list[str], door: str
) -> None:
    revoked, expired, good = await made(store), await made(store, expires_at=1), await made(store)
    await keys.revoke(store, 1, revoked[:12])
    heard.clear()
    wrong = [None, "", "x", "mfk_", good[:-1], good + "0", good.upper(), f"mfk_{'0' * 40}", "a" * 8_000]
    answers = [
        await ask(secured, door, x_workspace_id="ws1", **({} if token is None else {"x_api_key": token}))
        for token in [*wrong, revoked, expired]
    ]
    answers.append(await ask(secured, door, x_workspace_id="ws1", authorization="Basic Zm9vOmJhcg=="))
    assert set(answers) == {
        (401, "unauthenticated", "no valid API key; send one in x-api-key, or as Authorization: Bearer")
    }
    assert all(" api_keys " in sql for sql in heard), "nothing but keys is read"


@pytest.mark.parametrize("door", BOTH_DOORS)
async def test_a_refusal_names_the_scheme_and_reads_no_body(secured: httpx2.AsyncClient, door: str) -> None:
    path = "/graphql" if door == "graphql" else "/v1/api/message-flows"
    response = await secured.post(path, content=b"{" * 100, headers={"content-type": "application/json"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="message-flows"'
    assert "access-control" not in str(response.headers)


@pytest.mark.parametrize("door", BOTH_DOORS)
async def test_two_different_keys_are_refused(secured: httpx2.AsyncClient, store: Store, door: str) -> None:
    one, two = await made(store), await made(store)
    status, code, message = await ask(secured, door, x_workspace_id="ws1", x_api_key=one, authorization=f"Bearer {two}")
    assert (status, code) == (400, "bad_request")
    assert message.startswith("the request shows two different keys")


@pytest.mark.parametrize("path", ["/graphql?query={__typename}&", "/v1/api/message-flows?"])
@pytest.mark.parametrize("parameter", ["x-api-key=abc", "api_key=abc", "access_token=abc", "note={}"])
async def test_a_key_in_the_url_is_refused(
    secured: httpx2.AsyncClient, store: Store, path: str, parameter: str
) -> None:
    secret = await made(store)
    headers = {"x-api-key": secret, "x-workspace-id": "ws1"}
    response = await secured.get(f"{path}{parameter.format(secret)}", headers=headers)
    assert response.status_code == 400
    assert "a key must not stand in a URL" in response.text
    assert secret not in response.text


@pytest.mark.parametrize("door", BOTH_DOORS)
async def test_a_key_opens_only_its_own_workspaces(secured: httpx2.AsyncClient, store: Store, door: str) -> None:
    secret = await made(store, "ws1", "ws2")
    statuses = [(await ask(secured, door, x_workspace_id=w, x_api_key=secret))[:2] for w in ("ws1", "ws2", "ws3")]
    assert statuses == [(200, ""), (200, ""), (403, "forbidden")]
    assert (await ask(secured, door, x_workspace_id="ws 1", x_api_key=secret))[:2] == (400, "bad_request")


async def test_a_key_of_one_workspace_supplies_it_on_graphql_alone(secured: httpx2.AsyncClient, store: Store) -> None:
    one, two = await made(store, "ws1"), await made(store, "ws1", "ws2")
    assert (await ask(secured, "graphql", x_api_key=one))[0] == 200
    assert (await ask(secured, "rest", x_api_key=one))[:2] == (400, "workspace_required")
    response = await secured.post("/graphql", json={"query": FLOWS}, headers={"x-api-key": two})
    assert response.json()["errors"][0]["extensions"]["code"] == "WORKSPACE_REQUIRED"


async def test_a_key_does_what_its_scopes_say(secured: httpx2.AsyncClient, store: Store) -> None:
    writer = {"x-api-key": await made(store, scopes=frozenset({"flows:write"})), "x-workspace-id": "ws1"}
    reader = {"x-api-key": await made(store, scopes=frozenset({"flows:read"})), "x-workspace-id": "ws1"}
    path = "/v1/api/message-flows"
    assert (await secured.get(path, headers=writer)).status_code == 403
    assert (await secured.get(path, headers=reader)).status_code == 200
    refused = await secured.delete(f"{path}/f1", headers=reader)
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, "this key lacks the scope flows:write")
    assert (await secured.delete(f"{path}/f1", headers=writer)).status_code == 404
    answer = await secured.post("/graphql", json={"query": FLOWS}, headers=writer)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    deletion = {"query": 'mutation {deleteMessageFlow(id: "f1") {errors {code}}}'}
    answer = await secured.post("/graphql", json=deletion, headers=reader)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    past = {"query": '{messageFlow(id: "f1", atVersion: 0) {id}}'}
    assert (await secured.post("/graphql", json=past, headers=reader)).status_code == 403


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_who_may_not_see_the_history_is_refused_before_a_flow_is_made(
    secured: httpx2.AsyncClient, store: Store, accept: str
) -> None:
    editor = {"x-api-key": await made(store, scopes=frozenset({"flows:read", "flows:write"})), "accept": accept}
    create = (
        'mutation {createMessageFlow(input: {name: "n", direction: INBOUND, agent: "a", prompt: "p",'
        ' initiationMessage: "i", messageChannel: SMS}) {messageFlow {id revisions {nodes {version}}}}}'
    )
    answer = await secured.post("/graphql", json={"query": create}, headers=editor)
    assert answer.status_code == 403
    assert answer.json() == {
        "errors": [
            {
                "message": "this key lacks the scope history:read",
                "locations": [{"line": 1, "column": 156}],
                "extensions": {"code": "FORBIDDEN"},
            }
        ]
    }
    there = await secured.post("/graphql", json={"query": FLOWS}, headers=editor)
    assert there.json() == {"data": {"messageFlows": {"totalCount": 0}}}


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize(
    ("tag", "told"), [('"1"', (412, "version_conflict", '"0"', 0)), ("zz", (400, "bad_request", None, None))]
)
async def test_who_may_only_write_is_told_why_nothing_was_deleted(
    secured: httpx2.AsyncClient, store: Store, heard: list[str], tag: str, told: tuple[Any, ...]
) -> None:
    writer = {"x-api-key": await made(store, scopes=frozenset({"flows:write"})), "x-workspace-id": "ws1"}
    path = "/v1/api/message-flows"
    new = {"name": "n", "direction": "inbound", "agent": "a", "prompt": "p", "initiationMessage": "i"}
    flow = (await secured.post(path, json={**new, "messageChannel": "SMS"}, headers=writer)).json()["_id"]
    heard.clear()
    answer = await secured.delete(f"{path}/{flow}", headers={**writer, "if-match": tag})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], answer.headers.get("etag"), error.get("currentVersion")) == told
    assert len([sql for sql in heard if "FROM message_flows" in sql]) == 1  # so nobody comes between
    assert (await secured.delete(f"{path}/{flow}", headers={**writer, "if-match": '"0"'})).status_code == 204


@pytest.mark.parametrize("lacking", ["admin", "flows:write"])
@pytest.mark.parametrize("is_fragment", [False, True])
async def test_of_several_mutations_none_is_carried_out_where_one_may_not_be(
    secured: httpx2.AsyncClient, store: Store, lacking: str, is_fragment: bool
) -> None:
    whole = {"x-api-key": await made(store), "x-workspace-id": "ws1"}
    partly = {"x-api-key": await made(store, scopes=ALL - {lacking}), "x-workspace-id": "ws1"}
    create = (
        'createMessageFlow(input: {name: "n", direction: INBOUND, agent: "a", prompt: "p", initiationMessage: "i",'
        " messageChannel: SMS}) {errors {code}}"
    )
    hook = 'createWebhook(input: {url: "https://example.com/", events: [FLOW_UPDATED]}) {errors {code}}'
    first, second = (create, hook) if lacking == "admin" else (hook, create)
    second = f"... on Mutation {{two: {second}}}" if is_fragment else f"two: {second}"
    query = f"mutation ($s: Boolean = false) {{one: {first} {second.replace(' {errors', ' @skip(if: $s) {errors')}}}"

    answer = await secured.post("/graphql", json={"query": query}, headers=partly)
    [error] = answer.json()["errors"]
    assert (error["path"], error["extensions"]) == (["two"], {"code": "FORBIDDEN"})
    there = {"query": "{messageFlows {totalCount} webhooks {nodes {id}}}"}
    told = (await secured.post("/graphql", json=there, headers=whole)).json()
    assert told["data"] == {"messageFlows": {"totalCount": 0}, "webhooks": {"nodes": []}}

    skipped = {"query": query, "variables": {"s": True}}
    answer = await secured.post("/graphql", json=skipped, headers=partly)
    assert answer.json()["data"] == {"one": {"errors": []}}


@pytest.mark.parametrize(("scopes", "code"), [({"admin"}, None), (ALL, None), ({"history:read"}, "FORBIDDEN")])
async def test_a_webhook_that_is_gone_is_null_to_whoever_may_see_webhooks(
    secured: httpx2.AsyncClient, store: Store, scopes: set[str], code: str | None
) -> None:
    headers = {"x-api-key": await made(store, scopes=frozenset(scopes))}
    query = {"query": f'{{node(id: "whk_{"0" * 24}") {{id}}}}'}
    answer = (await secured.post("/graphql", json=query, headers=headers)).json()
    if code is None:
        assert answer == {"data": {"node": None}}
    else:
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


async def test_history_names_the_key(secured: httpx2.AsyncClient, store: Store) -> None:
    issued = await keys.create(store, 0, ["ws1"], ALL)
    input = {"name": "n", "direction": "INBOUND", "agent": "a", "prompt": "p", "initiationMessage": "i"}
    query = (
        "mutation ($input: CreateMessageFlowInput!) {createMessageFlow(input: $input)"
        " {messageFlow {revisions {nodes {actor}}} errors {message}}}"
    )
    body = {"query": query, "variables": {"input": {**input, "messageChannel": "SMS"}}}
    for secret in (issued.secret, (await keys.rotate(store, 1, issued.key.id, 10**15)).secret):
        response = await secured.post("/graphql", json=body, headers={"x-api-key": secret})
        flow = response.json()["data"]["createMessageFlow"]["messageFlow"]
        assert flow["revisions"]["nodes"] == [{"actor": issued.key.id}]


async def test_health_and_the_description_need_no_key(secured: httpx2.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/openapi.json"):
        assert (await secured.get(path)).status_code == 200


# What is remembered


@dataclass
class Watch:
    """Seconds, as a test puts them."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch(1_000.0)


@pytest.fixture
def keyring(store: Store, watch: Watch) -> Keyring:
    return Keyring(store, lambda: NOW, watch)


async def refusal(keyring: Keyring, token: str, address: str = "1.2.3.4") -> str:
    with pytest.raises(Refused) as refused:
        await keyring.key(token.encode(), address)
    return refused.value.problems[0].code


async def test_a_key_in_use_is_looked_up_once_in_two_seconds(
    store: Store, keyring: Keyring, watch: Watch, heard: list[str]
) -> None:
    token = (await made(store)).encode()
    heard.clear()
    await asyncio.gather(*(keyring.key(token, "") for _ in range(50)))
    assert len(heard) == 1
    watch.now += 1.9
    await keyring.key(token, "")
    assert len(heard) == 1
    watch.now += 1.0
    await asyncio.gather(*(keyring.key(token, "") for _ in range(50)))
    await settled(keyring)
    assert len(heard) == 2


async def settled(keyring: Keyring) -> None:
    await asyncio.gather(*keyring._asking.values())


async def test_a_revoked_key_ends_within_five_seconds_in_use_or_not(
    store: Store, keyring: Keyring, watch: Watch
) -> None:
    busy, idle = await made(store), await made(store)
    for token in (busy, idle):
        await keyring.key(token.encode(), "")
        await keys.revoke(store, NOW, token[:12])
    for _ in range(10):
        watch.now += 0.41
        await asyncio.gather(keyring.key(busy.encode(), ""), return_exceptions=True)
        await settled(keyring)
    assert await refusal(keyring, busy) == "UNAUTHENTICATED"
    assert await refusal(keyring, idle) == "UNAUTHENTICATED"


async def test_the_short_way_too_looks_a_key_in_use_up_in_the_background_and_knows_no_stale_one(
    keyring: Keyring, store: Store, watch: Watch, heard: list[str]
) -> None:
    token = (await made(store)).encode()
    digest = sha256(token).digest()
    assert keyring.known(digest) is None
    key = await keyring.key(token, "")
    heard.clear()
    assert (keyring.known(digest), heard) == (key, [])
    watch.now += 2.5
    assert [keyring.known(digest) for _ in range(3)] == [key] * 3
    await settled(keyring)
    assert len(heard) == 1
    watch.now += 4.5
    assert keyring.known(digest) is None


async def test_a_key_expires_to_the_millisecond_though_it_is_remembered(store: Store, watch: Watch) -> None:
    now = NOW
    keyring = Keyring(store, lambda: now, watch)
    token = await made(store, expires_at=NOW + 1)
    await keyring.key(token.encode(), "")
    now += 1
    assert await refusal(keyring, token) == "UNAUTHENTICATED"


async def test_a_wrong_key_is_looked_up_once(keyring: Keyring, watch: Watch, heard: list[str]) -> None:
    wrong = f"mfk_{'1' * 40}"
    for _ in range(100):
        assert await refusal(keyring, wrong) == "UNAUTHENTICATED"
    assert len(heard) == 1
    watch.now += 4.0
    await refusal(keyring, wrong)
    assert len(heard) == 2


async def test_an_address_that_guesses_is_told_to_wait_while_known_keys_go_on(
    store: Store, keyring: Keyring, watch: Watch, heard: list[str]
) -> None:
    known, new = await made(store), await made(store)
    await keyring.key(known.encode(), "1.2.3.4")
    heard.clear()
    codes = [await refusal(keyring, f"mfk_{number:040x}") for number in range(2_000)]
    assert (codes.count("UNAUTHENTICATED"), codes.count("RATE_LIMITED")) == (GUESSES, 2_000 - GUESSES)
    assert len(heard) == GUESSES
    watch.now += 5.0
    assert await keyring.key(known.encode(), "1.2.3.4")
    assert await keyring.key(new.encode(), "4.3.2.1")
    other = await made(store)
    assert await refusal(keyring, other) == "RATE_LIMITED"
    watch.now += GUESSING
    assert await keyring.key(other.encode(), "1.2.3.4")


async def test_what_is_remembered_is_bounded(store: Store, watch: Watch) -> None:
    keyring = Keyring(store, lambda: NOW, watch, most=50)
    for number in range(60):
        await refusal(keyring, f"mfk_{number:040x}", f"10.0.0.{number}")
        await keyring.key((await made(store)).encode(), "")
    assert (len(keyring._known), len(keyring._unknown), len(keyring._guesses)) == (50, 50, 50)


async def test_without_the_database_a_known_key_goes_on_and_then_is_unavailable(
    keyring: Keyring, store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await made(store)).encode()
    await keyring.key(token, "")

    async def away(*_: Any) -> Any:
        raise unavailable("away")

    monkeypatch.setattr(store, "read", away)
    watch.now += 3.0
    assert await keyring.key(token, "")
    await asyncio.gather(*keyring._asking.values(), return_exceptions=True)
    watch.now += 2.0
    assert await refusal(keyring, token.decode()) == "UNAVAILABLE"


async def test_the_last_use_is_noted_in_the_background(store: Store, watch: Watch, heard: list[str]) -> None:
    keyring = Keyring(store, lambda: NOW, watch)
    token = (await made(store)).encode()
    noting = asyncio.create_task(keyring.note_uses())
    await asyncio.sleep(0)
    heard.clear()
    await keyring.key(token, "")
    assert not any(sql.startswith("UPDATE") for sql in heard)
    noting.cancel()
    await asyncio.gather(noting, return_exceptions=True)
    assert [key.last_used_at for key in await keys.every(store)] == [NOW]


async def test_a_fault_does_not_end_the_noting_of_uses(
    store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring(store, lambda: NOW, watch)
    token = (await made(store)).encode()
    noted = asyncio.Event()
    outcomes: list[Exception | None] = [ZeroDivisionError(), unavailable("away"), None]

    async def note_use(*_: Any) -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        noted.set()

    monkeypatch.setattr(keys, "note_use", note_use)
    monkeypatch.setattr(auth, "NOTING", 0.001)
    noting = asyncio.create_task(keyring.note_uses())
    async with asyncio.timeout(5):
        while not noted.is_set():
            await keyring.key(token, "")
            await asyncio.sleep(0.001)
    noting.cancel()
