"""Which methods a path takes: any other is refused with Allow, and OPTIONS asks for that list."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from graphql_api.domain.errors import Problem
from graphql_api.web import refusals
from graphql_api.web.http import Answer


class Takes:
    """A path that takes these methods; HEAD comes with GET, which Front answers it by."""

    def __init__(self, app: ASGIApp, *methods: str) -> None:
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in self._methods:
            await self._app(scope, receive, send)
        else:
            await untaken(scope, self._methods).send(send)


def untaken(scope: Scope, methods: Iterable[str]) -> Answer:
    """The answer to a method that a path does not take, and to OPTIONS."""
    allow = ", ".join(listed(methods))
    headers = [(b"allow", allow.encode())]
    if scope["method"] == "OPTIONS":
        return Answer(204, media=None, headers=headers)
    return refusals.answer(scope, [Problem("METHOD_NOT_ALLOWED", f"this path takes {allow}")], more_headers=headers)


def listed(methods: Iterable[str]) -> list[str]:
    known = set(methods)
    order = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return [name for name in order if name in known or name == "OPTIONS" or (name == "HEAD" and "GET" in known)]
