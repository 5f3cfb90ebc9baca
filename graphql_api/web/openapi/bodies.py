"""JSON Schemas of bodies: requests from the tree of leaves, answers from the selections of rest.graphql."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
)

from graphql_api.domain.flow import TREE, Block, Leaf
from graphql_api.schema.inputs import null_rule
from graphql_api.schema.prepared import GRAPHQL
from graphql_api.web.openapi.values import BOOLEAN, IDENTIFIER, INSTANT, Json, answered, ref, requested
from graphql_api.web.rest import OPERATIONS
from graphql_api.web.routes import ROUTES, Route
from graphql_api.web.shape import IGNORED, WORKING_HOURS

DOCUMENT = parse(OPERATIONS)
SCALARS: Mapping[str, Json] = {"ID": IDENTIFIER, "DateTime": INSTANT}
THE_ETAG = "version"
"""Selected by every operation, taken out of the body by the door."""

OWN_NAMES = {"CreateMessageFlow": "CreatedMessageFlow"}
"""Operations that answer another choice of members than the others."""

FIXED = {
    "_id": "May be sent back as it was read: it must be the id in the path.",
    "workspaceId": "May be sent back as it was read: it must be the workspace in the header.",
}
SENT_BACK = "Ignored, so that what was read can be sent back."
TOGGLE = "Flips autopilot if true; null and false do nothing. Not idempotent: see Idempotency-Key."


def taken_by(route: Route) -> str:
    """The name of the schema of a route's request body."""
    return f"{route.takes.capitalize()}MessageFlow"


def answered_by(route: Route) -> str:
    """The name of the schema of the flow that a route answers."""
    return OWN_NAMES.get(route.operation, "MessageFlow")


def requests() -> dict[str, Json]:
    return dict([*_request(TREE, creates=False), *_request(TREE, creates=True)])


def _request(block: Block, *, creates: bool) -> Iterator[tuple[str, Json]]:
    properties = {name: _member(member, creates) for name, member in block.members.items()}
    if creates and WORKING_HOURS in block.members:
        properties |= _direct_hours(block.members[WORKING_HOURS])
    schema: Json = {"type": "object", "additionalProperties": False, "properties": properties}
    if block.meaning:
        schema["description"] = block.meaning
    if block is TREE:
        schema |= _root(properties, creates)
    yield _name(block, creates), schema
    for member in block.members.values():
        if isinstance(member, Block):
            yield from _request(member, creates=creates)


def _name(block: Block, creates: bool) -> str:
    return f"{'Create' if creates else 'Update'}{block.shape.__name__}"


def _member(member: Leaf | Block, creates: bool) -> Json:
    if isinstance(member, Block):
        return ref(_name(member, creates))
    if not creates:
        return {"description": f"{member.meaning} {null_rule(member)}", **requested(member)}
    schema = {"description": member.meaning, **requested(member)}
    # Only here: a client that fills in defaults of an update would overwrite what it did not mean to touch.
    return schema if member.is_required else {**schema, "default": member.default}


def _direct_hours(hours: Leaf | Block) -> dict[str, Json]:
    assert isinstance(hours, Block)
    told = f"The same as in `{WORKING_HOURS}`; refused when both are there and differ."
    return {
        name: {"description": told, **requested(member)}
        for name, member in hours.members.items()
        if isinstance(member, Leaf)
    }


def _root(properties: dict[str, Json], creates: bool) -> Json:
    fixed = {name: {"description": told, **IDENTIFIER} for name, told in FIXED.items() if name != "_id" or not creates}
    own: Json = {"properties": properties | fixed | {name: {"description": SENT_BACK} for name in sorted(IGNORED)}}
    if creates:
        required = [name for name, member in TREE.members.items() if isinstance(member, Leaf) and member.is_required]
        return {**own, "description": "A new flow; members left out get their defaults.", "required": required}
    own["properties"]["toggleAutopilot"] = {"description": TOGGLE, "type": [BOOLEAN["type"], "null"]}
    both = {"autopilot": {}, "toggleAutopilot": {"const": True}}
    own["not"] = {"required": list(both), "properties": both}
    return {**own, "description": "What to change; members left out stay as they are, to each leaf, at any depth."}


def answers() -> dict[str, Json]:
    """The flows that the routes answer, and the blocks within, members in the order of the selections."""
    schemas: dict[str, Json] = {}
    for route in ROUTES:
        flow = _flow(route)
        if flow is not None:
            for part, schema in _answer(answered_by(route), flow, GRAPHQL.type_map["MessageFlow"], TREE):
                if schemas.setdefault(part, schema) != schema:
                    raise TypeError(f"{route.operation} selects another {part} than the operations before it")
    return schemas


def _answer(name: str, node: FieldNode, of: Any, block: Block) -> Iterator[tuple[str, Json]]:
    properties: dict[str, Json] = {}
    inner: list[tuple[str, Json]] = []
    for field in fields(node.selection_set):
        shown = field.alias.value if field.alias else field.name.value
        if shown == THE_ETAG and block is TREE:
            continue
        member = block.members.get(field.name.value)
        kind = get_named_type(of.fields[field.name.value].type)
        if isinstance(member, Block):
            properties[shown] = ref(kind.name)
            inner += _answer(kind.name, field, kind, member)
        else:
            value = SCALARS[kind.name] if member is None else answered(member)
            properties[shown] = {"description": of.fields[field.name.value].description, **value}
    schema = {"type": "object", "description": of.description, "additionalProperties": False}
    yield name, {**schema, "required": list(properties), "properties": properties}
    yield from inner


def fields(selections: SelectionSetNode | None) -> Iterator[FieldNode]:
    """Those of a selection, its fragments written out."""
    for selection in selections.selections if selections else ():
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, FragmentSpreadNode):
            yield from fields(FRAGMENTS[selection.name.value].selection_set)


FRAGMENTS = {node.name.value: node for node in DOCUMENT.definitions if isinstance(node, FragmentDefinitionNode)}


def root_field(route: Route) -> FieldNode:
    """The one root field of a route's operation."""
    (found,) = (
        node
        for node in DOCUMENT.definitions
        if isinstance(node, OperationDefinitionNode) and node.name and node.name.value == route.operation
    )
    (root,) = fields(found.selection_set)
    return root


def selects(route: Route, name: str) -> bool:
    return any(field.name.value == name for field in fields(root_field(route).selection_set))


def _flow(route: Route) -> FieldNode | None:
    """What a route selects of a flow that it answers: at the root, in a payload, or in a page."""
    root = root_field(route)
    if route.operation == "GetWorkingHours" or route.status == 204:
        return None
    if root.name.value == "messageFlow":
        return root
    return next((field for field in fields(root.selection_set) if field.name.value in ("messageFlow", "nodes")), None)
