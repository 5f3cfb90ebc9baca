"""Input types, and what of them was sent: absent, null and value are three different things."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry import Maybe

from graphql_api.domain import instants
from graphql_api.domain.flow import TREE, Block, Direction, Leaf, MessageChannel, camel
from graphql_api.domain.patch import Sent
from graphql_api.domain.search import EVERYTHING, NEWEST_FIRST, Filter, Order, OrderField
from graphql_api.schema.enums import OrderDirection
from graphql_api.schema.scalars import Instant
from graphql_api.schema.types import block

T = TypeVar("T", bound=type)


def takes(declared: Block, *, creates: bool = False) -> Callable[[T], T]:
    """Copies the meanings of a declared block and says what null does; refuses at import a missing or extra field."""

    def check(cls: T) -> T:
        fields = {field.python_name: field for field in cls.__strawberry_definition__.fields}  # type: ignore[attr-defined]
        wanted = {member.attribute: member for member in declared.members.values()}
        if fields.keys() - {"toggle_autopilot"} != wanted.keys():
            odd = fields.keys() ^ wanted.keys()
            raise TypeError(f"{cls.__name__} and domain/flow.py differ in {', '.join(sorted(odd))}")
        for name, member in wanted.items():
            fields[name].description = f"{member.meaning} {null_rule(member, creates)}"
        return cls

    return check


def null_rule(member: Leaf | Block, creates: bool = False) -> str:
    if isinstance(member, Leaf) and member.rule.resets:
        default = f"`{member.default}`" if isinstance(member.default, str) else str(member.default).lower()
        return f"Null resets it to {default if default != '``' else 'the empty text'}."
    if not creates:
        return "Null is refused; leave it out to keep what is there."
    is_required = isinstance(member, Leaf) and member.is_required
    return f"Null is refused; {'it must be sent' if is_required else 'leave it out to get its default'}."


@takes(block("settings.responseSettings.workingHours"))
@strawberry.input(description="Working hours to change; members left out stay as they are.")
class WorkingHoursInput:
    enabled: Maybe[bool | None]
    start: Maybe[str | None]
    end: Maybe[str | None]
    timezone: Maybe[str | None]
    out_of_hours_message: Maybe[str | None]


@takes(block("settings.responseSettings"))
@strawberry.input(description="Response settings to change; members left out stay as they are.")
class ResponseSettingsInput:
    delay: Maybe[float | None]
    working_hours: Maybe[WorkingHoursInput | None]


@takes(block("settings.security"))
@strawberry.input(description="Security settings to change; members left out stay as they are.")
class SecuritySettingsInput:
    hipaa_compliance: Maybe[bool | None]


@takes(block("settings.emailSettings"))
@strawberry.input(description="Email settings to change; members left out stay as they are.")
class EmailSettingsInput:
    subject_line: Maybe[str | None]
    signature: Maybe[str | None]


@takes(block("settings"))
@strawberry.input(description="Settings to change, to each leaf; members left out stay as they are.")
class MessageFlowSettingsInput:
    response_settings: Maybe[ResponseSettingsInput | None]
    security: Maybe[SecuritySettingsInput | None]
    email_settings: Maybe[EmailSettingsInput | None]


@takes(TREE)
@strawberry.input(description="What to change; members left out stay as they are, to each leaf, at any depth.")
class UpdateMessageFlowInput:
    name: Maybe[str | None]
    direction: Maybe[Direction | None]
    description: Maybe[str | None]
    agent: Maybe[strawberry.ID | None]
    prompt: Maybe[str | None]
    initiation_message: Maybe[str | None]
    is_active: Maybe[bool | None]
    autopilot: Maybe[bool | None]
    toggle_autopilot: Maybe[bool | None] = strawberry.field(
        description="Flips autopilot if true; null and false do nothing. Not idempotent: see `idempotencyKey`."
    )
    message_channel: Maybe[MessageChannel | None]
    settings: Maybe[MessageFlowSettingsInput | None]


@takes(TREE, creates=True)
@strawberry.input(description="A new flow; members left out get their defaults.")
class CreateMessageFlowInput:
    name: str
    direction: Direction
    description: Maybe[str | None]
    agent: strawberry.ID
    prompt: str
    initiation_message: str
    is_active: Maybe[bool | None]
    autopilot: Maybe[bool | None]
    message_channel: MessageChannel
    settings: Maybe[MessageFlowSettingsInput | None]


def sent(input: CreateMessageFlowInput | UpdateMessageFlowInput) -> Sent:
    """What was there, leaf by leaf."""
    values: dict[str, Any] = {}
    null_blocks: list[str] = []
    _collect(TREE, input, values, null_blocks)
    toggle = getattr(input, "toggle_autopilot", None)
    return Sent(values, tuple(null_blocks), toggle is not None and toggle.value is True)


def _collect(declared: Block, given: Any, values: dict[str, Any], null_blocks: list[str]) -> None:
    for member in declared.members.values():
        there = getattr(given, member.attribute)
        if there is None:
            continue
        value = there.value if isinstance(there, strawberry.Some) else there
        if isinstance(member, Leaf):
            values[member.column] = value.name if isinstance(value, Enum) else value
        elif value is None:
            null_blocks.append(member.path)
        else:
            _collect(member, value, values, null_blocks)


@strawberry.input(description="Which flows; members that are absent or null match any.")
class MessageFlowFilter:
    ids: Maybe[list[strawberry.ID] | None] = strawberry.field(description="One of these ids; null matches any.")
    message_channel: Maybe[MessageChannel | None] = strawberry.field(description="This channel; null matches any.")
    direction: Maybe[Direction | None] = strawberry.field(description="This direction; null matches any.")
    is_active: Maybe[bool | None] = strawberry.field(description="In use or not; null matches any.")
    autopilot: Maybe[bool | None] = strawberry.field(description="On autopilot or not; null matches any.")
    hipaa_compliance: Maybe[bool | None] = strawberry.field(description="HIPAA required or not; null matches any.")
    agent: Maybe[strawberry.ID | None] = strawberry.field(description="This agent; null matches any.")
    name_contains: Maybe[str | None] = strawberry.field(
        description="Text within the name, case ignored; `%` and `_` are themselves; null and the empty text match any."
    )
    updated_since: Maybe[Instant | None] = strawberry.field(
        description="Changed at this instant or later; null matches any."
    )


def filtered(given: MessageFlowFilter | None) -> Filter:
    members = {name: getattr(given, name).value for name in Filter.__struct_fields__ if given and getattr(given, name)}
    return Filter(**{name: _plain(value) for name, value in members.items()})


def filter_of(given: Mapping[str, Any]) -> Filter:
    """As `filtered`, for a filter as callers write it: a dict of members, enums by name."""
    if not given:
        return EVERYTHING
    members = {attribute: given.get(name) for attribute, name in FILTER_NAMES.items()}
    return Filter(**{attribute: _plain(value) for attribute, value in members.items()})


FILTER_NAMES = {attribute: camel(attribute) for attribute in Filter.__struct_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, datetime):
        return -(-instants.microseconds(value) // 1000)
    return value


@strawberry.input(description="The order of flows; those that are equal in it follow by id.")
class MessageFlowOrder:
    field: OrderField = strawberry.field(
        description="What to order by; null is refused.", default=OrderField.CREATED_AT
    )
    direction: OrderDirection = strawberry.field(
        description="Up or down; null is refused.", default=OrderDirection.DESC
    )


def ordered(given: MessageFlowOrder | None) -> Order:
    if given is None:
        return NEWEST_FIRST
    return Order(given.field, given.direction is OrderDirection.DESC)


def order_of(given: Mapping[str, str] | None) -> Order:
    """As `ordered`, for an order as callers write it."""
    if given is None:
        return NEWEST_FIRST
    return Order(OrderField[given["field"]], given["direction"] == "DESC")
