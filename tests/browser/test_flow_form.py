"""The form of a flow: what was edited is sent and nothing else, refusals stand at their fields, no edit gets lost."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visiting
from tests.browser.flows import HOURS, Elsewhere, control, field, sends, shown, variables

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNCOVERED = """
it => {
  const {left, right, top, bottom} = it.getBoundingClientRect();
  const seen = (x, y) => it.contains(document.elementFromPoint(x, y));
  return [left + 8, (left + right) / 2, right - 8].every(x => [top + 2, bottom - 2].every(y => seen(x, y)));
}"""
"""Whether a box is seen from its top to its bottom, and from side to side."""

REVISED = {"nodes": [{"operation": "UPDATE", "note": "Friday's review"}]}


async def test_only_what_changed_is_sent(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "edited")
    hours = {"enabled": True, "start": "08:00", "end": "18:00"}
    id = await team.create(description="Old", settings={"responseSettings": {"workingHours": hours}})
    page = (await shown(visiting, server, "edited", id)).page
    await control(page, "name").fill("Summer Sale")
    await control(page, "prompt").fill("Something else")
    await field(page, "prompt").get_by_role("button", name="Undo").click()
    await control(page, "settings.responseSettings.delay").fill("2.5")
    await control(page, f"{HOURS}.end").fill("24:00")
    await field(page, f"{HOURS}.start").get_by_role("button", name="Reset").click()
    await expect(control(page, f"{HOURS}.start")).to_have_value("09:00")
    await field(page, "description").get_by_role("button", name="Reset").click()
    await expect(page.get_by_text("5 changes")).to_be_visible()
    await page.get_by_label("Why, for the history").fill("Friday's review")
    async with page.expect_request(sends("Save")) as request:
        await page.get_by_role("button", name="Save").click()
    assert await variables(await request.value) == {
        "id": id,
        "input": {
            "name": "Summer Sale",
            "description": None,
            "settings": {"responseSettings": {"delay": 2.5, "workingHours": {"start": None, "end": "24:00"}}},
        },
        "ifVersion": 0,
        "onConflict": "REJECT",
        "note": "Friday's review",
    }
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1: Name, Description")
    await expect(page.get_by_role("button", name="Save")).to_be_hidden()
    flow = await team.read(id)
    assert (flow["version"], flow["name"], flow["description"], flow["revisions"]) == (1, "Summer Sale", "", REVISED)
    assert flow["settings"]["responseSettings"] == {
        "delay": 2.5,
        "workingHours": {"enabled": True, "start": "09:00", "end": "24:00", "timezone": "UTC"},
    }


async def test_a_refusal_stands_at_its_field_and_nothing_is_written(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "refused")
    id = await team.create()
    page = (await shown(visiting, server, "refused", id)).page
    await control(page, "name").fill("Other")
    await control(page, "settings.responseSettings.delay").fill("soon")
    await page.get_by_role("button", name="Save").click()
    await expect(field(page, "settings.responseSettings.delay").get_by_text("This is not a number.")).to_be_visible()
    await control(page, "settings.responseSettings.delay").fill("86401")
    await control(page, f"{HOURS}.timezone").fill("Europe/Berln")
    await page.get_by_role("button", name="Save").click()
    wrong = field(page, f"{HOURS}.timezone")
    await expect(wrong.locator(".field-error")).to_contain_text("Europe/Berlin")
    await expect(control(page, "settings.responseSettings.delay")).to_be_focused()
    await expect(control(page, f"{HOURS}.timezone")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".field-error")).to_have_count(2)
    await control(page, f"{HOURS}.timezone").press_sequentially("?!")
    await expect(page.locator(".field-error")).to_have_count(1)
    await expect(control(page, f"{HOURS}.timezone")).to_be_focused()

    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator(".field-error")).to_have_count(0)
    assert (await team.read(id))["version"] == 0


@pytest.mark.parametrize("leaf", ["agent", f"{HOURS}.timezone"])
@pytest.mark.parametrize("width", [1280, 400])
async def test_what_was_refused_is_read_where_nothing_covers_it(
    visiting: Visiting, server: str, width: int, leaf: str
) -> None:
    workspace = f"covered-{width}-{leaf.split('.')[-1]}"
    id = await Elsewhere(server, workspace).create()
    page = (await shown(visiting, server, workspace, id, width=width)).page
    await control(page, leaf).fill("?")
    await page.get_by_role("button", name="Save").click()
    wrong = field(page, leaf).locator(".field-error")
    await expect(wrong).to_be_visible()
    await expect(control(page, leaf)).to_be_focused()
    assert await wrong.evaluate(UNCOVERED)


@pytest.mark.parametrize("width", [1280, 400])
async def test_nothing_gone_to_by_keyboard_is_behind_the_bar_that_saves(
    visiting: Visiting, server: str, width: int
) -> None:
    workspace = f"tabbed-{width}"
    id = await Elsewhere(server, workspace).create()
    page = (await shown(visiting, server, workspace, id, width=width)).page
    await control(page, "name").fill("Edited")
    covered = []
    for _ in range(20):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not await focused.evaluate(UNCOVERED):
            covered.append(await focused.get_attribute("id"))
    assert covered == []


@pytest.mark.parametrize("width", [1280, 400])
async def test_what_is_told_does_not_cover_the_bar_that_saves(visiting: Visiting, server: str, width: int) -> None:
    workspace = f"told-{width}"
    id = await Elsewhere(server, workspace).create()
    visit = await shown(visiting, server, workspace, id, width=width)
    page = visit.page
    await page.route("**/graphql", lambda route: route.abort())
    await control(page, "name").fill("Edited")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".save-bar").get_by_role("alert")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status")).to_contain_text("The server cannot be reached")
    assert await page.locator(".save-bar .problem").evaluate(UNCOVERED)
    assert await page.get_by_role("button", name="Save").evaluate(UNCOVERED)
    assert await page.get_by_role("button", name="Discard").evaluate(UNCOVERED)
    if width == 1280:
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        assert await page.get_by_role("button", name="Save").evaluate(UNCOVERED)
    assert set(visit.wrong) == {"Failed to load resource: net::ERR_FAILED"}
    visit.wrong.clear()


@pytest.mark.parametrize("written", ["Infinity", "-Infinity", "NaN", ""])
async def test_what_json_has_no_number_for_is_none_and_nothing_is_written(
    visiting: Visiting, server: str, written: str
) -> None:
    team = Elsewhere(server, f"number-{written or 'none'}")
    id = await team.create(settings={"responseSettings": {"delay": 30}})
    page = (await shown(visiting, server, f"number-{written or 'none'}", id)).page
    delay = "settings.responseSettings.delay"
    await control(page, delay).fill(written)
    await page.get_by_role("button", name="Save").click()
    await expect(field(page, delay).get_by_text("This is not a number.")).to_be_visible()
    flow = await team.read(id)
    assert (flow["version"], flow["settings"]["responseSettings"]["delay"]) == (0, 30)


@pytest.mark.parametrize("mended", ["start", "end"])
async def test_an_empty_window_is_mended_at_either_end(visiting: Visiting, server: str, mended: str) -> None:
    team = Elsewhere(server, f"window-{mended}")
    id = await team.create()
    page = (await shown(visiting, server, f"window-{mended}", id)).page
    await control(page, f"{HOURS}.end").fill("09:00")
    await page.get_by_role("button", name="Save").click()
    wrong = field(page, f"{HOURS}.end").locator(".field-error")
    await expect(wrong).to_contain_text("Working hours from 09:00 to 09:00 hold no minute")
    await expect(control(page, f"{HOURS}.end")).to_be_focused()
    await control(page, "name").fill("Somewhere else")
    await expect(wrong).to_be_visible()
    await control(page, f"{HOURS}.{mended}").fill("08:00")
    await expect(wrong).to_have_count(0)
    assert (await team.read(id))["version"] == 0
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1")


async def test_a_number_is_typed_digit_by_digit(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "digits").create()
    page = (await shown(visiting, server, "digits", id)).page
    delay = control(page, "settings.responseSettings.delay")
    await delay.clear()
    await delay.press_sequentially("2.05")
    await expect(delay).to_have_value("2.05")


async def test_a_field_says_what_it_means_and_what_is_wrong_with_it(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "described")
    id = await team.create(name="Before", description="Something")
    page = (await shown(visiting, server, "described", id)).page
    meant = "Name for people, 1 to 200 characters, not blank."
    await expect(control(page, "name")).to_have_accessible_description(meant)
    await control(page, "name").fill(" ")
    await page.get_by_role("button", name="Save").click()
    await expect(control(page, "name")).to_have_accessible_description(f"{meant} Name must not be blank")
    await control(page, "name").fill("Mine")
    await team.update(id, name="Theirs")
    await expect(control(page, "name")).to_have_accessible_description(
        re.compile(f"{meant} Meanwhile changed elsewhere")
    )
    await expect(page.get_by_role("button", name="Undo the edit of Name")).to_be_visible()
    await expect(page.get_by_role("button", name="Reset to empty: Description")).to_be_visible()


async def test_an_edit_by_keyboard_alone(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "typed")
    id = await team.create()
    page = (await shown(visiting, server, "typed", id)).page
    await page.locator("body").click(position={"x": 5, "y": 300})
    await until_focused(page, "Name")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("By hand")
    await until_focused(page, "Active")
    await page.keyboard.press("Space")
    await until_focused(page, "Save")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Saved as version 1: Name, Active.")
    assert (await team.read(id))["name"] == "By hand"


async def until_focused(page: Any, name: str) -> None:
    """Goes on with Tab, as far as a person would."""
    focused = page.locator(":focus")
    for _ in range(40):
        await page.keyboard.press("Tab")
        label = await focused.evaluate("it => it.labels?.[0]?.textContent ?? it.textContent")
        if label == name:
            return
    raise AssertionError(f"{name} was not reached")
