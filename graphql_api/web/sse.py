"""Server-sent events as the protocol graphql-sse has them for one operation a connection; cursors are event ids."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from starlette.types import Receive, Scope, Send

from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.keys import Key
from graphql_api.schema.context import Context
from graphql_api.schema.operations import Event, Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.shown import Rejected
from graphql_api.web.asked import Asked, must_be_guarded_by_arguments, needed
from graphql_api.web.auth import token
from graphql_api.web.front import masked
from graphql_api.web.http import Disconnected, Headers
from graphql_api.web.json import encoded
from graphql_api.web.live_connections import End, LiveConnections, SubscriptionRecord, given_up
from graphql_api.web.results import code_of, errors_of, response_of
from graphql_api.web.taking import STALLED
from graphql_api.web.throttle import payer

HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
HEARTBEAT = 12.0
"""Seconds of silence after which a comment is sent, so that nothing on the way takes the connection for dead."""

OPENING = b"retry: 1000\n:\n\n"
END = b"event: complete\ndata:\n\n"


class EventStream:
    """One answer of events; its head is sent when the operation has begun, or is refused: a later change is told."""

    def __init__(self, operations: Operations, live: LiveConnections) -> None:
        self._operations = operations
        self._live = live

    async def send(self, scope: Scope, receive: Receive, send: Send, asked: Asked, context: Context) -> None:
        """Raises only before anything is sent; what fails later, or is wrong with the document, comes as an event."""
        out = Out(send)
        try:
            operation = self._operations.prepare(asked.query, asked.operation_name)
            if not (operation.only_reads or operation.goes_on):
                _must_be_sent_so(scope)
            if operation.goes_on:
                asked = needed(asked, operation)
                await self._watch(scope, receive, out, operation, asked.variables, context)
                return
            result = await self._operations.carry_out(operation, asked.variables, context)
        except Rejected as rejected:
            payload: Any = {"errors": rejected.errors}
        else:
            payload = response_of(result, asked.extensions)
        await out.next(encoded(payload).decode())
        await out.complete()

    async def _watch(
        self, scope: Scope, receive: Receive, out: "Out", operation: Prepared, variables: Any, context: Context
    ) -> None:
        client = scope.get("client")
        asker = scope["state"]["asker"]
        key = asker if isinstance(asker, Key) else None
        with (
            self._live.subscription(payer(key, client), context, "sse", key) as record,
            self._live.end(token(scope), client[0] if client else "") as end,
        ):
            events = await self._operations.begin(operation, variables, context)
            gone = asyncio.create_task(_disconnected(receive))
            try:
                await self._pass_on(events, out, end, gone, record)
            except Disconnected:
                record.reason = "stalled"
                raise
            except Exception as error:
                await self._refuse(masked(scope, error), out, record)
            finally:
                gone.cancel()
                await events.aclose()

    async def _pass_on(
        self, events: AsyncGenerator[Event], out: "Out", end: End, gone: asyncio.Task[None], record: SubscriptionRecord
    ) -> None:
        """Until the client goes, the server stops or the subscription is refused."""
        while True:
            coming = asyncio.ensure_future(anext(events))
            try:
                if not await self._waited(coming, out, end, gone):
                    break
                event = coming.result()
            except (Rejected, Refused) as refusal:
                await self._refuse(refusal, out, record)
                return
            finally:
                await given_up(coming)
            if event.answer is None:
                await out.place(event.cursor)
            else:
                await out.next(self._live.text(event, record), event.cursor)
        if gone.done():
            await out.begin()  # who says nothing more may still read
        else:
            await self._end(end.result(), out, record)

    async def _end(self, why: Refused | None, out: "Out", record: SubscriptionRecord) -> None:
        if why is None:
            record.reason = "stopping"
            await out.end()  # without `complete`: the client connects anew and goes on
        else:
            await self._refuse(why, out, record)

    async def _refuse(self, why: Rejected | Refused, out: "Out", record: SubscriptionRecord) -> None:
        """What passes by itself ends as when the server stops: after `complete` EventSource would not connect anew."""
        record.reason = code_of(why)
        if record.reason == "UNAVAILABLE":
            await out.end()
            return
        await out.next(encoded({"errors": errors_of(why)}).decode())
        await out.complete()

    async def _waited(self, coming: "asyncio.Future[Event]", out: "Out", end: End, gone: asyncio.Task[None]) -> bool:
        """Whether there is an event or its refusal, not an end."""
        while True:
            done, _ = await asyncio.wait((coming, end, gone), timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if end in done or gone in done:
                return False
            if done:
                return True
            await out.beat()


class Out:
    """The answer on its way; whatever is sent first has the head before it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_begun = False

    async def begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS]})
            await self._part(OPENING)

    async def next(self, text: str, cursor: str | None = None) -> None:
        named = f"id: {cursor}\n" if cursor is not None else ""
        await self._part(f"event: next\n{named}data: {text}\n\n".encode())

    async def place(self, cursor: str) -> None:
        """No event, but what EventSource sends as Last-Event-ID when it must connect anew before there is one."""
        await self._part(f"id: {cursor}\n\n".encode())

    async def beat(self) -> None:
        await self._part(b":\n\n")

    async def complete(self) -> None:
        await self._part(END)
        await self.end()

    async def end(self) -> None:
        await self.begin()
        await self._send({"type": "http.response.body", "body": b""})

    async def _part(self, part: bytes) -> None:
        await self.begin()
        try:
            async with asyncio.timeout(STALLED):
                await self._send({"type": "http.response.body", "body": part, "more_body": True})
        except TimeoutError:
            raise Disconnected from None


def _must_be_sent_so(scope: Scope) -> None:
    """Refuses a mutation that is sent by GET, or with headers that guard on REST alone."""
    if scope["method"] == "GET":
        raise refused("METHOD_NOT_ALLOWED", "GET takes no mutations; send this operation by POST")
    must_be_guarded_by_arguments(scope)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
