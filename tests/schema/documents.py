"""Random documents of this schema and random variables for them, valid and invalid."""

import re
from typing import Any

from graphql_api.domain import cursors
from graphql_api.domain.flow import TREE, Leaf
from tests.schema.dice import PAGE_INFO, SETTINGS, SWITCHING, Dice, Tree
from tests.schema.given import Given

WITH_FLOWS = {f"{edit}MessageFlowPayload" for edit in ("Create", "Update", "Delete", "Restore", "Revert")}
WITH_FLOWS |= {"UpdateMessageFlowResult"}
ERRORS = ["code", "message", "path", "__typename"]

SWITCHES = "$on: Boolean = true, $off: Boolean! = false"
BELOW = "$at: DateTime, $to: DateTime!, $many: Int, $behind: String"
"""Variables of fields below the root."""


Asked = tuple[str, dict[str, Any]]


def document(dice: Dice, ids: list[str]) -> Asked:
    """A document whose operation `Op` is meant, and variables for it; now and then one that was there before."""
    if dice.made and dice.chance(0.4):
        return again(dice, ids, *dice.choice(dice.made[-10:]))
    dice.made.append(new(dice, ids))
    return dice.made[-1]


def again(dice: Dice, ids: list[str], text: str, sent: dict[str, Any]) -> Asked:
    others = {"id": some_id(dice, ids), "on": dice.chance(0.5), "off": dice.chance(0.5)}
    others |= {} if "createMessageFlow" in text else {"input": change(dice)}
    return text, {name: others.get(name, value) for name, value in sent.items() if dice.chance(0.97)}


def new(dice: Dice, ids: list[str]) -> Asked:
    dice.fragments.clear()
    kind = create if len(ids) < 4 and dice.chance(0.5) else dice.choice(KINDS)
    (operation, head), body, values = kind(dice, ids)
    values |= {name: dice.choice([True, True, False, False, None]) for name in ("on", "off") if dice.chance(0.4)}
    values |= {"to": dice.choice(TO)} | ({"at": dice.choice(AT)} if dice.chance(0.7) else {})
    values |= {"many": dice.choice([1, 1, 2, 100, 0, 101, None, 2.0])} if dice.chance(0.7) else {}
    values |= {"behind": dice.choice(places(ids))} if dice.chance(0.7) else {}
    root = dice.selection(operation.capitalize(), [body, *(["__typename"] if dice.chance(0.2) else [])])
    fragments = [f" fragment {name} on {kind} {fields}" for name, (kind, fields) in dice.fragments.items()]
    given = Given(dice, "".join([root, *fragments]), dice.written)
    for part in filter(None, ", ".join([head, SWITCHES, BELOW]).split(", ")):
        name, _, type = part[1:].partition(": ")
        if re.search(rf"\${name}\b", given.body):
            given.give(name, type, *([values[name]] if name in values else []))
    declared = f"({', '.join(given.declared)})" if given.declared else ""
    parts = [f"{operation} Op{declared} {given.body} ", *other(dice, given.declared)]
    dice.shuffle(parts)
    return "".join(parts), given.sent


def other(dice: Dice, declared: list[str]) -> list[str]:
    """Now and then another operation, to which a variable of the same name is something else."""
    if dice.chance(0.9):
        return []
    name = dice.choice(declared or ["$on:"]).partition(":")[0]
    return [f" query Other({name}: Boolean!) {{messageFlows {{totalCount @{dice.choice(SWITCHING)}(if: {name})}}}} "]


Made = tuple[tuple[str, str], str, dict[str, Any]]


def some_id(dice: Dice, ids: list[str]) -> Any:
    return dice.choice(ids if dice.chance(0.9) else ["unknown", "not an id", "", "x" * 65, 0, 7])


def one(dice: Dice, ids: list[str], told: float = 0.3) -> Made:
    """`told`: the share of flows with their history."""
    variables = {"id": some_id(dice, ids), **({"v": dice.choice([None, 0, 1, 9])} if dice.chance(0.2) else {})}
    shown = dice.flow_with_history() if dice.chance(told) else dice.flow()
    return ("query", "$id: ID!, $v: Int"), f"messageFlow(id: $id, atVersion: $v) {shown}", variables


