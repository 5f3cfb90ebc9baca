"""Who asks: the key that a request shows and the workspace that its headers name, as one caller."""

from msgspec.structs import replace
from starlette.types import Scope

from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused, refused
from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.domain.keys import Key
from graphql_api.web.http import header


def caller(scope: Scope, source: str) -> Caller:
    """The caller of a request that went past `auth.Guard`; refuses what the guard found wrong, before all else.

    Requests with the same head and the same key have the same caller, but for their ids.
    """
    state = scope["state"]
    who: Caller
    try:
        asker, who = scope["facts"][source]
    except KeyError:
        asker, who = NOBODY
    if asker is not state["asker"]:
        who = _found(scope, source)
    state["workspace"] = who.workspace
    return replace(who, request_id=state["request_id"])


NOBODY = (object(), Caller(None))


def _found(scope: Scope, source: str) -> Caller:
    asker = scope["state"]["asker"]
    if isinstance(asker, Refused):
        raise asker
    who = entitled(asker, header(scope, b"x-workspace-id"), source)
    scope.setdefault("facts", {})[source] = (asker, who)
    return who


def entitled(key: Key | None, workspace: str | None, source: str, request_id: str | None = None) -> Caller:
    """The caller with a key, or anybody where no keys are required; refuses workspaces that are not the key's."""
    if workspace and not is_id(workspace):
        raise refused("BAD_REQUEST", f"the header x-workspace-id must be {ID_RULE}")
    if key is None:
        return Caller(workspace or None, source=source, request_id=request_id)
    if not workspace and source == "GRAPHQL":
        workspace = key.only_workspace()
    if workspace and workspace not in key.workspaces:
        raise refused("FORBIDDEN", "this key does not belong to the workspace")
    return Caller(workspace or None, key.id, source, request_id, key.scopes)
