"""Requests as they come in and answers as they go out: headers, parameters, bodies."""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from graphql_api.domain.errors import refused
from graphql_api.domain.words import printable

Headers = list[tuple[bytes, bytes]]
ARRIVED = "message_flows.arrived"
"""Extension of a scope: answers the whole body if it is there already, else None."""
INTRODUCED = "message_flows.introduced"
"""Extension of a WebSocket's scope: to be called when its client is known."""

T = TypeVar("T")


class Disconnected(Exception):
    """The client went away before its request was whole."""


class BodyLimits(msgspec.Struct, frozen=True):
    """Bytes of a body, seconds it may take to arrive; in JSON levels, digits of an integer, arrays and objects."""

    bytes: int = 2 * 2**20
    seconds: float = 10.0
    nesting: int = 64
    digits: int = 20
    containers: int = 10_000


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    media: bytes | None = b"application/json"
    headers: Headers = msgspec.field(default_factory=list)

    def all_headers(self) -> Headers:
        """Those of the answer itself, before what all answers have."""
        headers = [*self.headers]
        if self.media is not None:
            headers.append((b"content-type", self.media))
        if self.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(self.body)))
        return headers

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.all_headers()})
        await send({"type": "http.response.body", "body": self.body})


def named(scope: Scope) -> Mapping[bytes, bytes] | None:
    """The headers by their names, gathered once for a request; None where a name stands more than once."""
    try:
        return scope["named"]  # type: ignore[no-any-return]
    except KeyError:
        found = dict(scope["headers"])
        scope["named"] = found if len(found) == len(scope["headers"]) else None
        return scope["named"]  # type: ignore[no-any-return]


def of_head(scope: Scope, find: Callable[[Scope], T]) -> T:
    """What follows from the headers alone: found out once for all requests that come with the same ones."""
    try:
        return scope["facts"][find]  # type: ignore[no-any-return]
    except KeyError:
        found = scope.setdefault("facts", {})[find] = find(scope)
        return found


def of_request(scope: Scope, find: Callable[[Scope], T]) -> T:
    """As `of_head`, where it follows from what each request says differently: found out anew wherever one says it."""
    return find(scope) if scope.get("own") else of_head(scope, find)


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header, Latin-1; refuses one that is sent more than once with different values."""
    single = named(scope)
    if single is not None:
        value = single.get(name)
        return None if value is None else value.decode("latin-1")
    values = {value for key, value in scope["headers"] if key == name}
    if len(values) > 1:
        raise refused("BAD_REQUEST", f"the header {name.decode()} is sent more than once with different values")
    return values.pop().decode("latin-1") if values else None


def headers(scope: Scope, name: bytes) -> list[str]:
    single = named(scope)
    if single is not None and name not in single:
        return []
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def listed(scope: Scope, name: bytes) -> str | None:
    """The value of a header that is a list; its lines count as one (RFC 9110, 5.3)."""
    values = headers(scope, name)
    return ", ".join(dict.fromkeys(values)) if values else None


def lines(headers: Headers) -> bytes:
    """As they are sent; a line break within a header is a fault of ours that must not reach anybody."""
    text = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not text.count(b"\n") == text.count(b"\r") == len(headers):
        raise ValueError("a header with a line break")
    return text


def must_be_json(scope: Scope, *, any_kind: bool = False) -> None:
    """Refuses a body that is not sent as JSON in UTF-8; `any_kind` takes types such as application/x+json as well."""
    _hold_to_json(header(scope, b"content-type") or "", any_kind)
    if (header(scope, b"content-encoding") or "identity").strip().lower() != "identity":
        raise refused("UNSUPPORTED_MEDIA_TYPE", "the body must be sent without a Content-Encoding")


@lru_cache(maxsize=64)
def _hold_to_json(content_type: str, any_kind: bool) -> None:
    media, *parameters = [part.strip().lower() for part in content_type.split(";")]
    is_kind = any_kind and media.startswith("application/") and media.endswith("+json")
    if media != "application/json" and not is_kind:
        raise refused("UNSUPPORTED_MEDIA_TYPE", "the body must be sent with Content-Type: application/json")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise refused("UNSUPPORTED_MEDIA_TYPE", "the body must be sent in UTF-8")


async def body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes:
    """The whole body; refuses one that is too long before it is read, or as soon as it is, or too slow."""
    if "whole" in scope:  # the short way, on which no body is too long
        return scope["whole"]  # type: ignore[no-any-return]
    told = header(scope, b"content-length")
    if told is not None and told.isdecimal() and int(told[:20]) > limits.bytes:
        raise _too_large(limits)
    arrived = scope.get("extensions", {}).get(ARRIVED)
    whole: bytes | None = arrived and arrived()
    if whole is not None:
        if len(whole) > limits.bytes:
            raise _too_large(limits)
        return whole
    try:
        async with asyncio.timeout(limits.seconds):
            return await _received(receive, limits)
    except TimeoutError:
        message = f"the body did not arrive within {limits.seconds:g} s (body_timeout)"
        raise refused("LIMIT_EXCEEDED", message) from None


async def _received(receive: Receive, limits: BodyLimits) -> bytes:
    parts = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(part := message.get("body", b""))
        size += len(part)
        if size > limits.bytes:
            raise _too_large(limits)
        if not message.get("more_body"):
            return b"".join(parts)


def _too_large(limits: BodyLimits) -> Exception:
    return refused("PAYLOAD_TOO_LARGE", f"the body is longer than {limits.bytes} bytes (max_body_bytes)")


def parameters(scope: Scope) -> dict[str, str]:
    """The parameters of the query; refuses those that are not UTF-8 or there twice."""
    given: dict[str, str] = {}
    query: str = scope["query_string"].decode("latin-1")
    for pair in parse_qsl(query, keep_blank_values=True, encoding="latin-1"):
        try:
            name, value = (part.encode("latin-1").decode() for part in pair)
        except UnicodeDecodeError:
            raise refused("BAD_REQUEST", "the parameters must be percent-encoded UTF-8") from None
        if name in given:
            raise refused("BAD_REQUEST", f"the parameter {printable(name)} is given more than once")
        given[name] = value
    return given
