"""OpenAPI 3.1 of the REST routes: read off the route table, rest.graphql, the schema, the leaves and the refusals."""

from collections.abc import Mapping
from functools import lru_cache

import graphql_api
from graphql_api.domain.example import EXAMPLE
from graphql_api.domain.flow import LEAVES
from graphql_api.web.json import encoded
from graphql_api.web.openapi import bodies, errors, heads, hours
from graphql_api.web.openapi.values import Json, ref
from graphql_api.web.routes import COLLECTION, PREFIX, ROUTES, Route

ABOUT = """\
Message flows are the configurations of SMS and email agents. Updates are partial down to each leaf: what is not sent \
stays as it is. Every refusal has one and the same body, whatever its status; a path that is not listed here is \
answered with 404, a method that a path does not list with 405 and `Allow`, a query parameter that a method does not \
list with 400, all in that body."""

ONE = f"{COLLECTION}/{{id}}"
TOGGLE = f"{ONE}/toggle-autopilot"
HOURS = f"{ONE}/working-hours"

NAMED: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("GET", COLLECTION): (
        "listMessageFlows",
        "List flows",
        "A page of the workspace's flows, newest first unless ordered otherwise.",
    ),
    ("POST", COLLECTION): ("createMessageFlow", "Create a flow", "A new flow; what is left out gets its default."),
    ("GET", ONE): ("getMessageFlow", "Read a flow", "The flow as it is now, its version as the ETag."),
    ("PUT", ONE): (
        "updateMessageFlow",
        "Update a flow",
        "Changes what was sent and nothing else, to each leaf, all or nothing. What GET answers may be sent back.",
    ),
    ("PATCH", ONE): ("patchMessageFlow", "Update a flow", "The same as PUT, for clients that expect PATCH."),
    ("DELETE", ONE): (
        "deleteMessageFlow",
        "Delete a flow",
        "Deleting it once more is no error. It can be restored over GraphQL until it is pruned.",
    ),
    ("PUT", TOGGLE): (
        "toggleAutopilot",
        "Flip autopilot",
        "Flips autopilot once a request; not idempotent, so send an Idempotency-Key or If-Match. "
        "The members of the body are ignored.",
    ),
    ("GET", HOURS): (
        "getWorkingHours",
        "Is it open?",
        "Whether the flow is open at an instant, when that changes next, and, if a range is asked for, its open "
        "stretches. By the wall clock of the flow's time zone, exact across clock changes. No ETag: time changes it.",
    ),
}
"""Operation id, summary, description."""

SHOWN = {name: value for name, value in EXAMPLE.items() if name != "initiationMessage"}
TAKEN: Mapping[str, Json] = {
    "update": {
        "oneLeaf": {"summary": "One leaf", "value": {"settings": {"responseSettings": {"delay": 5}}}},
        "toggle": {
            "summary": "A toggle together with settings",
            "value": {
                "description": "Handles customer support inquiries via SMS",
                "toggleAutopilot": True,
                "settings": {"emailSettings": {"subjectLine": "Follow Up on Your Inquiry", "signature": "Regards"}},
            },
        },
        "reset": {"summary": "null resets a leaf to its default", "value": {"description": None}},
    },
    "create": {"example": {"value": {leaf.path: EXAMPLE[leaf.path] for leaf in LEAVES if leaf.is_required}}},
    "toggle": {"asPublished": {"value": {}}},
}
ABOUT_HOURS = next(route for route in ROUTES if route.path == HOURS)
LINKED = ("getMessageFlow", "updateMessageFlow", "deleteMessageFlow", "toggleAutopilot")


