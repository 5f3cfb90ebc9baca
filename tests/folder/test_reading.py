"""What is read of YAML: what JSON has words for, by the rules of YAML 1.2; all else is refused with its line."""

import math
from typing import Any

import pytest

from graphql_api.folder.reading import DEEPEST, LONGEST, Unreadable, meant, read


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("a: 1\n---\nb: 2\n", 2, "the file holds more than one document"),
        ("a: 1\nb:\n  c: 2\n  c: 3\n", 4, "the member c stands more than once in one block"),
        ("a: &x 1\nb: 2", 1, "anchors and aliases are not read; write the value out"),
        ("a: 1\nb: *x", 2, "anchors and aliases are not read; write the value out"),
        ("a: !!str 1", 1, "the tag tag:yaml.org,2002:str is not read; leave it out"),
        ("a: !!python/object/apply:os.system [ls]", 1, "the tag tag:yaml.org,2002:python/object/apply:os.system is"),
        ("? [a]\n: 1", 1, "the name of a member must be text"),
        ("a: 1\n b: [", 2, "the file is not YAML: "),
        ("a: 'x", 1, "the file is not YAML: "),
        ("a:\n\tb: 1", 2, "the file is not YAML: "),
        ("a: 1\nb: \x07", 2, 'U+0007 must be written as "\\u0007", in double quotes'),
        ("\ufeffa: 1", 1, "the file begins with a byte order mark; save it as plain UTF-8"),
        ("a: " + "[" * 100_000, 1, f"the file is nested deeper than {DEEPEST} levels"),
        ("a: " + "{a: " * 100_000, 1, f"the file is nested deeper than {DEEPEST} levels"),
        ("a" * (LONGEST + 1), 1, f"the file is longer than {LONGEST} bytes"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(either_reader: None, text: str, line: int, message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text.encode())
    assert caught.value.line == line
    assert caught.value.message.startswith(message)


def test_a_file_may_be_nested_so_deep_and_no_deeper() -> None:
    assert read(f"{'{a: ' * DEEPEST}1{'}' * DEEPEST}".encode()).line(("a",) * DEEPEST) == 1
    with pytest.raises(Unreadable, match=f"deeper than {DEEPEST} levels"):
        read(f"{'{a: ' * (DEEPEST + 1)}1{'}' * (DEEPEST + 1)}".encode())


def test_what_is_no_text_is_told_with_its_line() -> None:
    with pytest.raises(Unreadable, match="the file is not UTF-8 at byte 9") as caught:
        read(b"a: 1\nb: \n\xff")
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *[(word, word) for word in ("yes", "no", "on", "off", "y", "22:00", "1:30:00", "0x1f", "0o17", "1_000", "1e")],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[("false", False), ("2025-01-02", "2025-01-02"), ("<<", "<<"), ("=", "=")],
        *[("0", 0), ("-7", -7), ("+7", 7), ("007", 7), ("2.5", 2.5), (".5", 0.5), ("1e3", 1000.0), ("5.", 5.0)],
        *[(".inf", math.inf), ("-.INF", -math.inf), ("1e999", math.inf), ("9" * 30, 1e30)],
    ],
)
def test_words_mean_what_they_mean_in_yaml_1_2(word: str, value: Any) -> None:
    found = meant(word)
    assert (found, type(found)) == (value, type(value))


def test_places_know_their_lines() -> None:
    page = read(b"a: 1\nb:\n  c: |\n    x\n  d: 2\n")
    assert page.value == {"a": 1, "b": {"c": "x\n", "d": 2}}
    paths = [("a",), ("b",), ("b", "c"), ("b", "d"), ("b", "missing"), ("missing",)]
    assert [page.line(path) for path in paths] == [1, 2, 3, 5, 2, 1]