def places(ids: list[str]) -> list[Any]:
    """Cursors of histories, one of which belongs to the flow that the others are not of."""
    return [
        *(cursors.encoded(f"{id}:{version}".encode()) for id in ids[:1] for version in (0, 1, 3, 999)),
        "garbage",
        "",
        None,
    ]


AT = ["2026-03-29T02:30:00+01:00", "2026-11-22T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", None]
TO = ["2026-03-30T00:00:00.0005Z", "2026-05-29T00:00:00Z", "2026-05-30T00:00:00Z", "2026-03-27T00:00:00Z"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"isActive": False},
    {"messageChannel": "SMS"},
    {"direction": "INBOUND", "autopilot": None},
    {"nameContains": "SALE"},
    {"hipaaCompliance": True},
    {"agent": "a1"},
    {"updatedSince": "2026-11-22T12:01:00.5Z"},
    {"updatedSince": "yesterday"},
    {"messageChannel": "Email"},
    {"unknown": 1},
]


def page(dice: Dice, ids: list[str]) -> Made:
    parts = []
    for _ in range(dice.choice([0, 1, 1, 2])):
        parts.append(f"nodes{dice.directive()} {dice.flow()}")
    for _ in range(dice.choice([0, 0, 0, 0, 1, 1, 2])):
        edge = [f"node{dice.directive()} {dice.flow()}", *dice.sample(["cursor", "__typename"], dice.randint(0, 2))]
        parts.append(f"edges{dice.directive()} {dice.selection('MessageFlowEdge', edge)}")
    if dice.chance(0.5):
        info = [dice.leaf(name) for name in dice.some(PAGE_INFO)]
        parts.append(f"pageInfo{dice.directive()} {dice.selection('PageInfo', info)}")
    parts += [dice.leaf(name) for name in ("totalCount", "__typename") if dice.chance(0.3)]
    head = "$first: Int, $after: String, $last: Int, $before: String"
    head += ", $filter: MessageFlowFilter, $order: MessageFlowOrder"
    arguments = "first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order"
    body = f"messageFlows({arguments})"
    variables: dict[str, Any] = {}
    if dice.chance(0.7):
        variables["first"] = dice.choice([1, 2, 3, 50, 100, 0, 101, None, 2.0])
    elif dice.chance(0.5):
        variables["last"] = dice.choice([1, 2, 50, 100, 0, None, 3.0])
    for name in ("after", "before"):
        if dice.chance(0.15):
            cursors = ["", "garbage", None, "WyJDUkVBVEVEX0FUIix0cnVlLDE3OTU2MDUyMDEwMDAsIngiXQ"]
            variables[name] = dice.choice(cursors)
    if dice.chance(0.5):
        variables["filter"] = dice.choice([*FILTERS, {"ids": ids[:2]}])
    if dice.chance(0.4):
        field = dice.choice(["CREATED_AT", "UPDATED_AT", "NAME", "SIZE"])
        variables["order"] = dice.choice([{"field": field}, {"direction": "ASC"}, {"field": field, "direction": "ASC"}])
    return ("query", head), f"{body} {dice.selection('MessageFlowConnection', parts or ['__typename'])}", variables


def node(dice: Dice, ids: list[str], told: float = 0.3) -> Made:
    shown = dice.flow_with_history() if dice.chance(told) else dice.flow()
    parts = ["id", "__typename", f"... on MessageFlow {shown}", "... on Revision {version}", "...on Node {id}"]
    id = some_id(dice, ids) if dice.chance(0.7) else dice.choice([f"{ids[0]}:0", "whk_" + "0" * 24])
    chosen = dice.sample(parts, dice.randint(1, 5))
    return ("query", "$id: ID!"), f"node(id: $id) {dice.selection('Node', chosen)}", {"id": id}


def several(dice: Dice, ids: list[str]) -> Made:
    """Fields at the root that are read together; which of several histories is refused first is told nowhere."""
    (_, flow), body, values = one(dice, ids, told=0)
    (_, flows), bodies, more = page(dice, ids)
    _, any, _ = node(dice, ids, told=0)
    parts = [body, f"other: messageFlow(id: $id) {dice.flow()}", bodies, any]
    chosen = dice.sample(parts, dice.choice([2, 2, 3]))
    return ("query", f"{flow}, {flows}"), " ".join(chosen), values | more