def document(server: str = "/") -> Json:
    """`server`: where a proxy publishes the routes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Message Flows",
            "version": graphql_api.__version__,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server, "description": "This server."}],
        "tags": [{"name": "message-flows", "description": "Reading and changing message flows."}],
        # Without configuration the server listens on loopback only and asks for no key.
        "security": [{}, {"apiKey": []}, {"bearer": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a bearer token."},
            },
            "parameters": dict(heads.HEADERS),
            "headers": dict(heads.ANSWERED),
            "responses": errors.responses(),
            "schemas": {**bodies.answers(), **_hours(), **bodies.requests(), **errors.schemas()},
            "links": {name: _link(name) for name in LINKED},
        },
    }


def _hours() -> dict[str, Json]:
    return hours.answer(bodies.root_field(ABOUT_HOURS))


def _link(operation: str) -> Json:
    given = {"path.id": "$response.body#/_id", "header.x-workspace-id": "$request.header.x-workspace-id"}
    return {"operationId": operation, "description": "For the flow that was created.", "parameters": given}


def _paths() -> Json:
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(f"{PREFIX}{route.path}", {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    name, summary, description = NAMED[route.method, route.path]
    body = {"requestBody": _body(route)} if route.takes else {}
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": ["message-flows"],
        "parameters": _parameters(route),
        **body,
        "responses": {**_successes(route), **dict(sorted(map(errors.answered, _refusals(route))))},
    }


def _writes(route: Route) -> bool:
    return route.method != "GET"


def _names_one(route: Route) -> bool:
    return "{id}" in route.path


def _guarded(route: Route) -> bool:
    return _names_one(route) and route is not ABOUT_HOURS


def _parameters(route: Route) -> list[Json]:
    used = {
        "Workspace": True,
        "Id": _names_one(route),
        "IdempotencyKey": _writes(route),
        "IfMatch": _guarded(route),
        "IfNoneMatch": route.operation == "GetMessageFlow",
    }
    named = [{"$ref": f"#/components/parameters/{name}"} for name, is_used in used.items() if is_used]
    return named + heads.query(route.operation)


def _body(route: Route) -> Json:
    if route.takes == "toggle":
        schema: Json = {"type": "object", "description": "Absent, or any object; its members are ignored."}
    else:
        schema = ref(bodies.taken_by(route))
    media = {"schema": schema, "examples": TAKEN[route.takes]}
    return {"required": route.takes != "toggle", "content": {"application/json": media}}


def _successes(route: Route) -> dict[str, Json]:
    if route.operation == "GetMessageFlow":
        unchanged = {"description": "The caller has this version.", "headers": heads.headers("ETag")}
        return {"200": _success(route), "304": unchanged}
    return {str(route.status): _success(route)}


def _success(route: Route) -> Json:
    replay = ("Idempotency-Replayed",) if _writes(route) else ()
    if route.status == 204:
        return {"description": "The flow is deleted.", "headers": heads.headers(*replay)}
    if route is ABOUT_HOURS:
        media = {"schema": ref(hours.NAME), "examples": {"overnight": {"value": hours.EXAMPLE}}}
        return {"description": "As asked.", "headers": heads.headers(), "content": {"application/json": media}}
    flow, shown = ref(bodies.answered_by(route)), EXAMPLE if route.status == 201 else SHOWN
    if route.operation == "ListMessageFlows":
        media = {"schema": {"type": "array", "items": flow}, "examples": {"example": {"value": [shown]}}}
        return {
            "description": "A page of flows.",
            "headers": heads.headers("Link"),
            "content": {"application/json": media},
        }
    own = ("Location",) if route.status == 201 else ()
    changed = ("X-Changed-Fields",) if bodies.selects(route, "changedFields") else ()
    links = {name: {"$ref": f"#/components/links/{name}"} for name in LINKED}
    return {
        "description": "The new flow." if own else "The flow.",
        "headers": heads.headers("ETag", *own, *changed, *replay),
        "content": {"application/json": {"schema": flow, "examples": {"example": {"value": shown}}}},
        **({"links": links} if own else {}),
    }


def _refusals(route: Route) -> list[str]:
    usual = ["BadRequest", "Unauthenticated", "Forbidden", "NotAcceptable", "RateLimited", "Internal", "Unavailable"]
    one = ["NotFound"] if _names_one(route) else []
    guarded = ["VersionConflict"] if _guarded(route) else []
    keyed = ["InProgress", "KeyReused"] if _writes(route) else []
    return [*usual, *one, *guarded, *keyed, *(["TooLarge", "UnsupportedMediaType"] if route.takes else [])]


@lru_cache(maxsize=4)
def served(server: str) -> bytes:
    return encoded(document(server))
