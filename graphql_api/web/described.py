"""The address of the OpenAPI document, which is described only once somebody asks for it."""

from starlette.types import Receive, Scope, Send

from graphql_api.web.http import Answer


class OpenApi:
    """Answers the description of the routes, under the path at which a proxy publishes them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from graphql_api.web import openapi  # imports that a server spares until then

        await Answer(200, openapi.served(scope.get("root_path") or "/")).send(send)
