"""WebSockets as the protocol graphql-transport-ws has them: any operations, many at once, on one connection."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from time import perf_counter
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.keys import Key
from graphql_api.edits import Desk
from graphql_api.feed import Feed
from graphql_api.schema.context import Context
from graphql_api.schema.prepared import Operations, Prepared, Rejected, fault
from graphql_api.web import telemetry
from graphql_api.web.asked import Asked, asked_of
from graphql_api.web.auth import Keyring
from graphql_api.web.callers import entitled
from graphql_api.web.http import BodyLimits, decoded, encoded, header, printable
from graphql_api.web.lasting import End, Lasting, code_of, errors_of, result
from graphql_api.web.throttle import Account, Throttle

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
"""In which `connection_init` must have come."""

STALLED = 20.0
"""Seconds that a client may leave one message unread before it is disconnected; its cursor leads on from there."""

LONGEST_REASON = 120
"""Bytes; RFC 6455 leaves 123 for the reason of a close."""

ENDS = {"UNAUTHENTICATED": 4401, "FORBIDDEN": 4403, "RATE_LIMITED": 1013, "UNAVAILABLE": 1013, "LIMIT_EXCEEDED": 1013}
"""Code of a refusal -> code that the connection is closed with; any other is 4400."""

RESTART = 1012
log = logging.getLogger("message_flows")

MESSAGES = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})


UNDER_WAY: set[asyncio.Task[Any]] = set()
"""The event loop itself would not keep them."""

T = TypeVar("T")


class Closed(Exception):
    """The connection must end, for a reason that the protocol has a code for."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Gone(Exception):
    """The client has closed the connection, or leaves what it is sent unread."""


class Room(msgspec.Struct, frozen=True):
    """What all connections share; `origins` are those whose pages may call the server beside its own."""

    desk: Desk
    feed: Feed
    operations: Operations
    limits: BodyLimits
    live: Lasting
    keyring: Keyring | None
    throttle: Throttle | None
    origins: frozenset[str] = frozenset()


