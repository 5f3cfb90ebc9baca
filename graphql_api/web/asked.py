"""What a GraphQL request asks for, whichever way it comes."""

from typing import Any

import msgspec

from graphql_api.domain.errors import refused


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


def _what_is_wrong(given: Any) -> str:
    if isinstance(given, list):
        return "batches are not taken; send one operation a request"
    if not isinstance(given, dict):
        return "the body must be a JSON object with a member query"
    if not isinstance(given.get("query"), str):
        return "query must be a string with a GraphQL document"
    if type(given.get("operationName")) not in TEXTS:
        return "operationName must be a string or null"
    if type(given.get("variables")) not in OBJECTS:
        return "variables must be an object or null"
    return "extensions must be an object or null"
