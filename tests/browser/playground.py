"""What tests do in the playground, and where they look."""

from collections.abc import Callable
from typing import Any

from playwright.async_api import Page, Response, expect

SHOWN = ".graphiql-response .view-lines"
EDITOR = ".graphiql-query-editor .view-lines"


async def run(page: Page, tab: str, operation: str = "") -> Any:
    """Opens a tab, runs at once what is in it, `operation` of several, and gives the data that came and is shown."""
    await page.get_by_role("tab", name=tab).click()
    async with page.expect_response(carries(operation or tab)) as coming:
        await page.locator(".graphiql-execute-button").click()
        if operation:
            await page.get_by_role("menuitem", name=operation).click()
    answer = await (await coming.value).json()
    assert "errors" not in answer
    await expect(page.locator(SHOWN)).to_contain_text('"data"')
    return answer["data"]


async def write_headers(page: Page, text: str) -> None:
    """Into the headers of the open tab, in place of what is there."""
    await page.get_by_role("button", name="Headers").click()
    await page.locator(".graphiql-editor-tool .view-lines:visible").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Delete")
    await page.keyboard.insert_text(text)
    await page.keyboard.press("Escape")


def carries(operation: str) -> Callable[[Response], bool]:
    return lambda answer: f'"operationName":"{operation}"' in (answer.request.post_data or "")
