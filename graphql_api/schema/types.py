"""Output types: the flow and its settings as GraphQL shows them."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import strawberry

from graphql_api.domain import flow as domain
from graphql_api.domain.flow import TREE, Block, Direction, MessageChannel
from graphql_api.schema import history, hours
from graphql_api.schema.context import Info, argument
from graphql_api.schema.relay import Node
from graphql_api.schema.scalars import Instant

T = TypeVar("T", bound=type)


def shows(block: Block) -> Callable[[T], T]:
    """Copies the meanings of a declared block; refuses at import a type that lacks one of its members."""

    def check(cls: T) -> T:
        fields = {field.python_name: field for field in cls.__strawberry_definition__.fields}  # type: ignore[attr-defined]
        for name, member in block.members.items():
            if member.attribute not in fields:
                raise TypeError(f"{cls.__name__} lacks {name}, which domain/flow.py declares")
            fields[member.attribute].description = member.meaning
        return cls

    return check


def block(path: str) -> Block:
    """The declared block at a path such as `settings.security`."""
    found = TREE
    for name in path.split("."):
        member = found.members[name]
        assert isinstance(member, Block)
        found = member
    return found


@shows(block("settings.responseSettings.workingHours"))
@strawberry.type(description="When the flow responds, on the wall clock of a time zone.")
class WorkingHours:
    enabled: bool
    start: str
    end: str
    timezone: str
    out_of_hours_message: str
    is_open: bool = strawberry.field(resolver=hours.is_open, description=hours.IS_OPEN)
    next_transition: hours.WorkingHoursTransition | None = strawberry.field(
        resolver=hours.next_transition, description=hours.NEXT_TRANSITION
    )
    openings: list[hours.Opening] = strawberry.field(resolver=hours.openings, description=hours.OPENINGS)
    utc_offsets: list[hours.UtcOffset] = strawberry.field(resolver=hours.utc_offsets, description=hours.OFFSETS)


@shows(block("settings.responseSettings"))
@strawberry.type(description="When and how quickly the flow responds.")
class ResponseSettings:
    delay: float
    working_hours: WorkingHours


@shows(block("settings.security"))
@strawberry.type(description="Protection of what is said.")
class SecuritySettings:
    hipaa_compliance: bool


@shows(block("settings.emailSettings"))
@strawberry.type(description="What emails of the flow look like.")
class EmailSettings:
    subject_line: str
    signature: str


@shows(block("settings"))
@strawberry.type(description="How the flow behaves; always complete, defaults filled in.")
class MessageFlowSettings:
    response_settings: ResponseSettings
    security: SecuritySettings
    email_settings: EmailSettings


@shows(TREE)
@strawberry.type(description="The configuration of one SMS or email agent.")
class MessageFlow(Node):
    workspace_id: strawberry.ID = strawberry.field(description="The workspace that owns the flow.")
    name: str
    direction: Direction
    description: str
    agent: strawberry.ID
    prompt: str
    initiation_message: str
    is_active: bool
    autopilot: bool
    message_channel: MessageChannel
    settings: MessageFlowSettings
    created_at: Instant = strawberry.field(description="When the flow was created.")
    updated_at: Instant = strawberry.field(description="When the flow was last changed.")
    version: int = strawberry.field(description="Grows by one with every effective change, from 0 at creation.")

    @strawberry.field(description="What changed when, newest first; needs the scope history:read.")
    async def revisions(
        self: domain.MessageFlow,  # type: ignore[misc]
        info: Info,
        first: Annotated[
            int | None, argument("How many revisions, 1 to 100 (`max_page`); 50 if absent or null.")
        ] = None,
        after: Annotated[str | None, argument("Cursor of the revision to go on from; null starts at the top.")] = None,
    ) -> history.RevisionConnection:
        return await history.of_flow(info, self.id, first, after)

    @classmethod
    def is_type_of(cls, value: Any, info: Any) -> bool:
        return isinstance(value, domain.MessageFlow)
