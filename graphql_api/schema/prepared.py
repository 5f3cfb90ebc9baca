"""Operations parsed, limited, validated and priced once, and carried out by the general executor."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from inspect import isawaitable
from typing import Any

import msgspec
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    create_source_event_stream,
    execute,
    specified_rules,
    validate,
    visit,
)

from graphql_api.domain.errors import Refused, fault
from graphql_api.schema import SCHEMA, limits
from graphql_api.schema.compiled import Compiled
from graphql_api.schema.context import Context
from graphql_api.schema.limits import LimitExceeded, Limits, Measured
from graphql_api.schema.readers import Unusual
from graphql_api.schema.subscriptions import Begun, MessageFlowChange
from graphql_api.schema.writers import NotCompiled

REMEMBERED = 1_024
LONGEST_REMEMBERED = 16_384
"""Documents with more characters are prepared anew each time, so that the cache stays within some 16 MiB of text."""

MOST_ERRORS = 10
LONGEST_MESSAGE = 1_000
"""Characters of an error's message, which may repeat what was sent."""

GRAPHQL = SCHEMA._schema
"""Strawberry offers no public way to carry out a document that is parsed already; a test holds that this one works."""

NOT_FITTING = "the document or its variables do not fit the schema"

log = logging.getLogger("message_flows")


