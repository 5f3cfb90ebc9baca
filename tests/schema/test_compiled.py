"""The compiled way and the general way answer the same bytes and leave the same rows."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from graphql_api import edits, storage
from graphql_api.domain.caller import SCOPES, Caller
from graphql_api.domain.instants import HOUR
from graphql_api.edits import Desk
from graphql_api.schema.compiled import Compiled
from graphql_api.schema.context import Context
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import OperationResult, Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.readers import Unusual
from graphql_api.schema.shown import Rejected
from graphql_api.storage.engine import Shape, Statement, Store, unavailable
from graphql_api.storage.tables import FLOWS, REPLAYS, REVISIONS
from graphql_api.web.json import encoded
from tests.conftest import CREATE
from tests.edits.conftest import NEW
from tests.sampling import sampled
from tests.schema.dice import Dice
from tests.schema.documents import document

SEED = 20261122
DOCUMENTS = sampled(1_000)
"""For each database."""


class Moment:
    """A clock for two servers, which goes on from document to document."""

    def __init__(self) -> None:
        self.now = 1_795_605_200_000

    def __call__(self) -> int:
        return self.now

    def goes_on(self) -> None:
        self.now += 700


def desk(store: Store, moment: Moment) -> Desk:
    made = count(1)
    return Desk(store, moment, lambda: next(made).to_bytes(8, "big"), 24 * HOUR)


@pytest.fixture
def two_urls(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Two databases of the same kind, with current tables and no flows."""
    if database == "postgresql":
        return asyncio.run(_two_postgres(request.getfixturevalue("migrated_postgres")))
    urls = [f"sqlite+aiosqlite:///{tmp_path}/{name}.db" for name in ("general", "compiled")]
    for url in urls:
        shutil.copy(request.getfixturevalue("migrated_sqlite"), url.removeprefix("sqlite+aiosqlite:///"))
    return urls


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
async def two_desks(two_urls: list[str], moment: Moment) -> AsyncIterator[tuple[Desk, Desk]]:
    stores = [storage.opened(url) for url in two_urls]
    yield desk(stores[0], moment), desk(stores[1], moment)
    for store in stores:
        await store.close()


async def _two_postgres(url: str) -> list[str]:
    """The tables of the migrated database once more in two schemas of their own."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    for name in ("general", "compiled"):
        await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")
        for table in (FLOWS, REVISIONS, REPLAYS):
            await connection.execute(f"CREATE TABLE {name}.{table.name} (LIKE public.{table.name} INCLUDING ALL)")
    await connection.close()
    between = "&" if "?" in url else "?"
    return [f"{url}{between}search_path={name}" for name in ("general", "compiled")]


OPERATIONS = Operations(Limits())


@lru_cache(maxsize=DOCUMENTS)
def prepared(text: str) -> Prepared | Rejected:
    """Once for both ways and both databases: validation takes most of the time."""
    try:
        return OPERATIONS.prepare(text, "Op")
    except Rejected as rejected:
        return rejected


CALLER = Caller("ws1", request_id="r1")
CALLERS = [CALLER] * 80 + [
    Caller(None),
    Caller("ws2"),
    *(Caller("ws1", scopes=frozenset({one})) for one in sorted(SCOPES)),
]
IF_VERSIONS = [None] * 20 + [frozenset(), frozenset({0, 1, 2})]


async def answered(
    desk: Desk, text: str, variables: Any, *, compiles: bool, caller: Caller = CALLER, **more: Any
) -> tuple[Any, Any, bool]:
    operation = prepared(text)
    if isinstance(operation, Rejected):
        return None, operation.errors, False
    if not compiles:
        operation = replace(operation, compiled=None)
    try:
        answer: OperationResult = await OPERATIONS.carry_out(operation, variables, Context(desk, caller, **more))
    except Rejected as rejected:
        return None, rejected.errors, False
    return answer.data, answer.errors, answer.is_compiled


async def rows(store: Store) -> list[list[dict[str, Any]]]:
    tables = []
    for table in (FLOWS, REVISIONS, REPLAYS):
        statement = Statement(Shape(select(table).order_by(*table.primary_key.columns)), {})
        tables.append([dict(row) for row in await store.read(statement)])
    return tables


Answer = Callable[..., Awaitable[tuple[tuple[Any, ...], bool]]]
"""From the way, the desk, a document, its variables and a context: what both ways must agree on, data first; a mark."""


async def agreed(desks: tuple[Desk, Desk], moment: Moment, dice: Dice, number_of: int, answer: Answer) -> int:
    """How many documents the second way has marked; both must answer them alike and leave the same rows."""
    ids: list[str] = ["first"]
    marked = 0
    for number in range(number_of):
        moment.goes_on()
        text, variables = document(dice, ids)
        context: dict[str, Any] = {"caller": dice.choice(CALLERS), "if_versions": dice.choice(IF_VERSIONS)}
        (one, _), (other, is_marked) = [
            await answer(way, desk, text, variables, context) for way, desk in enumerate(desks)
        ]
        assert encoded(settled(one)) == encoded(settled(other)), f"seed {SEED}, document {number}: {text} {variables}"
        marked += is_marked
        flow = ((one[0] or {}).get("createMessageFlow") or {}).get("messageFlow") or {}
        if len(ids) < 12 and flow.get("id"):
            ids.append(flow["id"])
    assert await rows(desks[0].store) == await rows(desks[1].store)
    return marked


def settled(told: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refusals of fields that are read together come as the database answers; one that ends the others comes last."""
    data, errors, *more = told
    if len(errors) > 1 and all("path" in error for error in errors):
        errors = errors[-1:] if data is None else sorted(errors, key=encoded)
    return data, errors, *more


