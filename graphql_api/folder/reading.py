"""The YAML of one flow's file: its values, where each of them stands, and nothing that JSON has no word for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from graphql_api.domain.words import printable

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only takes the text apart; what the words of YAML mean is said here."""

LONGEST = 4 * 2**20
"""Bytes of a file."""

DEEPEST = 16

Path = tuple[str, ...]

NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WHOLE = re.compile("[-+]?[0-9]{1,20}")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Unreadable(Exception):
    """A file that is no YAML, or YAML that a flow is not written in."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value stands: `line` from 1, `column` of its name, the text from `start` to `end`."""

    line: int
    column: int
    start: int
    end: int
    is_plain: bool
    is_block: bool
    in_flow: bool


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file that was read; members of the value by the path of their names."""

    text: str
    value: Any
    locations: Mapping[Path, Location]

    def line(self, path: Path) -> int:
        """The line of a member, or of the block that it would stand in."""
        while path and path not in self.locations:
            path = path[:-1]
        return self.locations[path].line if path else 1


def read(raw: bytes) -> ParsedFile:
    """Raises Unreadable for whatever comes first."""
    text = _decoded(raw)
    reader = _Reader(text)
    try:
        value = reader.document()
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise Unreadable(line, f"the file is not YAML: {printable(error.problem or 'nothing fits')}") from None
    return ParsedFile(text, value, reader.locations)


def _decoded(raw: bytes) -> str:
    if len(raw) > LONGEST:
        raise Unreadable(1, f"the file is longer than {LONGEST} bytes")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise Unreadable(1, "the file begins with a byte order mark; save it as plain UTF-8")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, f"the file is not UTF-8 at byte {error.start}") from None
    wrong = NOT_YAML.search(text)
    if wrong:
        line, code = text.count("\n", 0, wrong.start()) + 1, ord(wrong[0])
        raise Unreadable(line, f'U+{code:04X} must be written as "\\u{code:04x}", in double quotes')
    return text


class _Reader:
    """Goes through the events of YAML, which come one by one, so that no depth and no alias costs anything."""

    def __init__(self, text: str) -> None:
        self.locations: dict[Path, Location] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=LOADER)

    def document(self) -> Any:
        next(self._events)
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            raise Unreadable(1, "the file is empty")
        value = self._value(next(self._events), ())
        next(self._events)
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise Unreadable(_line(more), "the file holds more than one document")
        return value

    def _value(self, event: Any, at: Path) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise Unreadable(_line(event), "anchors and aliases are not read; write the value out")
        if event.tag is not None:
            raise Unreadable(_line(event), f"the tag {printable(event.tag)} is not read; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return meant(event.value) if event.implicit[0] else event.value
        if len(at) == DEEPEST:
            raise Unreadable(_line(event), f"the file is nested deeper than {DEEPEST} levels")
        return self._members(event, at) if isinstance(event, yaml.MappingStartEvent) else self._items(at)

    def _members(self, event: Any, at: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        in_flow = bool(event.flow_style)
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise Unreadable(_line(key), "the name of a member must be text")
            name = key.value
            if name in members:
                raise Unreadable(_line(key), f"the member {printable(name)} stands more than once in one block")
            value = next(self._events)
            path = (*at, printable(name))
            members[name] = self._value(value, path)
            self.locations[path] = Location(
                _line(key),
                _column(key),
                value.start_mark.index,
                value.end_mark.index,
                is_plain=isinstance(value, yaml.ScalarEvent) and bool(value.implicit[0]),
                is_block=getattr(value, "style", None) in ("|", ">"),
                in_flow=in_flow,
            )
        return members

    def _items(self, at: Path) -> list[Any]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*at, "")))
        return items


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _column(event: Any) -> int:
    return int(event.start_mark.column)


def meant(word: str) -> Any:
    """What a word without quotes stands for in YAML 1.2: `yes` and 22:00 are text."""
    if word in WORDS:
        return WORDS[word]
    if WHOLE.fullmatch(word):
        return int(word)
    if NUMBER.fullmatch(word):
        return float(word)
    if INFINITE.fullmatch(word):
        return float(word.replace(".", ""))
    return word
