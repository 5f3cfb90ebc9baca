"""What a GraphQL request asks for, whichever way it comes."""

import contextlib
from typing import Any

import msgspec
from starlette.types import Scope

from graphql_api.domain.errors import Refused, refused
from graphql_api.schema.prepared import Prepared
from graphql_api.web.bounded_cache import with_room
from graphql_api.web.http import BodyLimits, header
from graphql_api.web.json import at_once, decoded


class Asked(msgspec.Struct, frozen=True):
    """The parameters of a GraphQL request; `extensions` is what it asks to be told about itself."""

    query: str
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


TEXTS = frozenset({str, type(None)})
OBJECTS = frozenset({dict, type(None)})


def asked_of(given: Any) -> Asked:
    """What a request asks for, as JSON said it; raises Refused (BAD_REQUEST) where it is no GraphQL request."""
    try:
        return msgspec.convert(given, Asked)
    except msgspec.ValidationError:
        raise refused("BAD_REQUEST", _what_is_wrong(given)) from None


def needed(asked: Asked, operation: Prepared) -> Asked:
    """What has to be kept of a request for as long as its operation goes on: anything else may be large."""
    variables = {name: value for name, value in (asked.variables or {}).items() if name in operation.declared}
    return Asked(asked.query, asked.operation_name, variables)


GUARDS = {b"idempotency-key": "idempotencyKey", b"if-match": "ifVersion"}
"""Headers of REST -> the arguments that GraphQL has for them."""


def must_be_guarded_by_arguments(scope: Scope) -> None:
    """Who sends a mutation with a guard of REST would take it for guarded."""
    for name, argument in GUARDS.items():
        if header(scope, name) is not None:
            message = f"the header {name.decode()} is of REST alone; send the argument {argument} of the mutation"
            raise refused("BAD_REQUEST", message)


NOT_PERSISTED = "PersistedQueryNotSupported"
"""By this very message clients with automatic persisted queries know that they have to send the document itself."""

VARIABLES = b',"variables":'

REMEMBERED = 512
LONGEST = 8_192
"""Bytes of a beginning that is remembered; with the texts of its documents the cache takes eight megabytes at most."""


class Bodies:
    """Bodies of requests. What stands in one before its variables is known again by its bytes, and not read again:
    clients send the same few documents over and over, each time with other variables."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._limits_below = msgspec.structs.replace(limits, nesting=limits.nesting - 1)
        self._known: dict[bytes, Asked] = {}

    def asked(self, raw: bytes) -> Asked:
        """What a body asks for; raises Refused (INVALID_JSON, LIMIT_EXCEEDED, BAD_REQUEST)."""
        beginning, _, rest = raw.partition(VARIABLES)
        known = self._known.get(beginning)
        if known is not None and rest[-1:] == b"}":
            variables = at_once(rest[:-1], self._limits_below)
            if type(variables) is dict:
                return Asked(known.query, known.operation_name, variables, known.extensions)
        asked = asked_of(decoded(raw, self._limits))
        if known is None and rest and len(beginning) <= LONGEST:
            self._learn(beginning)
        return asked

    def _learn(self, beginning: bytes) -> None:
        """Only what is a request by itself, so that the variables that follow are those of the request."""
        with contextlib.suppress(Refused):
            asked = asked_of(at_once(beginning + b"}", self._limits))
            with_room(self._known, REMEMBERED)[beginning] = asked


def _what_is_wrong(given: Any) -> str:
    if isinstance(given, list):
        return "batches are not taken; send one operation a request"
    if not isinstance(given, dict):
        return "the body must be a JSON object with a member query"
    extended = given.get("extensions")
    if "query" not in given and isinstance(extended, dict) and "persistedQuery" in extended:
        return NOT_PERSISTED
    if not isinstance(given.get("query"), str):
        return "query must be a string with a GraphQL document"
    if type(given.get("operationName")) not in TEXTS:
        return "operationName must be a string or null"
    if type(given.get("variables")) not in OBJECTS:
        return "variables must be an object or null"
    return "extensions must be an object or null"
