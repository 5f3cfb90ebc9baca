"""/graphql: GraphQL over HTTP to the letter (GET and POST, Accept, status)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from graphql_api.domain.errors import KINDS, Refused, refused
from graphql_api.edits import Desk
from graphql_api.schema import prepared
from graphql_api.schema.context import Context
from graphql_api.schema.prepared import Operations, Rejected
from graphql_api.web import refusals
from graphql_api.web.callers import caller
from graphql_api.web.http import Answer, BodyLimits, Headers, body, decoded, encoded, header, headers, weights_of

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
MEDIA = {RESPONSE: f"{RESPONSE}; charset=utf-8".encode(), JSON: f"{JSON}; charset=utf-8".encode()}
RANGES = {"application/*": JSON, "*/*": JSON}
PARAMETERS = frozenset({"query", "operationName", "variables", "extensions"})
OPERATION_STATUS = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED", "UNAVAILABLE"})
"""Codes of top-level errors that give the whole answer their status."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a GraphQL request."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any] | None


class GraphQL:
    def __init__(self, desk: Desk, operations: Operations, limits: BodyLimits) -> None:
        self._desk = desk
        self._operations = operations
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            if scope["method"] not in ("GET", "POST"):
                return refusals.answer(scope, not_allowed(scope).problems, more_headers=[(b"allow", b"GET, POST")])
            media = acceptable(headers(scope, b"accept"))
        except Refused as refusal:
            return refusals.answer(scope, refusal.problems)
        try:
            asked = await self._asked(scope, receive)
            return await self._carry_out(scope, asked, media)
        except Rejected as rejected:
            return request_error(rejected.errors, media)
        except Refused as refusal:
            problem = refusal.problems[0]
            return request_error([prepared.failure(problem.code, problem.message)], media)

    async def _asked(self, scope: Scope, receive: Receive) -> Asked:
        if scope["method"] == "GET":
            return self._from_url(scope)
        _must_be_json(header(scope, b"content-type"))
        return _asked(decoded(await body(scope, receive, self._limits), self._limits))

    def _from_url(self, scope: Scope) -> Asked:
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        parameters: dict[str, Any] = dict(given)
        if len(parameters) != len(given):
            raise refused("BAD_REQUEST", "a parameter is given more than once")
        for name in ("variables", "extensions"):
            if name in parameters:
                text = parameters[name]
                parameters[name] = decoded(text.encode("utf-8", "surrogatepass"), self._limits) if text else None
        return _asked({name: value for name, value in parameters.items() if name in PARAMETERS})

    async def _carry_out(self, scope: Scope, asked: Asked, media: str) -> Answer:
        operation = self._operations.prepare(asked.query, asked.operation_name)
        if scope["method"] == "GET" and not operation.only_reads:
            return request_error([prepared.failure("METHOD_NOT_ALLOWED", "by GET only queries; send a POST")], media)
        context = Context(self._desk, caller(scope, "GRAPHQL"))
        answer = await self._operations.carry_out(operation, asked.variables, context)
        document: dict[str, Any] = {"data": answer.data}
        if answer.errors:
            document = {"errors": answer.errors, **document}
        return Answer(_status(answer.errors), encoded(document), MEDIA[media])


def not_allowed(scope: Scope) -> Refused:
    return refused("METHOD_NOT_ALLOWED", f"/graphql takes GET and POST, not {scope['method'][:20]}")


def acceptable(accept: list[str]) -> str:
    """The media type of the answer: the caller's favourite of the two, application/json where it has none."""
    weights = {RANGES.get(media, media): weight for media, weight in reversed(weights_of(accept).items())}
    if not weights:
        return JSON
    best = max((media for media in MEDIA if media in weights), key=lambda media: weights[media], default=None)
    if best is None or weights[best][0] == 0:
        raise refused("NOT_ACCEPTABLE", f"answers come as {RESPONSE} or {JSON}")
    return best


def request_error(errors: list[dict[str, Any]] | Any, media: str) -> Answer:
    """Nothing was carried out: no `data`; in application/json a well-formed request is answered with 200."""
    code = errors[0]["extensions"]["code"]
    status = KINDS[code].status
    more: Headers = [(b"allow", b"POST")] if code == "METHOD_NOT_ALLOWED" else []
    return Answer(status, encoded({"errors": errors}), MEDIA[media], more)


def _status(errors: Any) -> int:
    for error in errors:
        if error["extensions"]["code"] in OPERATION_STATUS:
            return KINDS[error["extensions"]["code"]].status
    return 200


def _must_be_json(content_type: str | None) -> None:
    media, *parameters = [part.strip().lower() for part in (content_type or "").split(";")]
    if media != JSON:
        raise refused("UNSUPPORTED_MEDIA_TYPE", f"the body must be sent with Content-Type: {JSON}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise refused("UNSUPPORTED_MEDIA_TYPE", "the body must be sent in UTF-8")


def _asked(given: Any) -> Asked:
    if isinstance(given, list):
        raise refused("BAD_REQUEST", "batches are not taken; send one operation a request")
    if not isinstance(given, dict):
        raise refused("BAD_REQUEST", "the body must be a JSON object with a member query")
    query, name = given.get("query"), given.get("operationName")
    if not isinstance(query, str):
        raise refused("BAD_REQUEST", "query must be a string with a GraphQL document")
    if name is not None and not isinstance(name, str):
        raise refused("BAD_REQUEST", "operationName must be a string or null")
    for member in ("variables", "extensions"):
        if given.get(member) is not None and not isinstance(given[member], dict):
            raise refused("BAD_REQUEST", f"{member} must be an object or null")
    return Asked(query, name or None, given.get("variables"))
