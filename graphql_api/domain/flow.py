"""A message flow and its settings: every leaf with its default, meaning and check, declared here and nowhere else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from graphql_api.domain import checks
from graphql_api.domain.checks import Check

Values = Mapping[str, Any]
"""A flow as it is stored: a value for each column (`Leaf.column`, and those of `SYSTEM_COLUMNS`)."""


class Direction(Enum):
    """Names are the GraphQL spelling, values the REST spelling."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    BIDIRECTIONAL = "bidirectional"


class MessageChannel(Enum):
    """Names are the GraphQL spelling, values the REST spelling."""

    SMS = "SMS"
    EMAIL = "Email"


class Rule(msgspec.Struct, frozen=True):
    """How a leaf is checked, and whether null resets it to its default (CONTRACT 2.3)."""

    check: Check
    resets: bool = False


@dataclass(frozen=True, slots=True)
class WorkingHours:
    enabled: Annotated[
        bool, "Whether working hours are kept; when false the flow is always open.", Rule(checks.flag, resets=True)
    ] = False
    start: Annotated[
        str,
        "Opening time on the wall clock of the time zone, HH:MM.",
        Rule(checks.opening_time, resets=True),
    ] = "09:00"
    end: Annotated[
        str,
        "Closing time, HH:MM or 24:00; earlier than start means overnight.",
        Rule(checks.closing_time, resets=True),
    ] = "17:00"
    timezone: Annotated[
        str, "Name of the IANA time zone, in any case, such as Europe/Berlin.", Rule(checks.timezone, resets=True)
    ] = "UTC"
    out_of_hours_message: Annotated[
        str,
        "Automatic reply to messages that arrive outside the working hours, at most 2,000 characters.",
        Rule(checks.Text(2_000), resets=True),
    ] = ""


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    delay: Annotated[
        float, "Seconds to wait before responding, 0 to 86,400; fractions are kept.", Rule(checks.seconds, resets=True)
    ] = 0
    working_hours: Annotated[WorkingHours, "When the flow responds."] = WorkingHours()


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    hipaa_compliance: Annotated[
        bool, "Whether HIPAA compliance is required; goes off only by an explicit false.", Rule(checks.flag)
    ] = False


@dataclass(frozen=True, slots=True)
class EmailSettings:
    subject_line: Annotated[
        str,
        "Default subject of emails, one line of at most 500 characters.",
        Rule(checks.Text(500, line_breaks=False), resets=True),
    ] = ""
    signature: Annotated[
        str, "Text below every email, at most 5,000 characters.", Rule(checks.Text(5_000), resets=True)
    ] = ""


@dataclass(frozen=True, slots=True)
class MessageFlowSettings:
    response_settings: Annotated[ResponseSettings, "When and how quickly the flow responds."] = ResponseSettings()
    security: Annotated[SecuritySettings, "Protection of what is said."] = SecuritySettings()
    email_settings: Annotated[EmailSettings, "What emails of the flow look like."] = EmailSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFlow:
    """One flow, or those of its members that were read: any other member raises AttributeError."""

    id: str
    workspace_id: str
    name: Annotated[str, "Name for people, 1 to 200 characters, not blank.", Rule(checks.Text(200, blank=False))]
    direction: Annotated[Direction, "Who may begin a conversation.", Rule(checks.choice)]
    description: Annotated[
        str, "What the flow is for, at most 2,000 characters.", Rule(checks.Text(2_000), resets=True)
    ] = ""
    agent: Annotated[str, "Id of the agent that answers, opaque to this server.", Rule(checks.opaque_id)]
    prompt: Annotated[
        str, "Instructions to the agent, 1 to 100,000 characters.", Rule(checks.Text(100_000, shortest=1))
    ]
    initiation_message: Annotated[
        str, "First message of the flow, 1 to 10,000 characters.", Rule(checks.Text(10_000, shortest=1))
    ]
    is_active: Annotated[bool, "Whether the flow is in use.", Rule(checks.flag)] = False
    autopilot: Annotated[bool, "Whether the agent answers without a person's approval.", Rule(checks.flag)] = False
    message_channel: Annotated[MessageChannel, "The channel that messages travel on.", Rule(checks.choice)]
    settings: Annotated[MessageFlowSettings, "How the flow behaves."] = MessageFlowSettings()
    created_at: int
    updated_at: int
    version: int = 0


