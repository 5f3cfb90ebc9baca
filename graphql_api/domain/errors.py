"""Every way a request is refused: its code, its HTTP status, and what the caller can do about it."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """`is_data`: a mutation's payload may hold it; all other kinds are top-level errors on GraphQL."""

    status: int
    title: str
    remedy: str
    is_data: bool = True


KINDS: Mapping[str, Kind] = {
    "VALIDATION_FAILED": Kind(400, "The request is not valid", "Mend every entry of `details` and send it again."),
    "UNKNOWN_FIELD": Kind(400, "Unknown member", "Remove the member or use the name that the message offers."),
    "INVALID_TYPE": Kind(400, "Wrong type", "Send the JSON type that the message names."),
    "NULL_NOT_ALLOWED": Kind(400, "Null is not allowed", "Leave the member out to keep its value, or send a value."),
    "REQUIRED": Kind(400, "A required member is missing", "Send the member that the path names."),
    "TOO_LONG": Kind(400, "Text too long", "Shorten the text; lengths count Unicode code points."),
    "BLANK": Kind(400, "Blank text", "Send text with at least one visible character."),
    "INVALID_CHARACTER": Kind(400, "Character not allowed", "Remove the character that the message names."),
    "OUT_OF_RANGE": Kind(400, "Value out of range", "Send a value within the range that the message states."),
    "INVALID_ENUM": Kind(400, "Unknown enum value", "Use one of the values that the message lists, in that case."),
    "INVALID_ID": Kind(400, "Malformed id", "Ids are 1 to 64 of the characters A-Z, a-z, 0-9, `_` and `-`."),
    "INVALID_TIME": Kind(400, "Not a time of day", "Send HH:MM, 00:00 to 23:59; `end` may be 24:00."),
    "INVALID_TIMEZONE": Kind(400, "Unknown time zone", "Send a name of the IANA time zone database."),
    "INVALID_URL": Kind(400, "Not an address for webhooks", "Send an https address that the message allows."),
    "EMPTY_WINDOW": Kind(
        400, "Working hours without a minute", "Let start and end differ, use 00:00 and 24:00, or set enabled to false."
    ),
    "CONFLICTING_FIELDS": Kind(400, "Members that contradict each other", "Send only one of the members."),
    "IMMUTABLE_FIELD": Kind(400, "Member cannot be changed", "Send the value it has, or leave the member out."),
    "INVALID_JSON": Kind(
        400, "The body is not JSON", "Send one JSON document in UTF-8 without a byte order mark.", is_data=False
    ),
    "BAD_REQUEST": Kind(400, "The request cannot be understood", "Mend what the message names.", is_data=False),
    "WORKSPACE_REQUIRED": Kind(400, "No workspace named", "Send the header x-workspace-id.", is_data=False),
    "LIMIT_EXCEEDED": Kind(
        400, "A limit is exceeded", "Ask for less at once; the message names the limit.", is_data=False
    ),
    "UNAUTHENTICATED": Kind(401, "No valid API key", "Send a valid key in x-api-key.", is_data=False),
    "FORBIDDEN": Kind(
        403, "Not allowed", "Use a key with the scope and the workspace, or an allowed origin.", is_data=False
    ),
    "NOT_FOUND": Kind(404, "Not found", "Check the id and the workspace."),
    "UNKNOWN_VERSION": Kind(404, "Unknown version", "Choose a version that the flow's revisions list."),
    "NOT_DELETED": Kind(409, "The flow is not deleted", "Nothing to restore; read the flow."),
    "METHOD_NOT_ALLOWED": Kind(405, "Method not allowed", "Use a method that the Allow header lists.", is_data=False),
    "NOT_ACCEPTABLE": Kind(406, "No acceptable representation", "Accept application/json.", is_data=False),
    # Declared for callers, and raised by nobody: of two requests at once the second waits for the first.
    "IDEMPOTENCY_IN_PROGRESS": Kind(
        409, "The same key is at work", "Wait for the time in Retry-After and send the request again."
    ),
    "VERSION_CONFLICT": Kind(412, "The flow has changed", "Read the flow again and decide on top of what it is now."),
    "PAYLOAD_TOO_LARGE": Kind(
        413, "Body too large", "Send a smaller body; the message names the limit.", is_data=False
    ),
    "UNSUPPORTED_MEDIA_TYPE": Kind(
        415, "Not a JSON request", "Send Content-Type: application/json in UTF-8.", is_data=False
    ),
    "IDEMPOTENCY_KEY_REUSED": Kind(
        422, "The key belongs to another request", "Use a new key for a new request; resend only the same request."
    ),
    "RATE_LIMITED": Kind(429, "Too many requests", "Wait for the time in Retry-After.", is_data=False),
    "RESYNC_REQUIRED": Kind(
        400, "The cursor is too old", "Read the flows again and subscribe without a cursor.", is_data=False
    ),
    "INTERNAL": Kind(500, "Our fault", "Report the request id; the log has the cause under it.", is_data=False),
    "NOT_IMPLEMENTED": Kind(
        501,
        "Not known here",
        "Use a method that the path takes; send a body with Content-Length, or in chunks alone.",
        is_data=False,
    ),
    "UNAVAILABLE": Kind(
        503,
        "The database is away",
        "Try again after Retry-After; nothing was written unless the message says that this is unknown.",
        is_data=False,
    ),
    "HTTP_VERSION_NOT_SUPPORTED": Kind(505, "Not spoken here", "Send the request in HTTP/1.1.", is_data=False),
}


