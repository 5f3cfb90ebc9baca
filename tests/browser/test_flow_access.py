"""Everybody can use the flow page: axe-core finds nothing serious, wide and narrow, light and dark; a key lets in."""

import asyncio

import pytest
from playwright.async_api import expect

from graphql_api.domain.example import EXAMPLE
from graphql_api.domain.ids import ID_RULE
from tests.browser.axe import serious
from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.flows import HOURS, Elsewhere, asks, control, field, shown

WORKSPACE = str(EXAMPLE["workspaceId"])

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
async def test_axe_finds_nothing_serious(visiting: Visiting, server: str, width: int, scheme: str) -> None:
    workspace = f"axe-{width}-{scheme}"
    team = Elsewhere(server, workspace)
    hours = {"enabled": True, "start": "01:30", "end": "03:30", "timezone": "Europe/Berlin"}
    id = await team.create(autopilot=True, isActive=True, settings={"responseSettings": {"workingHours": hours}})
    await team.create(name="By email", messageChannel="EMAIL", settings={"security": {"hipaaCompliance": True}})
    await team.update(id, note="Why", description="Somewhat longer")
    visit = await shown(visiting, server, workspace, width=width, scheme=scheme)
    page = visit.page
    await expect(page.locator(".flow-table tbody tr")).to_have_count(2)
    found = {"list": await serious(page)}
    await page.get_by_role("button", name="New flow").click()
    found["new flow"] = await serious(page)
    await visit.open(f"/flows/{id}?workspace={workspace}")
    await page.get_by_label("Week of").fill("2026-10-25")
    await control(page, f"{HOURS}.end").fill("04:30")
    await control(page, "name").fill(" ")
    await page.get_by_role("button", name="Save").click()
    await expect(field(page, "name").locator(".field-error")).to_be_visible()
    await expect(page.locator(".preview")).to_be_visible()
    found["form, week, history"] = await serious(page)
    await control(page, "name").fill("Mine")
    await team.update(id, name="Theirs")
    await expect(field(page, "name").locator(".theirs")).to_be_visible()
    found["contested"] = await serious(page)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    found["conflict"] = await serious(page)
    assert [finding for findings in found.values() for finding in findings] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_nothing_is_cut_off_on_the_narrowest_screen(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "narrowest").create(name="W" * 200)
    page = (await shown(visiting, server, "narrowest", width=320)).page
    await expect(page.locator(".flow-table tbody tr")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    page = (await shown(visiting, server, "narrowest", id, width=320)).page
    await expect(page.locator(".picture")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 320


async def test_colours_that_the_reader_forces_hide_no_state(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "forced").create(isActive=True)
    page = (await shown(visiting, server, "forced", id, forced_colors="active")).page
    await expect(page.locator(".bar .open")).to_have_count(7)
    paints = "it => getComputedStyle(it).backgroundColor"
    on, off = [await control(page, leaf).evaluate(paints) for leaf in ("isActive", "autopilot")]
    assert on != off
    is_open, closed = [await page.locator(kind).first.evaluate(paints) for kind in (".bar .open", ".bar")]
    assert is_open != closed


async def test_a_key_is_asked_for_and_kept_in_the_session_alone(visiting: Visiting, guarded: Guarded) -> None:
    key = guarded.key("page")
    id = await Elsewhere(guarded.address, WORKSPACE, key).create(name="Behind a key")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/flows")
    await expect(page.get_by_label("API key", exact=True)).to_have_attribute("type", "password")
    await give_key(page, "mfk_wrong")
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("refused the last key")
    visit.forgive(401)
    await give_key(page, key)
    await page.get_by_role("link", name="Behind a key").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Behind a key")
    await expect(page.locator(".connection")).to_have_text("Live")
    assert page.url == f"{guarded.address}/flows/{id}"
    assert await page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert key in await page.evaluate("Object.values(sessionStorage)")


async def test_a_key_that_cannot_be_one_is_told_and_asked_for_again(visiting: Visiting, guarded: Guarded) -> None:
    key = guarded.key("whole")
    await Elsewhere(guarded.address, WORKSPACE, key).create(name="Behind a whole key")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/flows")
    await give_key(page, f"{key[:12]}…")
    alert = page.get_by_role("dialog").get_by_role("alert")
    await expect(alert).to_have_text("No key has a “…” in it: copy the whole key from where it was made.")
    assert await page.evaluate("sessionStorage.length") == 0
    await give_key(page, key)
    await expect(page.get_by_role("link", name="Behind a whole key")).to_be_visible()


@pytest.mark.parametrize(("named", "meant"), [("工作", "work"), ("acme corp", "acme-corp")])
async def test_a_name_that_no_workspace_has_is_told_and_asked_for_again(
    visiting: Visiting, server: str, named: str, meant: str
) -> None:
    await Elsewhere(server, meant).create(name="Right there")
    visit = await visiting(server)
    page = visit.page
    await visit.open(f"/flows?workspace={named}")
    bar = page.get_by_role("form", name="Workspace")
    await expect(bar.get_by_role("alert")).to_have_text(f"A workspace has a name of {ID_RULE}.")
    await expect(page.get_by_role("alert")).to_have_count(1)
    await bar.get_by_label("Workspace").fill(meant)
    await bar.get_by_role("button", name="Switch").click()
    await expect(page.get_by_role("link", name="Right there")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_edits_outlive_their_key(visiting: Visiting, guarded: Guarded) -> None:
    first, second, third = (guarded.key(name) for name in ("first", "second", "third"))
    team = Elsewhere(guarded.address, WORKSPACE, third)
    id = await team.create(name="Before")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open(f"/flows/{id}?workspace={WORKSPACE}")
    await give_key(page, first)
    await control(page, "name").fill("After")

    await guarded.revoke(first)
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    await expect(control(page, "name")).to_have_value("After")
    await page.get_by_role("button", name="API key…").click()
    await give_key(page, second)
    await expect(page.locator(".connection")).to_have_text("Live")
    await team.update(id, description="Changed meanwhile")
    await expect(control(page, "description")).to_have_value("Changed meanwhile")
    await expect(control(page, "name")).to_have_value("After")

    await guarded.revoke(second)
    await page.get_by_role("button", name="Save").click()
    await give_key(page, third)
    await expect(page.get_by_role("status").filter(has_text="Saved as version 2")).to_be_visible()
    visit.forgive(401)
    kept = await team.read(id)
    assert (kept["name"], kept["description"], kept["version"]) == ("After", "Changed meanwhile", 2)


async def test_a_key_that_may_only_read_gives_way_to_another(visiting: Visiting, guarded: Guarded) -> None:
    reader, writer = guarded.key("reader", "flows:read"), guarded.key("writer")
    team = Elsewhere(guarded.address, WORKSPACE, writer)
    id = await team.create(name="Before")
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open(f"/flows/{id}?workspace={WORKSPACE}")
    await give_key(page, reader)
    history = page.get_by_role("region", name="History")
    await expect(history).to_contain_text("This key lacks the scope history:read")
    await expect(history.get_by_role("button", name="Use another key…")).to_be_visible()

    async with page.expect_response(lambda answer: asks("PreviewWeek")(answer.request)) as previewed:
        await control(page, f"{HOURS}.end").fill("18:00")
    await (await previewed.value).finished()
    await control(page, "name").fill("After")
    await expect(page.locator(".week")).not_to_contain_text("This key lacks")
    await page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("alert")).to_have_text(
        "The last key was not enough: this key lacks the scope flows:write."
    )
    await dialog.get_by_role("button", name="Not now").click()
    await expect(page.locator(".save-bar").get_by_role("alert")).to_have_text("This key lacks the scope flows:write")
    assert (await team.read(id))["version"] == 0
    assert reader in await page.evaluate("Object.values(sessionStorage)")

    await page.get_by_role("button", name="Save").click()
    await give_key(page, writer)
    await expect(page.get_by_role("status").filter(has_text="Saved as version 1")).to_be_visible()
    await expect(history.locator("ol > li")).to_have_count(2)
    visit.forgive(403)
    assert (await team.read(id))["name"] == "After"


async def test_a_key_of_another_workspace_gives_way_to_one_of_this(visiting: Visiting, guarded: Guarded) -> None:
    visit = await visiting(guarded.address)
    page = visit.page
    await visit.open("/flows?workspace=elsewhere")
    await give_key(page, guarded.key("not there"))
    connection = page.locator(".connection")
    await expect(connection).to_have_text("Refused")
    await expect(connection).to_have_attribute("title", "This key does not belong to the workspace")
    await expect(page.get_by_role("alert")).to_contain_text("This key does not belong to the workspace")
    await page.get_by_role("button", name="Use another key…").click()
    await give_key(page, guarded.key("there", workspace="elsewhere"))
    await expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
    await expect(connection).to_have_text("Live")
    visit.forgive(403)


async def test_behind_a_prefix_every_address_has_it(visiting: Visiting, server: str) -> None:
    id = await Elsewhere(server, "prefixed").create(name="Prefixed")
    visit = await visiting(server)
    page = visit.page
    asked = await visit.behind("/mf")
    sockets: asyncio.Queue[str] = asyncio.Queue()
    await page.route_web_socket("**/*", lambda socket: sockets.put_nowait(socket.url))
    await visit.open("/mf/flows?workspace=prefixed")
    await page.get_by_role("link", name="Prefixed").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Prefixed")
    assert page.url == f"{server}/mf/flows/{id}?workspace=prefixed"
    await expect(page.get_by_role("link", name="Playground")).to_have_attribute("href", f"{server}/mf/")
    assert [path for path in asked if not path.startswith("/mf/")] == []
    assert await sockets.get() == f"{server.replace('http', 'ws')}/mf/graphql"
