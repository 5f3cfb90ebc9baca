"""One line a request for the log and its counts for the metrics; nothing of what callers wrote but names."""

import logging
import sys
from collections import Counter
from collections.abc import Callable
from random import random
from time import monotonic, perf_counter
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from graphql_api.domain.keys import Key
from graphql_api.schema.context import Seen
from graphql_api.web.gathered import GATHERED, hear
from graphql_api.web.pages import PAGES
from graphql_api.web.routes import PREFIX, ROUTES

GONE = 499
"""The status, for logs and metrics alone, of a request whose client went away before its answer."""

LONGEST_NAME = 64
OTHERS = "other"
FIXED = frozenset({"/graphql", "/openapi.json", "/metrics", "/health/live", "/health/ready", *PAGES})
BELOW = ("/assets/", "/flows/")
"""Below these the name of a file, or what a page itself tells apart; the label is the path above."""

FORMS = frozenset(PREFIX + route.path for route in ROUTES)
NO_OPERATION = Seen()

UNREADABLE = (OSError, ImportError)
"""How an import fails for want of descriptors."""

WriteLine = Callable[..., Any]


class Sparing:
    """Tells of a flood by a line a second and status, with how many there were."""

    def __init__(self) -> None:
        self._silent_until: dict[int, float] = {}
        self._unsaid = Counter[int]()

    def more(self, status: int) -> dict[str, Any] | None:
        """What the line says besides; None when there is to be none."""
        if monotonic() < self._silent_until.get(status, 0.0):
            self._unsaid[status] += 1
            return None
        self._silent_until[status] = monotonic() + 1
        unsaid = self._unsaid.pop(status, 0)
        return {"unsaid": unsaid} if unsaid else {}


UNREAD = Sparing()
"""Of what is no request, which needs neither a key nor HTTP."""


class Telemetry:
    """Stands around the whole application, which leaves in the request's state under `status` what it answered."""

    def __init__(self, app: ASGIApp, sample: float, line: WriteLine | None = None) -> None:
        """`sample`: the part of the answers below 400 that are logged; all others are, but for floods."""
        self._app = app
        self._sample = sample
        self._line: WriteLine = write_line if line is None else line
        self._floods = Sparing()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["seen"] = NO_OPERATION
        if scope["type"] != "http":
            state["telemetry"] = self  # a WebSocket tells of each of its operations
            await self._app(scope, receive, send)
            return
        GATHERED.in_flight += 1
        began = perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            GATHERED.in_flight -= 1
            self.tell(scope, state.get("status", GONE), perf_counter() - began)

    def tell(self, scope: Scope, status: int, seconds: float, form: str | None = None) -> None:
        """Counts a request that is over, and may write its line; `form`: of its path, where that is known."""
        seen: Seen = scope["state"]["seen"]
        path = form or route(scope)
        way = ("compiled" if seen.is_compiled else "general") if seen.cost else ""
        GATHERED.note((path, seen.field, status, way), seconds, seen.cost)
        if status >= 400 or random() < self._sample:
            self._say(scope, path, seen, status, seconds)

    def _say(self, scope: Scope, path: str, seen: Seen, status: int, seconds: float) -> None:
        more = self._floods.more(status) if may_flood(scope, status) else {}
        if more is not None:
            self._line(level(status), **_members(scope, path, seen, status, seconds), **more)


def may_flood(scope: Scope, status: int) -> bool:
    """Whether it is a refusal that somebody can cause by the thousand: it needs no key, or it is that of too many."""
    return level(status) == "warning" and (status == 429 or not isinstance(scope["state"].get("asker"), Key))


def tell_unread(status: int, id: str) -> None:
    """Of what was refused before it was a request nothing is known but the id of its answer."""
    GATHERED.note((OTHERS, "", status, ""), 0.0, 0)
    more = UNREAD.more(status)
    if more is not None:
        scope = {"method": OTHERS, "state": {"request_id": id}}
        write_line(level(status), **_members(scope, OTHERS, NO_OPERATION, status, 0.0), **more)


def _members(scope: Scope, path: str, seen: Seen, status: int, seconds: float) -> dict[str, Any]:
    state = scope["state"]
    key = state.get("asker")
    return {
        "method": scope["method"] if scope["method"] in METHODS else OTHERS,
        "route": path,
        "operation": seen.operation[:LONGEST_NAME],
        "status": status,
        "ms": round(seconds * 1_000, 3),
        "key": key.prefix if isinstance(key, Key) else None,
        "workspace": state.get("workspace"),
        "request_id": state.get("request_id"),
        "cost": seen.cost,
        "plan": "compiled" if seen.is_compiled else "general",
    }


WEBSOCKET = "WEBSOCKET"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", WEBSOCKET})


def route(scope: Scope) -> str:
    """The form of a path, of which there are few; what callers put into it is not told."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if path in FIXED:
        return path
    if path.startswith(BELOW):
        return path[: path.index("/", 1)]
    segments = path.split("/")
    if len(segments) > 4:
        segments[4] = "{id}"
    form = "/".join(segments)
    return form if form in FORMS else OTHERS


def level(status: int) -> str:
    """What a client asks for that is not spoken here is no error of ours."""
    is_ours = status >= 500 and status not in (501, 505)
    return "error" if is_ours else "warning" if status >= 400 else "info"


# Lines


def write_line(level: str, event: str = "request", **members: Any) -> None:
    """One line for a request, or for what else an event names."""
    try:
        from graphql_api.web import lines  # imports that take longer than all else of the first answer
    except UNREADABLE:
        hear("lost_line", 1)
    else:
        lines.write_line(level, event, **members)


class Handler(logging.StreamHandler[Any]):
    """Says lines of the server and of its libraries in one form; what that takes is imported with the first one."""

    def format(self, record: logging.LogRecord) -> str:
        from graphql_api.web import lines

        if lines.is_stalled():
            raise BlockingIOError
        self.formatter = self.formatter or lines.formatter()
        return super().format(record)

    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exception(), UNREADABLE):
            hear("lost_line", 1)
        else:
            super().handleError(record)


def begin_logging() -> None:
    handler = Handler()
    for name in ("message_flows", "uvicorn", "asyncio"):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [handler], False