class WebSockets:
    def __init__(self, room: Room) -> None:
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses pages of foreign origins before anything is agreed on: FORBIDDEN, which is 403."""
        self._check_origin(scope)
        await receive()
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": f"speak {PROTOCOL}"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        await Conversation(self._room, scope, receive, send).run()

    def _check_origin(self, scope: Scope) -> None:
        """No cookie is ever read, yet a page that a browser shows could reach a server that nobody else can."""
        origin = header(scope, b"origin")
        if origin is None or origin in self._room.origins:
            return
        if origin.partition("://")[2] != header(scope, b"host"):
            raise refused("FORBIDDEN", "pages of this origin may not call the server (cors_origins)")


class Conversation:
    """One connection, from its first message to its close."""

    def __init__(self, room: Room, scope: Scope, receive: Receive, send: Send) -> None:
        self._room = room
        self._scope = scope
        self._receive = receive
        self._send = send
        client = scope.get("client")
        self._address = str(client[0]) if client else ""
        self._running: dict[str, asyncio.Task[None]] = {}
        self._key: Key | None = None
        self._caller = Caller(None)
        self._account: Account | None = None

    async def run(self) -> None:
        try:
            await self._talk()
        except Closed as closed:
            reason = str(closed).encode()[:LONGEST_REASON].decode(errors="ignore")
            await self._close(closed.code, reason)
        except Gone:
            return
        finally:
            await self._stop()

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(STALLED):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _stop(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _talk(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                token = await self._introduced()
        except TimeoutError:
            raise Closed(4408, f"connection_init did not come within {INIT_SECONDS:g} s") from None
        except Refused as refusal:
            raise closing(refusal) from None
        who = self._key.id if self._key else self._address
        if self._room.throttle is not None:
            self._account = Account(self._room.throttle, who)
        try:
            with self._room.live.held("connections", who), self._room.live.end(token, self._address) as end:
                await self._say({"type": "connection_ack"})
                while True:
                    await self._take(await self._heard(end))
        except Refused as refusal:
            raise closing(refusal) from None

    async def _introduced(self) -> bytes:
        """Waits for `connection_init` and answers pings until then; the key that the client shows."""
        while (message := await self._read())["type"] != "connection_init":
            if message["type"] == "subscribe":
                raise Closed(4401, "send connection_init first")
            await self._take(message)
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            raise Closed(4400, "payload of connection_init must be an object")
        token = self._token(payload)
        if self._room.keyring is not None:
            self._key = await self._room.keyring.key(token, self._address)
        workspace = self._told(payload, "x-workspace-id")
        self._caller = entitled(self._key, workspace, "GRAPHQL", self._scope["state"]["request_id"])
        return token

    def _token(self, payload: Mapping[str, Any]) -> bytes:
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
            if not reading.done():
                reading.cancel()

    async def _read(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        text = event.get("text")
        if text is None:
            raise Closed(4400, "messages must be text")
        try:
            message = decoded(text.encode(), self._room.limits, "the message")
        except Refused as refusal:
            raise Closed(4400, str(refusal)) from None
        kind = message.get("type") if isinstance(message, dict) else None
        if not isinstance(kind, str) or kind not in MESSAGES:
            raise Closed(4400, "a message must be a JSON object whose type the protocol knows")
        return message  # type: ignore[no-any-return]

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            raise Closed(4429, "connection_init has come already")
        if kind == "ping":
            await self._say({"type": "pong"})
        elif kind == "complete" and (task := self._running.pop(str(message.get("id")), None)):
            task.cancel()
        elif kind == "subscribe":
            await self._begin(message)

    async def _begin(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        if not isinstance(id, str) or not id:
            raise Closed(4400, "subscribe must have an id, a string that is not empty")
        if id in self._running:
            raise Closed(4409, f"subscriber for {printable(id)} already exists")
        if len(self._running) >= self._room.live.most:
            message_text = f"more than {self._room.live.most} operations at once (max_subscriptions)"
            await self._say_errors(id, refused("LIMIT_EXCEEDED", message_text))
            return
        try:
            asked = asked_of(message.get("payload"))
        except Refused as refusal:
            raise Closed(4400, str(refusal)) from None
        self._running[id] = asyncio.create_task(self._operate(id, asked))

    async def _say(self, message: dict[str, Any]) -> None:
        await self._put(encoded(message).decode())

    async def _put(self, text: str) -> None:
        try:
            async with asyncio.timeout(STALLED):
                await self._send({"type": "websocket.send", "text": text})
        except (TimeoutError, OSError):
            raise Gone from None

    async def _say_errors(self, id: str, why: Rejected | Refused) -> None:
        await self._say({"id": id, "type": "error", "payload": errors_of(why)})

    # Operations

    async def _operate(self, id: str, asked: Asked) -> None:
        """One operation to its end; a client that does not read ends the whole connection."""
        try:
            try:
                await self._carry_out(id, asked)
            except (Rejected, Refused) as why:
                self._running.pop(id, None)
                await self._say_errors(id, why)
            except Gone:
                raise
            except Exception as error:
                self._running.pop(id, None)
                await self._say_errors(id, self._masked(error))
            else:
                self._running.pop(id, None)
                await self._say({"id": id, "type": "complete"})
        except Gone:
            await self._close(1013, "messages were left unread; go on behind the last cursor")

    def _masked(self, error: Exception) -> Refused:
        request_id = self._scope["state"]["request_id"]
        log.error("request %s failed: %s", request_id, fault(error))
        return refused("INTERNAL", f"internal error; the log has it under {request_id}")

    async def _carry_out(self, id: str, asked: Asked) -> None:
        room = self._room
        operation = room.operations.prepare(asked.query, asked.operation_name)
        charge = self._account.pay if self._account else None
        context = Context(room.desk, self._caller, charge=charge, feed=room.feed)
        if operation.goes_on:
            await self._watch(id, operation, asked, context)
            return
        began = perf_counter()
        answer = await finished(room.operations.carry_out(operation, asked.variables, context))
        telemetry.count("/graphql", context.seen, 200, perf_counter() - began)
        payload = result(answer.data, answer.errors)
        await self._say({"id": id, "type": "next", "payload": payload})

    async def _watch(self, id: str, operation: Prepared, asked: Asked, context: Context) -> None:
        room = self._room
        who = self._key.id if self._key else self._address
        start = f'{{"id":{encoded(id).decode()},"type":"next","payload":'
        with room.live.subscription(who, context, "websocket", self._key) as told:
            events = await room.operations.begin(operation, asked.variables, context)
            try:
                async for event in events:
                    if event.answer is None:  # the protocol has no word for it
                        continue
                    await self._put(f"{start}{room.live.text(event, told)}}}")
            except (Rejected, Refused) as why:
                told.reason = code_of(why)
                raise
            except Gone:
                told.reason = "stalled"
                raise
            finally:
                await events.aclose()


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """What has begun is carried out to its end, as over HTTP, though nobody may wait for it any more."""
    task = asyncio.create_task(work)
    UNDER_WAY.add(task)
    task.add_done_callback(_settle)
    return await asyncio.shield(task)


def _settle(task: asyncio.Task[Any]) -> None:
    UNDER_WAY.discard(task)
    if not task.cancelled():
        task.exception()  # told to whoever still waits


def closing(refusal: Refused) -> Closed:
    problem = refusal.problems[0]
    return Closed(ENDS.get(problem.code, 4400), problem.message)
