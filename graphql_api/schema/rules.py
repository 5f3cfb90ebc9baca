"""The rules by which documents are validated, each looked through once for the kinds of nodes that it speaks of."""

from typing import Any

from graphql import NoSchemaIntrospectionCustomRule, Visitor, specified_rules
from graphql.language.visitor import EnterLeaveVisitor
from graphql.validation import ASTValidationRule

NOTHING = EnterLeaveVisitor(None, None)


class LookedThrough(Visitor):
    """graphql-core looks for the methods of each rule anew for each document and kind of node."""

    _speaks_of: dict[str, bool]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._speaks_of = {}

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        if not self._speaks_of.get(kind, True):
            return NOTHING
        found = super().get_enter_leave_for_kind(kind)
        self._speaks_of[kind] = found != NOTHING
        return found


def looked_through(rule: type[ASTValidationRule]) -> Any:
    return type(rule.__name__, (LookedThrough, rule), {})


RULES = tuple(map(looked_through, specified_rules))
NO_INTROSPECTION = looked_through(NoSchemaIntrospectionCustomRule)
