"""Everybody can use the flow page: axe-core finds nothing serious, wide and narrow, light and dark; a key lets in."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import Visiting
from tests.browser.flows import HOURS, Elsewhere, control, field, shown
from tests.commands import command, environment
from tests.served import serving

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


@pytest.fixture(scope="module")
def guarded(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server that requires keys, and a key of the workspace `ws1`."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copy(migrated_sqlite, folder / "flows.db")
    url = f"sqlite+aiosqlite:///{folder / 'flows.db'}"
    scopes = "flows:read,flows:write,history:read"
    words = command("keys", "create", "--name", "page", "--workspace", "ws1", "--scope", scopes)
    made = subprocess.run(words, env=environment(url), capture_output=True, text=True, check=True, timeout=60)
    with serving(url, folder / "log", auth="keys") as address:
        yield address, made.stdout.strip()


async def test_a_key_is_asked_for_and_kept_in_the_session_alone(visiting: Visiting, guarded: tuple[str, str]) -> None:
    server, key = guarded
    id = await Elsewhere(server, "ws1", key).create(name="Behind a key")
    visit = await visiting(server)
    page = visit.page
    await visit.open("/flows")
    await page.get_by_label("API key").fill("mfk_wrong")
    await page.get_by_role("textbox", name="Workspace").fill("ws1")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("alert")).to_contain_text("key")
    visit.wrong[:] = [wrong for wrong in visit.wrong if "401" not in wrong and "403" not in wrong]
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Switch").click()
    await page.get_by_role("link", name="Behind a key").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Behind a key")
    await expect(page.locator(".connection")).to_have_text("Live")
    assert page.url == f"{server}/flows/{id}?workspace=ws1"
    assert await page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert key in await page.evaluate("Object.values(sessionStorage)")


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
