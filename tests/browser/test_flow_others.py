"""Others work on the same flow: their changes come into the form, and nobody's edit is overwritten unseen."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visiting
from tests.browser.flows import HOURS, Elsewhere, control, field, lose, sends, shown, variables

pytestmark = pytest.mark.asyncio(loop_scope="session")

DELAY, SIGNATURE = "settings.responseSettings.delay", "settings.emailSettings.signature"
DELETED = "mutation ($id: ID!) {deleteMessageFlow(id: $id) {deletedMessageFlowId}}"
BACK = "dispatchEvent(new Event('focus'))"


async def sides(dialog: Locator, leaf: str) -> list[str]:
    return await dialog.locator(f"[data-leaf='{leaf}'] td").all_inner_texts()


async def refused(page: Page) -> Locator:
    """The dialog that a save ends in when somebody else was first."""
    await page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Somebody else was first")
    await expect(dialog).to_be_visible()
    return dialog


async def test_edits_that_do_not_meet_are_merged(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "disjoint")
    id = await team.create()
    page = (await shown(visiting, server, "disjoint", id, is_cut_off=True)).page
    await control(page, SIGNATURE).fill("Ana")
    await team.update(id, settings={"responseSettings": {"delay": 30}})
    dialog = await refused(page)
    assert (await team.read(id))["version"] == 1
    assert await sides(dialog, DELAY) == ["0", "30", "unchanged"]
    assert await sides(dialog, SIGNATURE) == ["empty", "unchanged", "Ana"]
    async with page.expect_request(sends("Save")) as request:
        await dialog.get_by_role("button", name="Apply mine on top").click()
    sent = await variables(await request.value)
    assert sent["input"] == {"settings": {"emailSettings": {"signature": "Ana"}}}
    assert (sent["ifVersion"], sent["onConflict"]) == (0, "MERGE")
    await expect(page.get_by_role("status")).to_contain_text("on top of what others changed since version 0.")
    await expect(dialog).to_be_hidden()
    await expect(control(page, DELAY)).to_have_value("30")
    flow = await team.read(id)
    assert (flow["version"], flow["settings"]["emailSettings"]["signature"]) == (2, "Ana")
    assert flow["settings"]["responseSettings"]["delay"] == 30


async def test_edits_that_meet_are_replaced_by_choice_alone(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "meeting")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "meeting", id, is_cut_off=True)).page
    await control(page, "name").fill("Mine")
    await team.update(id, name="Theirs", description="Theirs too")
    dialog = await refused(page)
    assert await sides(dialog, "name") == ["Before", "Theirs", "Mine"]
    assert await sides(dialog, "description") == ["empty", "Theirs too", "unchanged"]
    await dialog.get_by_role("button", name="Keep editing").click()
    await expect(field(page, "name").locator(".theirs")).to_contain_text("Meanwhile changed elsewhere to Theirs")
    await expect(control(page, "description")).to_have_value("Theirs too")
    dialog = await refused(page)
    async with page.expect_request(sends("Save")) as request:
        await dialog.get_by_role("button", name="Apply mine on top").click()
    sent = await variables(await request.value)
    assert sent["input"] == {"name": "Mine"}
    assert (sent["ifVersion"], sent["onConflict"]) == (1, "REJECT")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Mine")
    flow = await team.read(id)
    assert (flow["version"], flow["name"], flow["description"]) == (2, "Mine", "Theirs too")


async def test_what_keeps_mine_from_theirs_is_told_where_one_chose_it(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "kept-from")
    id = await team.create(name="Before")
    visit = await shown(visiting, server, "kept-from", id, is_cut_off=True)
    page = visit.page
    await control(page, "name").fill("Mine")
    await team.update(id, name="Theirs")
    dialog = await refused(page)
    await page.context.set_offline(True)
    await dialog.get_by_role("button", name="Apply mine on top").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("saving again is safe")
    await page.context.set_offline(False)
    await dialog.get_by_role("button", name="Apply mine on top").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 2: Name.")
    visit.wrong.clear()  # what the console says of being offline


async def test_a_merge_that_cannot_stand_is_told_where_one_chose_it(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "no-minute")
    id = await team.create()
    page = (await shown(visiting, server, "no-minute", id, is_cut_off=True)).page
    await control(page, f"{HOURS}.start").fill("16:00")
    await team.update(id, settings={"responseSettings": {"workingHours": {"end": "16:00"}}})
    dialog = await refused(page)
    await dialog.get_by_role("button", name="Apply mine on top").click()
    told = "Working hours from 16:00 to 16:00 hold no minute"
    await expect(dialog.get_by_role("alert")).to_contain_text(told)
    await dialog.get_by_role("button", name="Keep editing").click()
    await expect(field(page, f"{HOURS}.start").locator(".field-error")).to_contain_text(told)
    assert (await team.read(id))["version"] == 1


async def test_what_was_not_seen_is_not_deleted(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "undeleted")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "undeleted", id, is_cut_off=True)).page
    await expect(page.get_by_role("button", name="Delete")).to_be_visible()
    await team.update(id, name="Theirs")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status")).to_contain_text("The flow is at version 1, not at the one you named")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Before")
    assert (await team.read(id))["name"] == "Theirs"


async def test_theirs_can_be_taken(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "taken")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "taken", id, is_cut_off=True)).page
    await control(page, "name").fill("Mine")
    await team.update(id, name="Theirs")
    await (await refused(page)).get_by_role("button", name="Take theirs").click()
    await expect(control(page, "name")).to_have_value("Theirs")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.get_by_role("button", name="Save")).to_be_hidden()
    assert (await team.read(id))["version"] == 1


async def test_the_sides_of_a_long_text_are_short_until_they_are_asked_for(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "long")
    id = await team.create(prompt="Before. " * 1000)
    page = (await shown(visiting, server, "long", id, is_cut_off=True)).page
    await control(page, "prompt").fill("Mine. " * 1000 + "The end.")
    await control(page, SIGNATURE).fill("Ana")
    await team.update(id, prompt="Theirs. " * 1000)
    dialog = await refused(page)
    await expect(dialog.locator(f"[data-leaf='{SIGNATURE}']")).to_be_in_viewport()
    assert "The end." not in (await sides(dialog, "prompt"))[2]
    await dialog.locator("[data-leaf='prompt'] [data-side='Mine'] summary").click()
    assert "The end." in (await sides(dialog, "prompt"))[2]


async def test_a_save_whose_answer_got_lost_is_no_conflict_with_oneself(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "lost")
    id = await team.create(name="Before")
    visit = await shown(visiting, server, "lost", id, is_cut_off=True)
    page = visit.page
    await lose(page, "Save", 1)
    await control(page, "name").fill("Mine")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".save-bar").get_by_role("alert")).to_contain_text("saving again is safe")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Nothing had to be changed: version 1 has all of it.")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Save")).to_be_hidden()
    flow = await team.read(id)
    assert (flow["version"], flow["name"]) == (1, "Mine")
    assert visit.wrong == ["Failed to load resource: net::ERR_FAILED"]
    visit.wrong.clear()


async def test_what_changed_meanwhile_comes_into_the_form(visiting: Visiting, server: str) -> None:
    """Untouched fields show it, a field that both touched is marked, and saving it asks first."""
    team = Elsewhere(server, "meanwhile")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "meanwhile", id)).page
    await control(page, "name").fill("Mine")
    await control(page, SIGNATURE).fill("Ana")
    await team.update(id, name="Theirs", settings={"responseSettings": {"delay": 7}})
    await page.evaluate(BACK)
    await expect(control(page, DELAY)).to_have_value("7")
    await expect(field(page, "name").locator(".theirs")).to_contain_text("Theirs")
    await expect(control(page, "name")).to_have_value("Mine")
    await expect(control(page, SIGNATURE)).to_have_value("Ana")
    await (await refused(page)).get_by_role("button", name="Keep editing").click()
    await field(page, "name").get_by_role("button", name="Take theirs").click()
    async with page.expect_request(sends("Save")) as request:
        await page.get_by_role("button", name="Save").click()
    sent = await variables(await request.value)
    assert (sent["input"], sent["ifVersion"]) == ({"settings": {"emailSettings": {"signature": "Ana"}}}, 1)
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 2: Signature.")


async def test_mine_is_kept_by_choice_and_saved_without_another_question(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "kept")
    id = await team.create(name="Before")
    page = (await shown(visiting, server, "kept", id)).page
    await control(page, "name").fill("Mine")
    await team.update(id, name="Theirs")
    await field(page, "name").get_by_role("button", name="Keep mine").press("Enter")
    await expect(field(page, "name").locator(".theirs")).to_have_count(0)
    await expect(control(page, "name")).to_be_focused()
    async with page.expect_request(sends("Save")) as request:
        await page.get_by_role("button", name="Save").click()
    sent = await variables(await request.value)
    assert (sent["input"], sent["ifVersion"], sent["onConflict"]) == ({"name": "Mine"}, 1, "REJECT")
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 2: Name.")


async def test_a_flow_that_was_deleted_elsewhere_is_brought_back(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "gone")
    id = await team.create(name="Gone")
    page = (await shown(visiting, server, "gone", id)).page
    await expect(control(page, "name")).to_have_value("Gone")
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await team.ask(DELETED, id=id)
    await page.evaluate(BACK)
    await expect(page.get_by_role("alert")).to_contain_text("This flow was deleted elsewhere.")
    await expect(page.get_by_role("alert")).to_be_in_viewport()
    await expect(control(page, "name")).to_be_disabled()
    entries = page.get_by_role("region", name="History").locator("ol > li")
    revert = page.get_by_role("button", name="Revert to version")
    await expect(revert).to_have_count(0)
    await page.get_by_role("button", name="Restore it").click()
    await expect(control(page, "name")).to_be_enabled()
    await expect(entries).to_have_count(3)
    await expect(revert).to_have_text(["Revert to version 0"])
    assert (await team.read(id))["version"] == 2


async def test_a_save_finds_that_the_flow_was_deleted_and_its_edits_outlive_that(
    visiting: Visiting, server: str
) -> None:
    team = Elsewhere(server, "gone-unseen")
    id = await team.create(name="Gone")
    page = (await shown(visiting, server, "gone-unseen", id, is_cut_off=True)).page
    await control(page, "name").fill("Mine")
    await team.ask(DELETED, id=id)
    save = page.get_by_role("button", name="Save")
    await save.click()
    await expect(page.get_by_role("alert")).to_have_text("This flow was deleted elsewhere.Restore it")
    await expect(save).to_be_disabled()
    await page.get_by_role("button", name="Restore it").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await save.click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 3: Name.")
    assert (await team.read(id))["name"] == "Mine"


async def test_a_flow_that_is_opened_after_it_was_deleted_is_brought_back(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "gone-before")
    id = await team.create(name="Gone")
    await team.ask(DELETED, id=id)
    page = (await shown(visiting, server, "gone-before", id)).page
    await page.get_by_role("button", name="Restore it if it was deleted").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gone")
    await expect(page.get_by_role("status")).to_contain_text("The flow is back.")
    assert (await team.read(id))["version"] == 2