GOOD: dict[str, list[Any]] = {
    "name": ["Sale", "Straße", "STRASSE", "x" * 200],
    "agent": ["a1", "a2", 5],
    "isActive": [True, False],
    "autopilot": [True, False],
    "direction": ["INBOUND", "OUTBOUND", "BIDIRECTIONAL"],
    "messageChannel": ["SMS", "EMAIL"],
    "delay": [0, 1, 2.5, 86_400, 1e-9, None],
    "enabled": [True, True, True, False],
    "start": ["9:00", "02:30", "22:00", "00:00", None],
    "end": ["17:00", "02:00", "6:00", "24:00", None],
    "timezone": ["Europe/Berlin", "asia/calcutta", "Pacific/Apia", "Australia/Lord_Howe", None],
    "hipaaCompliance": [True, False],
}
TEXTS = ["Sale", "a", "é\U0001f600", '"', "\\"]
BAD: list[Any] = ["", " ", "\u0000", "\ud800", "x" * 201, "a\nb", "25:00", "Mars/Base", "inbound"]
BAD += [None, -1, 86_401, 5, True, []]
LEAVES = [name for name, member in TREE.members.items() if isinstance(member, Leaf)]


def leaf(dice: Dice, name: str) -> Any:
    return dice.choice(GOOD.get(name, TEXTS) if dice.chance(0.96) else BAD)


def settings(dice: Dice, tree: Tree = SETTINGS) -> Any:
    if dice.chance(0.02):
        return dice.choice([None, 5, []])
    names = dice.some([name for name in tree if name != "__typename"])
    return {name: settings(dice, tree[name]) if tree[name] else leaf(dice, name) for name in names}


def change(dice: Dice) -> dict[str, Any]:
    given: dict[str, Any] = {name: leaf(dice, name) for name in LEAVES if dice.chance(0.12)}
    if dice.chance(0.2):
        given["toggleAutopilot"] = dice.choice([True, True, False, None])
    if dice.chance(0.6):
        given["settings"] = settings(dice)
    return given


def payload(dice: Dice, kind: str, *extra: str) -> str:
    parts = [dice.leaf(name) for name in [*extra, "__typename"] if dice.chance(0.6)]
    errors = [dice.leaf(name) for name in dice.some(ERRORS)]
    parts.append(f"errors{dice.directive()} {dice.selection('MutationError', errors)}")
    if kind in WITH_FLOWS and dice.chance(0.8):
        parts.append(f"messageFlow{dice.directive()} {dice.flow()}")
    return dice.selection(kind, parts)


def create(dice: Dice, ids: list[str]) -> Made:
    given: dict[str, Any] = {"name": "New", "direction": "INBOUND", "agent": "a1", "prompt": "p"}
    given |= {"initiationMessage": "i", "messageChannel": "SMS", **change(dice)}
    if dice.chance(0.8):
        given.pop("toggleAutopilot", None)
    if dice.chance(0.1):
        given.pop(dice.choice(list(given)))
    head = "$input: CreateMessageFlowInput!, $key: String"
    told = payload(dice, "CreateMessageFlowPayload", "changedFields", "replayed")
    body = f"createMessageFlow(input: $input, idempotencyKey: $key) {told}"
    return ("mutation", head), body, {"input": given, **key(dice)}


def key(dice: Dice) -> dict[str, Any]:
    return {"key": dice.choice(["k1", "k2", "", None, "é"])} if dice.chance(0.15) else {}


