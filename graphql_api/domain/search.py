"""Which flows, in which order, and from where on: filter, order and cursor."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from graphql_api.domain import cursors
from graphql_api.domain.checks import Wrong, storable
from graphql_api.domain.errors import refused
from graphql_api.domain.ids import ID_RULE, is_id


class OrderField(Enum):
    """Names are the GraphQL spelling, values the column that sorts."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NAME = "name_folded"


class Order(msgspec.Struct, frozen=True):
    """By `field`, then by id, both in the same direction; names by their folded form, code point by code point."""

    field: OrderField = OrderField.CREATED_AT
    descending: bool = True


NEWEST_FIRST = Order()


class Filter(msgspec.Struct, frozen=True):
    """None means any. `updated_since` in milliseconds; `name_contains` ignores case by Unicode case folding."""

    ids: tuple[str, ...] | None = None
    message_channel: str | None = None
    direction: str | None = None
    is_active: bool | None = None
    autopilot: bool | None = None
    hipaa_compliance: bool | None = None
    agent: str | None = None
    name_contains: str | None = None
    updated_since: int | None = None

    def asked(self) -> Mapping[str, Any]:
        """The members that narrow the result; `name_contains` does not when it is empty."""
        if self is EVERYTHING:
            return {}
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        if not self.name_contains:
            del named["name_contains"]
        return {name: value for name, value in named.items() if value is not None}

    def check(self) -> None:
        """Raises Refused for texts that no flow can have: malformed ids, and what a database cannot keep."""
        if self is EVERYTHING:
            return
        for member, texts in (("ids", self.ids or ()), ("agent", (self.agent,) if self.agent is not None else ())):
            if not all(map(is_id, texts)):
                raise refused("INVALID_ID", f"filter.{member}: an id is {ID_RULE}", "filter", member)
        try:
            storable(self.name_contains or "")
        except Wrong as wrong:
            raise refused(wrong.code, f"filter.nameContains {wrong.message}", "filter", "nameContains") from None


EVERYTHING = Filter()


class Cursor(msgspec.Struct, frozen=True):
    """A place between two flows: the sort key and the id of the one before it."""

    order: Order
    key: int | str
    id: str

    def text(self) -> str:
        parts = [self.order.field.name, self.order.descending, self.key, self.id]
        return cursors.encoded(msgspec.json.encode(parts))


Parts = tuple[str, bool, int | str, str]


def cursor(text: str, order: Order) -> Cursor:
    """Reads a cursor; raises ValueError with a sentence when it is not one of ours or of another order."""
    try:
        field, descending, key, id = msgspec.json.decode(cursors.decoded(text), type=Parts)
    except (ValueError, msgspec.DecodeError):
        raise _not_ours() from None
    if (field, descending) != (order.field.name, order.descending):
        raise ValueError("belongs to another order; a cursor goes on only in the order that it was made in")
    if isinstance(key, str) != (order.field is OrderField.NAME) or "\0" in id or "\0" in str(key):
        raise _not_ours()
    if isinstance(key, int) and not -(2**63) <= key < 2**63:
        raise _not_ours()
    return Cursor(order, key, id)


def _not_ours() -> ValueError:
    return ValueError("is not a cursor of this server; send one that a page gave you")


class Span(msgspec.Struct, frozen=True):
    """Up to `limit` flows behind `after` and before `before`, counted from the front, or from the end if `last`."""

    limit: int
    last: bool = False
    after: Cursor | None = None
    before: Cursor | None = None

    @property
    def is_at_an_end(self) -> bool:
        """Whether it is the first page or the last one."""
        return self.after is None and self.before is None


class Sizes(msgspec.Struct, frozen=True):
    """How much at once, each by the setting `max_…`: of a GraphQL connection, of the REST list, of a bulk update."""

    page: int = 100
    rest_page: int = 1_000
    batch: int = 1_000
