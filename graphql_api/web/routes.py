"""The REST routes: method, path, operation of rest.graphql, status; and which of them a request is for."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes

import msgspec
from starlette.types import Scope

from graphql_api.web.not_found import not_found

PREFIX = "/v1/api"
COLLECTION = "/message-flows"


class Route(msgspec.Struct, frozen=True):
    """`takes`: what the body is."""

    method: str
    path: str
    operation: str
    field: str
    status: int
    takes: str = ""


ROUTES = (
    Route("GET", COLLECTION, "ListMessageFlows", "messageFlows", 200),
    Route("POST", COLLECTION, "CreateMessageFlow", "createMessageFlow", 201, "create"),
    Route("GET", f"{COLLECTION}/{{id}}", "GetMessageFlow", "messageFlow", 200),
    Route("PUT", f"{COLLECTION}/{{id}}", "UpdateMessageFlow", "updateMessageFlow", 200, "update"),
    Route("PATCH", f"{COLLECTION}/{{id}}", "UpdateMessageFlow", "updateMessageFlow", 200, "update"),
    Route("DELETE", f"{COLLECTION}/{{id}}", "DeleteMessageFlow", "deleteMessageFlow", 204),
    Route("PUT", f"{COLLECTION}/{{id}}/toggle-autopilot", "UpdateMessageFlow", "updateMessageFlow", 200, "toggle"),
    Route("GET", f"{COLLECTION}/{{id}}/working-hours", "GetWorkingHours", "messageFlow", 200),
)

PATHS = tuple(dict.fromkeys(PREFIX + route.path for route in ROUTES))
FORMS = {route: tuple(f"{PREFIX}{route.path}".split("/")) for route in ROUTES}
ID_AT = FORMS[ROUTES[-1]].index("{id}")

PLAIN = re.compile(f"([A-Z]+) {PREFIX}{COLLECTION}/([A-Za-z0-9_-]{{1,64}})((?:/[a-z-]+)?) HTTP/1\\.1".encode())
OF_ONE = {
    (route.method.encode(), route.path.partition("{id}")[2].encode()): route for route in ROUTES if "{id}" in route.path
}
OF_ALL = {
    f"{route.method} {PREFIX}{route.path} HTTP/1.1".encode(): (route, "")
    for route in ROUTES
    if "{id}" not in route.path
}

RouteMatch = tuple[Route, str]
"""A route, and the id in the path."""


class NotTaken(Exception):
    """The path takes other methods."""

    def __init__(self, methods: Iterable[str]) -> None:
        super().__init__()
        self.methods = methods


def find(scope: Scope, *, suggests: bool = True) -> RouteMatch:
    """Of a request; segments are split before they are decoded. `suggests`: says which path may be meant."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    root: str = scope.get("root_path", "")
    path = raw.partition(b"?")[0].removeprefix(root.encode())
    method: str = scope["method"]
    found = plain(b"%b %b HTTP/1.1" % (method.encode(), path)) or _taken_apart(method, path)
    if found is None:
        raise not_found(root, path.decode("latin-1"), PATHS if suggests else ())
    return found


def plain(line: bytes) -> RouteMatch | None:
    """Of the first line of a request in which nothing is to be decoded; None for any other line."""
    match = PLAIN.fullmatch(line)
    if match is None:
        return OF_ALL.get(line)
    method, id, end = match.groups()
    route = OF_ONE.get((method, end))
    return (route, id.decode()) if route else None


def _taken_apart(method: str, path: bytes) -> RouteMatch | None:
    form = [unquote_to_bytes(segment).decode("utf-8", "replace") for segment in path.split(b"/")]
    id = form[ID_AT] if len(form) > ID_AT else ""
    if id:
        form[ID_AT] = "{id}"
    routes = {route.method: route for route, known in FORMS.items() if known == tuple(form)}
    if not routes:
        return None
    if method not in routes:
        raise NotTaken(routes)
    return routes[method], id
