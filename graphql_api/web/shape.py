"""The shape of a REST body: known members, right types, the REST spelling of enums; values are the domain's matter."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import TREE, Block, Leaf
from graphql_api.domain.patch import meant
from graphql_api.domain.words import offer, printable

TYPES: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("a string", (str,)),
    bool: ("true or false", (bool,)),
    float: ("a number", (int, float)),
}
NAMES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}

IGNORED = frozenset({"createdAt", "updatedAt", "version", "__v"})
"""Members of an answer that a body may hold and that change nothing."""

WORKING_HOURS = "workingHours"

Path = tuple[str, ...]

MOST_TOLD = 100
"""Problems of one body that are told, several times as many as there are members; the rest is counted."""


class BodyReader:
    """Reads one body into the input of a GraphQL mutation and gathers every problem on the way."""

    def __init__(self, fixed: Mapping[str, str], *, creates: bool, suggests: bool = True) -> None:
        """`fixed`: members that name the flow itself, with the value they must have; `suggests`: says what is known."""
        self._fixed = fixed
        self._creates = creates
        self._suggests = suggests
        self.problems: list[Problem] = []
        self._untold = 0
        self._sent_as: dict[Path, Path] = {}

    def input(self, body: Any) -> dict[str, Any]:
        """The input; raises Refused with all problems of shape, or with the first of very many."""
        if not isinstance(body, dict):
            raise Refused(Problem("INVALID_TYPE", f"the body must be an object, not {_name(body)}"))
        given = {**body}
        for name in IGNORED & body.keys():
            del given[name]
        for name, value in self._fixed.items():
            if name in given and given.pop(name) != value:
                self._blame("IMMUTABLE_FIELD", "cannot be changed; leave it out", (name,))
        result = {}
        if not self._creates and "toggleAutopilot" in given:
            result["toggleAutopilot"] = self._flag(given.pop("toggleAutopilot"), ("toggleAutopilot",))
        result |= self._block(TREE, given)
        if self.problems:
            raise Refused(*self.problems, untold=self._untold)
        return result

    def as_sent(self, problem: Problem) -> Problem:
        """With the place that the body has for what is to blame."""
        at = self._sent_as.get(problem.path, problem.path)
        return Problem(problem.code, problem.message.replace(_spelled(problem.path), _spelled(at), 1), at)

    def _block(self, block: Block, given: Mapping[str, Any]) -> dict[str, Any]:
        if self._creates and WORKING_HOURS in block.members:
            given = self._nested(block.members[WORKING_HOURS], given)  # type: ignore[arg-type]
        result = {}
        for name, value in given.items():
            member = block.members.get(name)
            if isinstance(member, Leaf):
                result[name] = self._leaf(member, value)
            elif member is None:
                self._unknown(name, block)
            elif value is None or isinstance(value, dict):
                result[name] = value and self._block(member, value)
            else:
                self._blame("INVALID_TYPE", f"must be an object, not {_name(value)}", _at(member))
        if self._creates:
            self._missing(block, given)
        return result

    def _leaf(self, leaf: Leaf, value: Any) -> Any:
        if value is None:
            if self._creates and leaf.is_required:
                self._blame("NULL_NOT_ALLOWED", "must not be null", _at(leaf))
            return None
        typed = TYPES.get(leaf.kind)
        if typed is None:
            return self._choice(leaf, value)
        kind = type(value)
        if kind not in typed[1]:
            self._blame("INVALID_TYPE", f"must be {typed[0]}, not {_name(value)}", _at(leaf))
        elif leaf.kind is float and not abs(value) <= sys.float_info.max:  # nor is NaN
            self._blame("OUT_OF_RANGE", "must be a finite number", _at(leaf))
        elif kind is int:
            # GraphQL takes no whole number as a Float that a float cannot hold to the last digit.
            return float(value)
        return value

    def _flag(self, value: Any, at: Path) -> Any:
        if value is not None and not isinstance(value, bool):
            self._blame("INVALID_TYPE", f"must be true or false, not {_name(value)}", at)
        return value

    def _choice(self, leaf: Leaf, value: Any) -> Any:
        kinds: Any = leaf.kind
        for one in kinds:
            if one.value == value:
                return one.name
        choices = ", ".join(str(one.value) for one in kinds) if self._suggests else "the documented values"
        if isinstance(value, str):
            self._blame("INVALID_ENUM", f"must be one of {choices}", _at(leaf))
        else:
            self._blame("INVALID_TYPE", f"must be a string, one of {choices}, not {_name(value)}", _at(leaf))
        return None

    def _nested(self, hours: Block, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The published create page puts the members of the working hours directly into responseSettings."""
        direct = {name: given[name] for name in given if name in hours.members}
        if not direct:
            return given
        rest = {name: value for name, value in given.items() if name not in direct}
        nested = given.get(WORKING_HOURS, {})
        there, above = _at(hours), _at(hours)[:-1]
        self._sent_as = {(*there, name): (*above, name) for name in direct}
        if WORKING_HOURS not in given:
            self._sent_as[there] = above
        if not isinstance(nested, dict):  # which is refused, as is whatever is wrong beside it
            self._block(hours, direct)
            return rest
        for name in (name for name in direct if name in nested):
            leaf: Any = hours.members[name]
            one, other = meant(leaf, direct[name]), meant(leaf, nested[name])
            if one != other or type(one) is not type(other):
                message = f"differs from the one in {WORKING_HOURS}; send one of them"
                self._blame("CONFLICTING_FIELDS", message, (*above, name))
            del self._sent_as[*there, name]
        return {**rest, WORKING_HOURS: {**direct, **nested}}

    def _missing(self, block: Block, given: Mapping[str, Any]) -> None:
        for name, member in block.members.items():
            if isinstance(member, Leaf) and member.is_required and name not in given:
                self._blame("REQUIRED", "is required", _at(member))

    def _unknown(self, name: str, block: Block) -> None:
        if self._is_left_untold():  # looking for a name that is near takes its time
            return
        advice = offer(name, tuple(self._known(block))) if self._suggests else ""
        self._blame("UNKNOWN_FIELD", f"is not a member{advice}", (*_at(block), printable(name)))

    def _known(self, block: Block) -> Iterator[str]:
        yield from block.members
        if self._creates and WORKING_HOURS in block.members:
            yield from block.members[WORKING_HOURS].members  # type: ignore[union-attr]
        if not self._creates and block is TREE:
            yield "toggleAutopilot"

    def _is_left_untold(self) -> bool:
        """Whether one more problem is only counted."""
        is_left = len(self.problems) == MOST_TOLD
        self._untold += is_left
        return is_left

    def _blame(self, code: str, message: str, at: Path) -> None:
        if self._is_left_untold():
            return
        self.problems.append(self.as_sent(Problem(code, f"{_spelled(at)} {message}", at)))


def _at(member: Leaf | Block) -> Path:
    return tuple(member.path.split(".")) if member.path else ()


def _spelled(at: Path) -> str:
    return ".".join(name or '""' for name in at)


def _name(value: Any) -> str:
    return "null" if value is None else NAMES[type(value)]
