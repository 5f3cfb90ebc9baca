"""Headers, bodies and JSON to the letter, without a server."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import Message, Scope

from graphql_api.domain.errors import Refused
from graphql_api.web.accept import favour, prefers, weights_of
from graphql_api.web.http import (
    BodyLimits,
    Disconnected,
    body,
    decoded,
    encoded,
    header,
    must_be_json,
    nearest,
    parameters,
    printable,
    strictly_decoded,
)

SMALL = BodyLimits(bytes=10, seconds=0.05, nesting=3, digits=10)


def scope(*headers: tuple[bytes, bytes], query: bytes = b"") -> Scope:
    return {"headers": list(headers), "query_string": query}


def code(refusal: pytest.ExceptionInfo[Refused]) -> str:
    return refusal.value.problems[0].code


async def received(parts: Iterable[bytes | None], *headers: tuple[bytes, bytes]) -> bytes:
    """Reads a body that arrives in parts; None is a client that goes away, and after the last part comes nothing."""
    messages = iter(parts)

    async def receive() -> Message:
        for part in messages:
            return (
                {"type": "http.disconnect"}
                if part is None
                else {"type": "http.request", "body": part, "more_body": True}
            )
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    return await body(scope(*headers), receive, SMALL)


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


async def test_a_body_is_too_long_as_soon_as_it_is() -> None:
    with pytest.raises(Refused) as refusal:
        await received([], (b"content-length", b"11"))
    assert code(refusal) == "PAYLOAD_TOO_LARGE"
    with pytest.raises(Refused) as refusal:
        await received([b"123456", b"123456"])
    assert str(refusal.value) == "the body is longer than 10 bytes (max_body_bytes)"


async def test_a_body_that_is_too_slow_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        await received([b"1"])
    assert str(refusal.value) == "the body did not arrive within 0.05 s (body_timeout)"


async def test_a_client_that_goes_away_ends_the_request() -> None:
    with pytest.raises(Disconnected):
        await received([b"1", None])


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
        (b"[-1234567890]", [-1234567890]),
    ],
)
def test_json_is_read(raw: bytes, value: Any) -> None:
    assert decoded(raw, SMALL) == value


@pytest.mark.parametrize(
    ("raw", "code_and_message"),
    [
        (b"[[[[]]]]", ("LIMIT_EXCEEDED", "the JSON is nested deeper than 3 levels (max_json_depth)")),
        (b'"a\\\\"[[[[', ("LIMIT_EXCEEDED", "the JSON is nested deeper than 3 levels (max_json_depth)")),
        (b"[12345678901]", ("LIMIT_EXCEEDED", "a whole number has more than 10 digits (max_integer_digits)")),
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
    assert (code(refusal), str(refusal.value)) == code_and_message


def test_json_is_written_as_every_reader_understands_it() -> None:
    assert encoded({"a": 0.0, "b": 1.5, "c": (float("inf"), -3.0)}) == b'{"a":0,"b":1.5,"c":[null,-3]}'
    assert encoded({"\ud800": ["x\udfff"]}) == '{"\ufffd":["x\ufffd"]}'.encode()


def test_a_header_is_there_once() -> None:
    assert header(scope(), b"a") is None
    assert header(scope((b"a", b"1"), (b"a", b"1")), b"a") == "1"
    assert header(scope((b"a", b"\xe9")), b"a") == "é"
    with pytest.raises(Refused):
        header(scope((b"a", b"1"), (b"a", b"2")), b"a")


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (b"", {}),
        (b"a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        (b"a=%C3%A9+%2B&&", {"a": "é +"}),
        (b"a=\xc3\xa9", {"a": "é"}),
        (b"a=%zz%", {"a": "%zz%"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_parameters_are_utf_8(query: bytes, given: dict[str, str]) -> None:
    assert parameters(scope(query=query)) == given


@pytest.mark.parametrize("query", [b"a=%ff", b"%ff=1", b"a=\xff", b"a=%ed%a0%80", b"a=1&a=1"])
def test_parameters_that_are_not_are_refused(query: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        parameters(scope(query=query))
    assert code(refusal) == "BAD_REQUEST"


@pytest.mark.parametrize("media", [b"application/json", b'APPLICATION/JSON ; charset="UTF-8"', b"application/json;x=1"])
def test_json_is_taken(media: bytes) -> None:
    must_be_json(scope((b"content-type", media), (b"content-encoding", b"identity")))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"")],
        [(b"content-type", b"application/merge-patch+json")],
        [(b"content-type", b"text/json")],
        [(b"content-type", b"application/json; charset=latin-1")],
        [(b"content-type", b"application/json"), (b"content-encoding", b"br")],
    ],
)
def test_anything_else_is_not(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Refused) as refusal:
        must_be_json(scope(*headers))
    assert code(refusal) == "UNSUPPORTED_MEDIA_TYPE"


def test_kinds_of_json_are_taken_where_they_may() -> None:
    must_be_json(scope((b"content-type", b"application/merge-patch+json")), any_kind=True)
    with pytest.raises(Refused):
        must_be_json(scope((b"content-type", b"text/x+json")), any_kind=True)


def test_the_most_specific_range_decides() -> None:
    ranges = weights_of(["text/html", "application/*;q=0.5, application/json;q=0", "*/*;q=0.1"])
    assert favour(ranges, "application/json")[0] == 0
    assert favour(ranges, "application/problem+json")[0] == 0.5
    assert favour(ranges, "image/png")[0] == 0.1
    assert favour(weights_of(["text/html"]), "application/json")[0] == 0


@pytest.mark.parametrize(
    ("text", "weight"), [("", 1), ("q=0.5", 0.5), ("q=2", 1), ("q=-1", 0), ("q=x", 0), ("q=nan", 0)]
)
def test_weights_lie_between_0_and_1(text: str, weight: float) -> None:
    assert weights_of([f"a/b;{text}"])["a/b"][0] == weight


def test_problem_json_is_preferred_only_by_name() -> None:
    problem, usual = "application/problem+json", "application/json"
    assert prefers([f"{problem}, {usual};q=0.9"], problem, usual)
    assert prefers([problem], problem, usual)
    assert not prefers([f"{usual}, {problem}"], problem, usual)
    assert not prefers(["*/*"], problem, usual)
    assert not prefers([], problem, usual)


def test_names_are_told_in_a_form_that_can_be_printed() -> None:
    assert printable("a\n\0\ud800\u202eb") == "a\ufffd\ufffd\ufffd\ufffdb"
    assert printable("x" * 65) == "x" * 64 + "…"


def test_the_nearest_name_is_offered_or_all() -> None:
    assert nearest("nmae", ["name", "agent"]) == "; did you mean name?"
    assert nearest("colour", ["name", "agent"]) == "; known are name, agent"
