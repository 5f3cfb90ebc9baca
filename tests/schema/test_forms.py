"""Documents that are known again by their form answer as they do when each is prepared by itself."""

import contextlib
import re
from functools import lru_cache
from typing import Any

import pytest
from graphql import GraphQLError, Lexer, Source, TokenKind
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from graphql_api.edits import Desk
from graphql_api.schema.context import Context
from graphql_api.schema.forms import NUMBER, TEXT, written
from graphql_api.schema.limits import Limits
from graphql_api.schema.operations import Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.schema.shown import Rejected
from graphql_api.storage.engine import unavailable
from tests.sampling import sampled
from tests.schema.dice import Dice
from tests.schema.test_compiled import (
    CALLER,
    OPERATIONS,
    SEED,
    Moment,
    agreed,
    moment,
    two_desks,
    two_urls,
)

__all__ = ["moment", "two_desks", "two_urls"]  # fixtures

DOCUMENTS = sampled(400)
"""For each database."""

PIECES = [
    '"',
    '"""',
    "\\",
    '\\"',
    "\\n",
    "\\u00e9",
    "\\ud83d",
    "é",
    "#",
    "\n",
    "\r",
    " ",
    ",",
    "a",
    "_1",
    "$",
    "...",
    ".",
]
PIECES += ["0", "1", "-", "-0", "12", "1.5", "1e3", "[", "]", "{", "}", "(", ")", ":", "!", "\t", "\ufeff", "\0", "\1"]
PIECES += ['"x"', '""', '"a\\"b"', '"""b"c"""', "# it's \"\n", "123456789", "1234567890", "\ud800", "\x7f"]


def tokens(text: str) -> list[tuple[Any, Any]] | None:
    """As graphql-core reads them; None for a text that it cannot read."""
    lexer, found = Lexer(Source(text)), []
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            found.append((token.kind, token.value))
    except GraphQLError:
        return None
    return found


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_taken_out_are_whole_tokens_with_their_values(text: str) -> None:
    told = written(text)
    if told is None:
        return
    other = told.form.replace(TEXT, '"other"').replace(NUMBER, "77")
    others = written(other)
    if others is None or others.form != told.form:  # it has quotes that meet now
        return
    found, found_too = tokens(text), tokens(other)
    assert (found is None) == (found_too is None)
    values = iter(told.values)
    for token, token_too in zip(found or (), found_too or (), strict=True):
        if token_too in ((TokenKind.STRING, "other"), (TokenKind.INT, "77")):
            assert token == (token_too[0], str(next(values)))
        else:
            assert token == token_too
    assert found is None or not list(values)


LITERALS = {
    "texts and numbers": ('{a(x: "b", y: -12, z: [0 "c"])}', ("b", -12, 0, "c")),
    "no text at all": ('{a(x: "")}', ("",)),
    "what is escaped": (r'{a(x: "\"\\\/\b\f\n\r\t")}', ('"\\/\b\f\n\r\t',)),
    "names with digits": ('{a1(_2: "x") b3}', ("x",)),
    "quotes in comments": ('{a # "no"\n(x: "yes") # "no\n}', ("yes",)),
    "quotes in block strings": ('{a(x: """ "no" 5 \\""" 6 """, y: "yes")}', ("yes",)),
    "block strings alone": ('{a(x: """b""")}', None),
    "other numbers": ("{a(x: 1.5, y: -0, z: 1e3, u: 1234567890, v: 1.0E-5, w: 00)}", None),
    "code points": (r'{a(x: "\u0041", y: "\u{41}", z: "b")}', ("b",)),
    "what JSON has no strings of": ('{a(x: "\t", y: "\ud800", z: "\x7f", u: "b")}', ("b",)),
    "what is not closed": ('{a(x: "b', None),
    "characters that stand for literals": ('{a(x: "b")} #\0', None),
    "more than anybody writes": ("{a(x: [" + '"b" ' * 1_001 + "])}", None),
    "nothing": ("{a(x: true, y: null, z: B)}", None),
    "much": ('{a(x: "b")} #' + " " * 8_192, None),
}


@pytest.mark.parametrize("name", LITERALS)
def test_what_is_taken_out_of_a_document(name: str) -> None:
    text, values = LITERALS[name]
    told = written(text)
    assert (told and told.values) == values


def altered(text: str, mark: str) -> str:
    """The same document with other literals, but for times."""
    texts = re.sub(r'(?<!["\\])"([^":\\]*)"(?!")', rf'"\1{mark}"', text)
    return re.sub(r'(?<![-\w.":])([1-9]\d?)(?![\w.":])', r"1\1", texts)


LIMITS = Limits()


def knowing(*texts: str, limits: Limits = LIMITS) -> Operations:
    """Operations that have met these documents."""
    operations = Operations(limits)
    for text in texts:
        with contextlib.suppress(Rejected):
            operations.prepare(text, name_in(text))
    return operations


