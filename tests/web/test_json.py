"""JSON to the letter: what is read, what is refused in which words, what is written."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphql_api.domain.errors import Refused
from graphql_api.web.http import BodyLimits
from graphql_api.web.json import decoded, encoded, strictly_decoded

SMALL = BodyLimits(nesting=3, digits=10, containers=5)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda of: st.lists(of) | st.dictionaries(st.text(), of),
)
PIECES = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"a"',
    '"b"',
    '"\\u0061"',
    "1",
    "-0",
    "1.0",
    "1e2",
    "12345678901",
    "NaN",
    "null",
    " ",
    "\ufeff",
]


def outcome(read: Callable[..., Any], raw: bytes) -> Any:
    """A value in its exact form, or what was refused."""
    try:
        return repr(read(raw, BodyLimits(), "the body"))
    except Refused as refusal:
        return refusal.problems


@given(st.builds(lambda value, loose: json.dumps(value, separators=None if loose else (",", ":")), JSON, st.booleans()))
def test_json_that_is_written_again_is_read_as_the_strict_decoder_reads_it(text: str) -> None:
    raw = text.encode()
    assert outcome(decoded, raw) == outcome(strictly_decoded, raw)


@given(st.lists(st.sampled_from(PIECES), max_size=14))
@example(['{"a":1,"a":2}'])
@example(['{"a":{"b":1,"\\u0062":2}}'])
@example(["[" * 65, "]" * 65])
@example(["123456789012345678901"])
@example(["9007199254740993"])
@example(["-0"])
def test_what_is_odd_is_refused_in_the_same_words(pieces: list[str]) -> None:
    raw = "".join(pieces).encode()
    assert outcome(decoded, raw) == outcome(strictly_decoded, raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" 1 ", 1),
        (b"-0", 0),
        (b"1E2", 100.0),
        (b'"\\u00e9\\ud83d\\ude00"', "é😀"),
        (b'{"a": {"a": []}}', {"a": {"a": []}}),
        (b'"[[[[[[[["', "[[[[[[[["),
        (b'"a\\"[[[[{"', 'a"[[[[{'),
        (b'"1234567890123"', "1234567890123"),
        (b"0.12345678901234567890", 0.12345678901234567890),
        (b"1.5e00000000000012", 1.5e12),
        (b"1E+00000000000012", 1e12),
        (b"[-1234567890]", [-1234567890]),
        (b'[{},[],{},[],"[[{{"]', [{}, [], {}, [], "[[{{"]),
    ],
)
def test_json_is_read(raw: bytes, value: Any) -> None:
    assert decoded(raw, SMALL) == value


@pytest.mark.parametrize(
    ("raw", "code_and_message"),
    [
        (b"[[[[]]]]", ("LIMIT_EXCEEDED", "the JSON is nested deeper than 3 levels (max_json_depth)")),
        (b'"a\\\\"[[[[', ("LIMIT_EXCEEDED", "the JSON is nested deeper than 3 levels (max_json_depth)")),
        (b"]" * 9 + b"[" * 5, ("INVALID_JSON", "x is not JSON: expecting value at line 1, column 1")),
        (b"{" * 4 + b"}" * 9, ("LIMIT_EXCEEDED", "the JSON is nested deeper than 3 levels (max_json_depth)")),
        (b"[{},[],{},[],[]]", ("LIMIT_EXCEEDED", "the JSON has 6 arrays and objects; the limit is 5")),
        (b"[12345678901]", ("LIMIT_EXCEEDED", "a whole number has more than 10 digits (max_integer_digits)")),
        *(
            (b"9" * 5_000 + end, ("LIMIT_EXCEEDED", "a whole number has more than 10 digits (max_integer_digits)"))
            for end in (b".", b"e", b".e1", b"e+", b"E-x")
        ),
        (b"", ("INVALID_JSON", "x is not JSON: expecting value at line 1, column 1")),
        (b"{}\n!", ("INVALID_JSON", "x is not JSON: extra data at line 2, column 1")),
        (b'"a', ("INVALID_JSON", "x is not JSON: unterminated string starting at line 1, column 1")),
        (b"[NaN]", ("INVALID_JSON", "NaN is not JSON")),
        (b"\xef\xbb\xbf1", ("INVALID_JSON", "x starts with a byte order mark; send plain UTF-8")),
        (b'"\xff"', ("INVALID_JSON", "x is not UTF-8 at byte 1")),
        (b'{"a": 1, "b": 2, "a": 1}', ("INVALID_JSON", "the member a stands more than once in one object")),
    ],
)
def test_what_is_no_json_is_refused(raw: bytes, code_and_message: tuple[str, str]) -> None:
    with pytest.raises(Refused) as refusal:
        decoded(raw, SMALL, "x")
    assert (refusal.value.problems[0].code, str(refusal.value)) == code_and_message


def test_json_is_written_as_every_reader_understands_it() -> None:
    assert encoded({"a": 0.0, "b": 1.5, "c": (float("inf"), -3.0)}) == b'{"a":0,"b":1.5,"c":[null,-3]}'
    assert encoded({"\ud800": ["x\udfff"]}) == '{"\ufffd":["x\ufffd"]}'.encode()
