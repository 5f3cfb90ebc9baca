"""README.md and docs/*.md: what they show is sent to a server as `make run` starts it, and answered as shown."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, STDOUT

import httpx2
import pytest
import typer.main

from graphql_api import cli, config
from graphql_api.domain.flow import LEAVES, camel
from graphql_api.web.parameters import KNOWN
from graphql_api.web.routes import ROUTES
from tests.commands import shell_environment
from tests.docs.blocks import (
    KINDS,
    SERVER,
    SHELL,
    TRIED,
    Block,
    Placeholders,
    Request,
    blocks,
    commands,
    curl,
    operation,
)
from tests.served import started

ROOT = Path(__file__).parents[2]
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text("utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if page.name != "working-hours.md"  # its examples have a test of their own
}
SHOWN = {name: text for name, text in PAGES.items() if any(TRIED.match(f"```{one.kind}") for one in blocks(text))}
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


@dataclass
class Server:
    """A running server, the folder that it was started in, and what it printed then."""

    url: str
    folder: Path
    greeting: str
    known: Placeholders = field(default_factory=Placeholders)

    def send(self, request: Request) -> httpx2.Response:
        body = None if request.body is None else self.known.filled(request.body)
        path = self.known.filled(request.path)
        return httpx2.request(
            request.method, f"{self.url}{path}", headers=list(request.headers), content=body, timeout=20
        )

    def console(self, block: Block) -> None:
        for line, printed in commands(block) if block.kind == "console" else ():
            word = line.split()[0]
            if line == "make run":
                assert printed.replace(SERVER, self.url) == self.greeting
            elif word == "curl":
                self.answers(block, curl(line), printed)
            else:
                assert word in SHELL, f"line {block.line}: {line} is not known to the tests"
                said = self.run(["bash", "-c", self.known.filled(line)])
                told = said.stdout.decode()
                assert self.known.match(printed, told.rstrip("\n")), f"line {block.line}: {line}\n{told}"

    def run(self, words: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
        """A program in the folder of the server that finds `message-flows`."""
        finding = shell_environment(self.folder / ".bin")
        return subprocess.run(words, cwd=self.folder, env=finding, stdout=PIPE, stderr=STDOUT, timeout=60, check=False)

    def program(self, block: Block) -> None:
        done = self.run([sys.executable, "-c", block.text.replace(SERVER, self.url)])
        assert done.returncode == 0, f"line {block.line}: {done.stdout.decode()}"

    def save(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def answers(self, block: Block, request: Request, printed: str) -> None:
        answer = self.send(request)
        shown = printed
        if request.shows_head:
            head, _, shown = printed.partition("\n\n")
            status, *headers = head.splitlines()
            assert status == f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}", f"line {block.line}"
            for line in headers:
                name, _, value = line.partition(":")
                assert self.known.match(value.strip(), answer.headers.get(name, "(none)")), f"line {block.line}: {line}"
        if not request.shows_body:
            assert shown == "", f"line {block.line}"
        elif not shown:
            assert answer.content == b"", f"line {block.line}: {answer.text}"
        else:
            assert self.known.same(json.loads(shown), answer.json()), f"line {block.line}: {answer.text}"

    def show(self, page: Sequence[Block]) -> None:
        """Goes through a page from top to bottom."""
        rest = [block for block in page if not block.why_not]
        while rest:
            block = rest.pop(0)
            if block.kind == "graphql":
                variables = (
                    json.loads(self.known.filled(rest.pop(0).text)) if rest[0].kind == "json variables" else None
                )
                answer = rest.pop(0)
                assert answer.kind == "json", f"line {block.line}: an operation is followed by its answer"
                self.answers(answer, operation(block.text, variables), answer.text)
            elif block.kind == "python":
                self.program(block)
            elif block.file is not None:
                self.save(block.file, block.text)
            else:
                assert block.kind in ("console", "text"), f"line {block.line}: this {block.kind} follows no operation"
                self.console(block)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """What `make run` starts, on a free port, in an empty folder."""
    command = re.search(
        r"^run:.*(?:\n\t.*)*?/message-flows serve (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    assert command
    log = tmp_path / "stderr"
    with started(None, log, *command[1].split()) as server:
        yield Server(server.at, tmp_path, "".join(server.greeting).strip())
        server.process.terminate()
        assert server.process.wait(20) == 0
    assert {json.loads(line)["level"] for line in log.read_text().splitlines()} <= {"info", "warning"}


@pytest.mark.processes
@pytest.mark.parametrize("page", SHOWN.values(), ids=SHOWN)
def test_a_page_shows_what_the_server_answers(page: str, server: Server) -> None:
    server.show(blocks(page))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_has_only_blocks_that_are_tried_or_said_not_to_be(page: str) -> None:
    assert [block.kind for block in blocks(page) if not block.why_not and not KINDS.fullmatch(block.kind)] == []
    assert len(re.findall("^ *```", page, re.MULTILINE)) == 2 * len(blocks(page))


def test_blocks_that_are_not_run_say_why() -> None:
    for name, text in PAGES.items():
        for block in blocks(text):
            assert not block.why_not or len(block.why_not) > 10, f"{name}, line {block.line}"
            if block.why_not:
                print(f"{name}, line {block.line}: {block.why_not}")


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_project_lead_somewhere(page: str) -> None:
    missing = [link for link in LINK.findall(PAGES[page]) if not (ROOT / page).parent.joinpath(link).exists()]
    assert missing == []


def test_the_readme_has_every_setting() -> None:
    assert config.settings_table() in PAGES["README.md"], "paste graphql_api.config.settings_table()"


def test_the_readme_has_every_command() -> None:
    group = typer.main.get_command(cli.app)
    rows = re.findall(r"^\| `message-flows (\w+)[^|]*\|(.*)\|$", PAGES["README.md"], re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(group.commands)  # type: ignore[attr-defined]
    for name, told in rows:
        parts = ", ".join(getattr(group.commands[name], "commands", ()))  # type: ignore[attr-defined]
        assert not parts or parts in told.replace("`", "")


def test_the_rest_page_has_every_route() -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/message-flows[^`?]*)` \|", PAGES["docs/rest.md"], re.MULTILINE)
    assert sorted(rows) == sorted((route.method, route.path) for route in ROUTES)


def test_the_rest_page_has_every_parameter_of_the_list() -> None:
    told = re.search(r"^The list is a bare array.*?\n\n", PAGES["docs/rest.md"], re.MULTILINE | re.DOTALL)
    assert told
    assert KNOWN.keys() <= set(re.findall(r"`(\w+)`", told[0]))


@pytest.mark.parametrize("page", ["docs/rest.md", "docs/graphql.md"])
def test_a_page_names_every_leaf_that_null_resets_and_no_other(page: str) -> None:
    told = re.search(r"null\W+ resets a leaf to its default.*?:(.*?)\.", PAGES[page], re.IGNORECASE | re.DOTALL)
    assert told
    leaves = [leaf.attributes for leaf in LEAVES if leaf.rule.resets]
    names = {camel(at[-2] if "working_hours" in at else at[-1]) for at in leaves}
    assert set(re.findall(r"`(\w+)`", told[1])) == names


def test_the_picture_of_the_rooms_is_true() -> None:
    """Every room and every file is on it, and nothing that is not there."""
    rooms = next(block.text for block in blocks(PAGES["docs/design.md"]) if "graphql_api/\n" in block.text)
    files = {path.name for path in (ROOT / "graphql_api").rglob("*") if path.suffix in (".py", ".graphql")}
    folders = {path.parent.name for path in (ROOT / "graphql_api").rglob("*.py")}
    assert set(re.findall(r"[\w.]+\.(?:py|graphql)\b", rooms)) ^ files == {"schema.graphql", "__init__.py"}
    assert folders <= set(re.findall(r"(\w+)/", rooms))
