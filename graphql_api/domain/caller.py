"""Who asks: the workspace, the name that history shows, the door, and what they may do."""

import msgspec

from graphql_api.domain.errors import refused

SCOPES = frozenset({"flows:read", "flows:write", "history:read", "admin"})


class Caller(msgspec.Struct, frozen=True):
    """`workspace` is None until a request names one, by what `named_in` says; `actor` is a key's id or "anonymous"."""

    workspace: str | None
    actor: str = "anonymous"
    source: str = "GRAPHQL"
    request_id: str | None = None
    scopes: frozenset[str] = SCOPES
    named_in: str = "the header x-workspace-id"

    def within(self, scope: str) -> str:
        """The caller's workspace; refuses a caller without one (WORKSPACE_REQUIRED) or without `scope` (FORBIDDEN)."""
        if self.workspace is None:
            raise refused("WORKSPACE_REQUIRED", f"{self.named_in} is missing")
        if scope not in self.scopes:
            raise refused("FORBIDDEN", f"this key lacks the scope {scope}")
        return self.workspace