REST_ALONE = frozenset({"VALIDATION_FAILED", "UNKNOWN_FIELD", "INVALID_TYPE", "IMMUTABLE_FIELD"})
"""What GraphQL has no use for: members and types are those of its schema, and an input names no flow."""


def table() -> str:
    """The codes as the table of the docs, in Markdown."""
    rows = [
        f"| `{code}` | `{code.lower()}` | {kind.status} | {_place(code, kind)} | {kind.title}. | {kind.remedy} |"
        for code, kind in KINDS.items()
    ]
    head = ["| GraphQL | REST | status | on GraphQL in | why | what to do |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def _place(code: str, kind: Kind) -> str:
    if code in REST_ALONE:
        return "none"
    return "`errors` of the payload" if kind.is_data else "`errors` of the response"


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a request; `path` starts below `input` and is empty when no member is to blame."""

    code: str
    message: str
    path: tuple[str, ...] = ()


class Refused(Exception):
    """The request is answered with problems and nothing is written.

    `current` holds the flow as it is now when a version guard did not match; `untold`: problems beside those.
    """

    def __init__(self, *problems: Problem, current: Mapping[str, Any] | None = None, untold: int = 0) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
        self.current = current
        self.untold = untold

    @property
    def is_top_level(self) -> bool:
        """No answer of the domain: on GraphQL it stands in the errors of the response, not in a payload."""
        return not all(KINDS[problem.code].is_data for problem in self.problems)


def refused(code: str, message: str, *path: str) -> Refused:
    """A refusal with one problem."""
    return Refused(Problem(code, message, path))


def unknown_flow(id: str) -> Refused:
    """The same for a flow that never was, that is deleted, and that another workspace owns."""
    return refused("NOT_FOUND", f"there is no message flow {id[:64]} in this workspace", "id")


def other_version(version: int) -> Problem:
    """`version` is the one that the flow has."""
    return Problem("VERSION_CONFLICT", f"the flow is at version {version}, not at the one you named", ("ifVersion",))


def internal(request_id: str | None) -> Refused:
    """What is told of a fault of ours, which the log has under the id of the request."""
    return refused("INTERNAL", f"internal error; the log has it under {request_id}")


def fault(error: BaseException) -> str:
    """Where a fault arose, without its text, which may hold what the caller sent."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' > '.join(places[-8:])}"
