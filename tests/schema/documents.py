"""Random documents of this schema and random variables for them, valid and invalid."""

import json
from random import Random
from typing import Any

from tests.schema.given import Given

FLOW = ["id", "workspaceId", "name", "direction", "description", "agent", "prompt", "initiationMessage", "isActive"]
FLOW += ["autopilot", "messageChannel", "createdAt", "updatedAt", "version", "__typename"]
SETTINGS: dict[str, Any] = {
    "responseSettings": {
        "delay": None,
        "__typename": None,
        "workingHours": dict.fromkeys(["enabled", "start", "end", "timezone", "outOfHoursMessage", "__typename"]),
    },
    "security": {"hipaaCompliance": None, "__typename": None},
    "emailSettings": {"subjectLine": None, "signature": None},
    "__typename": None,
}
NEXT = {"at": None, "opens": None, "__typename": None}
COMPUTED: dict[str, Any] = {
    "isOpen": None,
    "nextTransition": NEXT,
    'then: nextTransition(after: "2026-03-08T02:30:00+01:00")': NEXT,
    'openings(from: "2026-03-28T00:00:00Z", to: "2026-03-30T00:00:00.0005Z")': {"from": None, "to": None},
    'utcOffsets(from: "2026-03-28T00:00:00Z", to: "2026-03-30T00:00:00Z")': dict.fromkeys(["from", "to", "seconds"]),
}
HOURS = SETTINGS["responseSettings"]["workingHours"] | COMPUTED
ANSWERED = SETTINGS | {"responseSettings": {"delay": None, "workingHours": HOURS}}
"""Settings as a selection may have them, with what is computed."""

ERRORS = ["code", "message", "path", "__typename"]


class Dice(Random):
    """Chances, and the pieces of documents made with them."""

    def chance(self, share: float) -> bool:
        return self.random() < share

    def some(self, names: list[str]) -> list[str]:
        return self.sample(names, self.randint(1, len(names)))

    def directive(self) -> str:
        roll = self.random()
        if roll < 0.9:
            return ""
        return f" @{self.choice(SWITCHING)}(if: {self.choice(['$on', '$off', 'true', 'false'])})"

    def leaf(self, name: str) -> str:
        alias = f"a{self.randint(0, 99)}{name.strip('_')}: " if self.chance(0.1) else ""
        return f"{alias}{name}{self.directive()}"

    def block(self, tree: dict[str, Any]) -> str:
        parts = []
        for name in self.some(list(tree)):
            below = tree[name]
            parts.append(self.leaf(name) if below is None else f"{name}{self.directive()} {self.block(below)}")
        return "{" + " ".join(parts) + "}"

    def flow(self) -> str:
        parts = [self.leaf(name) for name in self.some(FLOW)]
        if self.chance(0.6):
            parts.append(f"settings {self.block(ANSWERED if self.chance(0.3) else SETTINGS)}")
        if self.chance(0.2):
            parts.append(f"... on {self.choice(['MessageFlow', 'Node'])} {{id}}")
        if self.chance(0.2):
            parts.append("...Leaves" + self.directive())
        if self.chance(0.1):
            parts.append("settings {responseSettings {delay}}")
        self.shuffle(parts)
        return "{" + " ".join(parts) + "}"


FRAGMENT = "fragment Leaves on MessageFlow {name settings {security {hipaaCompliance} emailSettings {signature}}}"
SWITCHING = ["skip", "include"]
SWITCHES = "$on: Boolean = true, $off: Boolean! = false"


def document(dice: Dice, ids: list[str]) -> tuple[str, dict[str, Any]]:
    """A document whose operation `Op` is meant, and variables for it."""
    kind = dice.choice([one, one, page, page, create, update, update, update, update, bulk, delete, restore, revert])
    (operation, head), body, values = kind(dice, ids)
    values |= {name: dice.choice([True, True, False, False, None]) for name in ("on", "off") if dice.chance(0.2)}
    given = Given(dice, body)
    for part in filter(None, [*head.split(", "), *SWITCHES.split(", ")]):
        name, _, type = part[1:].partition(": ")
        if f"${name}" in body:
            given.give(name, type, *([values[name]] if name in values else []))
    typename = dice.choice(["", "", "", "__typename "])
    declared = f"({', '.join(given.declared)})" if given.declared else ""
    parts = [f"{operation} Op{declared} {{{typename}{given.body}}} ", *other(dice, given.declared)]
    dice.shuffle(parts)
    fragment = FRAGMENT if "...Leaves" in body else ""
    return "".join(parts) + fragment, given.sent


def other(dice: Dice, declared: list[str]) -> list[str]:
    """Now and then another operation, to which a variable of the same name is something else."""
    if dice.chance(0.9):
        return []
    name = dice.choice(declared or ["$on:"]).partition(":")[0]
    return [f" query Other({name}: Boolean!) {{messageFlows {{totalCount @{dice.choice(SWITCHING)}(if: {name})}}}} "]


Made = tuple[tuple[str, str], str, dict[str, Any]]


def some_id(dice: Dice, ids: list[str]) -> Any:
    return (
        dice.choice([*ids, *ids, *ids, "unknown", "not an id", "", "x" * 65])
        if dice.chance(0.96)
        else dice.choice([0, 7])
    )


