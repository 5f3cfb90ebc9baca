"""REST: the routes carried out as the operations of rest.graphql, with ETag, If-Match and what else HTTP has."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.types import Receive, Scope, Send

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Problem, Refused, other_version, refused, unknown_flow
from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.edits import Desk
from graphql_api.schema.context import Context
from graphql_api.schema.operations import Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.shown import Rejected
from graphql_api.web import etags, refusals
from graphql_api.web.accept import favour, weights_of
from graphql_api.web.callers import caller
from graphql_api.web.http import Answer, BodyLimits, body, header, headers, listed, must_be_json, of_head, of_request
from graphql_api.web.json import decoded, encoded
from graphql_api.web.methods import untaken
from graphql_api.web.parameters import hours_variables, list_variables, query_of
from graphql_api.web.rest_payloads import (
    Conflict,
    conflicting,
    flow_and_headers,
    must_be_done,
    problems_of,
    replay_header,
    spelled,
)
from graphql_api.web.routes import COLLECTION, PREFIX, NotTaken, Route, find
from graphql_api.web.shape import BodyReader

OPERATIONS = files("graphql_api.web").joinpath("rest.graphql").read_text("utf-8")


class Call(msgspec.Struct, frozen=True):
    """One request to a route, its path and its query taken apart."""

    scope: Scope
    receive: Receive
    route: Route
    id: str
    caller: Caller
    asked: Mapping[str, str]


class Rest:
    """Carries out the routes as operations of our own."""

    def __init__(self, desk: Desk, operations: Operations, limits: BodyLimits, *, suggestions: bool) -> None:
        self._desk = desk
        self._operations = operations
        self._limits = limits
        self._suggestions = suggestions

    def prepared(self) -> Mapping[str, Prepared]:
        """By their names; made once, when they are first asked for."""
        return self._operations.prepare_each(OPERATIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self.answer(scope, receive)
        await answer.send(send)

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            route, id = scope.get("found") or find(scope, suggests=self._suggestions)
            who = caller(scope, "REST")
            who.within("flows:read" if route.method == "GET" else "flows:write")
            given = query_of(scope, route.operation, suggests=self._suggestions)
            call = Call(scope, receive, route, id, who, given)
            _must_take_json(call)
            if route.method != "GET":
                of_head(scope, must_name_no_other_version)
            if id and not is_id(id):
                raise refused("INVALID_ID", f"the id must be {ID_RULE}", "id")
            return await HANDLERS[route.operation](self, call)
        except NotTaken as other:
            return untaken(scope, other.methods)
        except Conflict as refusal:
            return conflicting(scope, refusal)
        except Rejected as rejected:
            return refusals.answer(scope, [_problem(rejected.errors[0])])
        except Refused as refusal:
            return refusals.answer(scope, refusal.problems, untold=refusal.untold)

    async def read(self, call: Call) -> Answer:
        flow = await self._run(call, {"id": call.id})
        if flow is None:
            raise unknown_flow(call.id)
        version = flow.pop("version")
        guard = of_request(call.scope, listed_versions)
        if guard is not None and version not in guard:
            raise Conflict([other_version(version)], version)
        tag = [(b"etag", etags.tag(version))]
        if etags.none_match(listed(call.scope, b"if-none-match"), version):
            return Answer(304, media=None, headers=tag)
        return Answer(200, _encoded(call, spelled(flow)), headers=tag)

    async def page(self, call: Call) -> Answer:
        variables = list_variables(call.asked, self._desk.sizes.rest_page, suggests=self._suggestions)
        page = await self._run(call, variables)
        for flow in page["nodes"]:
            del flow["version"]
        more = []
        if page["pageInfo"]["hasNextPage"]:
            query = urlencode({**call.asked, "cursor": page["pageInfo"]["endCursor"]})
            path = f"{call.scope.get('root_path', '')}{PREFIX}{COLLECTION}?{query}"
            more.append((b"link", f'<{path}>; rel="next"'.encode()))
        return Answer(200, _encoded(call, [spelled(flow) for flow in page["nodes"]]), headers=more)

    async def hours(self, call: Call) -> Answer:
        """Without an ETag: the answer changes with the time."""
        variables = hours_variables(call.asked, suggests=self._suggestions)
        flow = await self._run(call, {"id": call.id, **variables})
        if flow is None:
            raise unknown_flow(call.id)
        return Answer(200, encoded(flow["settings"]["responseSettings"]["workingHours"]))

    async def create(self, call: Call) -> Answer:
        of_request(call.scope, must_name_no_version)
        fixed = {"workspaceId": call.caller.workspace or ""}
        given = self._json(call, await body(call.scope, call.receive, self._limits))
        reader = BodyReader(fixed, creates=True, suggests=self._suggestions)
        payload = await self._run(call, {"input": reader.input(given), **of_request(call.scope, key)})
        if payload["errors"]:
            raise Refused(*map(reader.as_sent, problems_of(payload)))
        flow, more = flow_and_headers(payload)
        place = f"{call.scope.get('root_path', '')}{PREFIX}{COLLECTION}/{quote(flow['_id'])}"
        return Answer(201, _encoded(call, flow), headers=[*more, (b"location", place.encode())])

    async def update(self, call: Call) -> Answer:
        raw = await body(call.scope, call.receive, self._limits)
        variables = {"id": call.id, "input": self._input(call, raw), **of_request(call.scope, key)}
        payload = await self._run(call, variables, self._context(call, guarded=True))
        flow, more = flow_and_headers(payload)
        return Answer(200, _encoded(call, flow), headers=more)

    async def delete(self, call: Call) -> Answer:
        variables = {"id": call.id, **of_request(call.scope, key)}
        payload = await self._run(call, variables, self._context(call, guarded=True))
        must_be_done(payload)
        return Answer(204, media=None, headers=replay_header(payload))

    def _input(self, call: Call, raw: bytes) -> dict[str, Any]:
        if call.route.takes == "toggle":
            if raw and not isinstance(self._json(call, raw), dict):
                raise refused("INVALID_TYPE", "the body must be absent or an object")
            return {"toggleAutopilot": True}
        fixed = {"_id": call.id, "workspaceId": call.caller.workspace or ""}
        return BodyReader(fixed, creates=False, suggests=self._suggestions).input(self._json(call, raw))

    def _json(self, call: Call, raw: bytes) -> Any:
        of_head(call.scope, must_be_any_json)
        return decoded(raw, self._limits)

    async def _run(self, call: Call, variables: Mapping[str, Any], context: Context | None = None) -> Any:
        """The answer to the route's root field; errors outside payloads become refusals."""
        prepared = self.prepared()[call.route.operation]
        answer = await self._operations.carry_out(prepared, variables, context or self._context(call))
        if answer.errors:
            raise Refused(_problem(answer.errors[0]))
        assert answer.data is not None
        return answer.data[call.route.field]

    def _context(self, call: Call, *, guarded: bool = False) -> Context:
        guard = of_request(call.scope, listed_versions) if guarded else None
        state = call.scope["state"]
        account = state["account"]
        charge = account and account.charge
        longest = self._desk.sizes.rest_page
        return Context(self._desk, call.caller, guard, longest, charge=charge, seen=state["seen"])


