"""The week of working hours as it is drawn: open hours, clock changes, now, and edits before they are saved."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import Visiting
from tests.browser.flows import HOURS, Elsewhere, Held, asks, control, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


def hours(**leaves: Any) -> dict[str, Any]:
    return {"responseSettings": {"workingHours": {"enabled": True, **leaves}}}


def day(page: Page, date: str) -> Locator:
    return page.locator(f"[data-date='{date}']")


async def spans(day: Locator, kind: str) -> list[tuple[float, float]]:
    """Hours from and to, measured on the drawing itself."""
    found = await day.locator(f".bar .{kind}").evaluate_all(
        "all => all.map(it => [it.offsetLeft, it.offsetWidth].map(x => x * 24 / it.parentElement.clientWidth))"
    )
    return [(round(left * 4) / 4, round((left + width) * 4) / 4) for left, width in found]


@pytest.mark.parametrize("width", [1400, 390])
async def test_weeks_with_a_clock_change_in_berlin(visiting: Visiting, server: str, width: int) -> None:
    settings = hours(start="01:30", end="03:30", timezone="Europe/Berlin")
    id = await Elsewhere(server, "berlin").create(settings=settings)
    page = (await shown(visiting, server, "berlin", id, width=width)).page
    await page.get_by_label("Week of").fill("2026-10-25")
    sunday = day(page, "2026-10-25")
    await expect(sunday).to_contain_text(
        "open 01:30 to 02:00, 02:00 to 03:00 (first time round), 02:00 to 03:00 (second time round), 03:00 to 03:30"
    )
    await expect(sunday).to_contain_text("03:00 becomes 02:00 (CEST to CET), the time between comes twice.")
    assert await spans(sunday, "open") == [(1.5, 2.0), (2.0, 3.0), (2.0, 3.0), (3.0, 3.5)]
    assert await spans(sunday, "repeated") == [(2.0, 3.0)]
    assert await spans(day(page, "2026-10-24"), "open") == [(1.5, 3.5)]
    await page.get_by_label("Week of").fill("2026-03-29")
    sunday = day(page, "2026-03-29")
    await expect(sunday).to_contain_text("open 01:30 to 02:00, 03:00 to 03:30")
    await expect(sunday).to_contain_text("02:00 becomes 03:00 (CET to CEST), the time between is skipped.")
    assert await spans(sunday, "skipped") == [(2.0, 3.0)]
    await page.get_by_role("button", name="Week after").click()
    await expect(page.locator(".picture figcaption")).to_contain_text("30 March to 5 April 2026, Europe/Berlin")
    await expect(page.locator(".clock-change")).to_have_count(0)


async def test_a_day_that_a_zone_skipped(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "apia").create(settings=hours(start="09:00", end="17:00", timezone="Pacific/Apia"))
    page = (await shown(visiting, server, "apia", id)).page
    await page.get_by_label("Week of").fill("2011-12-30")
    friday = day(page, "2011-12-30")
    await expect(friday.locator(".bar .skipped")).to_have_count(1)
    assert await spans(friday, "skipped") == [(0.0, 24.0)]
    await expect(friday).to_contain_text("00:00 becomes Sat 00:00 (-10 to +14)")
    assert await spans(day(page, "2011-12-31"), "open") == [(9.0, 17.0)]


async def test_now_is_told_and_marked_on_the_wall_clock_of_the_zone(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "always").create(settings=hours(start="00:00", end="24:00", timezone="Asia/Tokyo"))
    page = (await shown(visiting, server, "always", id, timezone_id="America/New_York")).page
    await expect(page.locator(".state-now")).to_have_text("Open now.")
    today = await page.evaluate("new Intl.DateTimeFormat('en-CA', {timeZone: 'Asia/Tokyo'}).format(Date.now())")
    await expect(day(page, today).locator(".now")).to_have_count(1)
    await expect(page.locator(".now")).to_have_count(1)
    back = page.get_by_role("button", name="Today")
    await expect(back).to_be_disabled()
    await page.get_by_label("Week of").fill("2026-05-06")
    await expect(page.locator(".now")).to_have_count(0)
    await back.click()
    await expect(day(page, today).locator(".now")).to_have_count(1)


async def test_time_goes_on_while_one_looks(visiting: Visiting, server: str) -> None:
    """How long ago is told anew, and what is open now is asked for when that was to change."""
    id = await Elsewhere(server, "goes-on").create(settings=hours(start="09:00", end="17:00"))
    page = (await visiting(server)).page
    await page.clock.install()
    await page.goto(f"{server}/flows/{id}?workspace=goes-on")
    await expect(page.locator(".facts time")).to_have_text("just now")
    await expect(page.locator(".state-now")).to_be_visible()
    async with page.expect_request(asks("Week")):
        await page.clock.fast_forward("25:00:00")
    await expect(page.locator(".facts time")).to_have_text("yesterday")


async def test_a_week_that_is_awaited_is_not_drawn_with_the_hours_of_another(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "awaited-week").create(settings=hours(start="09:00", end="17:00"))
    page = (await shown(visiting, server, "awaited-week", id)).page
    await page.get_by_label("Week of").fill("2026-05-06")
    await expect(day(page, "2026-05-04")).to_contain_text("open 09:00 to 17:00")
    answered = asyncio.Event()

    async def slow(route: Route) -> None:
        await answered.wait()
        await route.fallback()

    await page.route("**/graphql", slow)
    async with page.expect_request("**/graphql"):
        await page.get_by_role("button", name="Week after").click()
    await expect(page.locator(".day").filter(has_text="open 09:00 to 17:00")).to_have_count(7)
    await expect(page.locator(".picture figcaption")).to_contain_text("4 May to 10 May 2026")
    answered.set()
    await expect(page.locator(".picture figcaption")).to_contain_text("11 May to 17 May 2026")
    await expect(page.locator(".day").filter(has_text="open 09:00 to 17:00")).to_have_count(7)


async def test_a_week_that_was_turned_on_from_is_not_drawn_any_more(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "turned-on").create(settings=hours(start="09:00", end="17:00"))
    page = (await shown(visiting, server, "turned-on", id)).page
    caption = page.locator(".picture figcaption")
    await page.get_by_label("Week of").fill("2026-05-06")
    await expect(caption).to_contain_text("4 May to 10 May 2026")
    after = page.get_by_role("button", name="Week after")
    async with Held(page, "Week") as held:
        await after.click()
        await held.answered()
        await after.click()
        await expect(caption).to_contain_text("18 May to 24 May 2026")
    await expect(caption).to_contain_text("18 May to 24 May 2026")


async def test_edits_are_previewed_by_the_server_and_not_written(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "previewed")
    id = await team.create(settings=hours(start="09:00", end="17:00"))
    page = (await shown(visiting, server, "previewed", id)).page
    await page.get_by_label("Week of").fill("2026-05-06")
    await expect(day(page, "2026-05-04")).to_contain_text("open 09:00 to 17:00")
    await control(page, f"{HOURS}.start").fill("22:15")
    await control(page, f"{HOURS}.end").fill("06:00")
    await expect(page.get_by_text("Preview of what you are editing")).to_be_visible()
    await expect(day(page, "2026-05-04")).to_contain_text("open 00:00 to 06:00, 22:15 to 24:00")
    await control(page, f"{HOURS}.end").fill("22:15")
    await expect(page.locator(".week")).to_contain_text("hold no minute")
    await control(page, f"{HOURS}.end").fill("25:00")
    await expect(page.locator(".week .faint").first).to_contain_text("Closes at must be a time of day")
    await page.get_by_role("button", name="Discard").click()
    await expect(day(page, "2026-05-04")).to_contain_text("open 09:00 to 17:00")
    assert (await team.read(id))["version"] == 0
