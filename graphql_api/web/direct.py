"""The doors that most requests go to, found by their path at once instead of by walking the list of routes."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Direct:
    """`doors` by whole paths; `prefix` and the `below` that takes what begins with it; all else goes to `routes`."""

    def __init__(self, doors: Mapping[str, ASGIApp], prefix: str, below: ASGIApp, routes: ASGIApp) -> None:
        self._doors = doors
        self._prefix = prefix
        self._below = below
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope)(scope, receive, send)

    def _door(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self._routes
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(self._prefix):
            return self._below
        return self._doors.get(path, self._routes)
