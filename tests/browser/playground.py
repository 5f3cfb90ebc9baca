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


def carries(operation: str) -> Callable[[Response], bool]:
    return lambda answer: f'"operationName":"{operation}"' in (answer.request.post_data or "")
