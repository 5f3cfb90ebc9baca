"""For Schemathesis: which well-formed requests may be refused, each with the reason why no schema can say so.

In place of its check `positive_data_acceptance`, which can only be told statuses; here a 400 without a reason is found.
"""

import re
from typing import Any

import schemathesis
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    IntValueNode,
    NullValueNode,
    StringValueNode,
    Visitor,
    print_ast,
    visit,
)
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import positive_data_acceptance

LONGEST_PAGE = 100

DECLARED = {
    # Both doors
    "version_conflict": "The flow is at another version than the one that is named.",
    "idempotency_key_reused": "The same key is drawn for different requests.",
    "bad_request: (after|before|the parameter cursor) is not a cursor": "Only cursors that the server gave hold.",
    "bad_request: (after|before|the parameter cursor) belongs to another order": "A cursor holds in its order only.",
    "limit_exceeded: a whole number has more than": "How many digits a number may have is a setting.",
    "bad_request: to lies": "A range ends after it begins, and is of at most 62 days.",
    # GraphQL: a type says neither ranges nor patterns, nor that two arguments exclude each other.
    "bad_request: send first or last, not both": "Two arguments that exclude each other.",
    "bad_request: (first|last) must be between 1 and 100": "The range of a page's size.",
    "bad_request: filter.(ids|agent): an id is": "ID takes any text.",
    "bad_request: filter.nameContains must not contain the character": "String takes any text.",
    "limit_exceeded: the document costs": "Page sizes multiply; what a document may cost is a setting.",
    # REST: a schema cannot compare a member with the path, a header, another member or what is stored.
    "immutable_field": "`_id` and `workspaceId` must be those of the path and the header.",
    "conflicting_fields": "Working hours may be sent in two places, where they must agree.",
    "empty_window": "The rule holds for what is stored and what is sent together.",
    "invalid_timezone": "Zones are names of a database; as a pattern they would be 600 words long.",
    "bad_request: the parameter (from|to) is missing": "Two parameters that need each other.",
    "bad_request: If-(None-)?Match must be": "The pattern excludes it, and still Schemathesis sends `0` as valid.",
}
"""`code` or `code: beginning of the message` as a regular expression → reason."""


@schemathesis.check
def refusals_are_declared(context: CheckContext, response: Response, case: Case[Any]) -> None:
    try:
        positive_data_acceptance(context, response, case)
    except Failure:
        refused = list(refusals(response.json()))
        if not refused or not all(map(is_declared, refused)):
            raise


def refusals(answer: dict[str, Any]) -> list[str]:
    """Why the request was refused, one `code: message` a reason, on either door."""
    if "errors" in answer:
        return [f"{error['extensions']['code'].lower()}: {error['message']}" for error in answer["errors"]]
    error = answer["error"]
    return [f"{reason['code']}: {reason['message']}" for reason in error.get("details") or [error]]


def is_declared(refusal: str) -> bool:
    return any(re.match(declared, refusal) for declared in DECLARED)


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Pages are asked for from one end, and most of a length that is given: else hardly any page would ever be read."""
    if not isinstance(body, DocumentNode):
        return body
    return visit(body, FromOneEnd(("first", "after") if len(print_ast(body)) % 2 else ("last", "before")))


class FromOneEnd(Visitor):
    def __init__(self, other_end: tuple[str, str]) -> None:
        super().__init__()
        self.other_end = other_end

    def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
        """A page that is too long is refused as LIMIT_EXCEEDED, which Schemathesis takes for a fault of the server."""
        value = node.value
        if node.name.value not in ("first", "last") or not isinstance(value, IntValueNode):
            return None
        if not LONGEST_PAGE < int(value.value) < 2**31:
            return None
        return ArgumentNode(name=node.name, value=IntValueNode(value=str(int(value.value) % LONGEST_PAGE + 1)))

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        arguments = node.arguments or ()
        if not {"first", "last"} <= {argument.name.value for argument in arguments}:
            return None
        kept = tuple(one for one in arguments if one.name.value not in self.other_end or not is_well_typed(one))
        return FieldNode(**{key: getattr(node, key) for key in node.keys if key != "arguments"}, arguments=kept)


def is_well_typed(argument: ArgumentNode) -> bool:
    """Arguments of a wrong type are there to be refused, and stay."""
    value = argument.value
    if isinstance(value, IntValueNode):
        return argument.name.value in ("first", "last") and -(2**31) <= int(value.value) < 2**31
    if isinstance(value, StringValueNode):
        return argument.name.value in ("after", "before")
    return isinstance(value, NullValueNode)
