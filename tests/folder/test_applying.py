"""Plan, apply and export on both databases: nobody's edit is overwritten, and what is done once is done."""

import errno
import os
from typing import Any

import pytest
from sqlalchemy import select

from graphql_api import edits, folder
from graphql_api.domain.example import EXAMPLE
from graphql_api.folder.contents import Blame
from graphql_api.folder.planning import StepKind
from graphql_api.folder.reading import LONGEST
from graphql_api.sentences import Unfit
from graphql_api.storage import revisions
from graphql_api.storage.engine import Shape, Statement
from graphql_api.storage.tables import FLOWS, REVISIONS, owned
from tests.folder.conftest import BY_FILE, SOMEBODY, Work, told

DELAY = "settings.responseSettings.delay"
ROWS = [Statement(Shape(select(table).order_by(*table.primary_key)), {}) for table in (FLOWS, REVISIONS)]
NEW = """\
# A new one
name: Spring
direction: inbound
agent: agent1
prompt: |
  Be brief.
initiationMessage: Hello
messageChannel: Email
"""


async def contents(work: Work) -> list[list[dict[str, object]]]:
    return [[dict(row) for row in await work.desk.store.read(rows)] for rows in ROWS]


async def last(work: Work, id: str) -> revisions.Revision:
    return revisions.revision((await work.desk.store.read(revisions.newest("ws1", id, 1, None)))[0])


async def test_what_was_exported_plans_nothing_and_is_exported_the_same(work: Work) -> None:
    await work.flow("a")
    await work.flow("b", prompt="one\n\ttwo  \n", workspaceId="ws2")
    assert await work.export() == folder.Exported(flows=2, written=2)
    files, rows = work.files(), await contents(work)
    assert sorted(files) == ["ws1/a.yaml", "ws2/b.yaml"]
    plan = await work.plan(prune=True)
    assert (plan.steps, plan.same, plan.wrong) == ([], 2, [])
    assert await work.apply(prune=True) == folder.Applied()
    assert await work.export() == folder.Exported(flows=2, written=0)
    assert (work.files(), await contents(work)) == (files, rows)


async def test_leaves_that_a_file_changes_are_written_and_its_version_with_them(work: Work) -> None:
    await work.flow("a")
    await work.flow("b")
    await work.export()
    before = work.text("a").replace("delay: 0", "delay: 7 # seconds").replace('"17:00"', "null")
    work.write("a", before.replace("isActive: true", "isActive: false"))
    plan = await work.plan()
    changes = {"isActive": (True, False), DELAY: (0, 7)}
    assert told(plan) == [(StepKind.UPDATE, "ws1/a.yaml", changes)]
    assert plan.same == 1
    assert await work.apply() == folder.Applied(updated=1)
    revision = await last(work, "a")
    assert (revision.operation, revision.source, dict(revision.changes)) == ("UPDATE", "CLI", changes)
    expected = before.replace("isActive: true", "isActive: false").replace("version: 0", "version: 1")
    assert work.text("a") == expected
    rows = await contents(work)
    assert (await work.plan()).steps == []
    assert await work.apply() == folder.Applied()
    assert (await contents(work), work.text("a")) == (rows, expected)


async def test_what_a_file_leaves_out_stays_and_null_resets(work: Work) -> None:
    await work.flow("a")
    await work.edited("a", response_settings_delay=9)
    work.write("a", "version: 1\ndescription: ~\nsettings: {emailSettings: {}}\n")
    assert told(await work.plan()) == [
        (StepKind.UPDATE, "ws1/a.yaml", {"description": (EXAMPLE["description"], "")}),
    ]
    await work.apply()
    flow = await work.now("a")
    assert flow is not None
    assert (flow["description"], flow["response_settings_delay"], flow["version"]) == ("", 9, 2)
    assert flow["email_settings_signature"] == "Regards"
    assert work.text("a") == "version: 2\ndescription: ~\nsettings: {emailSettings: {}}\n"


async def test_a_new_file_is_a_new_flow_with_its_id(work: Work) -> None:
    work.write("my-flow", NEW)
    (step,) = (await work.plan()).steps
    assert (step.kind, step.changes["prompt"]) == (StepKind.CREATE, (None, "Be brief.\n"))
    assert await work.apply() == folder.Applied(created=1)
    flow = await work.now("my-flow")
    assert flow is not None
    assert (flow["name"], flow["message_channel"], flow["version"]) == ("Spring", "EMAIL", 0)
    assert (await last(work, "my-flow")).source == "CLI"
    assert work.text("my-flow") == NEW.replace("name", "version: 0\nname", 1)
    assert (await work.plan()).steps == []


