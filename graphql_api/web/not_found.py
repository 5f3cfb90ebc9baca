"""Paths at which nothing is, though one is known that differs only by case or by a slash at the end."""

from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.words import printable
from graphql_api.web import refusals

POLICY = 1008
"""The close code of WebSockets."""


class NotFound:
    """Where no route leads. In `forms`, the paths that are known, `{…}` is whatever stands between two slashes."""

    def __init__(self, forms: Iterable[str] = (), *, suggests: bool = True) -> None:
        self._forms = [*forms] if suggests else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY})
            return
        root = scope.get("root_path", "")
        raise not_found(root, scope["path"].removeprefix(root), self._forms)


def not_found(root: str, path: str, forms: Iterable[str]) -> Refused:
    """`root` stands before each path that is told, as a proxy publishes it."""
    meant = next((near for form in forms if (near := _meant(path, form))), None)
    offer = f"; did you mean {root}{meant}?" if meant else ""
    return refused("NOT_FOUND", f"{refusals.NO_SUCH_PATH}{offer}")


def _meant(path: str, form: str) -> str | None:
    """The path as the form has it, if that is all that is wrong with it."""
    sent, known = path.rstrip("/").split("/"), form.split("/")
    if len(sent) != len(known):
        return None
    found = [printable(one) if other.startswith("{") else other for one, other in zip(sent, known, strict=True)]
    return "/".join(found) if all(found[1:]) and "/".join(sent).lower() == "/".join(found).lower() else None
