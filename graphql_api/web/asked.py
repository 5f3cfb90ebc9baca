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


def asked_of(given: Any) -> Asked:
    """What a request asks for; raises Refused (BAD_REQUEST) where it is no GraphQL request."""
    if isinstance(given, list):
        raise refused("BAD_REQUEST", "batches are not taken; send one operation a request")
    if not isinstance(given, dict):
        raise refused("BAD_REQUEST", "the body must be a JSON object with a member query")
    query, name = given.get("query"), given.get("operationName")
    variables, extensions = given.get("variables"), given.get("extensions")
    if not isinstance(query, str):
        raise refused("BAD_REQUEST", "query must be a string with a GraphQL document")
    if name is not None and not isinstance(name, str):
        raise refused("BAD_REQUEST", "operationName must be a string or null")
    if variables is not None and not isinstance(variables, dict):
        raise refused("BAD_REQUEST", "variables must be an object or null")
    if extensions is not None and not isinstance(extensions, dict):
        raise refused("BAD_REQUEST", "extensions must be an object or null")
    return Asked(query, name or None, variables, extensions or {})
