"""Two windows: what one changes the other shows as it happens, also after its connection was cut."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.flows import Elsewhere, control, field, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_other_window_changes_as_one_saves(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "windows").create(name="Before")
    one, other = [(await shown(visiting, server, "windows", id)).page for _ in range(2)]
    await expect(other.locator(".connection")).to_have_text("Live")
    await control(other, "description").fill("Mine")
    await control(one, "name").fill("After")
    await control(one, "description").fill("Theirs")
    await one.get_by_role("button", name="Save").click()
    await expect(control(other, "name")).to_have_value("After")
    await expect(other.get_by_role("heading", level=1)).to_have_text("After")
    await expect(field(other, "description").locator(".theirs")).to_contain_text("Theirs")
    await expect(control(other, "description")).to_have_value("Mine")
    await expect(other.get_by_role("region", name="History").locator("ol > li")).to_have_count(2)


async def test_a_list_follows_its_workspace(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "followed")
    page = (await shown(visiting, server, "followed")).page
    await expect(page.locator(".connection")).to_have_text("Live")
    id = await team.create(name="New here")
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["New here"])
    await team.update(id, name="Renamed")
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Renamed"])


async def test_a_connection_that_was_cut_goes_on_without_a_gap(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "cut")
    id = await team.create()
    page = (await visiting(server)).page
    sockets: list[Any] = []

    def pass_on(socket: Any) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/graphql", pass_on)
    await page.goto(f"{server}/flows/{id}?workspace=cut")
    await expect(page.locator(".connection")).to_have_text("Live")
    await team.update(id, description="Seen")
    await expect(control(page, "description")).to_have_value("Seen")
    await sockets[0].close(code=1012, reason="restart")
    await team.update(id, description="In the gap")
    await expect(control(page, "description")).to_have_value("In the gap")
    await expect(page.locator(".connection")).to_have_text("Live")


@pytest.mark.parametrize("path", ["flow", "list"])
async def test_what_changed_before_one_listens_is_not_missed(visiting: Visiting, server: str, path: str) -> None:
    workspace = f"not-yet-{path}"
    team = Elsewhere(server, workspace)
    id = await team.create(name="Before")
    page = (await visiting(server)).page
    connected = asyncio.Event()

    async def slow(socket: Any) -> None:
        await connected.wait()
        socket.connect_to_server()

    await page.route_web_socket("**/graphql", slow)
    await page.goto(f"{server}/flows{f'/{id}' if path == 'flow' else ''}?workspace={workspace}")
    named = page.get_by_role("heading", level=1) if path == "flow" else page.locator(".flow-table tbody th a")
    await expect(named).to_have_text("Before")
    await team.update(id, name="After")
    connected.set()
    await expect(named).to_have_text("After")


async def test_whoever_was_away_too_long_reads_again_and_listens_on(visiting: Visiting, server: str) -> None:
    """The server tells that by RESYNC_REQUIRED: it cannot go on from where the connection was cut off."""
    team = Elsewhere(server, "too-long")
    id = await team.create(name="Before")
    page = (await visiting(server)).page
    began: list[str] = []
    passed = asyncio.Event()

    def refuse_the_first(socket: Any) -> None:
        behind = socket.connect_to_server()

        def sent(message: str) -> None:
            if "changeCursor" in message:
                began.append(message)
            is_asked = "subscription FlowChanged" in message
            if is_asked and len(began) < 2:
                refusal = {"message": "read again", "extensions": {"code": "RESYNC_REQUIRED"}}
                socket.send(json.dumps({"id": json.loads(message)["id"], "type": "error", "payload": [refusal]}))
                return
            behind.send(message)
            if is_asked:
                passed.set()

        socket.on_message(sent)

    await page.route_web_socket("**/graphql", refuse_the_first)
    await page.goto(f"{server}/flows/{id}?workspace=too-long")
    await asyncio.wait_for(passed.wait(), 20)
    await team.update(id, name="After")
    await expect(page.get_by_role("heading", level=1)).to_have_text("After")


async def test_what_could_not_be_read_is_read_when_the_server_is_back(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "away").create(name="Still there")
    visit = await visiting(server)
    page = visit.page
    sockets: list[Any] = []
    away = False

    async def pass_on(socket: Any) -> None:
        if away:
            await socket.close()
        else:
            sockets.append(socket)
            socket.connect_to_server()

    async def answer(route: Route) -> None:
        await (route.abort() if away else route.fallback())

    await page.route_web_socket("**/graphql", pass_on)
    await page.route("**/graphql", answer)
    for path in ("/flows", f"/flows/{id}"):
        away = False
        await visit.open(f"{path}?workspace=away")
        await expect(page.locator(".connection")).to_have_text("Live")
        away = True
        await sockets[-1].close(code=1012, reason="restart")
        await expect(page.locator(".connection")).to_have_text("Reconnecting…")
        if path == "/flows":
            await page.get_by_label("Name contains").fill("Still")
            await expect(page.get_by_role("heading", name="No answer")).to_be_visible()
            away = False
            await expect(page.get_by_role("link", name="Still there")).to_be_visible()
            await expect(page.get_by_role("heading", name="No answer")).to_have_count(0)
        else:
            await page.get_by_label("Week of").fill("2026-05-06")
            await expect(page.locator(".week")).to_contain_text("The server cannot be reached")
            away = False
            await expect(page.locator(".picture figcaption")).to_contain_text("4 May to 10 May 2026")
            await expect(page.locator(".week")).not_to_contain_text("The server cannot be reached")
    assert set(visit.wrong) == {"Failed to load resource: net::ERR_FAILED"}
    visit.wrong.clear()


@pytest.mark.parametrize("path", ["flow", "list"])
async def test_what_could_not_be_read_is_tried_again_by_hand(visiting: Visiting, server: str, path: str) -> None:
    workspace = f"by-hand-{path}"
    id = await Elsewhere(server, workspace).create(name="Still there")
    visit = await visiting(server)
    page = visit.page
    await page.route_web_socket("**/graphql", lambda socket: None)
    await page.route("**/graphql", lambda route: route.abort())
    await visit.open(f"/flows{f'/{id}' if path == 'flow' else ''}?workspace={workspace}")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The server cannot be reached")
    await page.unroute("**/graphql")
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading" if path == "flow" else "link", name="Still there")).to_be_visible()
    await expect(alert).to_have_count(0)
    visit.wrong.clear()  # what the console says of requests that were cut off


async def test_a_workspace_that_is_refused_is_not_asked_for_again(visiting: Visiting, guarded: Guarded) -> None:
    visit = await visiting(guarded.address)
    page = visit.page
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.clock.install()
    await visit.open("/flows?workspace=elsewhere")
    await give_key(page, guarded.key("of another workspace"))
    connection = page.locator(".connection")
    await expect(connection).to_have_text("Refused")
    await expect(connection).to_have_attribute("title", "This key does not belong to the workspace")
    await page.clock.fast_forward(60_000)
    await expect(connection).to_have_text("Refused")
    assert len(sockets) == 1
    visit.forgive(403)
