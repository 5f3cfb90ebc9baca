"""The REST reference in a browser: it shows the routes, and its forms really ask this server."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.axe import serious
from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.flows import Elsewhere

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def form(page: Page, operation: str) -> Locator:
    """The part of an operation, opened."""
    part = page.locator(f"[id$=-{operation}]")
    await part.locator(".opblock-summary-control").click()
    return part


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_route_is_shown_to_everybody(visiting: Visiting, server: str, width: int, scheme: str) -> None:
    visit = await visiting(server, width=width, scheme=scheme)
    await visit.open("/docs")
    await expect(visit.page.locator(".opblock")).to_have_count(8)
    await expect(visit.page.locator("html.dark-mode")).to_have_count(1 if scheme == "dark" else 0)
    part = await form(visit.page, "updateMessageFlow")
    await expect(part.get_by_role("textbox", name="If-Match")).to_be_visible()
    await part.get_by_role("button", name="Execute").click()
    await expect(part.locator(".live-responses-table")).to_be_visible()
    assert await serious(visit.page) == []
    assert await visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_what_the_keyboard_comes_to_is_seen(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/docs")
    copy = visit.page.locator(".opblock").first.get_by_role("button", name="Copy path to clipboard")
    await copy.focus()
    await expect(copy).to_have_js_property("clientWidth", 24)


async def test_an_address_names_the_operation_that_is_open(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/docs")
    part = await form(visit.page, "updateMessageFlow")
    await expect(part.get_by_role("button", name="Execute")).to_be_visible()
    await expect(visit.page).to_have_url(re.compile("#/.+/updateMessageFlow$"))
    await visit.page.reload()
    await expect(part.get_by_role("button", name="Execute")).to_be_visible()


async def test_a_form_sends_what_it_says(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "exampleWorkspaceId1").create(name="Tried")
    visit = await visiting(server)
    await visit.open("/docs")
    part = await form(visit.page, "updateMessageFlow")
    await part.get_by_placeholder("id", exact=True).fill(id)
    await part.locator("textarea.body-param__text").fill('{"name": "Tried by form"}')
    async with visit.page.expect_response(lambda answer: answer.request.method == "PUT") as coming:
        await part.get_by_role("button", name="Execute").click()
    answer = await coming.value
    assert (answer.status, (await answer.json())["name"]) == (200, "Tried by form")
    assert answer.url == f"{server}/v1/api/message-flows/{id}"
    await expect(part.locator(".live-responses-table")).to_contain_text("Tried by form")
    assert (await Elsewhere(server, "exampleWorkspaceId1").read(id))["name"] == "Tried by form"


async def test_a_form_asks_in_the_workspace_that_it_names(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "of-a-form").create(name="Read by form")
    visit = await visiting(server)
    await visit.open("/docs")
    part = await form(visit.page, "getMessageFlow")
    await part.get_by_role("textbox", name="x-workspace-id").fill("of-a-form")
    await part.get_by_placeholder("id", exact=True).fill(id)
    await part.get_by_role("button", name="Execute").click()
    await expect(part.locator(".live-responses-table")).to_contain_text("Read by form")


async def test_a_form_sends_the_key_that_was_asked_for(visiting: Visiting, guarded: Guarded) -> None:
    key = guarded.key("reference")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/docs")
    await give_key(page, "mfk_wrong")
    part = await form(page, "getMessageFlow")
    await part.get_by_role("button", name="Execute").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("refused the last key")
    await give_key(page, key)
    async with page.expect_response(lambda answer: "/message-flows/" in answer.url) as coming:
        await part.get_by_role("button", name="Execute").click()
    answer = await coming.value
    assert (answer.status, await answer.request.header_value("x-api-key")) == (200, key)
    await expect(part.locator(".live-responses-table")).to_contain_text("exampleAgentId1")
    assert key not in await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
    visit.forgive(401)


async def test_behind_a_prefix_a_form_reads_through_it(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    asked = await visit.behind("/mf")
    await visit.open("/mf/docs")
    part = await form(visit.page, "getMessageFlow")
    await part.get_by_role("button", name="Execute").click()
    await expect(part.locator(".live-responses-table")).to_contain_text("exampleAgentId1")
    assert asked[-1] == "/mf/v1/api/message-flows/exampleId1"
    assert [path for path in asked if not path.startswith("/mf/")] == []


async def test_a_document_that_is_refused_is_told(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.page.route("**/openapi.json", lambda route: route.fulfill(status=503, body=""))
    await visit.open("/docs")
    await expect(visit.page.locator("#page")).to_contain_text("does not give its openapi.json (status 503)")
    assert visit.wrong == ["Failed to load resource: the server responded with a status of 503 (Service Unavailable)"]
    visit.wrong.clear()
