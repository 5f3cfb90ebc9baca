"""Every page by itself: it comes up with nothing but this server, breaks no policy and puts no error on the console."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visiting
from tests.browser.flows import shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", ["/", "/graphql", "/docs", "/docs/schema", "/flows", "/flows/exampleId1"])
async def test_a_page_comes_up(visiting: Visiting, server: str, path: str) -> None:
    visit = await visiting(server)
    await visit.open(path)
    await expect(visit.page.locator("#page")).not_to_be_empty()
    await expect(visit.page.get_by_role("button", name="API key…")).to_have_count(0)


@pytest.mark.parametrize(("chosen", "scheme"), [("dark", "light"), ("light", "dark")])
async def test_the_theme_that_was_chosen_is_that_of_other_pages(
    visiting: Visiting, server: str, chosen: str, scheme: str
) -> None:
    visit = await visiting(server, scheme=scheme)
    await visit.page.add_init_script(f"localStorage.setItem('graphiql:theme', '{chosen}')")
    await visit.open("/docs/schema")
    await expect(visit.page.locator("html")).to_have_attribute("data-theme", chosen)


@pytest.mark.parametrize("id", ["nobodys", "%E0%A4%A", "%25", "a/b"])
async def test_an_address_of_no_flow_says_so(visiting: Visiting, server: str, id: str) -> None:
    page = (await shown(visiting, server, "empty", id)).page
    await expect(page.get_by_role("heading", level=1)).to_have_text("No such flow")
    await page.get_by_role("link", name="All flows").click()
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
