"""Where the focus goes: people at a keyboard go on where they were, and start a page at its heading."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Visiting
from tests.browser.flows import HOURS, Elsewhere, control, field, sends, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")

DELAY = "settings.responseSettings.delay"


async def test_another_page_begins_at_its_heading(visiting: Visiting, server: str) -> None:
    await Elsewhere(server, "headed").create(name="Webinar")
    page = (await shown(visiting, server, "headed")).page
    heading = page.get_by_role("heading", level=1)
    await expect(page.get_by_role("link", name="Webinar")).to_be_visible()
    await expect(heading).not_to_be_focused()
    await page.get_by_role("link", name="Webinar").press("Enter")
    await expect(heading).to_have_text("Webinar")
    await expect(heading).to_be_focused()
    await expect(page).to_have_title("Webinar · Message Flows")
    await page.go_back()
    await expect(heading).to_have_text("Flows 1")
    await expect(heading).to_be_focused()
    await expect(page).to_have_title("Flows · Message Flows")
    await page.get_by_role("link", name="Webinar").press("Enter")
    await page.get_by_role("button", name="Delete").press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    await expect(heading).to_have_text("Flows 0")
    await expect(heading).to_be_focused()
    await page.get_by_role("button", name="Undo").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Webinar is back.")
    await expect(heading).to_be_focused()


async def test_a_question_is_closed_by_escape_and_asked_again(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "escaped").create(name="Webinar")
    page = (await shown(visiting, server, "escaped", id)).page
    delete = page.get_by_role("button", name="Delete")
    question = page.get_by_role("dialog", name="Delete Webinar?")
    for _ in range(2):
        await delete.press("Enter")
        await expect(question.get_by_role("button", name="Cancel")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(question).to_have_count(0)
        await expect(delete).to_be_focused()


async def test_the_next_page_of_the_list_begins_at_its_top(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "turned")
    await asyncio.gather(*(team.create(name=f"Flow {number:02}") for number in range(21)))
    page = (await shown(visiting, server, "turned&order=name")).page
    await page.get_by_role("button", name="Next").press("Enter")
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Flow 20"])
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert await page.evaluate("scrollY") == 0


async def test_the_form_goes_on_at_the_field_that_was_edited(visiting: Visiting, server: str) -> None:
    settings = {"responseSettings": {"delay": 30}}
    id = await Elsewhere(server, "resumed").create(settings=settings)
    page = (await shown(visiting, server, "resumed", id)).page
    await control(page, "name").fill("Saved")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1: Name.")
    await expect(control(page, "name")).to_be_focused()
    await control(page, f"{HOURS}.end").fill("18:00")
    await page.get_by_role("button", name="Discard").press("Enter")
    await expect(control(page, f"{HOURS}.end")).to_be_focused()
    await field(page, DELAY).get_by_role("button", name="Reset").press("Enter")
    await expect(control(page, DELAY)).to_have_value("0")
    await expect(control(page, DELAY)).to_be_focused()
    await field(page, DELAY).get_by_role("button", name="Undo").press("Enter")
    await expect(control(page, DELAY)).to_have_value("30")
    await expect(control(page, DELAY)).to_be_focused()


async def test_what_waits_for_its_answer_keeps_the_focus_and_is_sent_once(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "awaited")
    id = await team.create()
    page = (await shown(visiting, server, "awaited", id)).page
    sent: list[str] = []
    answered = asyncio.Event()

    async def slow(route: Route) -> None:
        if sends("ToggleAutopilot")(route.request):
            sent.append(route.request.url)
            await answered.wait()
        await route.fallback()

    await page.route("**/graphql", slow)
    autopilot = page.get_by_role("button", name="Autopilot")
    await autopilot.press("Enter")
    await expect(autopilot).to_have_attribute("aria-disabled", "true")
    await autopilot.press("Enter")
    answered.set()
    await expect(page.get_by_role("status")).to_contain_text("Autopilot is on.")
    await expect(autopilot).to_be_focused()
    assert len(sent) == 1
    assert (await team.read(id))["version"] == 1


async def test_a_list_that_is_come_back_to_goes_on_where_it_was_left(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "come-back-to")
    await asyncio.gather(*(team.create(name=f"Flow {number:02}") for number in range(24)))
    page = (await shown(visiting, server, "come-back-to&order=name", width=390)).page
    heading = page.get_by_role("heading", level=1)
    await page.get_by_role("link", name="Flow 19").scroll_into_view_if_needed()
    left = await page.evaluate("scrollY")
    assert left > 1000
    await page.get_by_role("link", name="Flow 19").press("Enter")
    await expect(heading).to_have_text("Flow 19")
    await page.go_back()
    await expect(page.get_by_role("link", name="Flow 19")).to_be_in_viewport()
    assert await page.evaluate("scrollY") == left
    await expect(heading).to_be_focused()

    await page.get_by_role("button", name="Next").press("Enter")
    await page.get_by_role("link", name="Flow 23").focus()
    await page.go_back()
    await expect(page.get_by_role("link", name="Flow 19")).to_be_in_viewport()
    await expect(heading).to_be_focused()
