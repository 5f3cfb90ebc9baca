"""Fenced blocks of a page of the docs, and what they say was sent and answered.

A page is tried if it has a block of one of these kinds, in the order of its blocks, beside a server of its own:

`console`: `$ make run`, `$ curl …` and the commands of `SHELL`, each followed by what it prints. A body of JSON may be
laid out for reading; with `-i` and `-D -` the headers that are shown are among those of the answer. `graphql`: an
operation, then its variables, if it has any, as `json variables`, then the whole answer as `json`. `python`: a program
that ends well, beside the server. `yaml FILE`, `json FILE`: a file that is saved in the folder of the server.

`text` is nothing that is run. A block of any other kind, or one that cannot be run here, stands below a line
`<!-- not run: why -->`; `pytest -s tests/docs -k not_run` lists them all.

In place of what differs from run to run stand placeholders (`FORMS`). What one stood for is sent where it stands in a
later request of the same page.
"""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

FENCE = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n+)?```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = re.compile(r"console|graphql|json variables|json|python|text|(yaml|json) \S+\.\w+")
TRIED = re.compile(r"^```(console|graphql|python|(yaml|json) \S+\.\w+)$", re.MULTILINE)
SHELL = frozenset({"cat", "echo", "ls", "message-flows", "sed"})
FORMS = {
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z",
    "<id>": "[0-9a-f]{24}",
    "<request id>": "[0-9a-f]{16}",
    "<cursor>": "[A-Za-z0-9_=-]+",
    "<secret>": "[0-9a-f]{64}",
}
SERVER = "http://127.0.0.1:8000"
"""The address of the server in the docs."""


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    text: str
    line: int
    why_not: str = ""
    """Why it is not run, if it is not."""

    @property
    def file(self) -> str | None:
        """The file that it is."""
        language, _, name = self.kind.partition(" ")
        return name if language in ("yaml", "json") and "." in name else None


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    body: str | None
    shows_head: bool = False
    shows_body: bool = True


@dataclass
class Placeholders:
    """What placeholders stood for so far."""

    meant: dict[str, str] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        for name, value in self.meant.items():
            text = text.replace(name, value)
        return text

    def match(self, shown: str, real: str) -> bool:
        names = re.findall("|".join(FORMS), shown)
        pattern = re.escape(shown)
        for name in names:
            pattern = pattern.replace(re.escape(name), f"({FORMS[name]})", 1)
        found = re.fullmatch(pattern, real)
        if found:
            self.meant |= dict(zip(names, found.groups(), strict=True))
        return found is not None

    def same(self, shown: Any, real: Any) -> bool:
        """Whether JSON is what is shown, members in the same order."""
        if isinstance(shown, str) and isinstance(real, str):
            return self.match(shown, real)
        if isinstance(shown, dict) and isinstance(real, dict):
            return list(shown) == list(real) and all(self.same(shown[name], real[name]) for name in shown)
        if isinstance(shown, list) and isinstance(real, list):
            return len(shown) == len(real) and all(map(self.same, shown, real))
        return type(shown) is type(real) and bool(shown == real)


def blocks(page: str) -> list[Block]:
    return [
        Block(found[2], found[3], page.count("\n", 0, found.start(2)) + 1, found[1] or "")
        for found in FENCE.finditer(page)
    ]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console and what it prints."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, printed = re.sub(r"\\\n", "", part).partition("\n")
        yield command, printed.strip("\n")


def curl(command: str) -> Request:
    """The request that a curl command sends; fails for an option that is not known here."""
    words = iter(shlex.split(command)[1:])
    method, url, body, shows_head, shows_body = None, "", None, False, True
    headers = [("accept", "*/*")]
    for word in words:
        match word:
            case "-s":
                pass
            case "-i":
                shows_head = True
            case "-D":
                assert next(words) == "-"
                shows_head = True
            case "-o":
                assert next(words) == "/dev/null"
                shows_body = False
            case "-X":
                method = next(words)
            case "-d":
                body = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers.append((name, value))
            case _ if word.startswith(SERVER) and not url:
                url = word
            case _:
                raise AssertionError(f"curl {word} is not known to the tests of the docs")
    if body is not None and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("content-type", "application/x-www-form-urlencoded"))
    method = method or ("GET" if body is None else "POST")
    return Request(method, url.removeprefix(SERVER), headers, body, shows_head, shows_body)


def operation(document: str, variables: Any) -> Request:
    """The request for a GraphQL operation in the workspace of the example."""
    body = {"query": document} | ({} if variables is None else {"variables": variables})
    headers = [("content-type", "application/json"), ("x-workspace-id", "exampleWorkspaceId1")]
    return Request("POST", "/graphql", headers, json.dumps(body))
