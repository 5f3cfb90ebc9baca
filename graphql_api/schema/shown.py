"""Errors as a caller may see them: each with a code, none too long, faults of ours masked."""

import logging
import re
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from graphql_api.domain.errors import Refused, fault, internal

LONGEST_MESSAGE = 1_000
"""Characters of an error's message, which may repeat what was sent."""

WHOLE = ((", found: {", "."), ("? Found: {", "?"))
"""Where graphql-core begins to tell, in the words of Python, the object around a wrong member; and an end for that."""

NOT_FITTING = "the document or its variables do not fit the schema"

log = logging.getLogger("message_flows")


class Rejected(Exception):
    """The document or its variables are not fit to be carried out; nothing was."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


def failure(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def shown(error: GraphQLError, request_id: str | None = None) -> dict[str, Any]:
    """An error as the caller may see it: faults of ours are masked and logged under the request's id."""
    told = error.formatted
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return {**told, "message": _told(error.message), "extensions": {"code": "BAD_REQUEST"}}  # type: ignore[dict-item]
    if isinstance(original, Refused):
        problem = original.problems[0]
        return {**told, "message": problem.message, "extensions": {"code": problem.code}}  # type: ignore[dict-item]
    log.error("request %s failed: %s", request_id, fault(original))
    extensions = {"code": "INTERNAL", "requestId": request_id}
    return {**told, "message": str(internal(request_id)), "extensions": extensions}  # type: ignore[dict-item]


def _told(message: str) -> str:
    message = re.sub(r" not to be None\.$", " not to be null.", message)
    for beginning, end in WHOLE:
        if beginning in message and message.endswith("}."):
            message = message.partition(beginning)[0] + end
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"


def tacit(error: GraphQLError, request_id: str | None = None) -> dict[str, Any]:
    """As `shown`, but an error that the schema finds says only where it is, so that nobody guesses names by it."""
    told = shown(error, request_id)
    is_of_schema = error.original_error is None or isinstance(error.original_error, GraphQLError)
    return {**told, "message": NOT_FITTING} if is_of_schema else told