async def test_a_folder_moves_to_another_workspace_with_ids_and_times(work: Work) -> None:
    await work.flow("a")
    await work.edited("a", name="later")
    await work.export()
    work.replace("a", "workspaceId: ws1\n", "")
    os.rename(work.dir / "ws1", work.dir / "ws9")
    assert await work.apply() == folder.Applied(created=1)
    text = work.files()["ws9/a.yaml"].decode()
    assert text.startswith("_id: a\nversion: 0\nname: later\n")
    assert f'createdAt: "{EXAMPLE["createdAt"]}"\n' in text
    assert (await work.plan()).steps == []


async def test_newer_edits_of_other_leaves_stay_and_come_into_the_file(work: Work) -> None:
    await work.flow("a")
    await work.export()
    await work.edited("a", prompt="theirs\nof two lines", response_settings_delay=3)
    work.replace("a", "name: New Years Sale", "name: Mine # ours")
    (step,) = (await work.plan()).steps
    assert (step.kind, dict(step.changes)) == (StepKind.UPDATE, {"name": ("New Years Sale", "Mine")})
    assert step.behind == ["prompt", DELAY]
    assert await work.apply() == folder.Applied(updated=1, merged=1)
    flow = await work.now("a")
    assert flow is not None
    assert (flow["name"], flow["prompt"], flow["response_settings_delay"]) == ("Mine", "theirs\nof two lines", 3)
    text = work.text("a")
    assert "name: Mine # ours\n" in text
    assert "prompt: |-\n  theirs\n  of two lines\n" in text
    assert "delay: 3\n" in text
    assert "version: 2\n" in text
    assert (await work.plan()).steps == []


async def test_a_newer_edit_of_the_same_leaf_is_a_conflict_and_nothing_of_the_flow_is_written(work: Work) -> None:
    await work.flow("a")
    await work.flow("b")
    await work.export()
    await work.edited("a", name="Theirs")
    for id in ("a", "b"):
        work.replace(id, "name: New Years Sale", "name: Mine")
        work.replace(id, "delay: 0", "delay: 5")
    plan = await work.plan()
    assert [step.kind for step in plan.steps] == [StepKind.CONFLICT, StepKind.UPDATE]
    assert plan.steps[0].conflicts == ["name was changed since version 0"]
    assert plan.steps[0].changes["name"] == ("Theirs", "Mine")
    text = work.text("a")
    assert await work.apply() == folder.Applied(updated=1)
    flow = await work.now("a")
    assert flow is not None
    assert (flow["name"], flow["response_settings_delay"], flow["version"]) == ("Theirs", 0, 1)
    assert work.text("a") == text
    assert await work.apply(overwrite=True) == folder.Applied(updated=1)
    flow = await work.now("a")
    assert flow is not None
    assert (flow["name"], flow["response_settings_delay"], flow["version"]) == ("Mine", 5, 2)
    assert (await work.plan()).steps == []


async def test_the_same_edit_on_both_sides_is_no_conflict(work: Work) -> None:
    """Such as after an apply whose new versions never came into the repository."""
    await work.flow("a")
    await work.export()
    await work.edited("a", name="Same")
    work.replace("a", "New Years Sale", "Same")
    assert [step.kind for step in (await work.plan()).steps] == [StepKind.AGREED]
    rows = await contents(work)
    assert await work.apply() == folder.Applied()
    assert await contents(work) == rows
    assert "version: 1\n" in work.text("a")
    assert (await work.plan()).steps == []


async def test_a_file_that_agreed_is_left_where_its_flow_was_edited_since_the_plan(work: Work) -> None:
    await work.flow("a")
    await work.export()
    await work.edited("a", name="Same")
    work.replace("a", "New Years Sale", "Same")
    plan = await work.plan()
    await work.edited("a", name="Theirs")
    files = work.files()
    assert await folder.apply(work.desk, BY_FILE, plan) == folder.Applied()
    assert work.files() == files


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("", "the file has no version and the flow exists, at version 1"),
        ("version: 9\n", "the file is of version 9 and the flow only at version 1"),
        ("version: 0\n", "the history between version 0 and 1 is not kept any more"),
    ],
)
async def test_a_version_that_guards_nothing_is_a_conflict(work: Work, version: str, sentence: str) -> None:
    await work.flow("a")
    await work.edited("a", name="Theirs")
    if "0" in version:
        work.desk.now.step = 10 * 86_400_000  # type: ignore[attr-defined]
        await edits.prune(work.desk, 1)
    work.write("a", f"{version}description: mine\n")
    (step,) = (await work.plan()).steps
    assert (step.kind, step.conflicts) == (StepKind.CONFLICT, (sentence,))
    assert [step.kind for step in (await work.plan(overwrite=True)).steps] == [StepKind.UPDATE]


