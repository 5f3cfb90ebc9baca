"""What a GraphQL request asks for, whichever way it comes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from graphql_api.domain.errors import refused


class Asked(msgspec.Struct, frozen=True):
    """The parameters of a GraphQL request."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any] | None
    tells: Mapping[str, Any]


MEMBERS = ("query", "operationName", "variables", "extensions")
TEXTS = frozenset({str, type(None)})
OBJECTS = frozenset({dict, type(None)})
NONE: Mapping[str, Any] = {}


def asked_of(given: Any) -> Asked:
    """What a request asks for, as JSON said it; raises Refused (BAD_REQUEST) where it is no GraphQL request."""
    if type(given) is dict:
        query: Any
        query, name, variables, extensions = map(given.get, MEMBERS)
        is_fit = type(query) is str and type(name) in TEXTS
        if is_fit and type(variables) in OBJECTS and type(extensions) in OBJECTS:
            return Asked(query, name or None, variables, extensions or NONE)
    raise refused("BAD_REQUEST", _what_is_wrong(given))


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