def name_in(text: str) -> str | None:
    return "Op" if " Op" in text else None


def prepared(operations: Operations, text: str) -> Prepared | Rejected:
    try:
        return operations.prepare(text, name_in(text))
    except Rejected as rejected:
        return rejected


def is_known(operation: Prepared | Rejected) -> bool:
    return isinstance(operation, Prepared) and operation.as_written is not None


Told = tuple[Any, Any, list[int], bool]


async def told(
    operation: Prepared | Rejected,
    desk: Desk,
    variables: Any = None,
    operations: Operations = OPERATIONS,
    **context: Any,
) -> Told:
    """Data, errors, what was charged, and whether it was compiled."""
    charged: list[int] = []
    given = Context(desk, **{"caller": CALLER, "charge": charged.append, **context})
    try:
        if isinstance(operation, Rejected):
            raise operation
        answer = await operations.carry_out(operation, variables, given)
    except Rejected as rejected:
        return None, rejected.errors, charged, False
    return answer.data, answer.errors, charged, answer.is_compiled


@lru_cache(maxsize=DOCUMENTS)
def both_ways(text: str) -> tuple[Prepared | Rejected, Prepared | Rejected]:
    """Alone, and by its form where that is possible."""
    return prepared(Operations(LIMITS), text), prepared(knowing(altered(text, "a"), altered(text, "b")), text)


async def test_both_ways_agree(two_desks: tuple[Desk, Desk], moment: Moment) -> None:
    async def answer(way: int, desk: Desk, text: str, variables: Any, context: Any) -> Any:
        operation = both_ways(text)[way]
        return await told(operation, desk, variables, **context), is_known(operation)

    assert await agreed(two_desks, moment, Dice(SEED, written=0.7), DOCUMENTS, answer) > DOCUMENTS / 5


HOURS = "{messageFlows(first: 5) {nodes {settings {responseSettings {workingHours {%s}}}}}}"
DATED = HOURS % 'isOpen(at: "%s")'
MEETING = HOURS % 'isOpen(at: "2026-11-2%sT12:00:00Z") isOpen(at: "2026-11-2%sT12:00:00Z")'
UPDATE = 'mutation {updateMessageFlow(id: "%s", input: {name: "%s"}, ifVersion: %s) {errors {code message path}}}'

KNOWN = {
    "a flow": ('{messageFlow(id: "%s") {id name}}', ["a", "b", "c"]),
    "a page": ("query Op {messageFlows(first: %s) {nodes {id}}}", [1, 100, 7]),
    "an update": (
        'mutation {updateMessageFlow(id: 1, input: {name: "%s", settings: {responseSettings: {delay: 5}}}) '
        "{messageFlow {id name} errors {code message path}}}",
        ["one", r"two \"words\"", r"three\nlines"],
    ),
    "literals in lists": ('mutation {updateMessageFlows(ids: ["%s", 5], input: {}) {errors {code}}}', ["a", "b", "c"]),
    "literals beside variables": (
        'query ($n: Int) {messageFlows(first: $n, filter: {nameContains: "%s"}) {totalCount}}',
        ["a", "b", "c"],
    ),
    "literals in fragments": (
        'fragment S on MessageFlowSettings {responseSettings {workingHours {isOpen(at: "2026-11-2%sT12:00:00Z")}}} '
        "{messageFlows {nodes {settings {...S}}}}",
        [1, 2, 3],
    ),
    "several edits": (
        'mutation {a: deleteMessageFlow(id: "%s") {replayed} b: deleteMessageFlow(id: 1) {replayed}}',
        ["a", "b", "c"],
    ),
    "several reads": (
        '{a: messageFlow(id: "%s") {id} b: messageFlow(id: "%s") {id} messageFlows(last: 5) {totalCount}}',
        [("a", "b"), ("b", "c"), ("c", "c")],
    ),
    "a field in a fragment": ('{...F} fragment F on Query {messageFlow(id: "%s") {id}}', ["a", "b", "c"]),
}
UNKNOWN = {
    "fields that meet": (MEETING, [("2", "2"), ("3", "3"), ("4", "4")]),
    "what the general executor answers": ('{messageFlow(id: "%s") {id} webhooks {nodes {id}}}', ["a", "b", "c"]),
    "a literal before the field": ("query ($n: Int = %s) {messageFlows(first: $n) {totalCount}}", [1, 2, 3]),
    "another operation": (
        'query Op {messageFlow(id: "%s") {id}} query Other {messageFlow(id: "%s") {id}}',
        [("a", "b"), ("b", "c"), ("c", "d")],
    ),
    "a subscription": ('subscription {messageFlowChanged(id: "%s") {version}}', ["a", "b", "c"]),
    "a value that differs in kind": ("{messageFlow(id: %s) {id}}", ["1", "2", '"x"']),
}


