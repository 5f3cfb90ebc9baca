"""What a connection says last, where there is no request that an application could answer."""

import re
from asyncio import WriteTransport

import httptools
from starlette.types import Scope

from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.words import printable
from graphql_api.web import refusals
from graphql_api.web.exchange import head
from graphql_api.web.front import ALWAYS, new_id
from graphql_api.web.http import Headers, listed
from graphql_api.web.telemetry import tell_unread

LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) [^ \r\n]+ HTTP/1\.[0-9]\r?\n")
NOT_HTTP = refused("BAD_REQUEST", "this is not HTTP/1.1 as RFC 9112 has it")
ODD_HANDSHAKE = "the head of the handshake has too many headers, or one that is too long"


def must_be_spoken_here(scope: Scope) -> None:
    """Refuses versions and codings that the parser lets pass; a later HTTP/1 is as good as HTTP/1.1 (RFC 9110, 2.5)."""
    if not scope["http_version"].startswith("1."):
        raise refused("HTTP_VERSION_NOT_SUPPORTED", "requests are taken in HTTP/1.1")
    coding = listed(scope, b"transfer-encoding")
    if coding is not None and coding.strip().lower() != "chunked":
        message = "a body is taken with Content-Length, or with Transfer-Encoding: chunked and no other coding"
        raise refused("NOT_IMPLEMENTED", message)


def stopped(error: httptools.HttpParserError, data: bytes) -> Refused:
    """Why the parser read no further: what we refused ourselves, a method that it does not know, or no HTTP at all.

    `data` begins with the request, where that is known.
    """
    if isinstance(error.__context__, Refused):
        return error.__context__
    line = LINE.match(data)
    if isinstance(error, httptools.HttpParserInvalidMethodError) and line:
        method = printable(line[1].decode("ascii"))
        return refused("NOT_IMPLEMENTED", f"the method {method} is not known here; methods are spelt as in GET")
    return NOT_HTTP


def say(transport: WriteTransport, why: Refused, id: str | None = None, more: Headers | None = None) -> None:
    """The refusal in the one error body, counted and logged; `id`: of the request, if its head could be read."""
    id = id or new_id()
    refusal = refusals.answer({"headers": [], "state": {"request_id": id}}, why.problems, more_headers=more)
    headers = [*ALWAYS, (b"x-request-id", id.encode()), *refusal.all_headers(), (b"connection", b"close")]
    transport.write(head(refusal.status, headers) + refusal.body)
    tell_unread(refusal.status, id)
