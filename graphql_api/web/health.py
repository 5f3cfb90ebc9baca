"""Health: the process lives; the database answers and its tables are current."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Problem, Refused
from graphql_api.storage import migrations
from graphql_api.storage.engine import Store
from graphql_api.web import refusals
from graphql_api.web.http import Answer
from graphql_api.web.json import encoded


class Live:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Answer(200, encoded({"status": "ok"})).send(send)


class CloseOnShutdown:
    """Once the server stops, every answer tells its client to open another connection for the next request."""

    def __init__(self, app: ASGIApp, ready: "Ready") -> None:
        self._app = app
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._ready.is_stopping or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, closing)


class Ready:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope)
        await answer.send(send)

    async def _answer(self, scope: Scope) -> Answer:
        if self.is_stopping:
            return refusals.answer(scope, [Problem("UNAVAILABLE", "the server is stopping; ask another one")])
        try:
            found = await migrations.revision(self._store)
        except Refused as refusal:
            return refusals.answer(scope, refusal.problems)
        if found != migrations.newest():
            is_older = found is None or found in migrations.known()
            remedy = "run message-flows migrate" if is_older else "a newer version of message-flows has migrated them"
            return refusals.answer(scope, [Problem("UNAVAILABLE", f"the tables are not current; {remedy}")])
        return Answer(200, encoded({"status": "ok"}))
