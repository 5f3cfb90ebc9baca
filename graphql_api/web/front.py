"""What every request passes first and every answer last: request id, faults, unknown paths."""

import logging
import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Problem
from graphql_api.schema.prepared import fault
from graphql_api.web import refusals
from graphql_api.web.http import Disconnected

REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,128}")
ALWAYS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]

log = logging.getLogger("message_flows")


class Front:
    """Keeps a valid incoming x-request-id or makes one, and sends it with every answer; masks faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = request_id(scope)
        scope.setdefault("state", {})["request_id"] = id
        own = [*ALWAYS, (b"x-request-id", id.encode())]
        started = False

        async def told(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in own if one[0] not in given)]
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Disconnected:
            return
        except Exception as error:
            log.error("request %s failed: %s", id, fault(error))
            if not started:
                problem = Problem("INTERNAL", f"internal error; the log has it under {id}")
                await refusals.answer(scope, [problem]).send(told)


def request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()  # type: ignore[no-any-return]
    return secrets.token_hex(8)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    await refusals.answer(scope, [Problem("NOT_FOUND", "there is nothing at this path")]).send(send)
