"""The list of flows: filtered, ordered, turned by pages, made and deleted there."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Visiting
from tests.browser.flows import Elsewhere, Held, control, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENDS_AT_THE_LEFT = """
it => {
  const text = [...it.childNodes].find(node => node.nodeType === Node.TEXT_NODE);
  const leftOf = index => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + 1);
    return range.getBoundingClientRect().left;
  };
  return leftOf(text.length - 1) < leftOf(0);
}"""


async def names(page: Page) -> list[str]:
    return await page.locator(".flow-table tbody th a").all_inner_texts()


async def test_a_filtered_list_is_what_its_address_says(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "filtered")
    await team.create(name="Dental recall", messageChannel="EMAIL")
    await team.create(name="Dental recall by text", settings={"security": {"hipaaCompliance": True}})
    await team.create(name="Newsletter", messageChannel="EMAIL", autopilot=True)
    visit = await shown(visiting, server, "filtered")
    page = visit.page
    await expect(page.locator(".flow-table tbody tr")).to_have_count(3)
    assert await names(page) == ["Newsletter", "Dental recall by text", "Dental recall"]
    await page.get_by_label("Order").select_option("By name")
    await expect(page.locator(".flow-table tbody th a").first).to_have_text("Dental recall")
    await page.get_by_label("Name contains").fill("DENTAL")
    await expect(page.locator(".flow-table tbody tr")).to_have_count(2)
    await page.get_by_label("HIPAA").select_option("On")
    await expect(page.locator(".flow-table tbody tr")).to_have_count(1)
    await page.reload()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Dental recall by text"])
    await page.get_by_label("Channel").select_option("Email")
    await expect(page.get_by_role("heading", name="No flow matches")).to_be_visible()
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(
        ["Dental recall", "Dental recall by text", "Newsletter"]
    )


async def test_of_an_address_that_says_what_there_is_not_the_rest_counts(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "half-known")
    await team.create(name="Off", isActive=False)
    await team.create(name="On", isActive=True)
    search = "half-known&isActive=false&messageChannel=FAX&direction=constructor&order=random"
    page = (await shown(visiting, server, search)).page
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Off"])


async def test_pages_turn_and_the_way_back_is_the_browsers(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "paged")
    for number in range(23):
        await team.create(name=f"Flow {number:02}")
    visit = await shown(visiting, server, "paged&order=name")
    page = visit.page
    await expect(page.get_by_role("heading", level=1)).to_have_text("Flows 23")
    await expect(page.locator(".flow-table tbody tr")).to_have_count(20)
    await expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    await page.get_by_role("button", name="Next").click()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Flow 20", "Flow 21", "Flow 22"])
    await expect(page.get_by_role("button", name="Next")).to_be_disabled()
    await page.get_by_role("link", name="Flow 21").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Flow 21")
    await page.go_back()
    await expect(page.locator(".flow-table tbody tr")).to_have_count(3)
    await page.get_by_role("button", name="Previous").click()
    await expect(page.locator(".flow-table tbody th a").first).to_have_text("Flow 00")


async def test_a_flow_is_made_and_refused_where_it_is_not_right(visiting: Visiting, server: str) -> None:
    visit = await shown(visiting, server, "made")
    page = visit.page
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
    await page.get_by_role("button", name="New flow").click()
    dialog = page.get_by_role("dialog", name="New flow")
    await dialog.get_by_label("Name").fill(" ")
    for label, text in {"Agent": "agent1", "Prompt": "Be brief.", "First message": "Hi!"}.items():
        await dialog.get_by_label(label).fill(text)
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_text("Name must not be blank")).to_be_visible()
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await dialog.get_by_label("Name").fill("Night line")
    await dialog.get_by_label("Channel").select_option("Email")
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Night line")
    await page.get_by_role("link", name="All flows").click()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Night line"])


async def test_what_was_deleted_comes_back_by_undo(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "deleted").create(name="Webinar")
    visit = await shown(visiting, server, "deleted", id)
    page = visit.page
    await page.get_by_role("button", name="Delete").click()
    answered = asyncio.Event()

    async def slow(route: Route) -> None:
        await answered.wait()
        await route.fallback()

    await page.route("**/graphql", slow)
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status")).to_contain_text("Webinar is being deleted…")
    answered.set()
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("Webinar is deleted.")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Webinar"])
    assert (await Elsewhere(server, "deleted").read(id))["version"] == 2


async def test_a_list_that_hears_nothing_shows_what_was_done_here_and_whoever_comes_back_the_rest(
    visiting: Visiting, server: str
) -> None:
    team = Elsewhere(server, "unheard")
    id = await team.create(name="Webinar")
    page = (await shown(visiting, server, "unheard", is_cut_off=True)).page
    await page.get_by_role("link", name="Webinar").click()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Webinar"])
    await team.update(id, name="Renamed elsewhere")
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Renamed elsewhere"])


async def test_what_asks_for_nothing_goes_away_and_what_can_be_undone_stays(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "told").create(name="Webinar")
    page = (await visiting(server)).page
    await page.clock.install()
    await page.goto(f"{server}/flows/{id}?workspace=told")
    told = page.locator(".notices")
    await page.get_by_role("button", name="Autopilot").click()
    await expect(told).to_contain_text("Autopilot is on.")
    await page.clock.fast_forward(10_000)
    await expect(told).to_be_empty()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(told).to_contain_text("Webinar is deleted.")
    await page.clock.fast_forward(60_000)
    await expect(told.get_by_role("button", name="Undo")).to_be_visible()
    await told.get_by_role("button", name="Dismiss").click()
    await expect(told).to_be_empty()


async def test_a_filter_begins_at_the_front_and_is_cleared_for_good(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "front")
    await asyncio.gather(*(team.create(name=f"Flow {number:02}") for number in range(21)))
    page = (await shown(visiting, server, "front&order=name")).page
    await page.get_by_role("button", name="Next").click()
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Flow 20"])
    await page.get_by_label("Name contains").fill("Flow 0")
    await expect(page.locator(".flow-table tbody tr")).to_have_count(10)
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.get_by_label("Name contains")).to_have_value("")
    await expect(page.locator(".flow-table tbody tr")).to_have_count(20)


async def test_a_name_and_what_is_chosen_while_it_is_typed_both_count(visiting: Visiting, server: str) -> None:
    await Elsewhere(server, "both").create(name="Webinar")
    page = (await shown(visiting, server, "both")).page
    await page.get_by_label("Name contains").fill("web")
    await page.get_by_label("Channel").select_option("SMS")
    await expect(page).to_have_url(f"{server}/flows?workspace=both&messageChannel=SMS&name=web")


async def test_an_answer_for_other_filters_than_those_that_are_set_is_not_shown(
    visiting: Visiting, server: str
) -> None:
    team = Elsewhere(server, "overtaken")
    await team.create(name="By text")
    await team.create(name="By email", messageChannel="EMAIL")
    page = (await shown(visiting, server, "overtaken", is_cut_off=True)).page
    rows = page.locator(".flow-table tbody th a")
    await expect(rows).to_have_count(2)
    async with Held(page, "List") as held:
        await page.get_by_label("Channel").select_option("SMS")
        await held.answered()
        await expect(page.locator(".results")).to_have_attribute("aria-busy", "true")
        await page.get_by_label("Channel").select_option("Email")
        await expect(rows).to_have_text(["By email"])
        await expect(page.locator(".results")).to_have_attribute("aria-busy", "false")
    await expect(rows).to_have_text(["By email"])


async def test_an_unknown_flow_is_told_as_such(visiting: Visiting, server: str) -> None:
    visit = await shown(visiting, server, "unknown", "nosuchflow")
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("There is no flow nosuchflow in this workspace")
    await alert.get_by_role("button", name="Restore").click()
    await expect(visit.page.get_by_role("status")).to_contain_text("nosuchflow")
    await expect(alert).to_be_visible()


async def test_all_flows_are_those_that_were_looked_for(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "looked-for")
    await team.create(name="Found")
    await team.create(name="Other")
    page = (await shown(visiting, server, "looked-for")).page
    await page.get_by_label("Name contains").fill("found")
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Found"])
    await page.get_by_role("link", name="Found").click()
    await page.get_by_role("link", name="All flows").click()
    await expect(page.get_by_label("Name contains")).to_have_value("found")
    await expect(page.locator(".flow-table tbody th a")).to_have_text(["Found"])
    await page.get_by_role("textbox", name="Workspace").fill("looked-for-elsewhere")
    await page.get_by_role("button", name="Switch").click()
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()


async def test_a_name_is_written_from_the_side_where_its_script_begins(visiting: Visiting, server: str) -> None:
    await Elsewhere(server, "hebrew").create(name="שלום!", prompt="שלום!")
    page = (await shown(visiting, server, "hebrew")).page
    assert await page.get_by_role("link", name="שלום").evaluate(ENDS_AT_THE_LEFT)
    await page.get_by_role("link", name="שלום").click()
    assert await page.get_by_role("heading", level=1).evaluate(ENDS_AT_THE_LEFT)
    for leaf in ("name", "prompt"):
        await expect(control(page, leaf)).to_have_css("unicode-bidi", "plaintext")