async def test_both_ways_agree(two_desks: tuple[Desk, Desk], moment: Moment) -> None:
    async def answer(way: int, desk: Desk, text: str, variables: Any, context: Any) -> Any:
        *told, is_compiled = await answered(desk, text, variables, compiles=way == 1, **context)
        return told, is_compiled

    assert await agreed(two_desks, moment, Dice(SEED), DOCUMENTS, answer) > DOCUMENTS / 2


@pytest.mark.parametrize("variables", [{}, {"x": None}, {"x": 1}])
async def test_what_skips_in_another_operation_is_a_variable_like_any_in_this_one(desk: Desk, variables: Any) -> None:
    text = """query Op($x: Int) {messageFlows(first: $x) {totalCount}}
      query Other($x: Boolean!) {messageFlows {...Part}}
      fragment Part on MessageFlowConnection {totalCount @skip(if: $x)}"""
    assert await answered(desk, text, variables, compiles=True) == ({"messageFlows": {"totalCount": 0}}, [], True)


@pytest.mark.parametrize(("head", "id"), [("", "-0"), ("($id: ID! = -0)", "$id")], ids=["in its place", "as a default"])
async def test_an_id_that_is_written_as_a_number_keeps_its_sign(desk: Desk, head: str, id: str) -> None:
    text = f"mutation Op{head} {{deleteMessageFlow(id: {id}) {{errors {{message}}}}}}"
    told = [await answered(desk, text, {}, compiles=compiles) for compiles in (False, True)]
    says = {"errors": [{"message": "there is no message flow -0 in this workspace"}]}
    assert told == [({"deleteMessageFlow": says}, [], False)] * 2


@pytest.mark.parametrize("toggled", [True, False, None])
async def test_a_new_flow_has_nothing_to_toggle(desk: Desk, toggled: bool | None) -> None:
    text = "mutation Op($i: CreateMessageFlowInput!) {createMessageFlow(input: $i) {messageFlow {id}}}"
    variables = {"i": {**CREATE, "toggleAutopilot": toggled}}
    for compiles in (False, True):
        data, errors, _ = await answered(desk, text, variables, compiles=compiles)
        assert data is None
        assert "toggleAutopilot" in errors[0]["message"]
    assert (await rows(desk.store))[0] == []


AWAY: dict[str, tuple[str, Any, list[str]]] = {
    "flows": (
        "{a: messageFlow(id: 1) {id} __typename b: messageFlow(id: 2) {id}}",
        {"a": None, "__typename": "Query", "b": None},
        ["a", "b"],
    ),
    "lists, of which the first is told": ("{a: messageFlows {totalCount} b: messageFlows {nodes {id}}}", None, ["ab"]),
}


