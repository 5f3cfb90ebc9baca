"""Every page by itself: it comes up with nothing but this server, breaks no policy and puts no error on the console."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", ["/", "/graphql", "/docs", "/docs/schema", "/flows", "/flows/exampleId1"])
async def test_a_page_comes_up(visiting: Visiting, server: str, path: str) -> None:
    visit = await visiting(server)
    await visit.open(path)
    await expect(visit.page.locator("#page")).not_to_be_empty()
