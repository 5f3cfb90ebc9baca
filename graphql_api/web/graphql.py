"""/graphql: GraphQL over HTTP to the letter (GET and POST, Accept, status), and the door to its event streams."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import KINDS, Refused, refused
from graphql_api.edits import Desk
from graphql_api.feed import Feed
from graphql_api.schema.context import Context
from graphql_api.schema.operations import OperationResult, Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.shown import Rejected, failure
from graphql_api.web import refusals
from graphql_api.web.accept import favour, weights_of
from graphql_api.web.asked import Asked, Bodies, asked_of, must_be_guarded_by_arguments, needed
from graphql_api.web.callers import caller, entitled
from graphql_api.web.front import masked
from graphql_api.web.http import (
    Answer,
    BodyLimits,
    Disconnected,
    Headers,
    body,
    header,
    headers,
    must_be_json,
    of_head,
    parameters,
)
from graphql_api.web.json import decoded, encoded
from graphql_api.web.refusals import retry_after
from graphql_api.web.results import WITH_STATUS, deciding_code, response_of
from graphql_api.web.sse import EventStream

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"
MEDIA = {RESPONSE: f"{RESPONSE}; charset=utf-8".encode(), JSON: f"{JSON}; charset=utf-8".encode()}
BY_HEADER_OR_URL = "the header x-workspace-id, or ?workspace= of an EventSource,"
PARAMETERS = frozenset({"query", "operationName", "variables", "extensions"})


class GoesOn(Exception):
    """A subscription of a caller who takes event streams, though rather single answers."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class GraphQL:
    def __init__(
        self, desk: Desk, operations: Operations, limits: BodyLimits, feed: Feed, streams: EventStream
    ) -> None:
        self._desk = desk
        self._operations = operations
        self._limits = limits
        self._bodies = Bodies(limits)
        self._feed = feed
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = answer = None
        if not asks_for_events(scope):
            try:
                answer = await self.answer(scope, receive)
            except GoesOn as subscription:
                asked = subscription.asked
        if answer is None:
            answer = await self._stream(scope, receive, send, asked)
        if answer is not None:
            await answer.send(send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, known: Asked | None) -> Answer | None:
        """Answers by events; what is wrong before an operation is known is told by a status."""
        try:
            who = self._watcher(scope)
            state = scope["state"]
            account = state["account"]
            context = Context(
                self._desk,
                who,
                charge=account and account.charge,
                seen=state["seen"],
                feed=self._feed,
                last_event_id=header(scope, b"last-event-id"),
            )
            await self._streams.send(scope, receive, send, known or await self._asked(scope, receive), context)
        except Refused as refusal:
            return malformed(scope, refusal, JSON)
        except Disconnected:
            raise
        except Exception as error:
            return malformed(scope, masked(scope, error), JSON)
        return None

    def _watcher(self, scope: Scope) -> Caller:
        """EventSource sends no headers: where no keys are required it may name the workspace in the URL."""
        who = caller(scope, "GRAPHQL")
        named = parameters(scope).get("workspace") if scope["method"] == "GET" else None
        if who.workspace is not None:
            if named not in (None, who.workspace):
                raise refused("BAD_REQUEST", "workspace in the URL names another one than the header or the key")
            return who
        is_open = scope["state"]["asker"] is None
        if named is None:
            return replace(who, named_in=BY_HEADER_OR_URL) if is_open else who
        if not is_open:
            raise refused("BAD_REQUEST", "name the workspace in the header x-workspace-id where keys are required")
        return entitled(None, named, "GRAPHQL", who.request_id)

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Raises GoesOn, but not for what `may_go_on` says no to."""
        try:
            media = of_head(scope, media_type)
        except Refused as refusal:
            return refusals.answer(scope, refusal.problems)
        try:
            who = caller(scope, "GRAPHQL")
            asked = self._at_hand(scope) if "whole" in scope else await self._asked(scope, receive)
            operation = self._operations.prepare(asked.query, asked.operation_name)
            if not operation.only_reads:
                _must_be_answered_so(operation, asked, scope)
            state = scope["state"]
            account = state["account"]
            context = Context(self._desk, who, charge=account and account.charge, seen=state["seen"], feed=self._feed)
            result = await self._operations.carry_out(operation, asked.variables, context)
            return answered(scope, operation, asked, result, media)
        except Rejected as rejected:
            return not_carried_out(rejected.errors, media)
        except Refused as refusal:
            return malformed(scope, refusal, media)
        except (Disconnected, GoesOn):
            raise
        except Exception as error:
            return malformed(scope, masked(scope, error), media)

    async def _asked(self, scope: Scope, receive: Receive) -> Asked:
        if scope["method"] == "GET":
            return self._from_url(scope)
        of_head(scope, must_be_json)
        return self._bodies.asked(await body(scope, receive, self._limits))

    def _at_hand(self, scope: Scope) -> Asked:
        """On the short way, where nothing has to be waited for."""
        of_head(scope, must_be_json)
        return self._bodies.asked(scope["whole"])

    def _from_url(self, scope: Scope) -> Asked:
        given: dict[str, Any] = parameters(scope)
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = decoded(given[name].encode(), self._limits, name) if given[name] else None
        return asked_of({name: value for name, value in given.items() if name in PARAMETERS})


def _must_be_answered_so(operation: Prepared, asked: Asked, scope: Scope) -> None:
    """What is no query is not answered by GET, and a subscription not by a single answer."""
    if operation.goes_on:
        if takes_events(scope):
            raise GoesOn(needed(asked, operation))
        raise refused(
            "BAD_REQUEST", "a subscription is answered by events: send Accept: text/event-stream, or use a WebSocket"
        )
    if scope["method"] == "GET":
        raise refused("METHOD_NOT_ALLOWED", "GET takes queries only; send this operation by POST")
    of_head(scope, must_be_guarded_by_arguments)


def answered(scope: Scope, operation: Prepared, asked: Asked, result: OperationResult, media: str) -> Answer:
    if result.errors and (code := deciding_code(operation, result.errors)):
        body = encoded({"errors": result.errors})
        return Answer(KINDS[code].status, body, MEDIA[media], retry_after(scope, code))
    return Answer(200, encoded(response_of(result, asked.extensions), is_plain=result.is_compiled), MEDIA[media])


def asks_for_events(scope: Scope) -> bool:
    return wants_events(*headers(scope, b"accept"))


def takes_events(scope: Scope) -> bool:
    """Whether Accept names event streams at all, which is enough where nothing else is an answer."""
    return weights_of(headers(scope, b"accept")).get(EVENTS, (0.0, 0))[0] > 0


def may_go_on(body: bytes) -> bool:
    """Whether it may hold a subscription, as far as can be told without reading it."""
    return b"subscription" in body or b"\\u" in body


def media_type(scope: Scope) -> str:
    return acceptable(*headers(scope, b"accept"))


@lru_cache(maxsize=64)
def wants_events(*accept: str) -> bool:
    """Whether Accept names event streams, and before the media types of single answers."""
    ranges = weights_of(accept)
    return EVENTS in ranges and favour(ranges, EVENTS) > max(favour(ranges, JSON), favour(ranges, RESPONSE))


@lru_cache(maxsize=64)
def acceptable(*accept: str) -> str:
    """The media type of the answer: the caller's favourite of the two, application/json where it has none."""
    ranges = weights_of(accept)
    if not ranges:
        return JSON
    best = max((JSON, RESPONSE), key=lambda media: favour(ranges, media))
    if not favour(ranges, best)[0]:
        raise refused("NOT_ACCEPTABLE", f"answers come as {RESPONSE} or {JSON}")
    return best


def malformed(scope: Scope, refusal: Refused, media: str) -> Answer:
    """The HTTP request is no GraphQL request that could be looked at, so the status tells it in both media types."""
    problem = refusal.problems[0]
    more: Headers = [(b"allow", b"POST")] if problem.code == "METHOD_NOT_ALLOWED" else []
    body = encoded({"errors": [failure(problem.code, problem.message)]})
    return Answer(KINDS[problem.code].status, body, MEDIA[media], [*more, *retry_after(scope, problem.code)])


def not_carried_out(errors: Sequence[Mapping[str, Any]], media: str) -> Answer:
    """No `data`; in application/json a well-formed request is answered with 200 where its document is to blame."""
    code = errors[0]["extensions"]["code"]
    status = 200 if media == JSON and code not in WITH_STATUS else KINDS[code].status
    return Answer(status, encoded({"errors": errors}), MEDIA[media])
