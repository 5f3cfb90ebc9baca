"""The playground in a browser: its first tabs, run as they stand, change and tell what they say they do."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = 1000
"""Milliseconds within which GraphiQL has read what the operations of a tab are."""

SHOWN = ".graphiql-response .view-lines"


async def run(page: Page, tab: str, operation: str = "") -> Any:
    """Opens a tab, runs what is in it, `operation` of several, and gives the data that came and is shown."""
    await page.get_by_role("tab", name=tab).click()
    await expect(page.locator(".graphiql-query-editor .view-lines")).to_contain_text(f" {tab}(")
    await page.wait_for_timeout(READ)
    async with page.expect_response(lambda answer: answer.url.endswith("/graphql")) as coming:
        await page.locator(".graphiql-execute-button").click()
        if operation:
            await page.get_by_role("menuitem", name=operation).click()
    answer = await (await coming.value).json()
    assert "errors" not in answer
    await expect(page.locator(SHOWN)).to_contain_text('"data"')
    return answer["data"]


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
