"""Prepared operations carried out: by their plan, by the general executor, or event by event."""

import asyncio
import json
from collections.abc import AsyncGenerator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from inspect import isawaitable
from typing import Any

import msgspec
from graphql import (
    ArgumentNode,
    DirectiveNode,
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    VariableNode,
    Visitor,
    create_source_event_stream,
    execute,
    get_variable_values,
    visit,
)

from graphql_api.schema import measuring
from graphql_api.schema.as_sent import as_sent
from graphql_api.schema.context import Context
from graphql_api.schema.executing import CheckedExecutor, overfull
from graphql_api.schema.field_checks import check_operation
from graphql_api.schema.limits import LimitExceeded, Limits
from graphql_api.schema.plan_document import NotCompiled
from graphql_api.schema.prepared import GRAPHQL, MOST_ERRORS, Documents, Prepared
from graphql_api.schema.readers import Unusual
from graphql_api.schema.shown import Rejected, failure, shown, tacit
from graphql_api.schema.subscriptions import Begun, MessageFlowChange


class OperationResult(msgspec.Struct, frozen=True):
    """`data` as the executor made it, and errors that are fit to be shown."""

    data: Mapping[str, Any] | None
    errors: Sequence[dict[str, Any]]
    cost: int = 0
    is_compiled: bool = False


class Event(msgspec.Struct):
    """One answer of a subscription, the same object for all watchers who asked alike.

    `at` is when the edit was made (milliseconds); `text` is the answer as JSON, once somebody has written it.
    The first event has no answer: its cursor is where the subscription has begun.
    """

    cursor: str
    at: int = 0
    answer: OperationResult | None = None
    text: str | None = None


