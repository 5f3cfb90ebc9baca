"""The playground in a browser: its first tabs, run as they stand, change and tell what they say they do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from graphql_api.domain.example import EXAMPLE
from tests.browser.axe import serious
from tests.browser.conftest import Visiting
from tests.browser.flows import Elsewhere
from tests.commands import command, environment
from tests.served import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = 1000
"""Milliseconds within which GraphiQL has read what the operations of a tab are."""

SHOWN = ".graphiql-response .view-lines"


async def run(page: Page, tab: str, operation: str = "") -> Any:
    """Opens a tab, runs what is in it, `operation` of several, and gives the data that came and is shown."""
    editor = page.locator(".graphiql-query-editor .view-lines")
    await expect(editor).to_contain_text("(")
    await page.wait_for_timeout(READ)
    await page.get_by_role("tab", name=tab).click()
    await expect(editor).to_contain_text(f" {tab}(")
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


@pytest.fixture(scope="module")
def guarded(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server that requires keys and does not tell its schema, and a key of the example's workspace."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copy(migrated_sqlite, folder / "flows.db")
    url = f"sqlite+aiosqlite:///{folder / 'flows.db'}"
    words = command(
        "keys", "create", "--name", "page", "--workspace", str(EXAMPLE["workspaceId"]), "--scope", "flows:read"
    )
    made = subprocess.run(words, env=environment(url), capture_output=True, text=True, check=True, timeout=60)
    with serving(url, folder / "log", auth="keys", demo="true", introspection="false") as address:
        yield address, made.stdout.strip()


async def test_a_key_is_asked_for_and_kept_in_the_session_alone(visiting: Visiting, guarded: tuple[str, str]) -> None:
    server, key = guarded
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("API key").fill("mfk_wrong")
    await dialog.get_by_role("button", name="Use it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("refused the last key")
    assert await serious(page) == []
    visit.wrong[:] = [wrong for wrong in visit.wrong if "401" not in wrong]
    await dialog.get_by_label("API key").fill(key)
    await dialog.get_by_role("button", name="Use it").click()
    assert (await run(page, "ReadFlow"))["messageFlow"]["name"] == "New Years Sale"
    assert key in await page.evaluate("Object.values(sessionStorage)")
    assert key not in await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")


async def test_a_server_that_does_not_tell_its_schema_is_said_so(visiting: Visiting, guarded: tuple[str, str]) -> None:
    visit = await visiting(guarded[0])
    await visit.open("/")
    await visit.page.get_by_role("button", name="Not now").click()
    await expect(visit.page.get_by_role("note")).to_contain_text("MESSAGE_FLOWS_INTROSPECTION is off")


async def test_behind_a_prefix_every_address_has_it(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    asked = await visit.behind("/mf")
    await visit.open("/mf/graphql")
    assert (await run(visit.page, "ReadFlow"))["messageFlow"]["id"] == EXAMPLE["_id"]
    assert [path for path in asked if not path.startswith("/mf/")] == []


async def test_changes_arrive_beside_the_tab_that_makes_them(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await page.get_by_role("button", name="Live changes").click()
    live = page.get_by_role("region", name="Live changes")
    await expect(live.get_by_role("status")).to_contain_text("Listening to workspace exampleWorkspaceId1")
    flipped = (await run(page, "ToggleAutopilot"))["updateMessageFlow"]
    await expect(live.get_by_role("listitem")).to_contain_text(f"to version {flipped['messageFlow']['version']}")
    await expect(live.get_by_role("listitem")).to_contain_text("autopilot")


async def test_the_tab_of_the_subscription_tells_what_others_change(visiting: Visiting, server: str) -> None:
    visit = await visiting(server)
    page = visit.page
    await visit.open("/")
    await expect(page.locator(".graphiql-query-editor .view-lines")).to_contain_text(" ReadFlow(")
    await page.get_by_role("tab", name="Changes").click()
    await expect(page.locator(".graphiql-query-editor .view-lines")).to_contain_text(" Changes(")
    await page.wait_for_timeout(READ)
    async with page.expect_websocket():
        await page.locator(".graphiql-execute-button").click()
    await page.wait_for_timeout(READ)
    await Elsewhere(server, str(EXAMPLE["workspaceId"])).update(str(EXAMPLE["_id"]), name="Renamed by another")
    await expect(page.locator(SHOWN)).to_contain_text("Renamed by another")
    await Elsewhere(server, str(EXAMPLE["workspaceId"])).update(str(EXAMPLE["_id"]), name=str(EXAMPLE["name"]))
