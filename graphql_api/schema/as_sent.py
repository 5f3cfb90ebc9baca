"""What is wrong with a variable, told in JSON as it was sent; graphql-core tells values in the words of Python."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Any

from graphql import GraphQLError, VariableDefinitionNode
from graphql.pyutils import inspect

STEP = re.compile(r"\.(\w+)|\[([0-9]+)\]", re.ASCII)
LONGEST_TEXT = 240
"""Characters of a text that is told."""

MOST_MEMBERS = 10
"""Of an array or object that is told."""

DEEPEST = 2
"""Levels of arrays and objects that are told."""


def as_sent(error: GraphQLError, variables: Mapping[str, Any]) -> GraphQLError:
    """The error with the value in JSON, where it is one about the value of a variable."""
    node, wrong = (error.nodes or (None,))[0], error.original_error
    if not isinstance(node, VariableDefinitionNode) or not isinstance(wrong, GraphQLError):
        return error
    head = error.message.removesuffix(wrong.message)
    value: Any = variables.get(node.variable.name.value)
    for name, position in STEP.findall(head):
        value = value[int(position)] if position else value[name]
    before, between, after = wrong.message.rpartition(f": {inspect(value)}")
    return GraphQLError(f"{head}{before}: {_text(value)}{after}", error.nodes) if between else error


def _text(value: Any, levels: int = DEEPEST) -> str:
    if isinstance(value, dict):
        return f"{{{_members(value.items(), levels, lambda one: f'{_text(one[0])}: {_text(one[1], levels - 1)}')}}}"
    if isinstance(value, list):
        return f"[{_members(value, levels, lambda one: _text(one, levels - 1))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    told = value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…"
    return json.dumps(told, ensure_ascii=not told.isprintable())


def _members(members: Collection[Any], levels: int, text: Callable[[Any], str]) -> str:
    if members and not levels:
        return "…"
    told = [text(one) for one in islice(members, MOST_MEMBERS)]
    return ", ".join(told if len(members) <= MOST_MEMBERS else [*told, "…"])