HANDLERS: Mapping[str, Callable[[Rest, Call], Awaitable[Answer]]] = {
    "GetMessageFlow": Rest.read,
    "ListMessageFlows": Rest.page,
    "CreateMessageFlow": Rest.create,
    "UpdateMessageFlow": Rest.update,
    "DeleteMessageFlow": Rest.delete,
    "GetWorkingHours": Rest.hours,
}


def _must_take_json(call: Call) -> None:
    if call.route.status != 204 and not of_head(call.scope, takes_json):
        raise refused("NOT_ACCEPTABLE", "answers come as application/json")


def must_be_any_json(scope: Scope) -> None:
    must_be_json(scope, any_kind=True)


def takes_json(scope: Scope) -> bool:
    """Who names only the type of errors gets what is none as JSON too."""
    ranges = weights_of(headers(scope, b"accept"))
    names_errors = ranges.get("application/problem+json", (0.0, 0))[0] > 0
    return not ranges or names_errors or favour(ranges, "application/json")[0] > 0


def _encoded(call: Call, value: Any) -> bytes:
    return encoded(value, is_plain=call.scope["state"]["seen"].is_compiled)


def _problem(error: Mapping[str, Any]) -> Problem:
    return Problem(error["extensions"]["code"], error["message"])


def key(scope: Scope) -> Mapping[str, str]:
    sent = header(scope, b"idempotency-key")
    return {} if sent is None else {"idempotencyKey": sent}


def must_name_no_other_version(scope: Scope) -> None:
    """If-None-Match would have a change be made at any version but those, which no flow has a use for."""
    if listed(scope, b"if-none-match") is not None:
        message = "If-None-Match is taken on GET only; send If-Match to change a flow only at a version that you know"
        raise refused("BAD_REQUEST", message)


def must_name_no_version(scope: Scope) -> None:
    """A flow that is made has none yet."""
    if etags.if_match(listed(scope, b"if-match")) is not None:
        message = "If-Match guards a flow that is there; an Idempotency-Key keeps a new one from being made twice"
        raise refused("BAD_REQUEST", message)


def listed_versions(scope: Scope) -> frozenset[int] | None:
    """What If-Match allows: no version where it is malformed, which is told only of a flow that is there."""
    try:
        return etags.if_match(listed(scope, b"if-match"))
    except Refused:
        return frozenset()
