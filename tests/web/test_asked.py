"""What a GraphQL request asks for: a body whose beginning is known is read as one that was never seen before."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphql_api.domain.errors import Refused
from graphql_api.web import asked
from graphql_api.web.asked import LONGEST, REMEMBERED, Bodies, asked_of
from graphql_api.web.http import BodyLimits
from graphql_api.web.json import at_once, decoded

LIMITS = BodyLimits(nesting=4)
BEGINNINGS = [
    '{"query":"{ a }"',
    '{"query":"{ a(b: \\",\\\\\\"variables\\\\\\":\\") }"',
    '{"query":"{ a }","operationName":"A"',
    '{"query":"{ a }","extensions":{"cost":true}',
    '{"query":"{ a }","extensions":{"cost":true',
    '{"query":"{ a }","extensions":{"a":{"b":{"c":{}}}}',
    '{"query":"{ a }","variables":{"x":1}',
    '{"variables":{"x":1},"query":"{ a }"',
    '{"query":"{ a }","variable\\u0073":{"x":1}',
    '{"query":"{ a }","query":"{ b }"',
    '{"query": "{ a }"',
    '{"query":1',
    '{"a":1',
    "{",
    "",
    "[1",
]
VALUES = [
    "{}",
    '{"id":"f1"}',
    '{"a":{"b":{"c":1}}}',
    '{"a":{"b":{"c":{"d":1}}}}',
    '{"a":1,"a":2}',
    '{"a":{"x":1,"variables":{"y":1}}}',
    '{"a":123456789012345678901}',
    '{"a":12345678901}',
    '{"a": 1}',
    '{"a":1e2}',
    "null",
    "[]",
    "1",
    "",
]
ENDS = ["}", '},"extensions":{"cost":true}}', ',"extensions":{}}', ',"query":"{ b }"}', "} ", "}}", "]", ""]


def outcome(read: Any, raw: bytes) -> Any:
    try:
        return read(raw)
    except Refused as refusal:
        return refusal.problems


def anew(raw: bytes) -> Any:
    return asked_of(decoded(raw, LIMITS))


@given(st.sampled_from(BEGINNINGS), st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(ENDS)), min_size=2))
@example(BEGINNINGS[0], [("{}", "}"), ('{"a":{"b":{"c":{"d":1}}}}', "}")])
@example(BEGINNINGS[0], [("{}", "}"), ("{}", "]")])
@example(BEGINNINGS[4], [("{}", "}}"), ("{}", "}")])
@example(BEGINNINGS[6], [("{}", "}"), ("{}", "}")])
@example(BEGINNINGS[7], [("{}", "}"), ("{}", "}")])
@example('{"a":1', [("{}", ENDS[3]), ("{}", "}")])
def test_a_body_is_read_alike_whatever_came_before(beginning: str, rests: list[tuple[str, str]]) -> None:
    bodies = Bodies(LIMITS)
    for value, end in rests:
        raw = f'{beginning},"variables":{value}{end}'.encode()
        assert outcome(bodies.asked, raw) == outcome(anew, raw)


def body(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}, separators=(",", ":")).encode()


def test_the_document_of_a_known_body_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def listening(raw: bytes, limits: BodyLimits) -> Any:
        read.append(raw)
        return at_once(raw, limits)

    monkeypatch.setattr(asked, "at_once", listening)
    bodies = Bodies(BodyLimits())
    first = bodies.asked(body("{ a }", id="f1"))
    read.clear()
    second = bodies.asked(body("{ a }", id="f2"))
    assert read == [b'{"id":"f2"}']
    assert second.query is bodies.asked(body("{ a }", id="f3")).query
    assert msgspec.structs.replace(first, variables={"id": "f2"}) == second


def test_only_so_many_beginnings_are_remembered_and_none_that_is_long() -> None:
    bodies = Bodies(BodyLimits())
    for number in range(REMEMBERED + 1):
        bodies.asked(body(f"{{ a{number} }}", id="f1"))
    assert len(bodies._known) == REMEMBERED
    assert not any(b"{ a0 }" in known for known in bodies._known)
    bodies.asked(body("#" * LONGEST, id="f1"))
    assert len(bodies._known) == REMEMBERED
    assert max(map(len, bodies._known)) <= LONGEST
