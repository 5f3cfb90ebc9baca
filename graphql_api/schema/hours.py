"""Working hours answered: open at an instant, the next change, the open stretches; domain/hours.py knows how."""

from datetime import datetime
from typing import Annotated

import strawberry

from graphql_api.domain import flow as domain
from graphql_api.domain import hours, instants, offsets
from graphql_api.schema.context import Info, argument
from graphql_api.schema.scalars import Instant

IS_OPEN = "Whether the flow is open at an instant; true when working hours are not enabled."
NEXT_TRANSITION = "The next time that isOpen changes; null when it never does, as when working hours are not enabled."
OPENINGS = "The open stretches between two instants, cut to them, in order and never touching."

OFFSETS = "How far the wall clock of the zone is ahead of UTC between two instants: what drawing openings takes."


@strawberry.type(description="An instant at which a flow opens or closes.")
class WorkingHoursTransition:
    at: Instant = strawberry.field(description="The first instant of being open, or of being closed.")
    opens: bool = strawberry.field(description="Whether the flow opens; false when it closes.")


@strawberry.type(description="A stretch of time in which a flow is open without a break.")
class Opening:
    start: Instant = strawberry.field(name="from", description="The first instant of being open.")
    end: Instant = strawberry.field(name="to", description="The first instant after it, at which the flow is closed.")


@strawberry.type(description="A stretch of time in which the wall clock of a zone runs without a jump.")
class UtcOffset:
    start: Instant = strawberry.field(name="from", description="The first instant.")
    end: Instant = strawberry.field(name="to", description="The first instant after it, at which the clock changes.")
    seconds: int = strawberry.field(description="What to add to UTC for the time on the wall clock.")
    name: str = strawberry.field(description="What the time is called, such as CEST or +03.")


At = Annotated[Instant | None, argument("The instant; now if absent or null.")]
After = Annotated[Instant | None, argument("Changes later than this instant; now if absent or null.")]
From = Annotated[Instant, strawberry.argument(name="from", description="The instant at which the range starts.")]
To = Annotated[
    Instant,
    argument("The instant just after the range, not before `from` and at most 62 days after."),
]


def is_open(root: domain.WorkingHours, info: Info, at: At = None) -> bool:
    return hours.is_open(root, _or_now(at, info))


def next_transition(root: domain.WorkingHours, info: Info, after: After = None) -> WorkingHoursTransition | None:
    return hours.next_transition(root, _or_now(after, info))  # type: ignore[return-value]


def openings(root: domain.WorkingHours, start: From, to: To) -> list[Opening]:
    return hours.openings(root, _told(start), _told(to))  # type: ignore[return-value]


def utc_offsets(root: domain.WorkingHours, start: From, to: To) -> list[UtcOffset]:
    return offsets.offsets(root, _told(start), _told(to))  # type: ignore[return-value]


def asked(start: datetime, to: datetime) -> tuple[datetime, datetime]:
    """The range of openings or offsets; refuses what they would refuse."""
    return hours.whole_range(_told(start), _told(to))


def _or_now(at: datetime | None, info: Info) -> datetime:
    return info.context.now(info.root_value) if at is None else at


def _told(at: datetime) -> datetime:
    """Cut to milliseconds, as answers are, so that no opening is answered whose ends look the same."""
    return instants.instant(instants.milliseconds(at))
