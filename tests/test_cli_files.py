"""`message-flows plan`, `apply` and `export --dir`: what an operator reads, and the exit code that a script does."""

import errno
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphql_api.domain.example import EXAMPLE
from tests.commands import Said, Spoken, shown
from tests.test_commands import line

PLANNED = """\
~ ws1/a.yaml  New Years Sale
    prompt:
        You are a helpful AI that responds to user inquiries.
      + Be brief.
    autopilot: true → false
    settings.responseSettings.workingHours.start: "09:00" → "22:00"

+ ws1/new.yaml  New
    name: New
    direction: inbound
    agent: "7"
    prompt: Hello
    initiationMessage: Hi
    messageChannel: Email

Without a file, deleted only with --prune: ws1/b
Plan: 1 to create, 1 to change, 0 to delete; 0 unchanged.
"""
NEW = 'name: New\ndirection: inbound\nagent: "7"\nprompt: Hello\ninitiationMessage: Hi\nmessageChannel: Email\n'
NOTHING = "Nothing to change; 1 unchanged.\n"


@dataclass
class Told:
    """Commands on a database, each in this process."""

    spoken: Spoken
    url: str
    dir: Path

    def __call__(self, *words: str) -> Said:
        return self.spoken(*words, "--database-url", self.url)

    def exported(self, *ids: str) -> None:
        flows = self.dir.parent / "flows.jsonl"
        flows.write_bytes(b"".join(line(id, workspaceId="ws1") for id in ids))
        assert self("import", str(flows)).code == 0
        told = self("export", "--dir", str(self.dir))
        plural = "" if len(ids) == 1 else "s"
        assert told == Said(0, f"{len(ids)} flow{plural}; {len(ids)} file{plural} written.\n", "")

    def edit(self, id: str, *pairs: tuple[str, str]) -> None:
        path = self.dir / "ws1" / f"{id}.yaml"
        text = path.read_text()
        for old, new in pairs:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)


@pytest.fixture
def say_here(spoken: Spoken, database_url: str, tmp_path: Path) -> Told:
    return Told(spoken, database_url, tmp_path / "flows")


def test_the_whole_way_of_a_repository(say_here: Told) -> None:
    say_here.exported("a", "b")
    dir = str(say_here.dir)
    (say_here.dir / "ws1" / "b.yaml").unlink()
    (say_here.dir / "ws1" / "new.yaml").write_text(NEW)
    prompt = EXAMPLE["prompt"]
    say_here.edit(
        "a",
        ("autopilot: true", "autopilot: false"),
        ('"09:00"', "22:00"),
        (f"prompt: {prompt}", f"prompt: |-\n  {prompt}\n  Be brief."),
    )
    assert say_here("plan", dir) == Said(2, PLANNED, "")
    assert say_here("apply", dir) == Said(0, f"{PLANNED}Applied: 1 created, 1 changed.\n", "")
    told = say_here("apply", dir, "--prune")
    assert told == Said(
        0,
        "- ws1/b.yaml  New Years Sale (no file)\n\n"
        "Plan: 0 to create, 0 to change, 1 to delete; 2 unchanged.\nApplied: 0 created, 0 changed, 1 deleted.\n",
        "",
    )
    assert say_here("apply", dir, "--prune") == Said(0, NOTHING.replace("1", "2"), "")
    assert say_here("plan", dir) == Said(0, NOTHING.replace("1", "2"), "")


def test_what_is_wrong_ends_with_one_and_changes_nothing(say_here: Told) -> None:
    say_here.exported("a")
    dir = say_here.dir
    (dir / "ws1" / "bad.yaml").write_text("name: 5\n" + NEW.partition("\n")[2])
    say_here.edit("a", ("delay: 0", "delay: 5"))
    wrong = (
        f"{dir}/ws1/bad.yaml:1: name must be a string, not a number; write it in quotes\n"
        "Nothing can be applied: 1 file is wrong.\n"
    )
    for words in ("plan", "apply"):
        told = say_here(words, str(dir))
        assert (told.code, told.err) == (1, wrong)
    (dir / "ws1" / "bad.yaml").unlink()
    say_here("apply", str(dir))
    say_here.edit("a", ("delay: 5", "delay: 6"), ("version: 1", "version: 0"))
    conflict = (
        "! ws1/a.yaml  New Years Sale\n"
        "    settings.responseSettings.delay: 5 → 6\n"
        "    ! settings.responseSettings.delay was changed since version 0\n\n"
        "Conflicts, left as they are: 1 flow\nNothing to change; 0 unchanged.\n"
    )
    for words in ("plan", "apply"):
        assert say_here(words, str(dir)) == Said(1, conflict, "")
    left = say_here("export", "--dir", str(dir))
    edits = f"{dir}/ws1/a.yaml: the file has edits that were not applied; it is left as it is\n"
    assert left == Said(1, "1 flow; 0 files written.\n", edits)
    assert say_here("plan", str(dir), "--overwrite").code == 2
    nowhere = "There is no folder no; message-flows export --dir no makes it.\n"
    assert say_here("plan", "no") == Said(1, "", nowhere)
    assert say_here("plan") == Said(1, "", "Missing argument 'DIR'.\n")
    for words in ("plan", "apply"):
        sentence = "--workspace must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -.\n"
        assert say_here(words, str(dir), "--workspace", "a b") == Said(1, "", sentence)
    assert say_here("export", "x", "--dir", str(dir)) == Said(2, "", "Name a file or --dir, not both.\n")


def test_files_that_cannot_be_written_are_told_and_all_flows_are_applied(
    say_here: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "-")

    say_here.exported("a", "b")
    for id in ("a", "b"):
        say_here.edit(id, ("delay: 0", "delay: 5"))
    with monkeypatch.context() as only_reading:
        only_reading.setattr("graphql_api.files.tempfile.mkstemp", refuse)
        told = say_here("apply", str(say_here.dir))
    assert told.code == 1
    assert told.out.endswith("Applied: 0 created, 2 changed; 2 files not brought up to date.\n")
    assert told.err == "".join(
        f"{place}: applied, but the file {place} cannot be written: Read-only file system\n"
        for place in (f"{say_here.dir}/ws1/{id}.yaml" for id in ("a", "b"))
    )
    assert say_here("apply", str(say_here.dir)).code == 0
    assert [(say_here.dir / "ws1" / f"{id}.yaml").read_text().count("version: 1\n") for id in ("a", "b")] == [1, 1]


@pytest.mark.processes
def test_a_terminal_shows_colours_and_progress(say_here: Told) -> None:
    say_here.exported("a")
    say_here.edit("a", ("delay: 0", "delay: 5"))
    told = shown(["apply", str(say_here.dir)], say_here.url, both=True)
    assert told.code == 0
    assert "\x1b[33m    settings.responseSettings.delay: 0 → 5\x1b[0m" in told.err
    assert "Files read" in told.err
    assert "Flows applied" in told.err
