"""What the playground keeps: open tabs from visit to visit and from key to key, and no key."""

import pytest
from playwright.async_api import expect

from graphql_api.domain.example import EXAMPLE
from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.playground import EDITOR, SHOWN, carries, write_headers

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = 1000
"""Milliseconds within which what was done is kept."""


async def test_a_later_visit_finds_the_open_tab_with_its_variables(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    for _ in range(2):
        await visit.open("/")
        async with page.expect_response(carries("ReadFlow")) as coming:
            await page.locator(".graphiql-execute-button").click()
        assert (await (await coming.value).json())["data"]["messageFlow"]["id"] == EXAMPLE["_id"]


async def test_the_tabs_stay_as_they_are_under_another_key(visiting: Visiting, guarded: Guarded) -> None:
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/")
    await give_key(page, guarded.key("first"))
    await page.get_by_role("tab", name="WorkingHours").click()
    await expect(page.locator(EDITOR)).to_contain_text(" WorkingHours(")
    await page.wait_for_timeout(KEPT)
    tabs = await page.get_by_role("tab").all_inner_texts()
    await page.get_by_role("button", name="API key…").click()
    await give_key(page, guarded.key("second"))
    await expect(page.locator(EDITOR)).to_contain_text(" WorkingHours(")
    assert await page.get_by_role("tab").all_inner_texts() == tabs
    async with page.expect_response(carries("WorkingHours")) as coming:
        await page.locator(".graphiql-execute-button").click()
    assert (await (await coming.value).json())["data"]["messageFlow"]["settings"]


@pytest.mark.parametrize(("comma", "kept"), [("", '{  "x-workspace-id": "mine"}'), (",", "")])
async def test_a_key_among_the_headers_of_a_tab_is_not_kept(
    visiting: Visiting, server: str, comma: str, kept: str
) -> None:
    """Nor where a comma too many stands behind it, which GraphiQL passes over."""
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await write_headers(page, f'{{"X-Workspace-Id": "mine", "x-api-key": "mfk_of_a_tab"{comma}}}')
    await page.wait_for_timeout(KEPT)
    async with page.expect_response(carries("ReadFlow")) as coming:
        await page.locator(".graphiql-execute-button").click()
    assert await (await coming.value).request.header_value("x-api-key") == "mfk_of_a_tab"
    await page.get_by_role("button", name="Show History").click()
    entry = page.locator(".graphiql-history-item-label").first
    await expect(entry).to_have_text("ReadFlow")
    assert "mfk_of_a_tab" not in await page.evaluate("JSON.stringify(localStorage)")
    await page.reload()
    await expect(page.locator(EDITOR)).to_contain_text("ReadFlow")
    await entry.click()
    await page.get_by_role("button", name="Headers").click()
    await expect(page.locator(".graphiql-editor-tool .view-lines:visible")).to_have_text(kept)


async def test_a_key_among_the_headers_of_a_tab_stands_for_that_tab_alone(visiting: Visiting, guarded: Guarded) -> None:
    """It goes out as it is, and where it is refused nobody is asked for that of the visit."""
    key = guarded.key("of the visit")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/")
    await give_key(page, key)
    await write_headers(page, f'{{"x-workspace-id": "{EXAMPLE["workspaceId"]}", "X-Api-Key": "mfk_of_a_tab"}}')
    await page.wait_for_timeout(KEPT)
    async with page.expect_response(carries("ReadFlow")) as coming:
        await page.locator(".graphiql-execute-button").click()
    answer = await coming.value
    assert (answer.status, await answer.request.header_value("x-api-key")) == (401, "mfk_of_a_tab")
    await expect(page.locator(SHOWN)).to_contain_text("UNAUTHENTICATED")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert key in await page.evaluate("Object.values(sessionStorage)")
    visit.forgive(401)
