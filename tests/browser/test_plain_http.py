"""Over plain HTTP under a name browsers keep from pages what they give to secure contexts alone: ours do without."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import FLOW, Visiting
from tests.browser.flows import Elsewhere
from tests.conftest import CREATE
from tests.served import serving

NAME = "plain.test"
LABELS = {"Name": "name", "Agent": "agent", "Prompt": "prompt", "First message": "initiationMessage"}
WORKSPACE = "exampleWorkspaceId1"

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def named(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server's address by the name that browsers resolve, and by its number."""
    folder = tmp_path_factory.mktemp("named")
    shutil.copy(migrated_sqlite, folder / "flows.db")
    settings = {"demo": "true", "allowed_hosts": f"{NAME},127.0.0.1"}
    with serving(f"sqlite+aiosqlite:///{folder / 'flows.db'}", folder / "log", **settings) as address:
        yield address.replace("127.0.0.1", NAME), address


async def is_secure(page: Page) -> bool:
    return bool(await page.evaluate("isSecureContext"))


async def test_a_flow_is_made(visiting: Visiting, named: tuple[str, str]) -> None:
    visit = await visiting(named[0])
    page = visit.page
    await visit.open("/flows?workspace=plain")
    assert not await is_secure(page)
    await page.get_by_role("button", name="New flow").click()
    dialog = page.get_by_role("dialog", name="New flow")
    for label, leaf in LABELS.items():
        await dialog.get_by_label(label).fill(str(CREATE[leaf]))
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(str(CREATE["name"]))
    id = page.url.split("/flows/")[1].split("?")[0]
    assert (await Elsewhere(named[1], "plain").read(id))["prompt"] == CREATE["prompt"]


async def test_autopilot_flips(visiting: Visiting, named: tuple[str, str]) -> None:
    team = Elsewhere(named[1], WORKSPACE)
    before = (await team.read(FLOW))["autopilot"]
    visit = await visiting(named[0])
    await visit.open(f"/flows/{FLOW}?workspace={WORKSPACE}")
    assert not await is_secure(visit.page)
    await visit.page.get_by_role("button", name="Autopilot").click()
    await expect(visit.page.get_by_role("status").filter(has_text="Autopilot is")).to_be_visible()
    assert (await team.read(FLOW))["autopilot"] is not before
