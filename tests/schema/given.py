"""The ways in which an operation may be given one and the same value: sent, as a default, written out, or in parts."""

import json
import re
from random import Random
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, get_nullable_type, parse_type, type_from_ast

from graphql_api.schema.prepared import GRAPHQL

NAMES = {name for kind in GRAPHQL.type_map.values() if isinstance(kind, GraphQLEnumType) for name in kind.values}
WRONG: list[Any] = [None, None, None, 0, 7, -1.5, "x", "", True, [], {}, "\ud800", [None]]


class Given:
    """The body of an operation, the variables that it declares, and those that are sent with it."""

    def __init__(self, dice: Random, body: str, written: float) -> None:
        """`written`: the share of values that are written out."""
        self._dice = dice
        self._share = written
        self.body = body
        self.declared: list[str] = []
        self.sent: dict[str, Any] = {}

    def give(self, name: str, type: str, *value: Any) -> None:
        """A variable of the body, and its value where it has one; now and then a wrong one, or none."""
        if self._chance(0.04):
            value = (self._dice.choice(WRONG),) if self._chance(0.6) else ()
        if value and self._chance(self._share):
            written = self._written(value[0], type_from_ast(GRAPHQL, parse_type(type.partition(" =")[0])))
            self.body = re.sub(rf"\${name}\b", lambda _: written, self.body)
        else:
            self._declare(name, type, *value)

    def _declare(self, name: str, type: str, *value: Any) -> None:
        if value and "=" not in type and self._chance(0.1):
            type, value = f"{type} = {self._written(value[0])}", value if self._chance(0.1) else ()
        self.declared.append(f"${name}: {type}")
        self.sent.update((name, one) for one in value)

    def _chance(self, share: float) -> bool:
        return self._dice.random() < share

    def _written(self, value: Any, kind: Any = None) -> str:
        """As a literal; where its type is told, parts of it may be variables."""
        inner = get_nullable_type(kind)
        if isinstance(value, list):
            item = inner.of_type if isinstance(inner, GraphQLList) else None
            parts = [self._part(one, item) for one in value]
            return parts[0] if len(parts) == 1 and self._chance(0.2) else f"[{', '.join(parts)}]"
        if isinstance(value, dict):
            fields = inner.fields if isinstance(inner, GraphQLInputObjectType) else {}
            kinds = {name: field.type for name, field in fields.items()}
            return f"{{{', '.join(f'{name}: {self._part(one, kinds.get(name))}' for name, one in value.items())}}}"
        if isinstance(value, bool | None):
            return json.dumps(value)
        return self._text(value) if isinstance(value, str) else self._number(value)

    def _part(self, value: Any, kind: Any) -> str:
        if kind is None or self._chance(0.85):
            return self._written(value, kind)
        name = f"m{len(self.declared)}"
        self._declare(name, str(kind), *([value] if self._chance(0.9) else []))
        return f"${name}"

    def _text(self, value: str) -> str:
        if value in NAMES:
            return value if self._chance(0.98) else f'"{value}"'
        is_plain = value.isprintable() and not {'"', "\\"} & {*value}
        return f'"""{value}"""' if is_plain and self._chance(0.2) else json.dumps(value)

    def _number(self, value: float) -> str:
        if value == 0:
            return self._dice.choice(["0", "0", "-0", "0.0", "-0.0"])
        return self._dice.choice([repr(value)] * 8 + [f"{value:.1f}", f"{value:.0f}e0"])
