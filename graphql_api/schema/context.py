"""What resolvers are given: the context that those of one request share, and arguments with their meaning."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import strawberry

from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk
from graphql_api.feed import Feed


class Seen(msgspec.Struct):
    """What a request turned out to ask for, as logs and metrics tell it: nothing of what callers wrote but a name."""

    operation: str = ""
    field: str = ""
    cost: int = 0
    is_compiled: bool = False


class Context(msgspec.Struct):
    """`if_versions` are the versions that REST's If-Match lists; `longest_page` is the cap of a door that has its own.

    `feed` is what subscriptions watch, behind `last_event_id` where a client reconnects with one.
    `charge` takes the points of an operation, or refuses it, before it is carried out; it may have to be waited for.
    `given` are the arguments of fields below the root of a compiled answer; None where there is none.
    """

    desk: Desk
    caller: Caller
    if_versions: frozenset[int] | None = None
    longest_page: int | None = None
    given: tuple[Any, ...] = ()
    charge: Callable[[int], Awaitable[None] | None] | None = None
    seen: Seen = msgspec.field(default_factory=Seen)
    feed: Feed | None = None
    last_event_id: str | None = None
    _read: tuple[object, datetime] | None = None

    def versions(self, named: int | None) -> frozenset[int] | None:
        """At which an edit may be made: the one that its argument names, else those that If-Match lists."""
        return self.if_versions if named is None else frozenset({named})

    def now(self, answer: object) -> datetime:
        """Now by the server's clock, read once for all fields of one answer.

        `answer` is the root value of the execution: a subscription has another one for each event.
        """
        if self._read is None or self._read[0] is not answer:
            self._read = (answer, instants.instant(self.desk.now()))
        return self._read[1]

    def instant(self, place: int) -> datetime:
        """That an argument names; now where there is none."""
        return self.given[place] or self.now(None)


Info = strawberry.Info[Context, None]


def argument(meaning: str) -> Any:
    """Stands in the annotation of a resolver's argument."""
    return strawberry.argument(description=meaning)


Arguments = Mapping[str, Any]
RunPlan = Callable[[Arguments, Context], Awaitable[Any]]
"""A plan of a root field: from its arguments to its answer."""
