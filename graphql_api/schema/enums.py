"""Enums of the domain as GraphQL types: each value with its meaning."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry

from graphql_api.domain.errors import KINDS
from graphql_api.domain.flow import Direction, MessageChannel
from graphql_api.domain.search import OrderField
from graphql_api.domain.webhooks import OUTCOMES

E = TypeVar("E", bound=type[Enum])


class OrderDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


class ConflictPolicy(Enum):
    REJECT = "REJECT"
    MERGE = "MERGE"


class RevisionSource(Enum):
    GRAPHQL = "GRAPHQL"
    REST = "REST"
    CLI = "CLI"


class RevisionOperation(Enum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    REVERT = "REVERT"
    DELETE = "DELETE"
    RESTORE = "RESTORE"
    IMPORT = "IMPORT"


class WebhookEvent(Enum):
    FLOW_CREATED = "flow.created"
    FLOW_UPDATED = "flow.updated"
    FLOW_DELETED = "flow.deleted"


WebhookOutcome = Enum("WebhookOutcome", {outcome: outcome for outcome in OUTCOMES})  # type: ignore[misc]

ErrorCode = Enum("ErrorCode", {code: code for code in KINDS})  # type: ignore[misc]


def typed(cls: E, meaning: str, values: Mapping[str, str], name: str | None = None) -> E:
    """Makes an enum a GraphQL type; refuses at import one with a value that has no meaning."""
    strawberry.enum(cls, name=name, description=meaning)
    for value in cls.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
    return cls


typed(
    Direction,
    "Who may begin a conversation.",
    {
        "INBOUND": "Only the other side begins.",
        "OUTBOUND": "Only the flow begins.",
        "BIDIRECTIONAL": "Either side begins.",
    },
)
typed(
    MessageChannel,
    "The channel that messages travel on.",
    {"SMS": "Text messages.", "EMAIL": "Emails; the email settings apply."},
)
typed(
    OrderField,
    "What flows are ordered by; flows that are equal in it follow by id.",
    {
        "CREATED_AT": "The instant of creation.",
        "UPDATED_AT": "The instant of the last change.",
        "NAME": "The name without regard to case, code point by code point.",
    },
    name="MessageFlowOrderField",
)
typed(OrderDirection, "Up or down.", {"ASC": "Smallest or oldest first.", "DESC": "Largest or newest first."})
typed(
    ConflictPolicy,
    "What to do when the flow is not at `ifVersion` any more.",
    {
        "REJECT": "Refuse with VERSION_CONFLICT.",
        "MERGE": "Apply the change on top if nobody has touched the same leaves since then; needs `ifVersion`.",
    },
)
typed(
    RevisionSource,
    "The door that a change came in by.",
    {"GRAPHQL": "A GraphQL mutation.", "REST": "A REST route.", "CLI": "The command line."},
)
typed(
    RevisionOperation,
    "What made a revision.",
    {
        "CREATE": "The flow was created.",
        "UPDATE": "Leaves were changed.",
        "REVERT": "The leaves of an earlier version were put back.",
        "DELETE": "The flow was deleted.",
        "RESTORE": "The deleted flow came back.",
        "IMPORT": "The flow was imported.",
    },
)
typed(
    WebhookEvent,
    "What a webhook is told of.",
    {
        "FLOW_CREATED": "From now on there is a flow: it was created or imported, or came back from deletion.",
        "FLOW_UPDATED": "Leaves of a flow changed, also by putting back those of an earlier version.",
        "FLOW_DELETED": "A flow is gone.",
    },
)
typed(WebhookOutcome, "What came of an attempt to deliver a message.", OUTCOMES)
typed(ErrorCode, "Why a request was refused.", {code: f"{kind.title}. {kind.remedy}" for code, kind in KINDS.items()})
