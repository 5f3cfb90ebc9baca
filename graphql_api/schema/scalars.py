"""Scalars: instants, which must have an offset."""

from datetime import datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, StringValueNode, ValueNode

from graphql_api.domain import instants

Instant = NewType("Instant", datetime)


def serialized(value: int | datetime) -> str:
    """Milliseconds since 1970 or an aware datetime, as RFC 3339."""
    return instants.text(value) if isinstance(value, int) else instants.datetime_text(value)


def understood(value: Any, at: ValueNode | None = None) -> datetime:
    """`at` is where it stands in the document, unless it came as a variable."""
    if isinstance(value, str):
        try:
            return instants.parse(value)
        except ValueError as error:
            raise GraphQLError(
                f"DateTime must be RFC 3339 with an offset, such as 2026-03-08T02:30:00Z; this is {error}", at
            ) from None
    raise GraphQLError("DateTime must be a string, RFC 3339 with an offset, such as 2026-03-08T02:30:00Z", at)


def understood_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> datetime:
    return understood(node.value if isinstance(node, StringValueNode) else None, node)


DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="An instant as RFC 3339 text; answers are in UTC with `Z`, input needs an offset.",
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    serialize=serialized,
    parse_value=understood,
    parse_literal=understood_literal,
)
