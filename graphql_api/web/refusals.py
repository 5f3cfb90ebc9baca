"""A refusal as REST answers it: one error body on every path, readable by RFC 9457 readers too."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import Scope

from graphql_api.domain import instants
from graphql_api.domain.errors import KINDS, Problem
from graphql_api.web.accept import prefers
from graphql_api.web.http import Answer, Headers, headers
from graphql_api.web.json import encoded
from graphql_api.web.throttle import Limited

WHOLE = frozenset(code for code, kind in KINDS.items() if kind.status != 400 or not kind.is_data)
"""Problems of the whole request; all others are about members of the body and become `details`."""

NO_SUCH_PATH = "there is nothing at this path"
ARGUMENTS = frozenset({"id", "ifVersion", "idempotencyKey", "note", "validateOnly"})
RETRY_AFTER = {"UNAVAILABLE": b"1", "IDEMPOTENCY_IN_PROGRESS": b"1"}
"""Seconds; who is over a limit waits as long as the refusal says."""


def answer(
    scope: Scope,
    problems: Sequence[Problem],
    extra: Mapping[str, Any] | None = None,
    more_headers: Headers | None = None,
    untold: int = 0,
) -> Answer:
    """`extra` joins the members of `error`, such as currentVersion; `untold`: problems beside those."""
    first = problems[0]
    # A member of a body may be named as an argument is; that is how it is unknown.
    is_argument = first.code != "UNKNOWN_FIELD" and len(first.path) == 1 and first.path[0] in ARGUMENTS
    is_whole = first.code in WHOLE or is_argument
    code = first.code if is_whole else "VALIDATION_FAILED"
    kind = KINDS[code]
    error = {**_error(code, problems, untold), **(extra or {})}
    if code == "RATE_LIMITED":
        error["reset_at"] = instants.text(int(limited(scope).reset) * 1_000)
    document = {
        "error": error,
        "type": f"urn:message-flows:{code.lower()}",
        "title": kind.title,
        "status": kind.status,
        "detail": error["message"],
        "requestId": scope["state"]["request_id"],
    }
    is_problem = prefers(headers(scope, b"accept"), "application/problem+json", "application/json")
    media = b"application/problem+json" if is_problem else b"application/json"
    return Answer(kind.status, encoded(document), media, [*(more_headers or []), *retry_after(scope, code)])


def retry_after(scope: Scope, code: str) -> Headers:
    if code == "RATE_LIMITED":
        return [(b"retry-after", b"%d" % limited(scope).wait)]
    return [(b"retry-after", RETRY_AFTER[code])] if code in RETRY_AFTER else []


def limited(scope: Scope) -> Limited:
    """What `auth` refused a guess of, or what the account of the request was asked for in vain."""
    state = scope["state"]
    refusal: Limited = state["limited"] if "limited" in state else state["account"].limited
    return refusal


def _error(code: str, problems: Sequence[Problem], untold: int) -> dict[str, Any]:
    message = problems[0].message
    if code != "VALIDATION_FAILED":
        return {"code": code.lower(), "message": message}
    if len(problems) > 1:
        told = f", of which {len(problems)} are told" if untold else ""
        message = f"{len(problems) + untold:,} members are refused{told}; the first: {message}"
    return {"code": code.lower(), "message": message, "details": [_detail(problem) for problem in problems]}


def _detail(problem: Problem) -> dict[str, str]:
    pointer = "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in problem.path)
    return {"pointer": pointer, "code": problem.code.lower(), "message": problem.message}
