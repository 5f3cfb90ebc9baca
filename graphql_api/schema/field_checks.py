"""Checks of what a mutation or a subscription selects, before anything is carried out.

A field that refuses is no harm where everything is only read. Below a mutation it would do so when all is written.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import Executor, GraphQLObjectType, get_argument_values, get_named_type, located_error
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields

from graphql_api.domain.errors import Refused
from graphql_api.schema import history, hours, webhooks
from graphql_api.schema.context import Arguments, Context

FieldCheck = Callable[[Context, str | None, Arguments], object]
"""Refuses a field by who asks, by the one flow that it will be of (None where that is not known), by its arguments."""

FIELD_CHECKS: Mapping[str, FieldCheck] = {
    "MessageFlow.revisions": lambda context, id, given: history.asked(
        context, id, given.get("first"), given.get("after")
    ),
    "WorkingHours.openings": lambda context, id, given: hours.asked(given["from"], given["to"]),
    "WorkingHours.utcOffsets": lambda context, id, given: hours.asked(given["from"], given["to"]),
    "Webhook.deliveries": lambda context, id, given: webhooks.asked(context, given.get("first")),
}
"""Of each field that may refuse, what its resolver begins with."""


def check_operation(executor: Executor[Context]) -> None:
    """An operation that has not begun; raises as `check_fields` does."""
    schema, operation = executor.schema, executor.operation
    root = schema.get_root_type(operation.operation)
    assert root is not None
    selected = collect_fields(
        schema, executor.fragments, executor.variable_values, root, operation, executor.hide_suggestions
    )
    check_fields(executor, root, selected.grouped_field_set)


def check_fields(
    executor: Executor[Context], kind: GraphQLObjectType, fields: GroupedFieldSet, flow: str | None = None
) -> None:
    """Raises GraphQLError without a path, as of a request that is not carried out.

    No payload leads back to its own type, so the schema bounds the depth of this.
    """
    for same in fields.values():
        first = same[0]
        field = kind.fields.get(first.node.name.value)
        if field is None:  # __typename
            continue
        given = get_argument_values(
            field, first.node, executor.variable_values, first.fragment_variable_values, executor.hide_suggestions
        )
        check = FIELD_CHECKS.get(f"{kind.name}.{first.node.name.value}")
        try:
            if check:
                check(executor.context_value, flow, given)
        except Refused as refusal:
            raise located_error(refusal, [one.node for one in same]) from None
        below = get_named_type(field.type)
        if isinstance(below, GraphQLObjectType):
            selected = executor.collect_subfields(below, same).grouped_field_set
            check_fields(executor, below, selected, flow or only_flow(given))


def only_flow(given: Mapping[str, Any]) -> str | None:
    """The id that arguments of a root field name, if it is one."""
    ids = given.get("ids") or [given.get("id")]
    return ids[0] if len(ids) == 1 else None