@pytest.mark.parametrize("name", AWAY)
@pytest.mark.parametrize("compiles", [True, False])
async def test_several_reads_are_told_that_the_database_is_away(desk: Desk, name: str, compiles: bool) -> None:
    text, left, among = AWAY[name]
    desk.store.heard = away
    data, errors, is_compiled = await answered(desk, f"query Op {text}", {}, compiles=compiles)
    desk.store.heard = None
    assert (data, is_compiled) == (left, compiles)
    assert {error["extensions"]["code"] for error in errors} == {"UNAVAILABLE"}
    assert all(error["path"][0] in names for error, names in zip(errors, among, strict=True))


@pytest.mark.parametrize("compiles", [True, False])
async def test_nothing_is_waited_for_beside_a_list_that_is_lost(
    desk: Desk, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []

    async def read(statement: Statement) -> Any:
        if "id" not in statement.values:
            raise unavailable("it is busy")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.append("a flow")
            raise

    monkeypatch.setattr(desk.store, "read", read)
    text = "query Op {messageFlow(id: 1) {id} messageFlows {totalCount}}"
    async with asyncio.timeout(5):
        data, errors, _ = await answered(desk, text, {}, compiles=compiles)
    assert (data, [error["path"] for error in errors], left) == (None, [["messageFlows"]], ["a flow"])


async def test_a_mutation_that_was_carried_out_is_not_carried_out_again_to_tell_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untold(*_: object) -> None:
        raise Unusual

    tried: list[str] = []

    def away_and_counting(sql: str) -> None:
        tried.append(sql)
        away(sql)

    monkeypatch.setattr(Compiled, "errors", untold)
    desk.store.heard = away_and_counting
    with pytest.raises(Unusual):
        await answered(desk, "mutation Op {deleteMessageFlow(id: 1) {replayed}}", {}, compiles=True)
    desk.store.heard = None
    assert len(tried) == 1


@pytest.mark.parametrize(
    "text", ["query Op {messageFlow(id: 1) {id}}", "mutation Op {deleteMessageFlow(id: 1) {replayed}}"]
)
async def test_what_fails_by_a_fault_of_ours_is_told_at_its_path(desk: Desk, text: str) -> None:
    def fails(sql: str) -> None:
        raise RuntimeError

    desk.store.heard = fails
    told = [await answered(desk, text, {}, compiles=compiles) for compiles in (True, False)]
    desk.store.heard = None
    assert told[0][:2] == told[1][:2]
    data, ((error,), *_) = told[0][0], told[0][1:]
    assert data in ({"messageFlow": None}, None)
    assert (len(error["path"]), error["extensions"]["code"]) == (1, "INTERNAL")


async def test_one_read_of_several_that_fails_by_a_fault_of_ours_is_told_beside_the_others(desk: Desk) -> None:
    desk.store.heard = unless_a_flow_is_read
    text = "query Op {messageFlow(id: 1) {id} messageFlows {nodes {id}}}"
    told = [await answered(desk, text, {}, compiles=compiles) for compiles in (True, False)]
    desk.store.heard = None
    (error,) = told[0][1]
    assert told[0] == told[1]
    assert told[0][0] == {"messageFlow": None, "messageFlows": {"nodes": []}}
    assert (error["path"], error["extensions"]["code"]) == (["messageFlow"], "INTERNAL")


async def test_one_read_of_several_that_is_refused_is_told_in_the_words_of_the_general_executor(desk: Desk) -> None:
    text = "query Op {messageFlow(id: 1) {id} messageFlows(first: 101) {totalCount}}"
    told = [await answered(desk, text, {}, compiles=compiles) for compiles in (True, False)]
    assert told[0] == told[1]
    assert not told[0][2]


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
@pytest.mark.parametrize(
    ("why", "code"), [(unavailable("it cannot be reached"), "UNAVAILABLE"), (RuntimeError(), "INTERNAL")]
)
async def test_behind_an_edit_that_fails_no_other_begins(desk: Desk, compiles: bool, why: Exception, code: str) -> None:
    text = """mutation Op($id: ID!, $new: CreateMessageFlowInput!) {
      one: createMessageFlow(input: $new) {messageFlow {id}}
      two: updateMessageFlow(id: $id, input: {name: "other"}) {replayed}
      three: createMessageFlow(input: $new) {messageFlow {id}} }"""
    create = "mutation Op($new: CreateMessageFlowInput!) {createMessageFlow(input: $new) {messageFlow {id}}}"
    made, _, _ = await answered(desk, create, {"new": CREATE}, compiles=True)
    flow = made["createMessageFlow"]["messageFlow"]["id"]

    def without_updates(sql: str) -> None:
        if "UPDATE" in sql:
            raise why

    desk.store.heard = without_updates
    data, errors, is_compiled = await answered(desk, text, {"id": flow, "new": CREATE}, compiles=compiles)
    desk.store.heard = None
    assert (data, is_compiled) == (None, compiles)
    assert [(error["path"], error["extensions"]["code"]) for error in errors] == [(["two"], code)]
    assert len((await rows(desk.store))[0]) == 2


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_of_several_edits_none_is_made_by_who_may_not_write(desk: Desk, compiles: bool) -> None:
    text = "mutation Op {a: restoreMessageFlow(id: 1) {replayed} b: deleteMessageFlow(id: 1) {replayed}}"
    caller = replace(CALLER, scopes=frozenset({"flows:read"}))
    data, errors, _ = await answered(desk, text, {}, compiles=compiles, caller=caller)
    assert data is None
    assert [(error["path"], error["extensions"]["code"]) for error in errors] == [(["a"], "FORBIDDEN")]


@pytest.mark.parametrize(("end", "name", "is_compiled"), [("30", "new", True), ("27", "new", False), ("27", "", False)])
async def test_what_would_be_open_is_computed_unless_its_range_is_refused(
    desk: Desk, end: str, name: str, is_compiled: bool
) -> None:
    """It is refused before the edit is, which has nothing to compute."""
    id = (await edits.create_flow(desk, CALLER, NEW)).flow["id"]
    text = f"""mutation Op($n: String!) {{ updateMessageFlow(id: "{id}", input: {{name: $n}}, validateOnly: true) {{
      errors {{code}} messageFlow {{settings {{responseSettings {{workingHours {{
        openings(from: "2026-03-28T00:00:00Z", to: "2026-03-{end}T00:00:00Z") {{from to}} }} }} }} }} }} }}"""
    told = [await answered(desk, text, {"n": name}, compiles=compiles) for compiles in (True, False)]
    assert told[0][:2] == told[1][:2]
    assert told[0][2] is is_compiled
    assert (told[0][0] is not None) is is_compiled


@pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "general"])
async def test_an_edit_that_computes_is_made_once(desk: Desk, compiles: bool) -> None:
    id = (await edits.create_flow(desk, CALLER, NEW)).flow["id"]
    text = f"""mutation Op {{ updateMessageFlow(id: "{id}", input: {{toggleAutopilot: true}}) {{
      messageFlow {{version settings {{responseSettings {{workingHours {{isOpen}} }} }} }} }} }}"""
    data, errors, is_compiled = await answered(desk, text, {}, compiles=compiles)
    assert (data["updateMessageFlow"]["messageFlow"]["version"], errors, is_compiled) == (1, [], False)


