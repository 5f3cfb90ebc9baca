"""What the playground hears while one looks: the pane beside the tabs, and the tab of the subscription."""

import asyncio

import pytest
from playwright.async_api import expect

from graphql_api.domain.example import EXAMPLE
from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.flows import Elsewhere
from tests.browser.playground import SHOWN, run, write_headers

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEGUN = 1000
"""Milliseconds within which a subscription that was sent has begun."""


async def test_changes_arrive_beside_the_tab_that_makes_them(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.get_by_role("button", name="Live changes").click()
    live = page.get_by_role("region", name="Live changes")
    await expect(live.get_by_role("status")).to_contain_text("Listening to workspace exampleWorkspaceId1")
    flipped = (await run(page, "ToggleAutopilot"))["updateMessageFlow"]
    await expect(live.get_by_role("listitem")).to_contain_text(f"to version {flipped['messageFlow']['version']}")
    await expect(live.get_by_role("listitem")).to_contain_text("autopilot")


async def test_what_listens_does_so_in_the_workspace_of_the_tab(visiting: Visiting, server: str) -> None:
    """The pane and the subscription of a tab, however its header is spelt."""
    team = Elsewhere(server, "of-a-tab")
    id = await team.create(name="Before")
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.get_by_role("button", name="Live changes").click()
    live = page.get_by_role("region", name="Live changes")
    await run(page, "PartialUpdate")
    await expect(live.get_by_role("status")).to_contain_text("Listening to workspace exampleWorkspaceId1")
    await Elsewhere(server, str(EXAMPLE["workspaceId"])).update(str(EXAMPLE["_id"]), toggleAutopilot=True)
    await expect(live.get_by_role("listitem").first).to_be_visible()
    await page.get_by_role("tab", name="Changes").click()
    await write_headers(page, '{"X-Workspace-Id": "of-a-tab"}')
    await expect(live.get_by_role("status")).to_contain_text("Listening to workspace of-a-tab")
    await expect(live.get_by_role("listitem")).to_have_count(0)
    await team.update(id, name="After")
    await expect(live.get_by_role("listitem")).to_contain_text("to version 1")
    begun: asyncio.Queue[str] = asyncio.Queue()
    page.on("websocket", lambda socket: socket.on("framesent", lambda sent: begun.put_nowait(str(sent))))
    await page.locator(".graphiql-execute-button").click()
    assert '"x-workspace-id":"of-a-tab"' in await asyncio.wait_for(begun.get(), 20)


async def test_a_key_that_may_not_watch_is_told_so_beside_the_tabs(visiting: Visiting, guarded: Guarded) -> None:
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/")
    await give_key(page, guarded.key("blind", "history:read"))
    closed = asyncio.Event()
    # It may be closed by the time that somebody who waits for the connection has heard of it.
    page.on("websocket", lambda socket: socket.on("close", lambda _: closed.set()))
    await page.get_by_role("button", name="Live changes").click()
    async with asyncio.timeout(20):
        await closed.wait()
    told = page.get_by_role("region", name="Live changes").get_by_role("status")
    await expect(told).to_have_text("this key lacks the scope flows:read")
    visit.forgive(403)


async def test_the_tab_of_the_subscription_tells_what_others_change(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.get_by_role("tab", name="Changes").click()
    asked = asyncio.Event()

    def hear(sent: str | bytes) -> None:
        if "messageFlowChanged" in str(sent):
            asked.set()

    page.on("websocket", lambda socket: socket.on("framesent", hear))
    await page.locator(".graphiql-execute-button").click()
    async with asyncio.timeout(20):
        await asked.wait()
    await page.wait_for_timeout(BEGUN)
    await Elsewhere(server, str(EXAMPLE["workspaceId"])).update(str(EXAMPLE["_id"]), name="Renamed by another")
    await expect(page.locator(SHOWN)).to_contain_text("Renamed by another")
    await Elsewhere(server, str(EXAMPLE["workspaceId"])).update(str(EXAMPLE["_id"]), name=str(EXAMPLE["name"]))
