"""The operations of one WebSocket: many at once, each with its id, its answers, its end and its line in the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from time import perf_counter
from typing import Any, TypeVar

import msgspec
from starlette.types import Scope

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import KINDS, Refused, refused
from graphql_api.domain.keys import Key
from graphql_api.domain.words import counted, printable
from graphql_api.edits import Desk
from graphql_api.feed import Feed
from graphql_api.schema.context import Context, Seen
from graphql_api.schema.operations import Event, Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.shown import Rejected
from graphql_api.web.asked import Asked, asked_of, needed
from graphql_api.web.auth import Keyring
from graphql_api.web.front import masked
from graphql_api.web.http import BodyLimits, Disconnected
from graphql_api.web.json import encoded
from graphql_api.web.live_connections import LiveConnections, SubscriptionRecord
from graphql_api.web.results import code_of, deciding_code, errors_of, response_of
from graphql_api.web.telemetry import GONE, WEBSOCKET
from graphql_api.web.throttle import Account, Throttle
from graphql_api.web.under_way import under_way

LONGEST_ID = 256
"""Characters of an operation's id, which stands in each of its messages."""

T = TypeVar("T")


class Backend(msgspec.Struct, frozen=True):
    """What all connections share; `origins` are those whose pages may call the server beside its own."""

    desk: Desk
    feed: Feed
    operations: Operations
    limits: BodyLimits
    live: LiveConnections
    keyring: Keyring | None
    throttle: Throttle | None
    origins: frozenset[str] = frozenset()


class Closed(Exception):
    """The connection must end, for a reason that the protocol has a code for."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Gone(Disconnected):
    """The client has closed the connection."""


class Unread(Gone):
    """It is there, and leaves what it is sent unread."""


class Client(msgspec.Struct, frozen=True):
    """Who has opened the connection; `payer` is the key's id, or the address where there are no keys."""

    payer: str = ""
    caller: Caller = Caller(None)
    key: Key | None = None
    account: Account | None = None


