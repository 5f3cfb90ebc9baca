"""Whose key a request shows: read off its headers, found by its digest, remembered for at most four seconds."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from hashlib import sha256
from math import ceil

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.domain.errors import Refused, fault, refused
from graphql_api.domain.keys import LENGTH, Key, is_spelt
from graphql_api.edits import keys
from graphql_api.storage.engine import Store
from graphql_api.web.bounded_cache import with_room
from graphql_api.web.http import named
from graphql_api.web.throttle import Limited

FRESH = 2.0
"""Seconds after which a key in use is read again, in the background."""

STALE = 4.0
"""Seconds after which nothing is answered before it is read again: a revoked key ends within 5 on every worker."""

MOST = 16_384
"""Keys, wrong keys and addresses that guess: each that many are remembered."""

GUESSES = 200
GUESSING = 10.0
"""Keys that nobody knows are looked up so many times in so many seconds for one address; then it is told to wait."""

NOTING = 20.0
"""Seconds between notes of which keys were used."""

IN_URL = re.compile(rb"(?:^|&)(?:x-api-key|api[_-]?key|access_token)=|mfk_[0-9a-f]{40}", re.IGNORECASE)
CHALLENGE = (b"www-authenticate", b'Bearer realm="message-flows"')

log = logging.getLogger("message_flows")


class CachedKey(msgspec.Struct):
    """A key as it was when its look-up began; most neither end nor are revoked, so that no clock need be asked."""

    key: Key
    read_at: float
    is_lasting: bool


class Keyring:
    """The keys as this process knows them."""

    def __init__(
        self, store: Store, now: Callable[[], int], elapsed: Callable[[], float] = time.monotonic, most: int = MOST
    ) -> None:
        """`now` is the wall clock (milliseconds), by which keys expire; `elapsed` (seconds) ages what is remembered."""
        self._store = store
        self._now = now
        self._elapsed = elapsed
        self._most = most
        self._known: dict[bytes, CachedKey] = {}
        self._unknown: dict[bytes, float] = {}
        self._asking: dict[bytes, asyncio.Task[Key | None]] = {}
        self._guesses: dict[str, tuple[float, int]] = {}
        self._used: set[bytes] = set()

    async def key(self, token: bytes, address: str) -> Key:
        """Raises Refused: UNAUTHENTICATED for whatever is no live key, RATE_LIMITED for an address that guesses."""
        if len(token) != LENGTH:
            raise unauthenticated()
        digest = sha256(token).digest()
        known = self._known.get(digest)
        if known is None:
            key = await self._introduced(token, digest, address)
        else:
            age = self._elapsed() - known.read_at
            if age > FRESH:
                asked = self._ask(digest)
                key = known.key if age <= STALE else await asyncio.shield(asked)
            else:
                key = known.key
        if key is None or not key.is_live(self._now()):
            raise unauthenticated()
        self._used.add(digest)
        return key

    def known(self, digest: bytes) -> Key | None:
        """A live key for which nobody has to wait; None for all others, of which `key` says more."""
        known = self._known.get(digest)
        if known is None or not (known.is_lasting or known.key.is_live(self._now())):
            return None
        age = self._elapsed() - known.read_at
        if age > FRESH:
            if age > STALE:
                return None
            self._ask(digest)
        self._used.add(digest)
        return known.key

    async def _introduced(self, token: bytes, digest: bytes, address: str) -> Key | None:
        """A key that this process does not know, or not yet."""
        if not is_spelt(token.decode("latin-1")) or self._elapsed() - self._unknown.get(digest, -STALE) < STALE:
            return None
        self._bear(address)
        key = await asyncio.shield(self._ask(digest))
        if key is None:
            self._blame(address)
        return key

    def _ask(self, digest: bytes) -> asyncio.Task[Key | None]:
        """One look-up for all who ask for the same key at the same time."""
        asked = self._asking.get(digest)
        if asked is None:
            asked = self._asking[digest] = asyncio.create_task(self._look_up(digest))
            asked.add_done_callback(lambda task: task.cancelled() or task.exception())
        return asked

    async def _look_up(self, digest: bytes) -> Key | None:
        began = self._elapsed()
        try:
            key = await keys.find(self._store, digest.hex())
        finally:
            del self._asking[digest]
        if key is None:
            self._known.pop(digest, None)
            with_room(self._unknown, self._most)[digest] = began
        else:
            is_lasting = key.expires_at is None and key.revoked_at is None
            with_room(self._known, self._most)[digest] = CachedKey(key, began, is_lasting)
        return key

    def _bear(self, address: str) -> None:
        until, guesses = self._guesses.get(address, (0.0, 0))
        left = until - self._elapsed()
        if guesses >= GUESSES and left > 0:
            wait = max(1, ceil(left))
            raise Limited(f"too many unknown keys from this address; wait {wait} s", time.time() + left, wait)

    def _blame(self, address: str) -> None:
        until, guesses = self._guesses.get(address, (0.0, 0))
        if self._elapsed() >= until:
            until, guesses = self._elapsed() + GUESSING, 0
        with_room(self._guesses, self._most)[address] = (until, guesses + 1)

    async def note_uses(self) -> None:
        """Writes which keys were used, for as long as the server lives, and once more at its end."""
        try:
            while True:
                await asyncio.sleep(NOTING)
                await self._note_uses()
        finally:
            await self._note_uses()

    async def _note_uses(self) -> None:
        used, self._used = self._used, set()
        if used:
            try:
                await keys.note_use(self._store, self._now(), [digest.hex() for digest in used])
            except Refused as refusal:
                log.warning("the last use of %d keys was not noted: %s", len(used), refusal)
            except Exception as error:
                log.error("the last use of %d keys was not noted: %s", len(used), fault(error))


def unauthenticated() -> Refused:
    """The same for a key that is missing, malformed, unknown, expired or revoked."""
    return refused("UNAUTHENTICATED", "no valid API key; send one in x-api-key, or as Authorization: Bearer")


class Guard:
    """Finds out who asks before a door opens; what is wrong with the key is told by the door, in its own form.

    Leaves in the request's state under `asker`: a Key, None where no keys are required, or the refusal.
    """

    def __init__(self, door: ASGIApp, keyring: Keyring | None) -> None:
        self._door = door
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._keyring is None:
            scope["state"]["asker"] = None
            await self._door(scope, receive, send)
            return
        try:
            client = scope.get("client")
            scope["state"]["asker"] = await self._keyring.key(token(scope), client[0] if client else "")
        except Refused as refusal:
            scope["state"]["asker"] = refusal
            if isinstance(refusal, Limited):
                scope["state"]["limited"] = refusal
            send = _challenging(send)
        await self._door(scope, receive, send)


def token(scope: Scope) -> bytes:
    """The one key that a request shows, empty if none; refuses two different ones and one in the URL."""
    single = named(scope)
    if single is not None and b"authorization" not in single and not scope["query_string"]:
        return single.get(b"x-api-key", b"")
    shown = set()
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            shown.add(value)
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            shown.add(value[7:].strip())
    must_show_no_key_in_url(scope)
    if len(shown) > 1:
        raise refused("BAD_REQUEST", "the request shows two different keys; send one, in x-api-key or Authorization")
    return shown.pop() if shown else b""


def must_show_no_key_in_url(scope: Scope) -> None:
    if scope["query_string"] and IN_URL.search(scope["query_string"]):
        raise refused(
            "BAD_REQUEST",
            "a key must not stand in a URL, where logs and proxies keep it;"
            " send it in x-api-key, and rotate one that was sent so",
        )


def _challenging(send: Send) -> Send:
    """A 401 says how to be let in (RFC 9110, 11.6.1)."""

    async def challenging(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 401:
            message["headers"] = [*message["headers"], CHALLENGE]
        await send(message)

    return challenging
