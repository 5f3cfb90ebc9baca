"""The schema reference in a browser: all of the schema, what null does, found by name, read by everybody."""

import pytest
from graphql import GraphQLEnumType, is_introspection_type, is_specified_scalar_type
from playwright.async_api import Page, expect

from graphql_api.schema import SCHEMA
from tests.browser.axe import serious
from tests.browser.conftest import Visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")


def places() -> set[str]:
    """All types but those of GraphQL itself, and their members, as the page links to them."""
    found = set()
    for name, type in SCHEMA._schema.type_map.items():
        if is_introspection_type(type) or is_specified_scalar_type(type):
            continue
        found.add(name)
        members = type.values if isinstance(type, GraphQLEnumType) else getattr(type, "fields", {})
        found |= {f"{name}.{member}" for member in members}
    return found


async def cells(page: Page, place: str) -> list[str]:
    return await page.locator(f"[id='{place}']").locator("th, td").all_inner_texts()


async def test_all_of_the_schema_is_there_and_no_link_leads_nowhere(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/docs/schema")
    ids = set(await visit.page.evaluate("[...document.querySelectorAll('#page [id]')].map(({id}) => id)"))
    links = set(
        await visit.page.evaluate("[...document.querySelectorAll('#page [href^=\"#\"]')].map(({hash}) => hash)")
    )
    assert places() - ids == set()
    assert {link.removeprefix("#") for link in links} - ids == set()


async def test_tables_say_what_null_and_absence_come_to(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/docs/schema")
    page = visit.page
    assert (await cells(page, "WorkingHoursInput.start"))[:3] == ["start", "String", 'null gives "09:00"']
    assert (await cells(page, "UpdateMessageFlowInput.prompt"))[2] == "null is refused"
    assert (await cells(page, "CreateMessageFlowInput.prompt"))[1:3] == ["String!", "required"]
    assert (await cells(page, "Mutation.updateMessageFlow.onConflict"))[1:3] == ["ConflictPolicy!", "default REJECT"]
    assert await cells(page, "ErrorCode.NOT_FOUND") == ["NOT_FOUND", "Not found.", "Check the id and the workspace."]


async def test_a_name_is_found_and_gone_to(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    await visit.open("/docs/schema")
    page = visit.page
    find = page.get_by_role("searchbox", name="Find in the schema")
    await find.fill("OutOfHours")
    await expect(page.locator(".contents li:visible")).to_have_text(["WorkingHoursInput", "WorkingHours"])
    await expect(page.get_by_role("status")).to_contain_text("2 of ")
    await find.press("Enter")
    await expect(page.locator("[id='WorkingHoursInput']")).to_be_in_viewport()
    await find.fill("workinghours.start isOpen")
    await expect(page.locator(".contents li:visible")).to_have_text(["WorkingHours"])
    await find.fill("Mutation.revertMessageFlow")
    await expect(page.locator(".contents li:visible")).to_have_text(["revertMessageFlow"])
    await find.fill("no such thing")
    await expect(page.get_by_role("status")).to_have_text("Nothing has that name.")


async def test_printed_it_is_the_text_alone(visiting: Visiting, server: str) -> None:
    visit = await visiting(server, scheme="dark")
    await visit.open("/docs/schema")
    page = visit.page
    await page.emulate_media(media="print")
    await expect(page.get_by_role("navigation")).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


async def test_behind_a_prefix_other_pages_lead_to_it(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    asked = await visit.behind("/mf")
    await visit.open("/mf/docs")
    await visit.page.get_by_role("link", name="Schema", exact=True).click()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("GraphQL schema")
    await visit.page.get_by_role("link", name="playground", exact=True).click()
    await expect(visit.page.locator(".graphiql-container")).to_be_visible()
    assert [path for path in asked if not path.startswith("/mf/")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
async def test_axe_finds_nothing_serious(visiting: Visiting, server: str, width: int, scheme: str) -> None:
    visit = await visiting(server, width=width, scheme=scheme)
    await visit.open("/docs/schema#ErrorCode")
    page = visit.page
    await expect(page.locator("[id='ErrorCode']")).to_be_in_viewport()
    assert await serious(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    contents = page.locator("details.contents")
    if width < 900:
        await expect(contents.get_by_role("link", name="ErrorCode")).to_be_hidden()
        await contents.get_by_text("Contents").click()
        assert await serious(page) == []
        await contents.get_by_role("link", name="MessageFlow", exact=True).click()
    await expect(contents.get_by_role("link", name="ErrorCode")).to_be_visible(visible=width >= 900)
