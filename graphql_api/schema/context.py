"""What the resolvers of one request share."""

from dataclasses import dataclass

import strawberry

from graphql_api.domain.caller import Caller
from graphql_api.edits import Desk

LONGEST_PAGE = 100


@dataclass(slots=True)
class Context:
    """`if_versions` are the versions that REST's If-Match lists; `longest_page` is the cap of the door."""

    desk: Desk
    caller: Caller
    if_versions: frozenset[int] | None = None
    longest_page: int = LONGEST_PAGE


Info = strawberry.Info[Context, None]