class Rejected(Exception):
    """The document or its variables are not fit to be carried out; nothing was."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


@dataclass(frozen=True)
class Prepared:
    document: DocumentNode
    operation: OperationDefinitionNode
    measured: Measured
    compiled: Compiled | None

    @cached_property
    def name(self) -> str:
        return self.operation.name.value if self.operation.name else ""

    @cached_property
    def field(self) -> str:
        """The first field at the root: a name of the schema, of which there are few."""
        first = next(iter(self.operation.selection_set.selections), None)
        return first.name.value if isinstance(first, FieldNode) else self.operation.operation.value

    @cached_property
    def only_reads(self) -> bool:
        return self.operation.operation is OperationType.QUERY

    @cached_property
    def goes_on(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION


class Answer(msgspec.Struct, frozen=True):
    """`data` as the executor made it, and errors that are fit to be shown."""

    data: Mapping[str, Any] | None
    errors: Sequence[dict[str, Any]]
    cost: int = 0
    is_compiled: bool = False


@dataclass(slots=True)
class Event:
    """One answer of a subscription, the same object for all watchers who asked alike.

    `at` is when the edit was made (milliseconds); `text` is the answer as JSON, once somebody has written it.
    The first event has no answer: its cursor is where the subscription has begun.
    """

    cursor: str
    at: int = 0
    answer: Answer | None = None
    text: str | None = None


class Operations:
    """Prepares documents under one set of limits and remembers them."""

    def __init__(
        self, limits: Limits, *, introspection: bool = True, suggestions: bool = True, compiles: bool = True
    ) -> None:
        self._limits = limits
        self._shown = shown if suggestions else tacit
        self._hide_suggestions = not suggestions
        self._compiles = compiles
        self._rules = [*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,))]
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._prepare)
        self.prepare_each = lru_cache(maxsize=1)(self._prepare_each)

    def prepare(self, text: str, name: str | None = None) -> Prepared:
        """Raises Rejected; an empty name is none."""
        name = name or None
        if len(text) > LONGEST_REMEMBERED:
            return self._prepare(text, name)
        return self._remembered(text, name)

    def _prepare(self, text: str, name: str | None) -> Prepared:
        try:
            document = limits.parse(text, self._limits)
            measured = limits.measure(document, self._limits, name)
        except LimitExceeded as exceeded:
            raise Rejected([failure("LIMIT_EXCEEDED", str(exceeded))]) from None
        except GraphQLSyntaxError as error:
            raise Rejected([shown(error)]) from None
        operation = _chosen(document, name)
        self._validate(document)
        return self._prepared(document, operation, measured)

    def _prepare_each(self, text: str) -> Mapping[str, Prepared]:
        """The operations of a document of ours, by their names, whose answers are dictionaries that can be looked into.

        It is parsed and validated once for all of them.
        """
        document = limits.parse(text, self._limits)
        self._validate(document)
        names = [
            one.name.value for one in document.definitions if isinstance(one, OperationDefinitionNode) and one.name
        ]
        return {
            name: self._prepared(
                document, _chosen(document, name), limits.measure(document, self._limits, name), makes_dicts=True
            )
            for name in names
        }

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(
            GRAPHQL, document, self._rules, max_errors=MOST_ERRORS, hide_suggestions=self._hide_suggestions
        )
        if errors:
            raise Rejected([self._shown(error) for error in errors])

    def _prepared(
        self, document: DocumentNode, operation: OperationDefinitionNode, measured: Measured, makes_dicts: bool = False
    ) -> Prepared:
        plans = compiled(document, operation, makes_dicts) if self._compiles else None
        return Prepared(document, operation, measured, plans)

    async def carry_out(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context) -> Answer:
        """Runs a prepared operation; raises Rejected when its variables do not fit or its cost is too high."""
        cost = self._cost(prepared, variables, context)
        if context.charge is not None:
            await context.charge(cost)
        if prepared.compiled is not None:
            try:
                data, error = await prepared.compiled.run(variables or {}, context)
                context.seen.is_compiled = True
                return Answer(data, [shown(error, context.caller.request_id)] if error else [], cost, True)
            except (Unusual, NotCompiled):
                pass
        return await self._execute(prepared, variables, context, cost)

    def _cost(self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context) -> int:
        """The points of an operation, which is seen to be asked for now; raises Rejected when they are too many."""
        cost = prepared.measured.price.points
        if prepared.measured.price.parts or cost > self._limits.cost:
            try:
                cost = limits.charge(prepared.measured, variables, self._limits)
            except LimitExceeded as exceeded:
                raise Rejected([failure("LIMIT_EXCEEDED", str(exceeded))]) from None
        seen = context.seen
        seen.operation, seen.field, seen.cost = prepared.name, prepared.field, cost
        return cost

    async def begin(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context
    ) -> AsyncGenerator[Event]:
        """The events of a prepared subscription, whose first tells whether it is refused: Rejected or Refused.

        Raises Rejected as `carry_out` does.
        """
        cost = self._cost(prepared, variables, context)
        if context.charge is not None:
            await context.charge(cost)
        executor = Executor.build(
            GRAPHQL,
            prepared.document,
            context_value=context,
            raw_variable_values=dict(variables or {}),
            operation_name=prepared.name or None,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            raise Rejected([self._shown(error) for error in executor])
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
    ) -> Answer:
        name = prepared.operation.name
        result = execute(
            GRAPHQL,
            prepared.document,
            root_value=root,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=name.value if name else None,
            hide_suggestions=self._hide_suggestions,
        )
        if not isinstance(result, ExecutionResult):
            result = await result  # type: ignore[misc]
        errors = [self._shown(error, context.caller.request_id) for error in result.errors or ()]
        if result.data is None and errors and all("path" not in error for error in errors):
            raise Rejected(errors)
        return Answer(result.data, errors, cost)


def compiled(document: DocumentNode, operation: OperationDefinitionNode, makes_dicts: bool) -> Compiled | None:
    try:
        return Compiled(GRAPHQL, document, operation, makes_dicts=makes_dicts)
    except (Unusual, NotCompiled):
        return None


def selected(prepared: Prepared, variables: Mapping[str, Any] | None, context: Context) -> Hashable:
    """What decides how an event reads: the operation, the variables below its root field, what the caller may see."""
    below = {name: (variables or {}).get(name) for name in inner_variables(prepared)}
    return id(prepared), msgspec.json.encode(below, order="sorted"), context.caller.scopes


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


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    if name is None:
        asked = (
            "operationName is needed: the document has several operations" if operations else "no operation is given"
        )
        raise Rejected([failure("BAD_REQUEST", asked)])
    for operation in operations:
        if operation.name and operation.name.value == name:
            return operation
    raise Rejected([failure("BAD_REQUEST", "operationName names no operation of the document")])


def failure(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def shown(error: GraphQLError, request_id: str | None = None) -> dict[str, Any]:
    """An error as the caller may see it: faults of ours are masked and logged under the request's id."""
    told = error.formatted
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return {**told, "message": _short(error.message), "extensions": {"code": "BAD_REQUEST"}}  # type: ignore[dict-item]
    if isinstance(original, Refused):
        problem = original.problems[0]
        return {**told, "message": problem.message, "extensions": {"code": problem.code}}  # type: ignore[dict-item]
    log.error("request %s failed: %s", request_id, fault(original))
    extensions = {"code": "INTERNAL", "requestId": request_id}
    return {**told, "message": f"internal error; the log has it under {request_id}", "extensions": extensions}  # type: ignore[dict-item]


def _short(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"


def tacit(error: GraphQLError, request_id: str | None = None) -> dict[str, Any]:
    """As `shown`, but an error that the schema finds says only where it is, so that nobody guesses names by it."""
    told = shown(error, request_id)
    is_of_schema = error.original_error is None or isinstance(error.original_error, GraphQLError)
    return {**told, "message": NOT_FITTING} if is_of_schema else told
