"""The shape of a REST body: known members, right types, the REST spelling of enums; values are the domain's matter."""

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import TREE, Block, Leaf
from graphql_api.domain.words import nearest, printable

TYPES: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("a string", (str,)),
    bool: ("true or false", (bool,)),
    float: ("a number", (int, float)),
}
NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}

IGNORED = frozenset({"createdAt", "updatedAt", "version", "__v"})
"""Members of an answer that a body may hold and that change nothing."""

WORKING_HOURS = "workingHours"


class Shape:
    """Reads one body into the input of a GraphQL mutation and gathers every problem on the way."""

    def __init__(self, fixed: Mapping[str, str], *, creates: bool, suggests: bool = True) -> None:
        """`fixed`: members that name the flow itself, with the value they must have; `suggests`: says what is known."""
        self._fixed = fixed
        self._creates = creates
        self._suggests = suggests
        self.problems: list[Problem] = []

    def input(self, body: Any) -> dict[str, Any]:
        """The input; raises Refused with all problems of shape."""
        if not isinstance(body, dict):
            raise Refused(Problem("INVALID_TYPE", f"the body must be an object, not {_name(body)}"))
        given = {name: value for name, value in body.items() if name not in IGNORED}
        for name, value in self._fixed.items():
            if name in given and given.pop(name) != value:
                self._blame("IMMUTABLE_FIELD", f"{name} cannot be changed; leave it out", (name,))
        result = {}
        if not self._creates and "toggleAutopilot" in given:
            result["toggleAutopilot"] = self._flag(given.pop("toggleAutopilot"), ("toggleAutopilot",))
        result |= self._block(TREE, given, ())
        if self.problems:
            raise Refused(*self.problems)
        return result

    def _block(self, block: Block, given: Mapping[str, Any], at: tuple[str, ...]) -> dict[str, Any]:
        if self._creates and WORKING_HOURS in block.members:
            given = self._nested(block.members[WORKING_HOURS], given, at)  # type: ignore[arg-type]
        result = {}
        for name, value in given.items():
            member = block.members.get(name)
            if member is None:
                self._unknown(name, block, at)
            elif isinstance(member, Leaf):
                result[name] = self._leaf(member, value, (*at, name))
            elif value is None or isinstance(value, dict):
                result[name] = value and self._block(member, value, (*at, name))
            else:
                self._blame("INVALID_TYPE", f"must be an object, not {_name(value)}", (*at, name))
        if self._creates:
            self._missing(block, given, at)
        return result

    def _leaf(self, leaf: Leaf, value: Any, at: tuple[str, ...]) -> Any:
        if value is None:
            if self._creates and leaf.is_required:
                self._blame("NULL_NOT_ALLOWED", "must not be null", at)
            return None
        if issubclass(leaf.kind, Enum):
            return self._choice(leaf.kind, value, at)
        wanted, types = TYPES[leaf.kind]
        kind = type(value)
        if kind not in types:
            self._blame("INVALID_TYPE", f"must be {wanted}, not {_name(value)}", at)
        elif kind is float and not math.isfinite(value):
            self._blame("OUT_OF_RANGE", "must be a finite number", at)
        elif kind is int:
            # GraphQL takes no whole number as a Float that a float cannot hold to the last digit.
            return float(value)
        return value

    def _flag(self, value: Any, at: tuple[str, ...]) -> Any:
        if value is not None and not isinstance(value, bool):
            self._blame("INVALID_TYPE", f"must be true or false, not {_name(value)}", at)
        return value

    def _choice(self, kind: type[Enum], value: Any, at: tuple[str, ...]) -> Any:
        for one in kind:
            if one.value == value:
                return one.name
        choices = ", ".join(str(one.value) for one in kind) if self._suggests else "the documented values"
        if isinstance(value, str):
            self._blame("INVALID_ENUM", f"must be one of {choices}", at)
        else:
            self._blame("INVALID_TYPE", f"must be a string, one of {choices}, not {_name(value)}", at)
        return None

    def _nested(self, hours: Block, given: Mapping[str, Any], at: tuple[str, ...]) -> Mapping[str, Any]:
        """The published create page puts the members of the working hours directly into responseSettings."""
        direct = {name: given[name] for name in given if name in hours.members}
        if not direct:
            return given
        below = given.get(WORKING_HOURS)
        nested = below if isinstance(below, dict) else {}
        for name in direct.keys() & nested.keys():
            if direct[name] != nested[name] or type(direct[name]) is not type(nested[name]):
                message = f"differs from the one in {WORKING_HOURS}; send one of them"
                self._blame("CONFLICTING_FIELDS", message, (*at, name))
        if below is not None and not isinstance(below, dict):
            return {name: value for name, value in given.items() if name not in direct}
        rest = {name: value for name, value in given.items() if name not in direct}
        return {**rest, WORKING_HOURS: {**direct, **nested}}

    def _missing(self, block: Block, given: Mapping[str, Any], at: tuple[str, ...]) -> None:
        for name, member in block.members.items():
            if isinstance(member, Leaf) and member.is_required and name not in given:
                self._blame("REQUIRED", "is required", (*at, name))

    def _unknown(self, name: str, block: Block, at: tuple[str, ...]) -> None:
        known = [*block.members, *(("toggleAutopilot",) if block is TREE and not self._creates else ())]
        offer = nearest(name, known) if self._suggests else ""
        self._blame("UNKNOWN_FIELD", f"is not a member{offer}", (*at, printable(name)))

    def _blame(self, code: str, message: str, at: tuple[str, ...]) -> None:
        self.problems.append(Problem(code, message if message[0].isupper() else _about(at, message), at))


def _about(at: tuple[str, ...], message: str) -> str:
    return message if message.startswith(at[-1]) else f"{'.'.join(at)} {message}"


def _name(value: Any) -> str:
    return "null" if value is None else NAMES[type(value)]
