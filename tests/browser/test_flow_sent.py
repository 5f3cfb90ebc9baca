"""What is sent happens once, whatever becomes of the answer, and an answer undoes nothing that came after it."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit, Visiting
from tests.browser.flows import Elsewhere, Held, control, lose, sends, shown, variables

pytestmark = pytest.mark.asyncio(loop_scope="session")

BACK = "dispatchEvent(new Event('focus'))"
LOST = "Failed to load resource: net::ERR_FAILED"
NEW = {"Name": "Night line", "Agent": "agent1", "Prompt": "Be brief.", "First message": "Hi!"}


def forgive(visit: Visit) -> None:
    """The answers that were lost on purpose."""
    assert set(visit.wrong) == {LOST}
    visit.wrong.clear()


async def test_a_toggle_whose_answer_got_lost_flips_once(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "toggled")
    id = await team.create()
    visit = await shown(visiting, server, "toggled", id)
    sent = await lose(visit.page, "ToggleAutopilot", 1)
    await visit.page.get_by_role("button", name="Autopilot").click()
    await expect(visit.page.get_by_role("status")).to_contain_text("Autopilot is on.")
    assert sent[0] == sent[1]
    assert len(sent) == 2
    flow = await team.read(id)
    assert (flow["autopilot"], flow["version"]) == (True, 1)
    forgive(visit)


async def test_a_toggle_that_is_pressed_again_for_want_of_an_answer_flips_once(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "toggled-again")
    id = await team.create()
    visit = await shown(visiting, server, "toggled-again", id)
    sent = await lose(visit.page, "ToggleAutopilot", 3)
    autopilot = visit.page.get_by_role("button", name="Autopilot")
    await autopilot.click()
    await expect(visit.page.locator(".save-bar").get_by_role("alert")).to_contain_text("It is not known whether")
    await autopilot.click()
    await expect(visit.page.get_by_role("status")).to_contain_text("Autopilot is on.")
    assert (await team.read(id))["version"] == 1
    await autopilot.click()
    await expect(visit.page.get_by_role("status")).to_contain_text("Autopilot is off.")
    assert sent[:4] == [sent[0]] * 4 != sent[1:]
    assert (await team.read(id))["version"] == 2
    forgive(visit)


async def test_what_is_typed_while_a_save_is_on_its_way_is_kept(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "typed-on")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "typed-on", id, is_cut_off=True)).page
    save = page.get_by_role("button", name="Save")
    await control(page, "name").fill("Sent")
    await control(page, "description").fill("Sent too")
    async with Held(page, "Save") as held:
        await save.click()
        await held.answered()
        await expect(save).to_have_attribute("aria-disabled", "true")
        await control(page, "name").fill("Sent, and then some")
        await control(page, "agent").fill("another")
        await save.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1: Name, Description.")
    assert len(held.sent) == 1
    await expect(page.get_by_text("2 changes")).to_be_visible()
    await expect(control(page, "name")).to_have_value("Sent, and then some")
    await expect(control(page, "agent")).to_have_value("another")
    async with page.expect_request(sends("Save")) as request:
        await save.click()
    sent = await variables(await request.value)
    assert (sent["input"], sent["ifVersion"]) == ({"name": "Sent, and then some", "agent": "another"}, 1)


async def test_why_is_told_of_one_save_and_not_of_the_next(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "told-why").create()
    page = (await shown(visiting, server, "told-why", id)).page
    await control(page, "name").fill("First")
    await page.get_by_label("Why, for the history").fill("A reason")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1")
    await control(page, "name").fill("Second")
    async with page.expect_request(sends("Save")) as request:
        await page.get_by_role("button", name="Save").click()
    assert (await variables(await request.value))["note"] is None


async def test_a_save_that_succeeds_at_last_takes_the_trouble_away(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "at-last").create()
    visit = await shown(visiting, server, "at-last", id)
    page = visit.page
    await control(page, "name").fill("Edited")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".save-bar").get_by_role("alert")).to_contain_text("saving again is safe")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1")
    await expect(page.locator(".save-bar")).to_have_count(0)
    visit.wrong.clear()  # what the console says of being offline


async def test_an_answer_that_comes_late_takes_nothing_back(visiting: Visiting, server: str) -> None:
    """That of a read, and that of a save on which others have built meanwhile."""
    team = Elsewhere(server, "late")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "late", id)).page
    await expect(page.locator(".connection")).to_have_text("Live")
    version = page.locator(".facts b")
    async with Held(page, "Flow") as read:
        await page.evaluate(BACK)
        await read.answered()
        await team.update(id, name="After")
        await expect(control(page, "name")).to_have_value("After")
    async with Held(page, "Save") as saved:
        await control(page, "description").fill("Mine")
        await page.get_by_role("button", name="Save").click()
        await saved.answered()
        await team.update(id, name="After that")
        await expect(version).to_have_text("3")
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 2: Description.")
    await expect(version).to_have_text("3")
    await expect(control(page, "name")).to_have_value("After that")
    await expect(page.get_by_role("button", name="Save")).to_be_hidden()


async def test_a_flow_whose_answer_got_lost_is_made_once(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "made-once")
    visit = await shown(visiting, server, "made-once")
    page = visit.page
    sent = await lose(page, "Create", 1)
    await page.get_by_role("button", name="New flow").click()
    for label, text in NEW.items():
        await page.get_by_role("dialog").get_by_label(label).fill(text)
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Night line")
    assert sent == [sent[0]] * 2
    assert (await team.ask("{messageFlows(first: 5) {totalCount}}"))["messageFlows"]["totalCount"] == 1
    forgive(visit)


async def test_a_flow_that_is_made_up_anew_is_another_and_created_once(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "made-anew")
    visit = await shown(visiting, server, "made-anew")
    page = visit.page
    sent = await lose(page, "Create", 3)
    await page.get_by_role("button", name="New flow").click()
    dialog = page.get_by_role("dialog")
    create = dialog.get_by_role("button", name="Create")
    for label, text in NEW.items():
        await dialog.get_by_label(label).fill(text)
    await create.press("Enter")
    await expect(create).to_have_attribute("aria-disabled", "true")
    await create.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached")
    assert len(sent) == 3
    await dialog.get_by_label("Name").fill("Day line")
    await create.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Day line")
    assert (await team.ask("{messageFlows(first: 5) {totalCount}}"))["messageFlows"]["totalCount"] == 2
    forgive(visit)
