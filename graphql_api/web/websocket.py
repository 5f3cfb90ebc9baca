"""WebSockets as the protocol graphql-transport-ws has them: who may open one, its messages, and why it ends."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from graphql_api.domain.errors import Refused, refused
from graphql_api.web.auth import must_show_no_key_in_url
from graphql_api.web.callers import entitled
from graphql_api.web.http import INTRODUCED, header, parameters
from graphql_api.web.json import decoded, encoded
from graphql_api.web.live_connections import End, given_up
from graphql_api.web.operating import Backend, Client, Closed, Gone, SocketOperations, Unread, tell
from graphql_api.web.taking import STALLED
from graphql_api.web.throttle import payer

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
"""In which `connection_init` must have come."""

LONGEST_REASON = 120
"""Bytes; RFC 6455 leaves 123 for the reason of a close."""

ENDS = {"UNAUTHENTICATED": 4401, "FORBIDDEN": 4403, "RATE_LIMITED": 1013, "UNAVAILABLE": 1013, "LIMIT_EXCEEDED": 1013}
"""Code of a refusal -> code that the connection is closed with; any other is 4400."""

RESTART = 1012

TOLD = {**{code: code - 4000 for code in (4400, 4401, 4403, 4408, 4409, 4429)}, 1013: 503}
"""Code of a close that the log has a line of -> the status it has there."""

MESSAGES = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})


class WebSockets:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses pages of foreign origins before anything is agreed on: FORBIDDEN, which is 403."""
        self._check_origin(scope)
        await receive()
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": f"speak {PROTOCOL}"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        await Conversation(self._backend, scope, receive, send).run()

    def _check_origin(self, scope: Scope) -> None:
        """No cookie is ever read, yet a page that a browser shows could reach a server that nobody else can."""
        origin = header(scope, b"origin")
        if origin is None or origin in self._backend.origins:
            return
        if origin.partition("://")[2] != header(scope, b"host"):
            raise refused("FORBIDDEN", "pages of this origin may not call the server (cors_origins)")


class Conversation:
    """One connection, from its first message to its close."""

    def __init__(self, backend: Backend, scope: Scope, receive: Receive, send: Send) -> None:
        self._backend = backend
        self._scope = scope
        self._receive = receive
        self._send = send
        client = scope.get("client")
        self._address = str(client[0]) if client else ""
        self._client = Client()
        self._operations: SocketOperations | None = None

    async def run(self) -> None:
        try:
            await self._talk()
        except Closed as closed:
            reason = str(closed).encode()[:LONGEST_REASON].decode(errors="ignore")
            await self._close(closed.code, reason)
            if closed.code in TOLD:
                tell(self._scope, self._client, TOLD[closed.code])
        except Gone:
            return
        finally:
            if self._operations is not None:
                await self._operations.stop()

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(STALLED):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _talk(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                token = await self._introduced()
        except TimeoutError:
            raise Closed(4408, f"connection_init did not come within {INIT_SECONDS:g} s") from None
        except Refused as refusal:
            raise closing(refusal) from None
        self._scope.get("extensions", {}).get(INTRODUCED, bool)()
        backend, who = self._backend, self._client.payer
        self._operations = operations = SocketOperations(backend, self._scope, self._client, self._put, self._give_up)
        try:
            with backend.live.held("connection", who), backend.live.end(token, self._address) as end:
                await self._say({"type": "connection_ack"})
                while True:
                    await self._take(await self._heard(end), operations)
        except Refused as refusal:
            raise closing(refusal) from None

    async def _introduced(self) -> bytes:
        """Waits for `connection_init` and answers pings until then; the key that the client shows."""
        while (message := await self._read())["type"] != "connection_init":
            if message["type"] == "subscribe":
                raise Closed(4401, "send connection_init first")
            await self._take(message)
        payload = message.get("payload") or {}
        token, keyring, throttle = self._token(payload), self._backend.keyring, self._backend.throttle
        key = await keyring.key(token, self._address) if keyring is not None else None
        workspace = self._told(payload, "x-workspace-id")
        who = payer(key, self._scope.get("client"))
        caller = entitled(key, workspace, "GRAPHQL", self._scope["state"]["request_id"])
        self._check_url(caller.workspace)
        caller = replace(caller, named_in="x-workspace-id in the payload of connection_init")
        self._client = Client(who, caller, key, throttle.account(who) if throttle is not None else None)
        return token

    def _check_url(self, workspace: str | None) -> None:
        """It may name one as that of an EventSource does, but no other."""
        if workspace and parameters(self._scope).get("workspace", workspace) != workspace:
            raise refused("BAD_REQUEST", "workspace in the URL names another one than connection_init or the key")

    def _token(self, payload: Mapping[str, Any]) -> bytes:
        must_show_no_key_in_url(self._scope)
        bearer = self._told(payload, "authorization") or ""
        shown = {self._told(payload, "x-api-key"), bearer[7:].strip() if bearer[:7].lower() == "bearer " else None}
        shown -= {None, ""}
        if len(shown) > 1:
            raise refused("BAD_REQUEST", "two different keys are shown; send one")
        return str(shown.pop()).encode("utf-8", "replace") if shown else b""

    def _told(self, payload: Mapping[str, Any], name: str) -> str | None:
        """From `connection_init`, in any case; clients that are no browsers may send the header instead."""
        given = [value for key, value in payload.items() if key.lower() == name and value is not None]
        if any(not isinstance(value, str) for value in given):
            raise refused("BAD_REQUEST", f"{name} must be a string")
        return given[0] if given else header(self._scope, name.encode())

    # Messages

    async def _heard(self, end: End) -> dict[str, Any]:
        """The next message, unless the connection must end before."""
        reading = asyncio.ensure_future(self._read())
        try:
            await asyncio.wait((reading, end), return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                why = end.result()
                raise closing(why) if why else Closed(RESTART, "the server stops; connect again")
            return reading.result()
        finally:
            await given_up(reading)

    async def _read(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        text = event.get("text")
        if text is None:
            raise Closed(4400, "messages must be text")
        try:
            message = decoded(text.encode(), self._backend.limits, "the message")
        except Refused as refusal:
            raise Closed(4400, str(refusal)) from None
        kind = message.get("type") if isinstance(message, dict) else None
        if not isinstance(kind, str) or kind not in MESSAGES:
            raise Closed(4400, "a message must be a JSON object whose type the protocol knows")
        if not isinstance(message.get("payload"), dict | None):
            raise Closed(4400, f"payload of {kind} must be an object")
        return message  # type: ignore[no-any-return]

    async def _take(self, message: dict[str, Any], operations: SocketOperations | None = None) -> None:
        """Before `connection_init` has come nothing operates."""
        kind = message["type"]
        if kind == "connection_init":
            raise Closed(4429, "connection_init has come already")
        if kind == "ping":
            await self._say({"type": "pong"})
        elif kind == "complete" and operations is not None:
            operations.end(message)
        elif kind == "subscribe" and operations is not None:
            await operations.begin(message)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._put(encoded(message).decode())

    async def _give_up(self) -> None:
        await self._close(1013, "messages were left unread; go on behind the last cursor")

    async def _put(self, text: str) -> None:
        try:
            async with asyncio.timeout(STALLED):
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            raise Unread from None
        except OSError:
            raise Gone from None


def closing(refusal: Refused) -> Closed:
    problem = refusal.problems[0]
    return Closed(ENDS.get(problem.code, 4400), problem.message)