@pytest.mark.parametrize(("template", "values"), [*KNOWN.values(), *UNKNOWN.values()], ids=[*KNOWN, *UNKNOWN])
def test_which_documents_are_known_again(template: str, values: list[Any]) -> None:
    *before, last = (template % value for value in values)
    assert is_known(prepared(knowing(*before), last)) == ((template, values) in KNOWN.values())


def test_those_of_one_form_share_one_plan_and_are_not_remembered_by_themselves() -> None:
    template = '{messageFlow(id: "%s") {id}}'
    operations = knowing(template % "first", template % "second")
    several = [operations.prepare(template % number) for number in (1, 2, 1)]
    assert all(is_known(one) for one in several)
    assert len({id(one.compiled) for one in several}) == 1


ODD: dict[str, tuple[str, list[Any], Any]] = {
    "no instant": (DATED, ["2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"], "yesterday"),
    "fields that do not meet": (MEETING, [("2", "2"), ("3", "3")], ("4", "5")),
    "no page size": ("{messageFlows(first: %s) {totalCount}}", [1, 2], 101),
    "a negative page size": ("{messageFlows(first: %s) {totalCount}}", [1, 2], -1),
    "no cursor": ('{messageFlows(after: "%s") {totalCount}}', ["", ""], "nonsense"),
    "a name too long": (UPDATE, [("a", "b", 1), ("b", "c", 2)], ("first", "x" * 201, 3)),
    "no name": (UPDATE, [("a", "b", 1), ("b", "c", 2)], ("first", "", 3)),
    "no such flow": (UPDATE, [("a", "b", 1), ("b", "c", 2)], ("a much longer id", "n", 333_333_333)),
    "a version too large": (UPDATE, [("a", "b", 1), ("b", "c", 2)], ("first", "n", 2_147_483_648)),
    "much to pay": ("{messageFlows(first: %s) {nodes {id} edges {node {id}} totalCount}}", [1, 2], 100),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("limits", [LIMITS, replace(LIMITS, cost=150)], ids=["usual", "little to spend"])
async def test_what_is_odd_is_told_as_ever(desk: Desk, name: str, limits: Limits) -> None:
    template, before, odd = ODD[name]
    text, knows = template % odd, knowing(*(template % value for value in before), limits=limits)
    alone, by_form = [await told(prepared(one, text), desk, operations=one) for one in (Operations(limits), knows)]
    assert by_form == alone


PLACES = {
    "a mutation": 'mutation {\n  updateMessageFlow(id: "%s", input: {}) {replayed}}',
    "a read": '{messageFlow(id: "%s") {id}}',
    "several reads": '{a: messageFlow(id: "%s") {id} b: messageFlow(id: "%s") {id}}',
    "a field in a fragment": '{...F} fragment F on Query {messageFlow(id: "%s") {id} node(id: "%s") {id}}',
    "a fragment before it": "fragment S on MessageFlowSettings {responseSettings {workingHours {"
    'isOpen(at: "2026-11-22T12:00:00.%sZ")}}} {messageFlows {nodes {settings {...S}}}}',
}


@pytest.mark.parametrize("name", PLACES)
async def test_an_error_names_the_place_in_the_document_that_was_sent(desk: Desk, name: str) -> None:
    template = PLACES[name]
    before, again, text = (template.replace("%s", value) for value in ("1", "2", "333"))
    by_form = prepared(knowing(before, again), text)
    assert is_known(by_form)
    desk.store.heard = away
    alone, told_again = [await told(one, desk) for one in (prepared(Operations(LIMITS), text), by_form)]
    desk.store.heard = None
    assert told_again == alone
    assert {error["extensions"]["code"] for error in alone[1]} == {"UNAVAILABLE"}
    assert all(error["locations"] for error in alone[1])


def away(sql: str) -> None:
    raise unavailable("it cannot be reached")


async def test_variables_cannot_take_the_place_of_literals(desk: Desk) -> None:
    template = '{messageFlows(filter: {nameContains: "%s"}) {totalCount}}'
    operation = knowing(template % "a", template % "b").prepare(template % "c")
    assert is_known(operation)
    assert await told(operation, desk, {"0": 5}) == ({"messageFlows": {"totalCount": 0}}, [], [11], True)


@pytest.mark.parametrize(
    ("limits", "template", "value"),
    [
        (replace(LIMITS, integer_digits=3), "{messageFlows(first: %s) {totalCount}}", 1234),
        (LIMITS, '{messageFlows(filter: {nameContains: "%s"}) {totalCount}}', "x" * 200_000),
    ],
    ids=["digits", "characters"],
)
def test_limits_of_documents_hold_for_those_that_are_known(limits: Limits, template: str, value: Any) -> None:
    operations = knowing(template % 1, template % 2, limits=limits)
    with pytest.raises(Rejected, match="the limit is"):
        operations.prepare(template % value)
