"""Headers, parameters and bodies, without a server."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.types import Message, Scope

from graphql_api.domain.errors import Refused
from graphql_api.web.http import ARRIVED, BodyLimits, Disconnected, body, header, must_be_json, parameters

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


async def test_a_body_is_too_long_as_soon_as_it_is() -> None:
    with pytest.raises(Refused) as refusal:
        await received([], (b"content-length", b"11"))
    assert code(refusal) == "PAYLOAD_TOO_LARGE"
    with pytest.raises(Refused) as refusal:
        await received([b"123456", b"123456"])
    assert str(refusal.value) == "the body is longer than 10 bytes (max_body_bytes)"


async def test_a_body_that_is_whole_already_may_be_too_long_as_well() -> None:
    async def receive() -> Message:
        raise AssertionError("what was taken does not come again")

    whole: Scope = {**scope(), "extensions": {ARRIVED: lambda: b"12345678901"}}
    with pytest.raises(Refused) as refusal:
        await body(whole, receive, SMALL)
    assert code(refusal) == "PAYLOAD_TOO_LARGE"


async def test_a_body_that_is_too_slow_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        await received([b"1"])
    assert str(refusal.value) == "the body did not arrive within 0.05 s (body_timeout)"


async def test_a_client_that_goes_away_ends_the_request() -> None:
    with pytest.raises(Disconnected):
        await received([b"1", None])


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
