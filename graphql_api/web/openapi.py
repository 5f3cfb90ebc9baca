"""OpenAPI 3.1, read off rest.graphql and the schema."""

from typing import Any

from starlette.types import Receive, Scope, Send

from graphql_api.web.http import Answer, encoded


def document() -> dict[str, Any]:
    return {"openapi": "3.1.0"}


class OpenApi:
    def __init__(self) -> None:
        self._body = encoded(document())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Answer(200, self._body).send(send)
