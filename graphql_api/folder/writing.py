"""How a flow is written as YAML: text of several lines as a block, and single values exchanged within a file."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql_api.folder.reading import Location, ParsedFile, Path, Unreadable, read

STEP = 2
"""Columns that a block is set in."""

NOT_IN_BLOCKS = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
PLAIN = re.compile(r"[A-Za-z][^\t\n:#?,\[\]{}]*")
OLD_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What other readers of YAML may take for a boolean or for nothing."""


def whole(document: Mapping[str, Any]) -> str:
    """The text of a file, members in the order of the document."""
    return "".join(f"{line}\n" for line in _lines(document, 0))


def _lines(block: Mapping[str, Any], column: int) -> Iterator[str]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield f"{'':{column}}{name}:"
            yield from _lines(value, column + STEP)
        else:
            yield f"{'':{column}}{name}: {scalar(value, column)}"


def scalar(value: Any, column: int) -> str:
    """A value as it stands behind a name in that column, without the line break at its end."""
    if not isinstance(value, str):
        return json.dumps(value)
    if "\n" in value and value.strip("\n") and not NOT_IN_BLOCKS.search(value):
        return _block(value, column + STEP)
    return inline(value)


def _block(text: str, column: int) -> str:
    """Ends that YAML would cut off, and blanks at the beginning, are told in the head of the block."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    begin = str(STEP) if text[0].isspace() else ""
    head = f"|{begin}{'-' if not ends else '' if ends == 1 else '+'}"
    lines = body.split("\n") + [""] * max(0, ends - 1)
    return "\n".join([head, *(f"{'':{column}}{line}" if line else "" for line in lines)])


def inline(text: str) -> str:
    """One line, bare where no reader could take it for anything else."""
    if PLAIN.fullmatch(text) and text[-1] != " " and text.lower() not in OLD_WORDS and not NOT_IN_BLOCKS.search(text):
        return text
    return NOT_IN_BLOCKS.sub(escaped, json.dumps(text, ensure_ascii=False))


def escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def exchanged(page: ParsedFile, values: Mapping[Path, Any], fallback: Mapping[str, Any]) -> str:
    """The text of a file with other values for some of its members; comments and all the rest stay as they are.

    Where the way in which a file is written leaves no room for that, `fallback` is written as a whole.
    """
    text = page.text
    known = sorted((path for path in values if path in page.locations), key=lambda path: -page.locations[path].start)
    for path in known:
        text = _put(text, page.locations[path], values[path])
    for path in values.keys() - set(known):
        text = _insert(text, path[-1], values[path])
    return text if _reads_as(text, page, values) else whole(fallback)


def _put(text: str, location: Location, value: Any) -> str:
    start, end = location.start, location.end
    behind = text[end : (text + "\n").index("\n", end)]
    # A block that keeps its last line breaks would take those behind it as well.
    no_room = behind.strip() or (isinstance(value, str) and value.endswith("\n\n"))
    is_inline = location.in_flow or (not location.is_block and no_room)
    new = inline(value) if is_inline and isinstance(value, str) else scalar(value, location.column)
    if location.is_block:
        old = text[start:end]
        keeps = "+" in old.partition("\n")[0] or "+" in new.partition("\n")[0]
        end = start + len(old.removesuffix("\n") if keeps else old.rstrip("\r\n"))
    gap = " " if start == end and text[start - 1 : start] == ":" else ""
    return f"{text[:start]}{gap}{new}{text[end:]}"


def _insert(text: str, name: str, value: Any) -> str:
    """A member of the whole file, behind the ids or before everything else."""
    at = max((found.end() for found in re.finditer(r"^(_id|workspaceId):[^\n]*\n", text, re.MULTILINE)), default=None)
    if at is None:
        first = re.search(r"^[^\s#%-]", text, re.MULTILINE)
        at = first.start() if first else 0
    return f"{text[:at]}{name}: {scalar(value, 0)}\n{text[at:]}"


def _reads_as(text: str, page: ParsedFile, values: Mapping[Path, Any]) -> bool:
    try:
        found = read(text.encode()).value
    except Unreadable:
        return False
    return bool(found == _with(page.value, values))


def _with(value: Any, values: Mapping[Path, Any], at: Path = ()) -> Any:
    here = {path[-1]: new for path, new in values.items() if path[:-1] == at}
    inner = {
        name: _with(member, values, (*at, name)) if isinstance(member, dict) else member
        for name, member in value.items()
    }
    return {**inner, **here}
