"""Where edits are made, on which request, and what comes of them."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.search import Sizes
from graphql_api.domain.terms import Terms
from graphql_api.domain.webhooks import NoPost, Post, Rules
from graphql_api.storage import replays, revisions, tally
from graphql_api.storage.engine import Script, Store, drive_waiting
from graphql_api.storage.replays import Replay
from graphql_api.storage.revisions import Revision

T = TypeVar("T")


class Saved(msgspec.Struct, frozen=True):
    """What an edit did: the flow afterwards, and the columns that changed (none: nothing was written)."""

    flow: Values
    changed: tuple[str, ...] = ()
    replayed: bool = False
    rebased_from: int | None = None


class Result(msgspec.Struct, frozen=True):
    """What a bulk update did to one flow, or why it did nothing to it."""

    id: str
    saved: Saved | None = None
    problems: tuple[Problem, ...] = ()


class Edit(msgspec.Struct, frozen=True):
    """One request to change something: who, when (milliseconds), on which terms, and what makes it the same request.

    `scope` is what its idempotency key holds for; without a key there is none, nor a `request`.
    """

    caller: Caller
    workspace: str
    now: int
    terms: Terms
    operation: str
    target: str
    scope: str
    request: str
    replay_lifetime: int

    def revision(self, id: str, version: int, at: int, operation: str, changes: revisions.Changes) -> Revision:
        caller = self.caller
        return Revision(
            id, version, at, operation, caller.source, caller.actor, caller.request_id, self.terms.note, changes
        )

    def replay(self, outcome: Any) -> Replay:
        """What is kept under the request's key."""
        return Replay(self.scope, self.target, self.request, outcome, self.now)


SCOPE = "flows:write"


class Desk(msgspec.Struct, frozen=True):
    """Where edits are made: a database, a clock (milliseconds), random bytes, and how long replays are kept.

    `rules` hold for webhooks, whose messages go out by `post`; `sizes` for whoever asks for or changes many flows.
    """

    store: Store
    now: Callable[[], int]
    noise: Callable[[], bytes]
    replay_lifetime: int
    rules: Rules = msgspec.field(default_factory=Rules)
    post: Post = msgspec.field(default_factory=NoPost)
    sizes: Sizes = Sizes()

    def edit(self, caller: Caller, operation: str, id: str | None, terms: Terms, *asked: Any) -> Edit:
        """`id` is that of the one flow which there is to edit, if any."""
        workspace = caller.within(SCOPE)
        terms.check(id)
        target = id or ""
        scope = request = ""
        if terms.key is not None:
            scope = replays.scope(workspace, caller.actor, operation, target, terms.key)
            request = fingerprint(terms.guards(), asked)
        return Edit(caller, workspace, self.now(), terms, operation, target, scope, request, self.replay_lifetime)

    async def run(self, edit: Edit, script: Callable[[], Script[T]], *, together: bool = False) -> T:
        """Carries out the edit of one flow, or of many `together`; a trial run only reads, beside all others."""
        try:
            if edit.terms.validate_only:
                return await drive_waiting(script(), self.store.read)
            return await self.store.run(script, together=together, flow=edit.target)
        except Refused as refusal:
            if refusal.problems[0].code == "VERSION_CONFLICT":
                tally.tell("conflicts")
            raise


def fingerprint(*asked: Any) -> str:
    """What tells the same request from another one; takes any text, also such as the domain is about to refuse."""
    return hashlib.sha256(AS_JSON(asked).encode()).hexdigest()


AS_JSON = json.JSONEncoder(separators=(",", ":"), default=Sent.request).encode
