"""What came of a GraphQL operation, as every way tells it: a single answer, an event, a message of a WebSocket."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql_api.domain.errors import Refused
from graphql_api.schema.operations import OperationResult
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.shown import Rejected, failure

WITH_STATUS = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED", "UNAVAILABLE"})
"""Codes of top-level errors that give the answer their status where nothing was carried out."""


def response_of(result: OperationResult, extensions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of the response, errors first; `extensions` is what the request asks about its own execution."""
    told: dict[str, Any] = {"errors": result.errors, "data": result.data} if result.errors else {"data": result.data}
    if extensions:
        told |= _extensions(extensions, result)
    return told


def _extensions(asked: Mapping[str, Any], result: OperationResult) -> dict[str, Any]:
    known = {"cost": result.cost, "plan": "compiled" if result.is_compiled else "general"}
    told = {name: value for name, value in known.items() if asked.get(name) is True}
    return {"extensions": told} if told else {}


def deciding_code(operation: Prepared, errors: Sequence[Mapping[str, Any]]) -> str | None:
    """The code that gives the whole answer its status: of the only field at the root, when nothing was carried out."""
    if operation.measured.size.root_fields != 1:
        return None
    codes = [error["extensions"]["code"] for error in errors if len(error.get("path", ())) == 1]
    return next((code for code in codes if code in WITH_STATUS), None)


def errors_of(why: Rejected | Refused) -> Any:
    """Of an operation that was not carried out."""
    if isinstance(why, Rejected):
        return why.errors
    return [failure(problem.code, problem.message) for problem in why.problems]


def code_of(why: Rejected | Refused) -> str:
    return str(errors_of(why)[0]["extensions"]["code"])
