"""Answers to requests that are refused: one body for all, a reusable response for each status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec

from graphql_api.domain.errors import KINDS, Problem, internal, other_version, unknown_flow
from graphql_api.web import refusals
from graphql_api.web.auth import unauthenticated
from graphql_api.web.openapi.heads import headers
from graphql_api.web.openapi.values import INSTANT, Json, ref

# A caller who is over a limit may come back in `wait` seconds, at `reset` (seconds since 1970).
LIMITED = SimpleNamespace(wait=30, reset=1_777_852_830)
REQUEST_ID = "4bf92f3577b34da6"
REQUEST = {"headers": [], "state": {"request_id": REQUEST_ID, "limited": LIMITED}}
DELAY = ("settings", "responseSettings", "delay")
START = ("settings", "responseSettings", "workingHours", "start")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reusable response: when it is given, what it may look like, the headers that come with it."""

    told: str
    examples: Mapping[str, Sequence[Problem]]
    headers: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        first = next(iter(self.examples.values()))[0]
        return KINDS[first.code].status


def _one(code: str, message: str, *path: str) -> Sequence[Problem]:
    return [Problem(code, message, path)]


REFUSALS: Mapping[str, Refusal] = {
    "BadRequest": Refusal(
        "The request is not valid; `details` names the members that are to blame, 100 at most. Nothing was written.",
        {
            "members": [
                Problem("OUT_OF_RANGE", "settings.responseSettings.delay must be between 0 and 86400 seconds", DELAY),
                Problem(
                    "INVALID_TIME",
                    "settings.responseSettings.workingHours.start must be a time of day HH:MM from 00:00 to 23:59, "
                    "such as 09:00",
                    START,
                ),
            ],
            "unknownMember": _one(
                "UNKNOWN_FIELD", "desciption is not a member; did you mean description?", "desciption"
            ),
            "emptyWindow": _one(
                "EMPTY_WINDOW",
                "working hours from 17:00 to 17:00 hold no minute; for the whole day send 00:00 and 24:00, "
                "for no working hours send enabled: false",
                *START[:-1],
            ),
            "unknownParameter": _one(
                "BAD_REQUEST", "ifVersion is not a parameter of this route; send the header If-Match"
            ),
            "workspaceRequired": _one("WORKSPACE_REQUIRED", "the header x-workspace-id is missing"),
        },
    ),
    "Unauthenticated": Refusal(
        "The server asks for an API key, and there is none or no valid one.",
        {"noKey": unauthenticated().problems},
        ("WWW-Authenticate",),
    ),
    "Forbidden": Refusal(
        "The key does not allow this, or not in this workspace.",
        {"scope": _one("FORBIDDEN", "this key lacks the scope flows:write")},
    ),
    "NotFound": Refusal(
        "There is no such flow in this workspace; flows of other workspaces and deleted ones are answered alike.",
        {"unknownFlow": unknown_flow("exampleId2").problems},
    ),
    "NotAcceptable": Refusal(
        "Accept allows neither application/json nor, for refusals, application/problem+json.",
        {"accept": _one("NOT_ACCEPTABLE", "answers come as application/json")},
    ),
    "InProgress": Refusal(
        "The first request with this Idempotency-Key is still being carried out.",
        {"inProgress": _one("IDEMPOTENCY_IN_PROGRESS", "a request with this idempotency key is being carried out")},
        ("Retry-After",),
    ),
    "VersionConflict": Refusal(
        "If-Match lists another version than the flow has; nothing was written. Not 409, which common libraries retry.",
        {"conflict": [other_version(8)]},
        ("ETag",),
        {"currentVersion": 8},
    ),
    "TooLarge": Refusal(
        "The body is larger than the server takes.",
        {"tooLarge": _one("PAYLOAD_TOO_LARGE", "the body is longer than 2097152 bytes (max_body_bytes)")},
    ),
    "UnsupportedMediaType": Refusal(
        "The body is not declared to be JSON.",
        {"media": _one("UNSUPPORTED_MEDIA_TYPE", "the body must be sent with Content-Type: application/json")},
    ),
    "KeyReused": Refusal(
        "The Idempotency-Key belongs to another request.",
        {
            "reused": _one(
                "IDEMPOTENCY_KEY_REUSED",
                "this idempotency key was used for another request; use a new key for a new request",
                "idempotencyKey",
            )
        },
    ),
    "RateLimited": Refusal(
        "Too many requests.",
        {"rate": _one("RATE_LIMITED", "too many requests; wait for the time in Retry-After")},
        ("Retry-After",),
    ),
    "Internal": Refusal(
        "A fault of the server; the log has its cause under the request id.",
        {"internal": internal(REQUEST_ID).problems},
    ),
    "Unavailable": Refusal(
        "The database is away; nothing was written.",
        {"away": _one("UNAVAILABLE", "the database is not available; try again")},
        ("Retry-After",),
    ),
}


def responses() -> dict[str, Json]:
    return {name: _response(refusal) for name, refusal in REFUSALS.items()}


def _response(refusal: Refusal) -> Json:
    examples = {name: {"value": example(problems, refusal.extra)} for name, problems in refusal.examples.items()}
    media = {"schema": ref("Error"), "examples": examples}
    return {
        "description": refusal.told,
        "headers": headers(*refusal.headers),
        "content": {"application/json": media, "application/problem+json": media},
    }


def example(problems: Sequence[Problem], extra: Mapping[str, Any]) -> Any:
    """The body as the door writes it."""
    return msgspec.json.decode(refusals.answer(REQUEST, problems, extra).body)


def answered(name: str) -> tuple[str, Json]:
    """A status, and the reference to what is answered with it."""
    return str(REFUSALS[name].status), {"$ref": f"#/components/responses/{name}"}


def schemas() -> dict[str, Json]:
    code = ref("ErrorCode")
    message = {"type": "string", "description": "For people: what is wrong and what would be right."}
    return {
        "Error": _object(
            "Why a request was refused, for clients of the published API (`error`) and for readers of RFC 9457.",
            error=ref("ErrorMembers"),
            type={"type": "string", "format": "uri", "description": "`urn:message-flows:` and the code."},
            title={"type": "string", "description": "The code in words."},
            status={"type": "integer", "minimum": 400, "maximum": 599, "description": "The status of the answer."},
            detail={**message, "description": "The same as `error.message`."},
            requestId={"type": "string", "description": "The same as the header X-Request-Id."},
        ),
        "ErrorMembers": _object(
            "The refusal itself; `details` are there exactly when the code is validation_failed.",
            ("details", "currentVersion", "reset_at"),
            code=code,
            message=message,
            details={"type": "array", "minItems": 1, "items": ref("ErrorDetail")},
            currentVersion={"type": "integer", "minimum": 0, "description": "With 412: the version the flow has."},
            reset_at={"description": "With 429: when to try again.", **INSTANT},
        ),
        "ErrorDetail": _object(
            "One member that is to blame.",
            pointer={"type": "string", "format": "json-pointer", "description": "Where in the body (RFC 6901)."},
            code=code,
            message=message,
        ),
        "ErrorCode": {
            "type": "string",
            "description": "For programs; the codes of GraphQL in lower case.",
            "enum": [code.lower() for code in KINDS],
        },
    }


def _object(told: str, optional: tuple[str, ...] = (), **properties: Json) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": told, "required": required, "properties": properties}
