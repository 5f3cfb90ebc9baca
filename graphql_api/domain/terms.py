"""On which terms an edit is made: version guard, what to do on a conflict, idempotency key, trial run, note."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from graphql_api.domain.checks import Wrong, storable
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.ids import ID_RULE, is_id

LONGEST_KEY = 255
LONGEST_NOTE = 1_000
PRINTABLE = re.compile(r"[\x20-\x7e]*", re.ASCII)


class Terms(msgspec.Struct, frozen=True):
    """`if_versions`: the versions at which the edit may be made; None is no guard, an empty set never matches."""

    if_versions: frozenset[int] | None = None
    merge: bool = False
    key: str | None = None
    validate_only: bool = False
    note: str | None = None

    def seen(self) -> int | None:
        """The one version that the caller has seen, if there is one."""
        return next(iter(self.if_versions)) if self.if_versions is not None and len(self.if_versions) == 1 else None

    def guards(self) -> list[Any]:
        """What of the terms makes two requests the same one."""
        versions = None if self.if_versions is None else sorted(self.if_versions)
        return [versions, self.merge, self.note]

    def check(self, target: str | None) -> None:
        """Raises Refused with everything that is wrong with the terms and with the id that they are for, if any."""
        if self is NO_TERMS and (target is None or is_id(target)):
            return
        problems = tuple(self._problems(target))
        if problems:
            raise Refused(*problems)

    def _problems(self, target: str | None) -> Iterator[Problem]:
        if target is not None and not is_id(target):
            yield Problem("INVALID_ID", f"id must be {ID_RULE}", ("id",))
        if self.if_versions is not None and any(version < 0 for version in self.if_versions):
            yield Problem("OUT_OF_RANGE", "ifVersion must be 0 or more", ("ifVersion",))
        if self.merge and self.seen() is None:
            yield Problem("REQUIRED", "onConflict: MERGE needs ifVersion, the version you have seen", ("ifVersion",))
        if self.key is not None:
            yield from _key_problems(self.key)
            if self.validate_only:
                message = "validateOnly writes nothing, so it takes no idempotency key"
                yield Problem("CONFLICTING_FIELDS", message, ("validateOnly",))
        if self.note is not None:
            yield from _note_problems(self.note)


def _key_problems(key: str) -> Iterator[Problem]:
    if not key:
        yield Problem("BLANK", "the idempotency key must not be empty", ("idempotencyKey",))
    elif len(key) > LONGEST_KEY:
        message = f"the idempotency key has {len(key)} characters; at most {LONGEST_KEY} are allowed"
        yield Problem("TOO_LONG", message, ("idempotencyKey",))
    elif PRINTABLE.fullmatch(key) is None:
        message = "the idempotency key must consist of printable ASCII characters"
        yield Problem("INVALID_CHARACTER", message, ("idempotencyKey",))


def _note_problems(note: str) -> Iterator[Problem]:
    if len(note) > LONGEST_NOTE:
        message = f"note has {len(note)} characters; at most {LONGEST_NOTE} are allowed"
        yield Problem("TOO_LONG", message, ("note",))
    try:
        storable(note)
    except Wrong as wrong:
        yield Problem(wrong.code, f"note {wrong.message}", ("note",))


NO_TERMS = Terms()