def one(dice: Dice, ids: list[str]) -> Made:
    if dice.chance(0.3):
        return ("query", ""), f"f: messageFlow(id: {json.dumps(str(some_id(dice, ids)))}) {dice.flow()}", {}
    variables = {"id": some_id(dice, ids)}
    return ("query", "$id: ID!"), f"messageFlow(id: $id) {dice.flow()}", variables


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
    if dice.chance(0.7):
        parts.append(f"nodes {dice.flow()}")
    if dice.chance(0.3):
        parts.append(f"edges {{cursor node {dice.flow()} {dice.choice(['', '__typename'])}}}")
    if dice.chance(0.5):
        parts.append("pageInfo {hasNextPage hasPreviousPage startCursor endCursor __typename}")
    if dice.chance(0.3):
        parts.append("totalCount")
    head = "$first: Int, $after: String, $filter: MessageFlowFilter, $order: MessageFlowOrder"
    body = "messageFlows(first: $first, after: $after, filter: $filter, orderBy: $order)"
    variables: dict[str, Any] = {}
    if dice.chance(0.7):
        variables["first"] = dice.choice([1, 2, 3, 50, 100, 0, -1, 101, None, "1", 2.0, True])
    if dice.chance(0.2):
        variables["after"] = dice.choice(["", "garbage", None, "WyJDUkVBVEVEX0FUIix0cnVlLDE3OTU2MDUyMDEwMDAsIngiXQ"])
    if dice.chance(0.5):
        variables["filter"] = dice.choice([*FILTERS, {"ids": ids[:2]}])
    if dice.chance(0.4):
        field = dice.choice(["CREATED_AT", "UPDATED_AT", "NAME", "SIZE"])
        variables["order"] = dice.choice([{"field": field}, {"direction": "ASC"}, {"field": field, "direction": "ASC"}])
    return ("query", head), f"{body} {{{' '.join(parts) or '__typename'}}}", variables


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


def payload(dice: Dice, extra: list[str]) -> str:
    parts = [f"errors {{{' '.join(dice.some(ERRORS))}}}", *(name for name in extra if dice.chance(0.7))]
    if dice.chance(0.8):
        parts.append(f"messageFlow {dice.flow()}")
    dice.shuffle(parts)
    return "{" + " ".join(parts) + "}"


def create(dice: Dice, ids: list[str]) -> Made:
    given: dict[str, Any] = {"name": "New", "direction": "INBOUND", "agent": "a1", "prompt": "p"}
    given |= {"initiationMessage": "i", "messageChannel": "SMS", **change(dice)}
    given.pop("toggleAutopilot", None)
    if dice.chance(0.1):
        given.pop(dice.choice(list(given)))
    head = "$input: CreateMessageFlowInput!, $key: String"
    body = f"createMessageFlow(input: $input, idempotencyKey: $key) {payload(dice, ['changedFields', 'replayed'])}"
    return ("mutation", head), body, {"input": given, **key(dice)}


def key(dice: Dice) -> dict[str, Any]:
    return {"key": dice.choice(["k1", "k2", "", None, "é"])} if dice.chance(0.15) else {}


def update(dice: Dice, ids: list[str]) -> Made:
    extra = ["changedFields", "replayed", "rebasedFrom", "__typename"]
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
        body = f"updateMessageFlow(id: $id, input: {literal}) {payload(dice, extra)}"
        return ("mutation", "$id: ID!, $d: Float"), body, {"id": variables["id"], "d": dice.choice(VALUES["delay"])}
    body = f"updateMessageFlow({arguments}, validateOnly: $try) {payload(dice, extra)}"
    return ("mutation", head), body, variables


def bulk(dice: Dice, ids: list[str]) -> Made:
    head = "$ids: [ID!], $filter: MessageFlowFilter, $input: UpdateMessageFlowInput!"
    result = f"{{messageFlowId changedFields errors {{code path}} messageFlow {dice.flow()}}}"
    body = f"updateMessageFlows(ids: $ids, filter: $filter, input: $input) {{results {result} errors {{code message}}}}"
    variables: dict[str, Any] = {"input": change(dice)}
    if dice.chance(0.7):
        variables["ids"] = dice.choice([dice.some(ids), [*ids[:1], "unknown"], [], ids[:1] * 2, [None], ids[0]])
    if dice.chance(0.4):
        variables["filter"] = dice.choice(FILTERS)
    return ("mutation", head), body, variables


def delete(dice: Dice, ids: list[str]) -> Made:
    body = "deleteMessageFlow(id: $id, ifVersion: $v) {deletedMessageFlowId replayed errors {code message path}}"
    variables = {"id": some_id(dice, ids), "v": dice.choice([None, None, 1, 2])}
    return ("mutation", "$id: ID!, $v: Int"), body, variables


def restore(dice: Dice, ids: list[str]) -> Made:
    body = f"restoreMessageFlow(id: $id) {payload(dice, ['replayed'])}"
    return ("mutation", "$id: ID!"), body, {"id": some_id(dice, ids)}


def revert(dice: Dice, ids: list[str]) -> Made:
    body = f"revertMessageFlow(id: $id, toVersion: $v) {payload(dice, ['changedFields', 'replayed'])}"
    return ("mutation", "$id: ID!, $v: Int!"), body, {"id": some_id(dice, ids), "v": dice.choice([0, 1, 2, 9, -1])}
