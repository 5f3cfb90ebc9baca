"""Random documents of this schema and random variables for them, valid and invalid."""

import re
from typing import Any

from tests.schema.dice import SETTINGS, SWITCHING, Dice
from tests.schema.given import Given

WITH_FLOWS = {f"{edit}MessageFlowPayload" for edit in ("Create", "Update", "Restore", "Revert")}
WITH_FLOWS |= {"UpdateMessageFlowResult"}
ERRORS = ["code", "message", "path", "__typename"]

SWITCHES = "$on: Boolean = true, $off: Boolean! = false"
INSTANTS = "$at: DateTime, $to: DateTime!"


def document(dice: Dice, ids: list[str]) -> tuple[str, dict[str, Any]]:
    """A document whose operation `Op` is meant, and variables for it; now and then one that was there before."""
    if dice.made and dice.chance(0.4):
        text, sent = dice.choice(dice.made[-10:])
        kept = {name: value for name, value in sent.items() if dice.chance(0.9)}
        return text, kept | {name: dice.chance(0.5) for name in ("on", "off") if f"${name}" in text}
    dice.fragments.clear()
    kind = dice.choice([one, one, page, page, create, update, update, update, update, bulk, delete, restore, revert])
    (operation, head), body, values = kind(dice, ids)
    values |= {name: dice.choice([True, True, False, False, None]) for name in ("on", "off") if dice.chance(0.2)}
    values |= {"to": "2026-03-30T00:00:00.0005Z"} | ({"at": dice.choice(AT)} if dice.chance(0.7) else {})
    root = dice.selection(operation.capitalize(), [body, *(["__typename"] if dice.chance(0.2) else [])])
    fragments = [f" fragment {name} on {kind} {fields}" for name, (kind, fields) in dice.fragments.items()]
    given = Given(dice, "".join([root, *fragments]))
    for part in filter(None, ", ".join([head, SWITCHES, INSTANTS]).split(", ")):
        name, _, type = part[1:].partition(": ")
        if re.search(rf"\${name}\b", given.body):
            given.give(name, type, *([values[name]] if name in values else []))
    declared = f"({', '.join(given.declared)})" if given.declared else ""
    parts = [f"{operation} Op{declared} {given.body} ", *other(dice, given.declared)]
    dice.shuffle(parts)
    dice.made.append(("".join(parts), given.sent))
    return dice.made[-1]


def other(dice: Dice, declared: list[str]) -> list[str]:
    """Now and then another operation, to which a variable of the same name is something else."""
    if dice.chance(0.9):
        return []
    name = dice.choice(declared or ["$on:"]).partition(":")[0]
    return [f" query Other({name}: Boolean!) {{messageFlows {{totalCount @{dice.choice(SWITCHING)}(if: {name})}}}} "]


Made = tuple[tuple[str, str], str, dict[str, Any]]


def some_id(dice: Dice, ids: list[str]) -> Any:
    if dice.chance(0.04):
        return dice.choice([0, 7])
    return dice.choice([*ids, *ids, *ids, "unknown", "not an id", "", "x" * 65])


def one(dice: Dice, ids: list[str]) -> Made:
    variables = {"id": some_id(dice, ids), **({"v": dice.choice([None, 0, 1, 9])} if dice.chance(0.2) else {})}
    return ("query", "$id: ID!, $v: Int"), f"messageFlow(id: $id, atVersion: $v) {dice.flow()}", variables


AT = ["2026-03-29T02:30:00+01:00", "2026-11-22T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", None]
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
PAGE_INFO = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"]


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
        variables["first"] = dice.choice([1, 2, 3, 50, 100, 0, -1, 101, None, "1", 2.0, True])
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


TEXTS = [
    "",
    " ",
    "Sale",
    "Straße",
    "\u0000",
    "\ud800",
    "x" * 201,
    "a\nb",
    "09:00",
    "9:00",
    "24:00",
    "17:00",
    "utc",
    None,
]
VALUES: dict[str, list[Any]] = {
    "isActive": [True, False, None, 1, "true"],
    "autopilot": [True, False, None],
    "direction": ["INBOUND", "OUTBOUND", "inbound", None],
    "messageChannel": ["SMS", "EMAIL", "Email"],
    "delay": [0, 1, 2.5, 86_400, 86_401, -1, None, "5", 1e300, True],
    "enabled": [True, False, None],
    "hipaaCompliance": [True, False, None],
    "timezone": ["Europe/Berlin", "asia/calcutta", "Mars/Base", None],
}


def settings(dice: Dice, tree: dict[str, Any] = SETTINGS) -> Any:
    if dice.chance(0.03):
        return dice.choice([None, 5, []])
    given = {}
    for name in dice.some([name for name in tree if name != "__typename"]):
        below = tree[name]
        given[name] = settings(dice, below) if below is not None else dice.choice(VALUES.get(name, TEXTS))
    return given


def change(dice: Dice) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in ["name", "description", "agent", "prompt", "initiationMessage", "isActive", "autopilot", "direction"]:
        if dice.chance(0.12):
            given[name] = dice.choice(VALUES.get(name, TEXTS))
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
    if dice.chance(0.3):
        variables["v"] = dice.choice([0, 1, 2, 3, 4, -1, None, 2**31, "1"])
    if dice.chance(0.2):
        variables["c"] = dice.choice(["MERGE", "MERGE", "REJECT", "FORCE", None])
    if dice.chance(0.1):
        variables["n"] = dice.choice(["why", None, "x" * 1001, "\u0000"])
    if dice.chance(0.1):
        variables["try"] = True
    if dice.chance(0.2):
        literal = '{settings: {responseSettings: {delay: $d, workingHours: {start: "8:30"}}}, direction: OUTBOUND}'
        body = f"updateMessageFlow(id: $id, input: {literal}) {told}"
        return ("mutation", "$id: ID!, $d: Float"), body, {"id": variables["id"], "d": dice.choice(VALUES["delay"])}
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
