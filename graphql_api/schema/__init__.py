"""The GraphQL face: the schema put together."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from graphql_api.schema.mutations import Mutation
from graphql_api.schema.queries import Query
from graphql_api.schema.scalars import DATE_TIME, Instant
from graphql_api.schema.subscriptions import Subscription
from graphql_api.schema.types import MessageFlow


class Schema(strawberry.Schema):
    def _warn_for_federation_directives(self) -> None:
        """There are none; to look for them imports them all, and declares twenty types, each time a server starts."""

    def _extend_introspection(self) -> None:
        """graphql-core tells `isOneOf` of every type; what Strawberry would put in its place fails on lists."""


SCHEMA = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[MessageFlow],
    config=StrawberryConfig(scalar_map={Instant: DATE_TIME}),
)


def sdl() -> str:
    """The schema as it is committed in schema.graphql."""
    return f"{SCHEMA.as_str()}\n"
