"""The history of a flow: each leaf before and after, and the way back."""

import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from graphql_api.domain.example import EXAMPLE
from tests.browser.conftest import Guarded, Visiting, give_key
from tests.browser.flows import Elsewhere, control, sends, shown, variables

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_version_is_looked_at_and_brought_back(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "reverted")
    id = await team.create(name="First")
    await team.update(id, note="A better name", name="Second")
    await team.update(id, settings={"emailSettings": {"signature": "Ana"}})
    page = (await shown(visiting, server, "reverted", id)).page
    entries = page.get_by_role("region", name="History").locator("ol > li")
    await expect(entries).to_have_count(3)
    await expect(entries.nth(1)).to_contain_text("Version 1 by anonymous, GraphQL")
    await expect(entries.nth(1).locator("q.note")).to_have_text("A better name")
    await expect(entries.nth(1).locator("[data-leaf=name] dd")).to_have_text(["before: First", "after: Second"])
    await page.get_by_role("button", name="Revert to version 0").click()
    dialog = page.get_by_role("dialog", name="Revert to version 0?")
    await expect(dialog.locator("[data-leaf=name] dd")).to_have_text(["before: Second", "after: First"])
    await expect(dialog.locator("[data-leaf]")).to_have_count(2)
    await dialog.get_by_label("Why, for the history").fill("Too early")
    async with page.expect_request(sends("Revert")) as request:
        await dialog.get_by_role("button", name="Revert").click()
    assert await variables(await request.value) == {"id": id, "toVersion": 0, "ifVersion": 2, "note": "Too early"}
    await expect(page.get_by_role("status")).to_contain_text("Version 0 is back, as version 3.")
    await expect(control(page, "name")).to_have_value("First")
    await expect(entries).to_have_count(4)
    await expect(entries.first).to_contain_text("Reverted")
    await expect(page.get_by_role("button", name="Revert to version 0")).to_be_focused()
    flow = await team.read(id)
    assert (flow["version"], flow["name"]) == (3, "First")
    assert flow["settings"]["emailSettings"]["signature"] == ""
    assert flow["revisions"] == {"nodes": [{"operation": "REVERT", "note": "Too early"}]}


async def test_nothing_is_brought_back_on_top_of_what_was_not_seen(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "reverted-unseen")
    id = await team.create(name="First")
    await team.update(id, name="Second")
    page = (await shown(visiting, server, "reverted-unseen", id, is_cut_off=True)).page
    await page.get_by_role("button", name="Revert to version 0").click()
    dialog = page.get_by_role("dialog", name="Revert to version 0?")
    await expect(dialog.locator("[data-leaf]")).to_have_count(1)
    await team.update(id, description="Unseen")
    await dialog.get_by_role("button", name="Revert").click()
    await expect(dialog.get_by_role("alert")).to_have_text("The flow is at version 2, not at the one you named")
    assert (await team.read(id))["version"] == 2
    await expect(dialog.locator("[data-leaf=description] dd")).to_have_text(["before: Unseen", "after: empty"])
    await dialog.get_by_role("button", name="Revert").click()
    await expect(page.get_by_role("status")).to_contain_text("Version 0 is back, as version 3.")


async def test_a_long_history_is_read_in_parts(visiting: Visiting, server: str) -> None:
    team = Elsewhere(server, "long")
    id = await team.create()
    for number in range(12):
        await team.update(id, description=f"Take {number}")
    page = (await shown(visiting, server, "long", id)).page
    entries = page.get_by_role("region", name="History").locator("ol > li")
    await expect(entries).to_have_count(10)
    await page.get_by_role("button", name="Earlier changes").click()
    await expect(entries).to_have_count(13)
    await expect(entries.last).to_contain_text("Created")


async def test_times_that_an_import_brought_are_told_as_such(
    visiting: Visiting, guarded: Guarded, tmp_path: Path
) -> None:
    file = tmp_path / "flows.jsonl"
    file.write_text(json.dumps({**EXAMPLE, "_id": "broughtIn", "createdAt": "2023-02-01T12:00:00Z"}))
    guarded.bring_in(file)
    visit = await visiting(guarded.address)
    await visit.open(f"/flows/broughtIn?workspace={EXAMPLE['workspaceId']}")
    await give_key(visit.page, guarded.key("history"))
    entry = visit.page.get_by_role("region", name="History").locator("ol > li").first
    await expect(entry).to_contain_text("Imported")
    await entry.get_by_text("settings").click()
    created = entry.locator("[data-leaf=createdAt]")
    await expect(created.locator("dt")).to_have_text("Created")
    await expect(created.locator("dd")).to_have_text("after: 1 Feb 2023")


async def test_an_import_in_place_of_a_deleted_flow_tells_what_was_there_before(
    visiting: Visiting, guarded: Guarded, tmp_path: Path
) -> None:
    key, workspace = guarded.key("again"), str(EXAMPLE["workspaceId"])
    team = Elsewhere(guarded.address, workspace, key)
    id = await team.create(name="Deleted")
    await team.ask("mutation ($id: ID!) {deleteMessageFlow(id: $id) {errors {message}}}", id=id)
    file = tmp_path / "flows.jsonl"
    file.write_text(json.dumps({**EXAMPLE, "_id": id}))
    guarded.bring_in(file)
    visit = await visiting(guarded.address)
    await visit.open(f"/flows/{id}?workspace={workspace}")
    await give_key(visit.page, key)
    entry = visit.page.get_by_role("region", name="History").locator("ol > li").first
    await expect(entry).to_contain_text("Imported")
    name = entry.locator("[data-leaf=name]")
    await expect(name.locator("dd.before")).to_have_text("before: Deleted")
    await expect(name.locator("dd.after")).to_have_text(f"after: {EXAMPLE['name']}")