async def test_edits_between_plan_and_apply_are_kept_or_refuse_it(work: Work) -> None:
    for id in ("a", "b", "c", "d"):
        await work.flow(id)
    await work.export()
    work.write("e", NEW)
    for id in ("a", "b", "c"):
        work.replace(id, "New Years Sale", "Mine")
    os.unlink(work.path("d"))
    plan = await work.plan(prune=True)
    await work.edited("a", name="Theirs")
    await work.edited("b", prompt="Theirs")
    await edits.delete_flow(work.desk, SOMEBODY, "c")
    await work.edited("d", name="Theirs")
    await work.flow("e")
    applied = await folder.apply(work.desk, BY_FILE, plan)
    assert (applied.created, applied.updated, applied.merged, applied.deleted) == (0, 1, 1, 0)
    assert applied.refused == [
        Blame("ws1/a.yaml", "name was changed since version 0"),
        Blame("ws1/c.yaml", "there is no message flow c in this workspace"),
        Blame("ws1/d.yaml", "the flow is at version 1, not at the one you named"),
        Blame("ws1/e.yaml", "the flow e exists in workspace ws1"),
    ]
    flows = [await work.now(id) for id in ("a", "b", "d", "e")]
    assert [flow and flow["name"] for flow in flows] == ["Theirs", "Mine", "Theirs", EXAMPLE["name"]]
    assert await work.now("c") is None
    assert "prompt: Theirs\n" in work.text("b")
    assert "version: 0\n" in work.text("a")


async def test_a_file_that_is_edited_while_it_is_applied_is_left(work: Work) -> None:
    await work.flow("a")
    await work.export()
    work.replace("a", "New Years Sale", "Mine")
    plan = await work.plan()
    work.replace("a", "delay: 0", "delay: 4")
    applied = await folder.apply(work.desk, BY_FILE, plan)
    assert applied.updated == 1
    meanwhile = Blame("ws1/a.yaml", "applied, but the file was edited meanwhile and is left as it is")
    assert (applied.refused, applied.untold) == ([], [meanwhile])
    assert "delay: 4\n" in work.text("a")
    assert told(await work.plan()) == [(StepKind.UPDATE, "ws1/a.yaml", {DELAY: (0, 4)})]


async def test_flows_without_a_file_are_told_and_deleted_only_when_asked_for(work: Work) -> None:
    await work.flow("a")
    await work.flow("b")
    await work.flow("c", workspaceId="ws2")
    await work.export()
    os.unlink(work.path("b"))
    os.unlink(work.dir / "ws2" / "c.yaml")
    (work.dir / "ws2").rmdir()
    plan = await work.plan()
    assert [(step.kind, step.file.place) for step in plan.steps] == [(StepKind.STRAY, "ws1/b.yaml")]
    assert plan.changes == []
    assert await work.apply() == folder.Applied()
    assert await work.apply(prune=True) == folder.Applied(deleted=1)
    assert await work.now("b") is None
    assert (await last(work, "b")).operation == "DELETE"
    living = Shape(select(FLOWS.c.id).where(owned(FLOWS), FLOWS.c.deleted_at.is_(None)))
    assert [row["id"] for row in await work.desk.store.read(Statement(living, {"workspace": "ws2"}))] == ["c"]


async def test_the_folder_of_a_workspace_may_be_a_link(work: Work) -> None:
    await work.flow("f1")
    await work.export()
    (work.dir / "ws1").rename(work.dir.parent / "elsewhere")
    (work.dir / "ws1").symlink_to(work.dir.parent / "elsewhere")
    (work.dir / "ws1" / "again").symlink_to(work.dir)
    assert (await work.plan(prune=True)).changes == []
    work.replace("f1", "name: New Years Sale", "name: Linked")
    await work.apply(prune=True)
    flow = await work.now("f1")
    assert flow is not None
    assert (flow["name"], flow["version"]) == ("Linked", 1)