class Operations:
    """Prepares and carries out operations under one set of limits."""

    def __init__(
        self, limits: Limits, *, introspection: bool = True, suggestions: bool = True, compiles: bool = True
    ) -> None:
        self._limits = limits
        self._shown = shown if suggestions else tacit
        self._hide_suggestions = not suggestions
        documents = Documents(limits, introspection=introspection, suggestions=suggestions, compiles=compiles)
        self.prepare = documents.prepare
        self.prepare_each = documents.prepare_each

    async def carry_out(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context
    ) -> OperationResult:
        """Runs a prepared operation; raises Rejected when its variables do not fit or its cost is too high."""
        given = {**(variables or {}), **prepared.literals} if prepared.literals else variables or {}
        cost = self._cost(prepared, given, context)
        due = context.charge and context.charge(cost)
        if due is not None:
            await due
        context.seen.cost = cost
        if prepared.compiled is not None:
            try:
                data, refused = await prepared.compiled.run(given, context)
            except (Unusual, NotCompiled):
                pass
            else:  # it is carried out, and never once more, whatever comes of telling it
                context.seen.is_compiled = True
                return OperationResult(data, self._refusals(prepared, refused, given, context), cost, True)
        prepared = prepared.whole()
        if errors := self._overfull(prepared, variables or {}):
            raise Rejected(errors)
        return await self._execute(prepared, variables, context, cost)

    def _refusals(
        self, prepared: Prepared, refused: Mapping[str, Exception], given: Mapping[str, Any], context: Context
    ) -> list[dict[str, Any]]:
        """Each with its place in the very text that was sent."""
        if not refused:
            return []
        plans = prepared.whole().compiled
        assert plans is not None  # those of its form are there
        return [shown(error, context.caller.request_id) for error in plans.errors(refused, given)]

    def _cost(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context) -> int:
        """The points of an operation, which is seen to be asked for now; raises Rejected when they are too many."""
        price = prepared.measured.price
        cost = price.points
        if price.parts or cost > self._limits.cost:
            try:
                cost = measuring.charge(prepared.measured, variables, self._limits)
            except LimitExceeded as exceeded:
                wrong = self._misfits(prepared.whole(), variables or {})
                raise Rejected(wrong or [failure("LIMIT_EXCEEDED", str(exceeded))]) from None
        context.seen.operation, context.seen.field = prepared.name, prepared.field
        return cost

    def _overfull(self, prepared: Prepared, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [self._shown(error) for error in overfull(GRAPHQL, prepared.operation, variables)]

    def _misfits(self, prepared: Prepared, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is wrong with variables by themselves, which says more than the price that they would have."""
        if errors := self._overfull(prepared, variables):
            return errors
        declared = prepared.operation.variable_definitions or ()
        read = get_variable_values(GRAPHQL, declared, dict(variables), MOST_ERRORS, self._hide_suggestions)
        return [self._shown(as_sent(error, variables)) for error in read] if isinstance(read, list) else []

    async def begin(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context
    ) -> AsyncGenerator[Event]:
        """The events of a prepared subscription, whose first tells whether it is refused: Rejected or Refused.

        Raises Rejected as `carry_out` does.
        """
        cost = self._cost(prepared, variables, context)
        due = context.charge and context.charge(cost)
        if due is not None:
            await due
        context.seen.cost = cost
        executor = Executor.build(
            GRAPHQL,
            prepared.document,
            context_value=context,
            raw_variable_values=dict(variables or {}),
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            raise Rejected([self._shown(as_sent(error, variables or {})) for error in executor])
        try:
            check_operation(executor)
        except GraphQLError as error:
            raise Rejected([self._shown(error, context.caller.request_id)]) from None
        source: Any = create_source_event_stream(executor)
        source = await source if isawaitable(source) else source
        if isinstance(source, ExecutionResult):
            raise Rejected([self._shown(error, context.caller.request_id) for error in source.errors or ()])
        return self._events(prepared, variables, context, source)

    async def _events(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context, source: Any
    ) -> AsyncGenerator[Event]:
        selection = selected(prepared, variables, context)
        async with aclosing(source):
            async for told in source:
                if isinstance(told, Begun):
                    yield Event(told.cursor)
                    continue
                known = told.change.made.get(selection)
                if known is None:
                    making = asyncio.create_task(self._event(prepared, variables, context, told))
                    # Whoever looks it up by the id of the operation must find this very operation.
                    known = told.change.made[selection] = (prepared, making)
                yield await asyncio.shield(known[1])

    async def _event(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context, told: MessageFlowChange
    ) -> Event:
        answer = await self._execute(prepared, variables, context, 0, told)
        return Event(told.cursor(), told.change.revision.at, answer)

    async def _execute(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any] | None,
        context: Context,
        cost: int,
        root: object = None,
    ) -> OperationResult:
        result = execute(
            GRAPHQL,
            prepared.document,
            root_value=root,
            context_value=context,
            variable_values=dict(variables or {}),
            hide_suggestions=self._hide_suggestions,
            executor_class=CheckedExecutor,
        )
        if not isinstance(result, ExecutionResult):
            await asyncio.sleep(0)  # resolvers may need a task, in which a request may stand only when it has waited
            result = await result  # type: ignore[misc]
        wrong = [as_sent(error, variables or {}) for error in result.errors or ()]
        errors = [self._shown(error, context.caller.request_id) for error in wrong]
        if errors and all("path" not in error for error in errors):  # of the request, not of a field
            raise Rejected(errors)
        return OperationResult(result.data, errors, cost)


def selected(prepared: Prepared, variables: Mapping[str, Any] | None, context: Context) -> Hashable:
    """What decides how an event reads: the operation, the variables below its root field, what the caller may see."""
    sent = variables or {}
    below = {name: sent[name] for name in inner_variables(prepared) if name in sent}
    return id(prepared), json.dumps(below, sort_keys=True), context.caller.scopes


def inner_variables(prepared: Prepared) -> frozenset[str]:
    """The variables of a subscription that stand elsewhere than among the arguments of its root field."""
    found: set[str] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            if node.name.value != prepared.field:
                found.update(_used(node.arguments or ()))

        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            found.update(_used(node.arguments or ()))

    visit(prepared.document, Collect())
    return frozenset(found)


def _used(arguments: Iterable[ArgumentNode]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument.value, VariableNode):
            yield argument.value.name.value
