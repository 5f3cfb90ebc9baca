"""What the payload of a mutation becomes on REST: the flow, the headers that tell of the change, or the refusal."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Scope

from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import Direction, MessageChannel
from graphql_api.web import etags, refusals
from graphql_api.web.http import Answer, Headers, listed

DIRECTIONS = {one.name: one.value for one in Direction}
CHANNELS = {one.name: one.value for one in MessageChannel}


class Conflict(Refused):
    """`version` is the one that the flow has."""

    def __init__(self, problems: list[Problem], version: int) -> None:
        super().__init__(*problems)
        self.version = version


def flow_and_headers(payload: dict[str, Any]) -> tuple[dict[str, Any], Headers]:
    """The flow as REST spells it, and the headers that tell of the change; raises what was refused."""
    must_be_done(payload)
    flow = payload["messageFlow"]
    headers = [(b"etag", etags.tag(flow.pop("version"))), *replay_header(payload)]
    if "changedFields" in payload:
        headers.append((b"x-changed-fields", ", ".join(payload["changedFields"]).encode()))
    return spelled(flow), headers


def must_be_done(payload: Mapping[str, Any]) -> None:
    """Else raises what was refused, and which version was met."""
    if payload["errors"]:
        problems, current = problems_of(payload), payload["messageFlow"]
        raise Refused(*problems) if current is None else Conflict(problems, current["version"])


def replay_header(payload: Mapping[str, Any]) -> Headers:
    return [(b"idempotency-replayed", b"true")] if payload["replayed"] else []


def problems_of(payload: Mapping[str, Any]) -> list[Problem]:
    return [Problem(error["code"], error["message"], tuple(error["path"])) for error in payload["errors"]]


def conflicting(scope: Scope, conflict: Conflict) -> Answer:
    """Tells also what is wrong with If-Match, of which nothing is said before the flow is known to be there."""
    try:
        is_weak = etags.lists_weakly(listed(scope, b"if-match"), conflict.version)
    except Refused as malformed:
        return refusals.answer(scope, malformed.problems)
    tag = etags.tag(conflict.version)
    problems = [*conflict.problems]
    if is_weak:
        message = f"If-Match takes no weak tag, such as W/{tag.decode()}; send {tag.decode()}"
        problems = [Problem("VERSION_CONFLICT", message, ("ifVersion",))]
    return refusals.answer(scope, problems, {"currentVersion": conflict.version}, [(b"etag", tag)])


def spelled(flow: dict[str, Any]) -> dict[str, Any]:
    """A flow with the REST spelling of its enums."""
    flow["direction"] = DIRECTIONS[flow["direction"]]
    flow["messageChannel"] = CHANNELS[flow["messageChannel"]]
    return flow