async def test_a_file_may_be_a_link_and_one_that_leads_nowhere_is_no_missing_file(work: Work) -> None:
    await work.flow("f1")
    await work.export()
    elsewhere = work.dir.parent / "elsewhere.yaml"
    os.rename(work.path("f1"), elsewhere)
    os.symlink(elsewhere, work.path("f1"))
    elsewhere.write_text(elsewhere.read_text().replace("name: New Years Sale", "name: Linked"))
    assert await work.apply(prune=True) == folder.Applied(updated=1)
    assert "version: 1\n" in elsewhere.read_text()
    os.unlink(elsewhere)
    with pytest.raises(Unfit, match=f"^The file {work.path('f1')} is a link that leads nowhere.$"):
        await work.apply(prune=True)
    assert await work.now("f1") is not None


@pytest.mark.parametrize("only", [None, "ws1"])
async def test_the_folder_of_a_workspace_that_leads_nowhere_is_none_without_files(work: Work, only: str | None) -> None:
    await work.flow("f1")
    work.dir.mkdir()
    (work.dir / "ws1").symlink_to(work.dir.parent / "nowhere")
    (work.dir / "ws2").mkdir()
    with pytest.raises(Unfit, match=f"^The folder {work.dir / 'ws1'} is a link that leads nowhere.$"):
        await work.apply(prune=True, workspace=only)
    assert await work.now("f1") is not None
    assert await work.apply(prune=True, workspace="ws2") == folder.Applied()


