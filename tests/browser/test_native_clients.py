"""What browsers have of their own, without any library: EventSource and WebSocket watch a flow across a restart."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from graphql_api import edits, storage
from graphql_api.domain.caller import Caller
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from tests.browser.conftest import PATIENCE, Visiting
from tests.browser.flows import Elsewhere
from tests.conftest import NOW, Noise
from tests.served import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERY = """subscription ($after: String) { messageFlowChanged(after: $after) {
  cursor operation version messageFlow { name } } }"""

EVENTS = """([workspace, query]) => new Promise((begun, failed) => {
  window.told = [];
  const events = new EventSource(`/graphql?${new URLSearchParams({ workspace, query })}`);
  events.addEventListener("next", ({ data, lastEventId }) => {
    const change = JSON.parse(data).data.messageFlowChanged;
    told.push({ ...change, isNamed: lastEventId === change.cursor });
  });
  events.addEventListener("open", begun);
  events.addEventListener("error", () => failed(new Error("no events")));
  window.events = events;
})"""

SOCKET = """([workspace, query, after]) => new Promise((begun, failed) => {
  window.told = [];
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  const say = message => socket.send(JSON.stringify(message));
  socket.onopen = () => say({ type: "connection_init", payload: { "x-workspace-id": workspace } });
  socket.onerror = () => failed(new Error("no socket"));
  socket.onclose = ({ code }) => (window.end = code);
  socket.onmessage = ({ data }) => {
    const { type, payload } = JSON.parse(data);
    if (type === "connection_ack") say({ id: "1", type: "subscribe", payload: { query, variables: { after } } });
    if (type === "connection_ack") begun();
    if (type === "next") told.push(payload.data.messageFlowChanged);
    if (type === "error") told.push(payload);
  };
})"""


async def until(page: Page, condition: str) -> None:
    """Playwright's own waiting would need a page that allows eval."""
    async with asyncio.timeout(PATIENCE / 1_000):
        while not await page.evaluate(condition):  # noqa: ASYNC110 (the page tells nobody)
            await asyncio.sleep(0.05)


async def told(page: Page, count: int) -> Any:
    await until(page, f"told.length >= {count}")
    return await page.evaluate("told")


def versions(changes: Any) -> list[tuple[int, str]]:
    return [(change["version"], change["messageFlow"]["name"]) for change in changes]


async def renamed_behind_it(database_url: str, workspace: str, id: str, name: str) -> None:
    """An edit by another process, while no server is up."""
    store = storage.opened(database_url)
    desk = Desk(store, lambda: NOW, Noise(), 1)
    await edits.update_flow(desk, Caller(workspace, request_id="r1"), id, Sent({"name": name}))
    await store.close()


@pytest.fixture
def restarting(migrated_sqlite: Path, tmp_path: Path) -> Any:
    """A database, and how a server over it comes up, at the same port each time."""
    file = tmp_path / "flows.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    url, port = f"sqlite+aiosqlite:///{file}", "0"

    @contextmanager
    def up() -> Iterator[str]:
        nonlocal port
        with serving(url, tmp_path / "log", port=port, drain_seconds="0") as address:
            port = address.rpartition(":")[2]
            yield address

    return url, up


async def test_an_event_source_goes_on_by_itself_when_the_server_comes_back(
    visiting: Visiting, restarting: Any
) -> None:
    url, up = restarting
    with ExitStack() as server:
        address = server.enter_context(up())
        visit = await visiting(address)
        team = Elsewhere(address, "native")
        id = await team.create(name="new")
        await visit.open("/docs")
        await visit.page.evaluate(EVENTS, ["native", QUERY])
        await visit.page.wait_for_timeout(500)  # nothing tells a page that its place has come
        server.close()
        await renamed_behind_it(url, "native", id, "before any change was told")
        server.enter_context(up())
        await team.update(id, name="one")
        assert versions(await told(visit.page, 2)) == [(1, "before any change was told"), (2, "one")]
        server.close()
        await renamed_behind_it(url, "native", id, "while it was away")
        server.enter_context(up())
        await team.update(id, name="two")
        changes = await told(visit.page, 4)
        assert versions(changes)[2:] == [(3, "while it was away"), (4, "two")]
        assert all(change["isNamed"] for change in changes)
        await team.update(id, name="three")
        assert versions(await told(visit.page, 5))[4:] == [(5, "three")]
        await visit.page.evaluate("events.close()")
    # The browser says of each try that nobody listened, and of nothing else.
    assert [wrong for wrong in visit.wrong if "net::ERR_" not in wrong] == []
    visit.wrong.clear()


async def test_a_websocket_of_a_page_goes_on_by_its_cursor(visiting: Visiting, restarting: Any) -> None:
    url, up = restarting
    with ExitStack() as server:
        address = server.enter_context(up())
        visit = await visiting(address)
        team = Elsewhere(address, "native")
        id = await team.create(name="new")
        now = (await team.ask("{ changeCursor }"))["changeCursor"]
        await visit.open("/docs")
        await visit.page.evaluate(SOCKET, ["native", QUERY, now])
        await team.update(id, name="one")
        (first,) = await told(visit.page, 1)
        assert (first["operation"], first["version"]) == ("UPDATE", 1)
        server.close()
        await until(visit.page, "window.end === 1012")
        await renamed_behind_it(url, "native", id, "while it was away")
        server.enter_context(up())
        await visit.page.evaluate(SOCKET, ["native", QUERY, first["cursor"]])
        await team.update(id, name="two")
        assert versions(await told(visit.page, 2)) == [(2, "while it was away"), (3, "two")]
