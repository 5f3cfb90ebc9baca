"""Root fields as plans: arguments in, the same edits and reads as everywhere, the answer out."""

from collections.abc import Sequence

from graphql import FieldNode

from graphql_api.schema.context import RunPlan
from graphql_api.schema.edit_plans import EDITS, mutation
from graphql_api.schema.plan_document import Document, NotCompiled
from graphql_api.schema.query_plans import QUERIES


def plan(root: str, document: Document, nodes: Sequence[FieldNode]) -> RunPlan:
    """The plan of a root field; raises NotCompiled for one that plans do not know."""
    name = nodes[0].name.value
    if root == "Query" and name in QUERIES:
        return QUERIES[name](document, nodes)
    if root == "Mutation" and name in EDITS:
        return mutation(name, document, nodes)
    raise NotCompiled
