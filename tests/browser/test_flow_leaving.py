"""Ways out of a flow that is edited, by links, Back, another workspace, the window: none loses edits by accident."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visiting
from tests.browser.flows import Elsewhere, Held, control, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


def question(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Leave without saving?")


async def test_edits_are_not_left_by_accident(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "guarded").create()
    page = (await shown(visiting, server, "guarded", id)).page
    await control(page, "name").fill("Half a thought")
    await page.get_by_role("link", name="All flows").click()
    await question(page).get_by_role("button", name="Cancel").click()
    await expect(control(page, "name")).to_have_value("Half a thought")
    await page.get_by_role("link", name="All flows").click()
    await question(page).get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Flows 1")


async def test_the_way_back_asks_too_but_not_within_the_page(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "way-back")
    await asyncio.gather(*(team.create(name=f"Flow {number:02}") for number in range(20)))
    page = (await shown(visiting, server, "way-back&order=name", width=390)).page
    await page.get_by_role("link", name="Flow 19").click()
    await control(page, "name").fill("Half a thought")
    place = page.url
    await page.get_by_role("link", name="History").click()
    await expect(page).to_have_url(f"{place}#history")
    await control(page, "name").fill("Half a thought, and a half")
    await page.evaluate("history.go(-2)")
    await question(page).get_by_role("button", name="Cancel").click()
    await expect(page).to_have_url(f"{place}#history")
    await expect(control(page, "name")).to_have_value("Half a thought, and a half")
    await page.evaluate("history.back()")
    await question(page).get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("link", name="Flow 19")).to_be_in_viewport()


async def test_another_workspace_asks_too_and_the_way_back_leads_out_of_it(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "this-one").create(name="Here")
    await Elsewhere(server, "the-other").create(name="There")
    page = (await shown(visiting, server, "this-one", id)).page
    workspace = page.get_by_role("textbox", name="Workspace")
    await control(page, "name").fill("Half a thought")
    await workspace.fill("the-other")
    await workspace.press("Enter")
    await question(page).get_by_role("button", name="Cancel").click()
    await expect(control(page, "name")).to_have_value("Half a thought")
    await workspace.press("Enter")
    await question(page).get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("link", name="There")).to_be_visible()
    await expect(page).to_have_url(f"{server}/flows?workspace=the-other")
    await page.go_back()
    await expect(control(page, "name")).to_have_value("Here")
    await expect(workspace).to_have_value("this-one")


async def test_the_window_asks_before_it_closes(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "closing").create()
    page = (await shown(visiting, server, "closing", id)).page
    await control(page, "name").click()
    await control(page, "name").fill("Half a thought")
    async with page.expect_event("dialog") as asked:
        await page.evaluate("setTimeout(() => location.reload())")
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()
    await expect(control(page, "name")).to_have_value("Half a thought")


async def test_a_flow_that_is_deleted_takes_its_edits_along_unasked(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "edited-deleted").create(name="Webinar")
    page = (await shown(visiting, server, "edited-deleted", id)).page
    await control(page, "name").fill("Half a thought")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("Webinar is deleted.")


async def test_a_flow_that_is_deleted_late_takes_nobody_away_from_another(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "deleted-late")
    await team.create(name="First")
    await team.create(name="Second")
    page = (await shown(visiting, server, "deleted-late")).page
    await page.get_by_role("link", name="First").click()
    await page.get_by_role("button", name="Delete").click()
    async with Held(page, "Delete") as held:
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await held.answered()
        await page.get_by_role("link", name="All flows").click()
        await page.get_by_role("link", name="Second").click()
        await control(page, "name").fill("Half a thought")
    await expect(page.get_by_role("status")).to_contain_text("First is deleted.")
    await expect(control(page, "name")).to_have_value("Half a thought")
    await page.get_by_role("link", name="All flows").click()
    await expect(question(page)).to_be_visible()


async def test_a_link_opens_in_another_tab_for_whoever_wants_that(visiting: Visiting, server: str) -> None:
    await Elsewhere(server, "tabs").create(name="Webinar")
    page = (await shown(visiting, server, "tabs")).page
    async with page.context.expect_page() as coming:
        await page.get_by_role("link", name="Webinar").click(modifiers=["ControlOrMeta"])
    await expect((await coming.value).get_by_role("heading", level=1)).to_have_text("Webinar")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Flows 1")


async def test_a_workspace_is_remembered_while_the_window_is_open(visiting: Visiting, server: str) -> None:
    await Elsewhere(server, "remembered").create(name="Webinar")
    visit = await shown(visiting, server, "remembered")
    await visit.open("/flows")
    await expect(visit.page.get_by_role("link", name="Webinar")).to_be_visible()
    assert await visit.page.evaluate("localStorage.length") == 0