async def test_a_folder_that_cannot_be_read_is_none_without_files(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    await work.flow("f1")
    await work.export()
    listed = os.scandir

    def denied(path: Any) -> Any:
        if os.fspath(path).endswith("ws1"):
            raise PermissionError(errno.EACCES, "no", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(Unfit, match=f"^The folder {work.dir / 'ws1'} cannot be read: Permission denied.$"):
        await work.plan(prune=True)


async def test_a_flow_that_others_deleted_comes_back_only_without_its_version(work: Work) -> None:
    await work.flow("a")
    await work.export()
    await edits.delete_flow(work.desk, SOMEBODY, "a")
    (step,) = (await work.plan()).steps
    assert step.kind is StepKind.CONFLICT
    assert step.conflicts[0].startswith("the flow was deleted, at version 1; remove the file")
    exported = await work.export()
    assert exported.left == [Blame("ws1/a.yaml", "there is no such flow; the file is left as it is")]
    work.replace("a", "version: 0\n", "")
    assert await work.apply() == folder.Applied(created=1)
    assert "version: 2\n" in work.text("a")


async def test_a_new_flow_was_not_made_later_than_now(work: Work) -> None:
    work.write("a", 'name: n\ncreatedAt: "2999-01-01T00:00:00Z"\n')
    (blame, *_) = [str(blame) for blame in (await work.plan()).wrong if blame.line == 2]
    assert blame.startswith("ws1/a.yaml:2: createdAt must not be later than now, 2026-11-22T12:")


async def test_all_that_is_wrong_is_told_with_file_line_and_member_and_nothing_is_planned(work: Work) -> None:
    await work.flow("a")
    await work.export()
    work.replace("a", "delay: 0", 'delay: "5"')
    work.replace("a", "agent: exampleAgentId1", "agnt: x")
    work.replace("a", "version: 0", "version: 1.5")
    work.write("b", "_id: c\nname: 12\ntoggleAutopilot: true\nsettings:\n  security: []\nautopilot: 1\nisActive: on\n")
    work.write("c", "settings: {responseSettings: {workingHours:\n {start: 9:00, end: 09:00}}}\nversion: 0\n")
    work.write("d", "name: [\n")
    work.write("e", "- a\n")
    await work.flow("c")
    for place in ("x.yaml", "ws1/f.yml", "ws1/deep/g.yaml", "ws1/ä.yaml", ".git/h.yaml", "ws1/.i.yaml", "ws1/README"):
        (work.dir / place).parent.mkdir(exist_ok=True)
        (work.dir / place).write_text("a: 1\n")
    plan = await work.plan()
    assert [str(blame) for blame in plan.wrong] == [
        "x.yaml: the file of a flow is named WORKSPACE/ID.yaml",
        "ws1/a.yaml:3: version must be a whole number, 0 or more",
        "ws1/a.yaml:7: agnt is not a member; did you mean agent?",
        "ws1/a.yaml:10: settings.responseSettings.delay must be a number, not a string",
        "ws1/b.yaml:1: _id must be b, as the name of the file says",
        *(f"ws1/b.yaml:1: {name} is required" for name in ("direction", "agent", "prompt", "initiationMessage")),
        "ws1/b.yaml:1: messageChannel is required",
        "ws1/b.yaml:2: name must be a string, not a number; write it in quotes",
        "ws1/b.yaml:3: toggleAutopilot is no member of a file; say what autopilot shall be",
        "ws1/b.yaml:5: settings.security must be an object, not an array",
        "ws1/b.yaml:6: autopilot must be true or false, not a number",
        "ws1/b.yaml:7: isActive must be true or false, not a string",
        "ws1/c.yaml:1: working hours from 09:00 to 09:00 hold no minute; for the whole day send 00:00 and 24:00, "
        "for no working hours send enabled: false",
        plan_wrong_yaml(plan.wrong),
        "ws1/e.yaml:1: the file must hold the members of a flow",
        "ws1/f.yml: the file of a flow is named WORKSPACE/ID.yaml",
        "ws1/ä.yaml: the names of a file and of its folder are ids: 1 to 64 of the characters A-Z, a-z, 0-9, _ and -",
        "ws1/deep/g.yaml: the file of a flow is named WORKSPACE/ID.yaml",
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("settings: {responseSettings: {delay: -1}}", "{delay} must be between 0 and 86400 seconds"),
        ("agent: a b", "agent must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -"),
        ("toggleAutopilot: false", "toggleAutopilot is no member of a file; say what autopilot shall be"),
    ],
)
async def test_one_thing_that_is_wrong_is_enough(work: Work, line: str, sentence: str) -> None:
    await work.flow("a")
    work.write("a", f"version: 0\nname: Mine\n{line}\n")
    plan = await work.plan()
    assert (plan.steps, [str(one) for one in plan.wrong]) == ([], [f"ws1/a.yaml:3: {sentence.format(delay=DELAY)}"])


def plan_wrong_yaml(wrong: list[Blame]) -> str:
    """The words are those of the library."""
    (told,) = [str(blame) for blame in wrong if blame.place == "ws1/d.yaml"]
    assert told.startswith("ws1/d.yaml:2: the file is not YAML: ")
    return told


async def test_an_export_keeps_comments_and_what_files_leave_out(work: Work) -> None:
    await work.flow("a")
    work.write("a", "# ours\nversion: 0 # taken\nname: New Years Sale # the name\n")
    await work.edited("a", name="Theirs", prompt="Theirs")
    assert [step.kind for step in (await work.plan()).steps] == [StepKind.BEHIND]
    assert await work.export() == folder.Exported(flows=1, written=1)
    assert work.text("a") == "# ours\nversion: 1 # taken\nname: Theirs # the name\n"


async def test_an_export_of_no_flows_needs_no_folder_and_makes_none(work: Work) -> None:
    assert await work.export() == folder.Exported()
    assert not work.dir.exists()


async def test_an_export_overwrites_no_edit_that_was_not_applied(work: Work) -> None:
    await work.flow("a")
    await work.flow("b")
    await work.export()
    work.replace("a", "New Years Sale", "Mine")
    work.write("b", "name: [\n")
    files = work.files()
    exported = await work.export()
    assert exported.written == 0
    assert exported.left[0] == Blame("ws1/a.yaml", "the file has edits that were not applied; it is left as it is")
    assert (exported.left[1].place, exported.left[1].line) == ("ws1/b.yaml", 2)
    assert work.files() == files
    assert (await work.export(overwrite=True)).left == []
    assert (await work.plan()).steps == []


async def test_a_pipe_is_not_waited_for(work: Work) -> None:
    await work.flow("f1")
    await work.export()
    os.mkfifo(work.dir / "ws1/f2.yaml")
    with pytest.raises(Unfit, match=f"^{work.dir / 'ws1/f2.yaml'} is not a regular file.$"):
        await work.plan()


async def test_of_a_file_without_end_no_more_is_read_than_a_flow_may_have(work: Work) -> None:
    await work.flow("f1")
    await work.export()
    with (work.dir / "ws1/f1.yaml").open("ab") as file:
        file.truncate(2**40)
    assert [(blame.place, blame.message) for blame in (await work.plan()).wrong] == [
        ("ws1/f1.yaml", f"the file is longer than {LONGEST} bytes")
    ]


async def test_what_is_not_there_is_told_in_a_sentence(work: Work) -> None:
    with pytest.raises(Unfit, match="There is no folder"):
        await work.plan()
    await work.flow("a")
    work.dir.write_text("a file")
    with pytest.raises(Unfit, match=r"a\.yaml cannot be read: Not a directory\.$"):
        await work.export()
