"""What an API key is: how it is spelt, hashed and shown, whom it lets in and until when."""

import hashlib
import re
from collections.abc import Iterable

import msgspec

from graphql_api.domain.caller import SCOPES
from graphql_api.domain.checks import Text, Wrong
from graphql_api.domain.errors import refused
from graphql_api.domain.ids import ID_RULE, is_id

SECRET_BYTES = 20
LENGTH = 44
SPELT = re.compile(r"mfk_[0-9a-f]{40}", re.ASCII)
SHOWN = 12
"""Characters of a key that lists and logs show; the other 128 bits stay unknown."""
PASTED = re.compile(rf"(mfk_\w{{{SHOWN - 4}}})\w+", re.ASCII)

NAME_RULE = Text(200, line_breaks=False)

DURATION = re.compile(r"(\d{1,5})([smhdw])", re.ASCII)
UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Key(msgspec.Struct, frozen=True):
    """Times are milliseconds since 1970. `id` is the actor that history shows; a key that is rotated keeps it."""

    id: str
    prefix: str
    name: str
    workspaces: tuple[str, ...]
    scopes: frozenset[str]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def is_live(self, now: int) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def only_workspace(self) -> str | None:
        return self.workspaces[0] if len(self.workspaces) == 1 else None


def secret(noise: bytes) -> str:
    """The key as it is shown once, of 20 random bytes."""
    return f"mfk_{noise.hex()}"


def key_id(noise: bytes) -> str:
    return f"key_{noise.hex()}"


def is_spelt(text: str) -> bool:
    return len(text) == LENGTH and SPELT.fullmatch(text) is not None


def digest(secret: str) -> str:
    """What is kept of a key, and by what it is found: nobody can choose a digest, so that how long it takes to find
    one or to miss it tells nothing about the keys there are."""
    return hashlib.sha256(secret.encode()).hexdigest()


def concealed(named: str) -> str:
    """What an operator named a key by, fit for a screen: of a key that was pasted, no more than lists show."""
    return PASTED.sub(r"\1…", named)


def checked_workspaces(named: Iterable[str]) -> tuple[str, ...]:
    workspaces = tuple(dict.fromkeys(named))
    if not workspaces:
        raise refused("REQUIRED", "a key needs at least one workspace")
    for workspace in workspaces:
        if not is_id(workspace):
            raise refused("INVALID_ID", f"a workspace is {ID_RULE}, not {workspace!r}")
    return workspaces


def checked_scopes(named: Iterable[str]) -> frozenset[str]:
    scopes = frozenset(named)
    if not scopes or scopes - SCOPES:
        wrong = f", not {', '.join(sorted(scopes - SCOPES))}" if scopes else ""
        raise refused("INVALID_ENUM", f"a key needs scopes out of {', '.join(sorted(SCOPES))}{wrong}")
    return scopes


def checked_name(name: str) -> str:
    try:
        return NAME_RULE(name)
    except Wrong as wrong:
        raise refused(wrong.code, f"the name of a key {wrong.message}") from None


def duration(text: str) -> int:
    """Milliseconds of a length of time such as 30m, 24h or 90d."""
    match = DURATION.fullmatch(text)
    if match is None:
        message = f"a length of time is a number with s, m, h, d or w, as in 24h or 90d, not {text!r}"
        raise refused("BAD_REQUEST", message)
    return int(match[1]) * UNITS[match[2]]