SYSTEM_COLUMNS = ("id", "workspace_id", "version", "created_at", "updated_at")
"""What the server keeps about a flow beside its leaves; instants in milliseconds since 1970 (UTC)."""

REQUIRED = MISSING


class Leaf(msgspec.Struct, frozen=True):
    """One settable value: `path` as callers write it, `column` as it is stored."""

    attributes: tuple[str, ...]
    path: str
    column: str
    kind: type
    meaning: str
    rule: Rule
    default: Any

    @property
    def attribute(self) -> str:
        return self.attributes[-1]

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED


class Block(msgspec.Struct, frozen=True):
    """An object of leaves and blocks, by the names that callers write."""

    attribute: str
    path: str
    shape: type
    meaning: str
    members: Mapping[str, "Leaf | Block"]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def declared(shape: type, above: tuple[str, ...] = (), meaning: str = "") -> Block:
    """The tree of leaves below a declaring dataclass."""
    hints = get_type_hints(shape, include_extras=True)
    members: dict[str, Leaf | Block] = {}
    for field in fields(shape):
        if get_origin(hints[field.name]) is not Annotated:
            continue
        kind, told, *rule = get_args(hints[field.name])
        at = (*above, field.name)
        inner = (
            declared(kind, at, told)
            if isinstance(kind, type) and is_dataclass(kind)
            else leaf(at, field, kind, told, *rule)
        )
        members[camel(field.name)] = inner
    attribute = above[-1] if above else ""
    return Block(attribute, ".".join(map(camel, above)), shape, meaning, MappingProxyType(members))


def leaf(attributes: tuple[str, ...], field: Any, kind: type, meaning: str, rule: Rule) -> Leaf:
    column = "_".join(attributes[1:] if attributes[0] == "settings" else attributes)
    return Leaf(attributes, ".".join(map(camel, attributes)), column, kind, meaning, rule, field.default)


def leaves_of(block: Block) -> Iterator[Leaf]:
    for member in block.members.values():
        if isinstance(member, Leaf):
            yield member
        else:
            yield from leaves_of(member)


TREE = declared(MessageFlow)
LEAVES: tuple[Leaf, ...] = tuple(leaves_of(TREE))
BY_COLUMN: Mapping[str, Leaf] = MappingProxyType({leaf.column: leaf for leaf in LEAVES})
BY_PATH: Mapping[str, Leaf] = MappingProxyType({leaf.path: leaf for leaf in LEAVES})
INDEX_OF: Mapping[str, int] = MappingProxyType({leaf.column: place for place, leaf in enumerate(LEAVES)})
"""Of the columns in the order of the declaration."""

COLUMNS: tuple[str, ...] = (*SYSTEM_COLUMNS, *BY_COLUMN)
DEFAULTS: Values = MappingProxyType({leaf.column: leaf.default for leaf in LEAVES if not leaf.is_required})


def paths(columns: Iterable[str]) -> list[str]:
    """The paths that callers know, in the order of the declaration; of leaves alone."""
    return [LEAVES[place].path for place in sorted([INDEX_OF[column] for column in columns if column in INDEX_OF])]


def built(values: Values) -> MessageFlow:
    """The flow made of the columns that were read."""
    flow = _built(TREE, values)
    for name in SYSTEM_COLUMNS:
        if name in values:
            object.__setattr__(flow, name, values[name])
    return flow  # type: ignore[no-any-return]


def _built(block: Block, values: Values) -> Any:
    whole: Any = object.__new__(block.shape)
    for member in block.members.values():
        if isinstance(member, Block):
            object.__setattr__(whole, member.attribute, _built(member, values))
        elif member.column in values:
            value = values[member.column]
            object.__setattr__(whole, member.attribute, member.kind[value] if issubclass(member.kind, Enum) else value)
    return whole