def unless_a_flow_is_read(sql: str) -> None:
    if "LIMIT" not in sql:
        raise RuntimeError


def away(sql: str) -> None:
    raise unavailable("it cannot be reached")


COMPILED = {
    "read one": "query ($id: ID!) {messageFlow(id: $id) {id name autopilot messageChannel updatedAt}}",
    "literals": '{f: messageFlow(id: "x") {...L __typename}} '
    "fragment L on MessageFlow {settings {security {__typename}}}",
    "switches": "query ($a: Boolean!) {messageFlow(id: 1) {id @include(if: $a) name @skip(if: $a)}}",
    "where the changes stand": "{changeCursor messageFlow(id: 1) {name}}",
    "a node": "query ($id: ID!) {node(id: $id) {id ... on MessageFlow {name} ... on Webhook {url}}}",
    "history": "query ($n: Int, $c: String) {messageFlow(id: 1) {revisions(first: $n, after: $c) {nodes {id version at "
    "actor source operation changes {path before after} note requestId} edges {cursor node {id}} "
    "pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}}",
    "a node with its history": "{node(id: 1) {... on MessageFlow {revisions {nodes {... on Node {id}}}}}}",
    "as it was": "query ($v: Int) {messageFlow(id: 1, atVersion: $v) {name}}",
    "a page": "query ($n: Int = 5) {messageFlows(first: $n) {nodes {id} edges {cursor node {name}} totalCount "
    "pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}",
    "several reads": "query ($id: ID!) {messageFlow(id: $id) {id} __typename other: messageFlow(id: 1) {name} "
    "messageFlows {nodes {settings {responseSettings {workingHours {isOpen}}}}}}",
    "a filter": "query ($f: MessageFlowFilter, $o: MessageFlowOrder) {messageFlows(filter: $f, orderBy: $o, last: 3) "
    "{nodes {id}}}",
    "working hours": "query ($at: DateTime, $to: DateTime!) {messageFlows {nodes {settings {responseSettings {"
    "workingHours {isOpen(at: $at) now: isOpen nextTransition(after: null) {at opens} "
    'openings(from: "2026-01-01T00:00:00Z", to: $to) {from to} '
    'utcOffsets(from: "2026-01-01T00:00:00Z", to: $to) {from to seconds name}}}}}}}',
    "update": "mutation ($id: ID!, $i: UpdateMessageFlowInput!, $v: Int) {updateMessageFlow(id: $id, input: $i, "
    "ifVersion: $v) {messageFlow {id version} changedFields errors {code message path} replayed rebasedFrom}}",
    "an input with variables in it": "mutation ($d: Float) {updateMessageFlow(id: 1, input: {settings: "
    "{responseSettings: {delay: $d}}}) {errors {code}}}",
    "what would be open": "mutation ($i: UpdateMessageFlowInput!, $v: Boolean) {updateMessageFlow(id: 1, input: $i, "
    "validateOnly: $v) {messageFlow {settings {responseSettings {workingHours {isOpen nextTransition {at}}}}}}}",
    "create": "mutation ($i: CreateMessageFlowInput!) {createMessageFlow(input: $i) {messageFlow {id}}}",
    "update many": "mutation ($ids: [ID!], $i: UpdateMessageFlowInput!) {updateMessageFlows(ids: $ids, input: $i) "
    "{results {messageFlowId messageFlow {id} changedFields errors {code}} errors {code}}}",
    "several edits": "mutation {a: deleteMessageFlow(id: 1) {replayed} b: restoreMessageFlow(id: 1) {replayed}}",
    "delete": "mutation {deleteMessageFlow(id: 1) {deletedMessageFlowId errors {code}}}",
    "restore": "mutation {restoreMessageFlow(id: 1) {messageFlow {id} replayed}}",
    "revert": "mutation {revertMessageFlow(id: 1, toVersion: 0, note: null) {messageFlow {id} changedFields}}",
}
GENERAL = {
    "an edit beside one of webhooks": "mutation {deleteMessageFlow(id: 1) {replayed} "
    "deleteWebhook(id: 2) {errors {code}}}",
    "a read beside another that has no plan": "{messageFlow(id: 1) {id} webhooks {nodes {id}}}",
    "working hours behind several edits": "mutation {a: deleteMessageFlow(id: 1) {replayed} "
    "restoreMessageFlow(id: 1) {messageFlow {settings {responseSettings {workingHours {isOpen}}}}}}",
    "webhooks": "{webhooks {nodes {id}}}",
    "the histories of many": "{messageFlows {nodes {revisions {nodes {id}}}}}",
    "history after a write": "mutation {restoreMessageFlow(id: 1) {messageFlow {revisions {nodes {id}}}}}",
    "introspection": "{__schema {queryType {name}}}",
}


@pytest.mark.parametrize("name", COMPILED)
def test_documents_that_must_compile(name: str) -> None:
    assert Operations(Limits()).prepare(COMPILED[name]).compiled is not None


@pytest.mark.parametrize("name", GENERAL)
def test_documents_that_are_left_to_the_general_executor(name: str) -> None:
    assert Operations(Limits()).prepare(GENERAL[name]).compiled is None
