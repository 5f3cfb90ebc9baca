"""The playground in a browser: its first tabs, run as they stand, change and tell what they say they do."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from graphql_api.domain.example import EXAMPLE
from tests.browser.axe import serious
from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.playground import EDITOR, SHOWN, carries, run

pytestmark = pytest.mark.asyncio(loop_scope="session")

UPSTREAM = {"nested-interactive": ".graphiql-tab"}
"""GraphiQL's tabs hold a button each, that and one to close them, inside of what they call a tab."""


async def test_clicks_count_before_the_editors_are_there(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    released = asyncio.Event()

    async def held(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route("**/assets/monaco-editor-*.js", held)
    await visit.open("/")
    async with page.expect_response(carries("WorkingHours")) as coming:
        await page.get_by_role("tab", name="WorkingHours").click()
        await page.locator(".graphiql-execute-button").click()
        await expect(page.locator(EDITOR)).to_have_count(0)
        released.set()
    assert (await (await coming.value).json())["data"]["messageFlow"]["settings"]
    await expect(page.locator(EDITOR)).to_contain_text(" WorkingHours(")
    await expect(page.locator(SHOWN)).to_contain_text("openings")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
async def test_all_of_it_can_be_read_by_everybody(visiting: Visiting, server: str, width: int, scheme: str) -> None:
    visit = await visiting(server, width=width, scheme=scheme)
    page = visit.page
    await visit.open("/")
    last_of_a_comment = page.locator(f"{EDITOR} .view-line").filter(has_text=re.compile(r"are\.$"))
    await expect(last_of_a_comment.locator("span").last).to_be_in_viewport(ratio=1)
    assert await serious(page, UPSTREAM) == []
    await run(page, "ReadFlow")
    for pane in ("Live changes", "Documentation Explorer"):
        await page.get_by_role("button", name=pane).click()
        assert await page.locator(EDITOR).evaluate("lines => lines.clientWidth") > 200
        assert await serious(page, UPSTREAM) == []


async def test_the_first_tabs_run_as_they_stand(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/")
    page = visit.page

    read = (await run(page, "ReadFlow"))["messageFlow"]
    assert read["name"] == "New Years Sale"
    await expect(page.locator(SHOWN)).to_contain_text("New Years Sale")

    edited = (await run(page, "PartialUpdate"))["updateMessageFlow"]
    assert edited["errors"] == []
    assert edited["messageFlow"]["settings"]["responseSettings"]["delay"] == 2.5
    assert (await run(page, "PartialUpdate"))["updateMessageFlow"]["changedFields"] == []

    first = (await run(page, "ToggleAutopilot"))["updateMessageFlow"]
    again = (await run(page, "ToggleAutopilot"))["updateMessageFlow"]
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["messageFlow"]["autopilot"] is again["messageFlow"]["autopilot"] is not read["autopilot"]

    conflict = await run(page, "Conflict")
    assert conflict["theirs"]["changedFields"] == ["description"]
    assert [error["code"] for error in conflict["mine"]["errors"]] == ["VERSION_CONFLICT"]
    assert conflict["mineOnTop"]["errors"] == []
    assert conflict["mineOnTop"]["messageFlow"]["description"].startswith("Edited at ")

    history = (await run(page, "History", "History"))["messageFlow"]
    assert history["revisions"]["nodes"][0]["version"] == history["version"]
    assert (await run(page, "History", "Revert"))["revertMessageFlow"]["errors"] == []
    assert (await run(page, "ReadFlow"))["messageFlow"]["autopilot"] is read["autopilot"]

    hours = (await run(page, "WorkingHours"))["messageFlow"]["settings"]["responseSettings"]["workingHours"]
    assert hours["isOpen"] is True
    assert len(hours["openings"]) >= 1


async def test_the_keyboard_leaves_the_editor_and_takes_what_is_offered(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.locator(EDITOR).click()
    await page.keyboard.press("Tab")
    await expect(page.locator(".graphiql-execute-button")).to_be_focused()
    await page.get_by_role("button", name="New tab").click()
    await page.locator(EDITOR).click()
    await page.keyboard.type("{ messageFlow")
    await expect(page.get_by_role("option", name="messageFlows")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(page.locator(EDITOR)).to_contain_text("messageFlows")


async def test_what_was_just_written_is_what_runs(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.locator(EDITOR).click()
    async with page.expect_response(carries("Renamed")) as coming:
        await page.keyboard.press("Control+A")
        await page.keyboard.insert_text("query Renamed { messageFlows(first: 1) { totalCount } }")
        await page.keyboard.press("Control+Enter")
    assert "errors" not in await (await coming.value).json()


@pytest.mark.parametrize("tab", ["ReadFlow", "Changes"])
async def test_a_server_that_is_away_is_told_in_a_sentence(visiting: Visiting, server: str, tab: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.get_by_role("tab", name=tab).click()
    await page.wait_for_load_state("networkidle")
    assert visit.wrong == []
    await page.context.set_offline(True)
    await page.locator(".graphiql-execute-button").click()
    await expect(page.locator(SHOWN)).to_contain_text('"message": "The server does not answer."')
    await expect(page.locator(SHOWN)).not_to_contain_text("stack")
    await expect(page.get_by_role("button", name="Execute query")).to_be_visible()
    visit.wrong.clear()  # requests that fail, and whatever of Monaco comes later still


async def test_what_closes_a_dialog_is_seen(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/")
    await visit.page.get_by_role("button", name="Open short keys dialog").click()
    close = visit.page.get_by_role("button", name="Close dialog")
    around = "svg => svg.clientWidth - 2 * parseFloat(getComputedStyle(svg).paddingLeft)"
    assert await close.locator("svg").evaluate(around) == 12


async def test_a_key_is_asked_for_and_kept_in_the_session_alone(visiting: Visiting, guarded: Guarded) -> None:
    key = guarded.key("playground")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/")
    await give_key(page, "mfk_wrong")
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("refused the last key")
    assert await serious(page) == []
    await give_key(page, key)
    assert (await run(page, "ReadFlow"))["messageFlow"]["name"] == "New Years Sale"
    assert key in await page.evaluate("Object.values(sessionStorage)")
    assert key not in await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
    visit.forgive(401)


async def test_a_server_that_does_not_tell_its_schema_is_said_so(visiting: Visiting, guarded: Guarded) -> None:
    visit = await visiting(guarded.address)
    await visit.open("/")
    await visit.page.get_by_role("button", name="Not now").click()
    await expect(visit.page.get_by_role("note")).to_contain_text("MESSAGE_FLOWS_INTROSPECTION is off")
    await expect(visit.page.get_by_role("link", name="REST")).to_be_visible()
    await expect(visit.page.get_by_role("link", name="Schema")).to_have_count(0)


async def test_behind_a_prefix_every_address_has_it(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    asked = await visit.behind("/mf")
    await visit.open("/mf/graphql")
    assert (await run(visit.page, "ReadFlow"))["messageFlow"]["id"] == EXAMPLE["_id"]
    assert [path for path in asked if not path.startswith("/mf/")] == []