class SocketOperations:
    def __init__(
        self,
        backend: Backend,
        scope: Scope,
        client: Client,
        put: Callable[[str], Awaitable[None]],
        give_up: Callable[[], Awaitable[None]],
    ) -> None:
        """`put` sends one message, or raises Gone or Unread; after that `give_up` ends the connection."""
        self._backend = backend
        self._scope = scope
        self._client = client
        self._put = put
        self._give_up = give_up
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ended = set[asyncio.Task[Any]]()
        """What is carried out to its end though the client has ended the operation."""
        self._beginning = set[asyncio.Event]()
        """Of each subscription that does not watch yet."""

    async def begin(self, message: dict[str, Any]) -> None:
        id = id_of(message)
        if id in self._running:
            raise Closed(4409, f"subscriber for {printable(id)} already exists")
        try:
            asked = asked_of(message.get("payload"))
        except Refused as refusal:
            raise Closed(4400, str(refusal)) from None
        try:
            await self._admit()
        except Refused as refusal:
            await self._say_errors(id, refusal)
            tell(self._scope, self._client, KINDS[code_of(refusal)].status)
        else:
            self._running[id] = asyncio.create_task(self._operate(id, asked))

    async def _admit(self) -> None:
        """Takes the point that any request costs, also one that cannot be carried out."""
        if self._client.account is not None:
            await self._client.account.pay(1)
        if len(self._running) + len(self._ended) >= self._backend.live.most:
            most = counted(self._backend.live.most, "operation")
            raise refused("LIMIT_EXCEEDED", f"more than {most} at once (max_subscriptions)")

    def end(self, message: dict[str, Any]) -> None:
        if task := self._running.pop(id_of(message), None):
            task.cancel()

    async def stop(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _operate(self, id: str, asked: Asked) -> None:
        """One operation to its end; a client that does not read ends the whole connection."""
        client = self._client
        charge = client.account.charge if client.account else None
        context = Context(self._backend.desk, client.caller, charge=charge, feed=self._backend.feed)
        began, status = perf_counter(), 200
        try:
            try:
                operation = self._backend.operations.prepare(asked.query, asked.operation_name)
                if operation.goes_on:
                    asked = needed(asked, operation)
                elif not operation.only_reads:  # a change is told to whoever has asked for it before
                    for begun in tuple(self._beginning):
                        await begun.wait()
                status = await self._carry_out(id, operation, asked, context)
            except (Rejected, Refused) as why:
                status = KINDS[code_of(why)].status
                await self._finish(id, why)
            except Gone:
                raise
            except Exception as error:
                status = 500
                await self._finish(id, masked(self._scope, error))
            else:
                await self._finish(id)
        except Gone:
            status = GONE
            await self._give_up()
        finally:
            tell(self._scope, client, status, context.seen, perf_counter() - began)

    async def _finish(self, id: str, why: Rejected | Refused | None = None) -> None:
        self._running.pop(id, None)
        if why is None:
            await self._say({"id": id, "type": "complete"})
        else:
            await self._say_errors(id, why)

    async def _carry_out(self, id: str, operation: Prepared, asked: Asked, context: Context) -> int:
        """The status that the answer would have by itself."""
        if operation.goes_on:
            await self._watch(id, operation, asked, context)
            return 200
        result = await self._finished(self._backend.operations.carry_out(operation, asked.variables, context))
        await self._say({"id": id, "type": "next", "payload": response_of(result, asked.extensions)})
        code = deciding_code(operation, result.errors)
        return KINDS[code].status if code else 200

    async def _finished(self, work: Coroutine[Any, Any, T]) -> T:
        """What has begun is carried out to its end, as over HTTP, though nobody may wait for it any more."""
        task = under_way(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._ended.add(task)
            task.add_done_callback(self._ended.discard)
            raise

    async def _watch(self, id: str, operation: Prepared, asked: Asked, context: Context) -> None:
        begun = asyncio.Event()
        self._beginning.add(begun)
        try:
            with self._backend.live.subscription(self._client.payer, context, "websocket", self._client.key) as record:
                events = await self._backend.operations.begin(operation, asked.variables, context)
                async with aclosing(events):
                    await self._pass_on(id, events, begun, record)
        finally:
            self._has_begun(begun)

    async def _pass_on(
        self, id: str, events: AsyncIterator[Event], begun: asyncio.Event, record: SubscriptionRecord
    ) -> None:
        start = f'{{"id":{encoded(id).decode()},"type":"next","payload":'
        try:
            async for event in events:
                if event.answer is None:  # its place, for which the protocol has no word
                    self._has_begun(begun)
                else:
                    await self._put(f"{start}{self._backend.live.text(event, record)}}}")
        except Unread:
            record.reason = "stalled"
            raise

    def _has_begun(self, begun: asyncio.Event) -> None:
        """Nobody has to wait for it any more: it watches now, or never will."""
        begun.set()
        self._beginning.discard(begun)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._put(encoded(message).decode())

    async def _say_errors(self, id: str, why: Rejected | Refused) -> None:
        await self._say({"id": id, "type": "error", "payload": errors_of(why)})


def tell(scope: Scope, client: Client, status: int, seen: Seen | None = None, seconds: float = 0) -> None:
    """An operation is counted, and has a line in the log, as if it were a request; so has what ends a connection."""
    known = scope["state"]
    state = {"asker": client.key, "workspace": client.caller.workspace, "request_id": known["request_id"]}
    known["telemetry"].tell({**scope, "method": WEBSOCKET, "state": {**state, "seen": seen or Seen()}}, status, seconds)


def id_of(message: dict[str, Any]) -> str:
    id = message.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
        raise Closed(4400, f"{message['type']} must have an id, a string of 1 to {LONGEST_ID} characters")
    return id
