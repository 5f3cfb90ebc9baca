"""Who asks, read off the headers of a request."""

from starlette.types import Scope

from graphql_api.domain.caller import Caller, is_id
from graphql_api.domain.errors import refused
from graphql_api.web.http import header


def caller(scope: Scope, source: str) -> Caller:
    """The caller of a request; refuses a malformed workspace id."""
    workspace = header(scope, b"x-workspace-id") or None
    if workspace is not None and not is_id(workspace):
        message = "the header x-workspace-id must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -"
        raise refused("BAD_REQUEST", message)
    return Caller(workspace, source=source, request_id=scope["state"]["request_id"])