def update(dice: Dice, ids: list[str]) -> Made:
    told = payload(dice, "UpdateMessageFlowPayload", "changedFields", "replayed", "rebasedFrom")
    head = "$id: ID!, $input: UpdateMessageFlowInput!, $v: Int, $c: ConflictPolicy! = REJECT, $key: String, $n: String"
    head += ", $try: Boolean! = false"
    arguments = "id: $id, input: $input, ifVersion: $v, onConflict: $c, idempotencyKey: $key, note: $n"
    variables: dict[str, Any] = {"id": some_id(dice, ids), "input": change(dice), **key(dice)}
    if dice.chance(0.2):
        variables["v"] = dice.choice([*range(9), -1, None, 2**31])
    if dice.chance(0.2):
        variables["c"] = dice.choice(["MERGE", "MERGE", "REJECT"])
    if dice.chance(0.1):
        variables["n"] = dice.choice(["why", None, "x" * 1001, "\u0000"])
    if dice.chance(0.25):
        variables["try"] = True
    if dice.chance(0.2):
        literal = '{settings: {responseSettings: {delay: $d, workingHours: {start: "8:30"}}}, direction: OUTBOUND}'
        body = f"updateMessageFlow(id: $id, input: {literal}) {told}"
        return ("mutation", "$id: ID!, $d: Float"), body, {"id": variables["id"], "d": leaf(dice, "delay")}
    body = f"updateMessageFlow({arguments}, validateOnly: $try) {told}"
    return ("mutation", head), body, variables


def bulk(dice: Dice, ids: list[str]) -> Made:
    head = "$ids: [ID!], $filter: MessageFlowFilter, $input: UpdateMessageFlowInput!, $key: String, $try: Boolean!"
    arguments = "ids: $ids, filter: $filter, input: $input, idempotencyKey: $key, validateOnly: $try"
    results = payload(dice, "UpdateMessageFlowResult", "messageFlowId", "changedFields")
    parts = [f"results{dice.directive()} {results}", "errors {code message}", "replayed"]
    body = f"updateMessageFlows({arguments}) {dice.selection('UpdateMessageFlowsPayload', parts)}"
    variables: dict[str, Any] = {"input": change(dice), "try": dice.chance(0.1), **key(dice)}
    if dice.chance(0.7):
        variables["ids"] = dice.choice([dice.some(ids), [*ids[:1], "unknown"], [], ids[:1] * 2, [None], ids[0]])
    if dice.chance(0.4):
        variables["filter"] = dice.choice(FILTERS)
    return ("mutation", head), body, variables


def delete(dice: Dice, ids: list[str]) -> Made:
    return guarded(dice, ids, "delete", "deletedMessageFlowId")


def restore(dice: Dice, ids: list[str]) -> Made:
    return guarded(dice, ids, "restore")


def edits(dice: Dice, ids: list[str]) -> Made:
    """Fields at the root that change one flow, one after the other."""
    (_, head), body, values = update(dice, ids)
    bodies = [body, f"again: {body}", f"deleteMessageFlow(id: $id) {payload(dice, 'DeleteMessageFlowPayload')}"]
    bodies.append(f"restoreMessageFlow(id: $id) {payload(dice, 'RestoreMessageFlowPayload')}")
    return ("mutation", head), " ".join(dice.sample(bodies, dice.choice([2, 2, 3, 4]))), values


def guarded(dice: Dice, ids: list[str], edit: str, *extra: str) -> Made:
    told = payload(dice, f"{edit.capitalize()}MessageFlowPayload", "replayed", *extra)
    body = f"{edit}MessageFlow(id: $id, ifVersion: $v, idempotencyKey: $key) {told}"
    variables = {"id": some_id(dice, ids), "v": dice.choice([None, None, None, 1, 2]), **key(dice)}
    return ("mutation", "$id: ID!, $v: Int, $key: String"), body, variables


def revert(dice: Dice, ids: list[str]) -> Made:
    told = payload(dice, "RevertMessageFlowPayload", "changedFields", "replayed")
    body = f"revertMessageFlow(id: $id, toVersion: $v, idempotencyKey: $key) {told}"
    variables = {"id": some_id(dice, ids), "v": dice.choice([0, 1, 2, 9, -1]), **key(dice)}
    return ("mutation", "$id: ID!, $v: Int!, $key: String"), body, variables


KINDS = [
    *[one] * 3,
    *[page] * 3,
    node,
    several,
    several,
    create,
    *[update] * 6,
    bulk,
    bulk,
    delete,
    restore,
    restore,
    revert,
]
