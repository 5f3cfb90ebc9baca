"""`/metrics`, for keys with the scope admin; what it takes is imported when the first answers are out."""

from starlette.types import Receive, Scope, Send

from graphql_api.domain.errors import Refused, refused
from graphql_api.web import refusals
from graphql_api.web.http import Answer


class Metrics:
    """A door behind `auth.Guard`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from graphql_api.web import metrics

        try:
            admit(scope)
        except Refused as refusal:
            await refusals.answer(scope, refusal.problems).send(send)
        else:
            await Answer(200, metrics.text(), metrics.MEDIA).send(send)


def admit(scope: Scope) -> None:
    asker = scope["state"]["asker"]
    if isinstance(asker, Refused):
        raise asker
    if asker is not None and "admin" not in asker.scopes:
        raise refused("FORBIDDEN", "this key lacks the scope admin")
