"""How big a document may be: every limit at its bound, hostile documents, and what a request costs."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLSyntaxError,
    Lexer,
    NoFragmentCyclesRule,
    Source,
    TokenKind,
    get_introspection_query,
    validate,
)
from graphql.language import ast
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from graphql_api.config import Config
from graphql_api.domain.flow import LEAVES
from graphql_api.schema.limits import LimitExceeded, Limits, parse
from graphql_api.schema.measuring import Measured, charge, measure
from graphql_api.schema.operations import Operations
from graphql_api.schema.prepared import GRAPHQL
from graphql_api.schema.prices import MANY
from graphql_api.schema.shown import NOT_FITTING, Rejected

ROOMY = Limits(**{field.name: MANY for field in fields(Limits)})
DEFAULTS = [(field.name, field.default) for field in fields(Limits)]


def measured(text: str, limits: Limits = ROOMY, operation_name: str | None = None) -> Measured:
    return measure(parse(text, limits), limits, operation_name)


def points(text: str, variables: Mapping[str, Any] | None = None, limits: Limits = ROOMY) -> int:
    return charge(measured(text, limits), variables, limits)


def nested(levels: int, inner: str) -> str:
    return "{a" * (levels - 1) + "{" + inner + "}" * levels


# Documents of exactly so many characters, tokens, …
EXACTLY: Mapping[str, Callable[[int], str]] = {
    "characters": lambda n: "{a}".ljust(n),
    "lines": lambda n: "{a" + "\n" * (n // 3) + "\r" * (n // 3) + "\r\n" * (n - n // 3 * 2 - 1) + "}",
    "tokens": lambda n: "{" + "a " * (n - 3) + "#\n}",
    "nesting": lambda n: nested(n, "a"),
    "directives": lambda n: "query @a {a " + "@a " * (n - 2) + "...f} fragment f on T {b @a}",
    "selections": lambda n: "{" + "... f " * (n // 2) + "b " * (n % 2) + "} fragment f on T {a}",
    "overlaps": lambda n: "{" + "".join(f"a{i} a{i} " for i in range(n)) + "}",
    "depth": lambda n: nested(n - 1, "...f") + "fragment f on T {... {a {b}}}",
    "aliases": lambda n: (
        "{x: a ...f b {" + "".join(f"x{i}: a " for i in range(n - 3)) + "...f}} fragment f on T {y: a}"
    ),
    "root_fields": lambda n: "{a ...f ... {" + "b " * (n - 2) + "}} fragment f on T {c {d e f}}",
    "cost": lambda n: f"{{messageFlows(first: {n - 1}) {{nodes {{id}}}}}}",
    "integer_digits": lambda n: "{a(b: " + "9" * n + ")}",
}


@pytest.mark.parametrize(("name", "allowed"), DEFAULTS)
def test_a_document_may_reach_each_limit_and_not_pass_it(name: str, allowed: int) -> None:
    only = replace(ROOMY, **{name: allowed})
    points(EXACTLY[name](allowed), limits=only)
    with pytest.raises(LimitExceeded) as refusal:
        points(EXACTLY[name](allowed + 1), limits=only)
    assert (refusal.value.name, refusal.value.allowed, refusal.value.found) == (name, allowed, allowed + 1)
    setting = f" (max_{name})" if f"max_{name}" in Config.model_fields else ""
    assert str(refusal.value).endswith(f"; the limit is {allowed}{setting}")


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (LimitExceeded("depth", 15, 31), "the document has depth 31; the limit is 15 (max_depth)"),
        (LimitExceeded("cost", 10, 11), "the document costs 11 points; the limit is 10 (max_cost)"),
        (LimitExceeded("nesting", 64, 70), "the document is nested 70 levels deep; the limit is 64"),
        (LimitExceeded("root_fields", 20, 21), "the document has 21 root fields; the limit is 20 (max_root_fields)"),
        (LimitExceeded("tokens", 5, 6), "the document has at least 6 tokens; the limit is 5 (max_tokens)"),
        (
            LimitExceeded("selections", 5, MANY),
            "the document has at least 1000000000 selections; the limit is 5 (max_selections)",
        ),
    ],
)
def test_a_refusal_names_the_limit_and_both_numbers(refusal: LimitExceeded, sentence: str) -> None:
    assert str(refusal) == sentence


def test_the_introspection_query_passes_the_defaults() -> None:
    everything = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        experimental_directive_deprecation=True,
        one_of=True,
    )
    found = measured(everything, Limits())
    assert found.size.depth == Limits().depth == 15
    assert charge(found, None, Limits()) < 2_000


@pytest.mark.parametrize(
    "nested",
    [
        "types {fields {type {fields {type {fields {name}}}}}}",
        "types {possibleTypes {fields {args {type {fields {name}}}}}}",
        "types {fields {args {type {inputFields {type {inputFields {name}}}}}}}",
        "types {" + " ".join(f"a{i}: fields {{type {{enumValues {{name}}}}}}" for i in range(50)) + "}",
    ],
)
def test_lists_of_the_schema_multiply(nested: str) -> None:
    times = Limits().root_fields
    document = " ".join(f"s{i}: __schema {{{nested}}}" for i in range(times))
    assert points(f"{{{document}}}") == times * points(f"{{__schema {{{nested}}}}}") > Limits().cost


def test_a_document_leaves_nothing_to_the_collector_of_cycles() -> None:
    gc.collect()
    parse("{a(b: 1) {...f}} #\n fragment f on T {c}", Limits())
    assert gc.collect() == 0


# Hostile documents


@pytest.mark.parametrize(
    "document",
    [
        "{a" * 100_000,
        "{a(b: " + "[" * 100_000,
        "{a(b: " + "{c: " * 100_000,
        "query($v: " + "[" * 100_000 + "Int" + "]" * 100_000 + ") {a}",
        "query($v: Int = " + "[" * 100_000,
        "{a @b(c: " + "[" * 100_000,
        "{" + "...{" * 100_000,
        "}" * 100_000,
        "(" * 100_000,
        "#\n" * 100_000,
        "type T " * 100_000,
    ],
)
def test_a_hundred_thousand_brackets_are_counted_not_parsed(document: str) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        parse(document, replace(Limits(), characters=MANY, lines=MANY))
    assert refusal.value.name == "tokens"


@pytest.mark.parametrize(
    ("before", "opening", "closing", "after"),
    [
        ("{a(b:", "[", "]", ")}"),
        ("{a(b:", "{c:[", "]}", ")}"),
        ("query($v:", "[", "]", ") {a}"),
        ("query($v:Int=", "[", "]", ") {a}"),
        ("{", "...{", "}", "}"),
        ("{", "a{", "}", "}"),
    ],
)
def test_values_types_and_selections_nest_up_to_the_limit(before: str, opening: str, closing: str, after: str) -> None:
    inner = "Int" if before.endswith("$v:") else "a"
    free = Limits().nesting - before.count("{") - before.count("(")
    times = free // len([c for c in opening if c in "[{"])
    assert parse(before + opening * times + inner + closing * times + after, Limits())
    with pytest.raises(LimitExceeded, match=r"nested \d+ levels deep; the limit is 64"):
        parse(before + opening * 100 + inner + closing * 100 + after, Limits())


@pytest.mark.parametrize(
    "value",
    ['"{[({[("', '"\\"{[("', '"""{[({[( "" \\""" {[("""', '""', '""""""', '"\\\\"', "1 #{{{[[[(((\r", '"#" # "\n'],
)
def test_brackets_in_strings_and_comments_do_not_nest(value: str) -> None:
    assert parse(f"{{a(b: {value})}}", replace(Limits(), nesting=2))


@pytest.mark.parametrize(
    "text",
    [
        *("", "#", "{", "{a", "{a}}", "query", "\0", "{é}", "{\ud800}", "#\udfff\n{a}", "\x0b{a}", "{a..}"),
        *('{a(b: "\ud800")}', '{a(b: """)}', '{a(b: "x)}', '{a(b: "\n")}'),
        *("{a(b: 'x')}", "{a(b: 1.)}", "{a(b: 01)}"),
    ],
)
def test_text_that_is_no_document_is_a_syntax_error(text: str) -> None:
    with pytest.raises(GraphQLSyntaxError):
        parse(text, Limits())


@pytest.mark.parametrize(
    "piece", ['"', '\\"', '"""', '\\"""', '""" \\"""', '"\\', '"\n', "-", " ", "\r\n", "..", "9.", "\ufeff"]
)
def test_odd_text_is_scanned_once(piece: str) -> None:
    with pytest.raises((GraphQLSyntaxError, LimitExceeded)):
        parse(piece * (Limits().characters // len(piece)), Limits())


def doubling(levels: int, selection: str) -> str:
    """Fragments that select the next one again and again; {} in the selection is the next one's name."""
    links = (f"fragment f{i} on T {{{selection.replace('{}', f'f{i + 1}')}}}" for i in range(levels))
    return "{...f0} " + " ".join(links) + f" fragment f{levels} on T {{a}}"


@pytest.mark.parametrize(
    "selection", ["...{} ...{}", "a {...{} ...{}}", "x: a {...{}} y: a {...{}}", "... {...{}} ...{}"]
)
def test_doubling_fragments_of_any_depth_are_answered_at_once(selection: str) -> None:
    hostile = parse(doubling(1_000, selection), ROOMY)
    with pytest.raises(LimitExceeded, match=r"nested \d{4} levels deep"):
        measure(hostile, replace(ROOMY, nesting=64), None)
    with pytest.raises(LimitExceeded, match="at least 1000000000 selections"):
        measure(hostile, replace(ROOMY, selections=5_000), None)
    short = doubling(20, selection)
    with pytest.raises(LimitExceeded, match="selections"):
        measured(short, replace(Limits(), depth=MANY))


def test_a_long_chain_of_fragments_is_no_recursion() -> None:
    with pytest.raises(LimitExceeded, match="nested 2002 levels deep"):
        measured(doubling(2_000, "...{}"), replace(ROOMY, nesting=64))


def cycle(length: int) -> str:
    """Fragments of which each spreads the next one, and the last the first."""
    return " ".join(f"fragment f{i} on MessageFlow {{...f{(i + 1) % length}}}" for i in range(length))


@pytest.mark.parametrize(
    ("fragments", "named"),
    [
        ("fragment f on T {...f}", "'f' within itself."),
        ("fragment f on T {a {...f}}", "'f' within itself."),
        ("fragment f on T {...g ...g} fragment g on T {...f ...f}", "'f' within itself via 'g'."),
        (
            "fragment f on T {... {...g}} fragment g on T {a {b {...h}}} fragment h on T {...f}",
            "'f' within itself via 'g', 'h'.",
        ),
        ("fragment h on T {...f} fragment f on T {...g} fragment g on T {...h}", "'h' within itself via 'f', 'g'."),
        ("fragment f on T {a} fragment g on T {...g}", "'g' within itself."),
        ("fragment f on T {a} fragment f on T {...f}", "'f' within itself."),
    ],
)
def test_fragments_that_form_a_cycle_are_named(fragments: str, named: str) -> None:
    with pytest.raises(GraphQLError) as refusal:
        measured("{...f ...f} " + fragments, Limits())
    assert str(refusal.value.message) == f"Cannot spread fragment {named}"


@pytest.mark.parametrize("length", [1, 2, 50, 240])
def test_a_cycle_is_named_however_long_it_is_as_validation_names_a_short_one(length: int) -> None:
    text = "{messageFlow(id: 1) {...f0}} " + cycle(length)
    with pytest.raises(Rejected) as rejected:
        Operations(Limits()).prepare(text)
    [told] = rejected.value.errors
    assert told["message"].startswith("Cannot spread fragment 'f0' within itself")
    assert told["extensions"] == {"code": "BAD_REQUEST"}
    if length < 100:
        [known] = validate(GRAPHQL, parse(text, ROOMY), [NoFragmentCyclesRule])
        assert (told["message"], told["locations"]) == (known.message, known.formatted["locations"])


def test_hints_that_are_off_name_no_fragment_of_a_cycle_either() -> None:
    with pytest.raises(Rejected) as rejected:
        Operations(Limits(), suggestions=False).prepare("{messageFlow(id: 1) {...f0}} " + cycle(240))
    assert [error["message"] for error in rejected.value.errors] == [NOT_FITTING]


@pytest.mark.parametrize(
    "fragments",
    ["fragment f on T {...f} fragment f on T {a}", "", "fragment g on T {...f}", "type T {a: Int}"],
)
def test_unknown_fragments_are_left_to_validation(fragments: str) -> None:
    found = measured("{...f ...f} " + fragments, Limits())
    assert charge(found, {}, Limits()) <= 1


@pytest.mark.parametrize("hidden", ["fragment f on T {%s}", "fragment f on T {%s} fragment f on T {a}", "query B {%s}"])
def test_overlaps_count_wherever_validation_meets_them(hidden: str) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        measured("query A {...f} " + hidden % ("a {b} " * 199 + "a {b c c}"), replace(ROOMY, overlaps=10_000))
    assert refusal.value.found == 19_900 + 19_900 + 1


def test_limits_of_an_operation_leave_the_others_alone() -> None:
    document = "query A {a} query B {b {b}} query C {x: a y: b}"
    assert [measured(document, operation_name=name).size.depth for name in ("A", "B", "C", None)] == [1, 2, 1, 2]
    assert [measured(document, operation_name=name).size.aliases for name in ("A", "B", "C", "D")] == [0, 0, 2, 0]
    with pytest.raises(LimitExceeded, match="has depth 2"):
        measured(document, replace(ROOMY, depth=1))
    assert measured(document, replace(ROOMY, depth=1), "A")
    with pytest.raises(LimitExceeded, match="has 5 selections"):
        measured(document, replace(ROOMY, selections=4), "A")


@pytest.mark.parametrize("document", ["type T {a: Int}", "fragment f on T {a}", "extend schema @a", "{a {}}", "{}"])
def test_documents_without_anything_to_run_are_measured_too(document: str) -> None:
    assert measured(document, operation_name="missing").size.depth == 0


# The same numbers, counted the slow way


def written_out(
    parent: Any, fragments: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Every selection, fragments expanded without memory, with the path of response names that it has or stands in."""
    for selection in parent.selection_set.selections if parent.selection_set else ():
        own = (selection.alias or selection.name).value if isinstance(selection, ast.FieldNode) else None
        here = path if own is None else (*path, own)
        yield selection, here
        spread = isinstance(selection, ast.FragmentSpreadNode)
        yield from written_out(fragments[selection.name.value] if spread else selection, fragments, here)


FIELDS = ["a", "b", "c", "x: a", "y: b", "z: c"]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Fragments f0 to f3, of which each spreads only later ones, and one operation."""

    def selection_set(depth: int, first: int) -> str:
        return "{" + " ".join(selection(depth, first) for _ in range(draw(st.integers(1, 3)))) + "}"

    def selection(depth: int, first: int) -> str:
        spreads = [f"...f{i}" for i in range(first, 4)]
        kind = draw(st.sampled_from(["field", "object", "inline", "spread"] if depth else ["field", "spread"]))
        if kind == "spread" and spreads:
            return draw(st.sampled_from(spreads))
        if kind == "inline":
            return "..." + selection_set(depth - 1, first)
        return draw(st.sampled_from(FIELDS)) + (selection_set(depth - 1, first) if kind == "object" else "")

    parts = [f"fragment f{i} on T {selection_set(2, i + 1)}" for i in range(4)]
    return " ".join(draw(st.permutations([*parts, selection_set(2, 0)])))


@settings(deadline=None)
@given(documents())
def test_memory_of_fragments_changes_no_number(text: str) -> None:
    document = parse(text, ROOMY)
    found = measure(document, ROOMY)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, ast.FragmentDefinitionNode)}
    [operation] = [one for one in document.definitions if isinstance(one, ast.OperationDefinitionNode)]
    everything = list(written_out(operation, fragments))
    selected = [(node, path) for node, path in everything if isinstance(node, ast.FieldNode)]
    assert found.size.selections == len(everything)
    assert found.size.depth == max((len(path) for _, path in selected), default=0)
    assert found.size.aliases == sum(node.alias is not None for node, _ in selected)
    assert found.size.root_fields == sum(len(path) == 1 for _, path in selected)
    unused = [one for name, one in fragments.items() if f"...{name}" not in text]
    assert found.overlaps == sum(overlaps(root, fragments) for root in [operation, *unused])


def overlaps(root: Any, fragments: Mapping[str, Any]) -> int:
    places: dict[tuple[str, ...], set[int]] = {}
    for node, path in written_out(root, fragments):
        if isinstance(node, ast.FieldNode):
            places.setdefault(path, set()).add(id(node))
    return sum(len(nodes) * (len(nodes) - 1) // 2 for nodes in places.values())


PIECES = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "@",
    "...",
    "$",
    "!",
    ":",
    "=",
    "|",
    "&",
    "name",
    "_1",
    "0",
    "-1",
    "1.5e3",
    "#x\n",
    ",",
]
STRINGS = [
    '""',
    '"a"',
    '"\\""',
    '"\\u0041"',
    '""""""',
    '"""a"b""c"""',
    '"""\\""""""',
    '"""\\"""',
    '"',
    '"""',
    "\\",
    "\r",
    "\n",
    " ",
]


def lexed(text: str) -> int:
    """Tokens and comments of a text; raises GraphQLSyntaxError where it has anything else."""
    lexer, count = Lexer(Source(text)), 0
    while lexer.advance().kind is not TokenKind.EOF:
        pass
    token = lexer.token
    while token.prev is not None and token.prev.kind is not TokenKind.SOF:
        token, count = token.prev, count + 1
    return count


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES + STRINGS)).map("".join) | st.text(alphabet='"\\#\n\r {}a1.-'))
@example('"""""""""a"b""c"""')
def test_tokens_are_those_of_the_lexer(text: str) -> None:
    with suppress(GraphQLSyntaxError):
        count = lexed(text)
        with suppress(GraphQLSyntaxError):
            parse(text, replace(ROOMY, tokens=count))
        if count:
            with pytest.raises(LimitExceeded, match=f"has at least {count} tokens"):
                parse(text, replace(ROOMY, tokens=count - 1))


# What a request costs

SETTINGS = "settings {responseSettings {delay workingHours {end}} security {hipaaCompliance} emailSettings {signature}}"
FLOW = f"id name {SETTINGS}"


@pytest.mark.parametrize(
    ("document", "cost"),
    [
        ("{__typename}", 0),
        ("{messageFlow(id: 1) {id name}}", 1),
        (f"{{messageFlow(id: 1) {{{FLOW}}}}}", 6),
        ("{node(id: 1) {id}}", 1),
        ("{messageFlows {nodes {id}}}", 1 + 50),
        ("{messageFlows(first: 10) {nodes {id}}}", 1 + 10),
        ("{messageFlows(last: 7) {nodes {id}}}", 1 + 7),
        ("{messageFlows(first: null, last: 7) {nodes {id}}}", 1 + 7),
        ("{messageFlows(first: 3, last: 7) {nodes {id}}}", 1 + 3),
        ("{messageFlows(first: 0) {nodes {id}}}", 1 + 50),
        ("{messageFlows(first: -9) {nodes {id}}}", 1 + 50),
        (f"{{messageFlows(first: -{'9' * 5000}) {{nodes {{id}}}}}}", 1 + 50),
        (f"{{messageFlows(first: {'9' * 5000}) {{nodes {{id}}}}}}", MANY),
        ('{messageFlows(first: "9") {nodes {id}}}', 1 + 50),
        ("{messageFlows(first: $undeclared) {nodes {id}}}", 1 + 50),
        ("{x: messageFlows(first: 10) {y: nodes {id}}}", 1 + 10),
        ("{messageFlows(first: 10) {edges {node {id} cursor}}}", 1 + 10 * 2),
        ("{messageFlows(first: 10) {nodes {id} pageInfo {endCursor} totalCount}}", 1 + 10 + 1 + 10),
        ("{messageFlows(first: 10) {totalCount}}", 1 + 10),
        (f"{{messageFlows(first: 1000) {{nodes {{{FLOW}}}}}}}", 1 + 1000 * 6),
        (
            "{messageFlows(first: 10) {nodes {revisions(first: 20) {nodes {changes {path}}}}}}",
            1 + 10 * (1 + 1 + 20 * 2),
        ),
        ("{messageFlows(first: 10) {...f}} fragment f on C {... {nodes {...g}}} fragment g on M {id}", 1 + 10),
        ("{messageFlow(id: 1) {...f ...g}} fragment f on M {settings {a}} fragment g on M {settings {b} ...f}", 2),
        ("{messageFlow(id: 1) {id} messageFlow(id: 1) {name} x: messageFlow(id: 2) {id}}", 2),
        ("{node(id: 1) {... on A {x: version} ... on B {x: revisions(first: 9) {nodes {id}}}}}", 1 + 1 + 9),
        ("{node(id: 1) {... on A {x: revisions(first: 3) {nodes {id}}} ... on B {x: revisions {nodes {id}}}}}", 2 + 50),
        ("query A {messageFlow(id: 1) {id}} query B {messageFlow(id: 1) {id}}", 2),
        ("subscription {messageFlowChanged {messageFlow {id}}}", 2),
        ("mutation {updateMessageFlow(id: 1, input: {}) {messageFlow {id}}}", 10),
        ("mutation {updateMessageFlow(id: 1, input: {}) {messageFlow {revisions {nodes {id}}}}}", 1 + 1 + 1 + 50),
        ("mutation {deleteMessageFlow(id: 1) {errors {code}} x: deleteMessageFlow(id: 2) {errors {code}}}", 20),
        ("mutation {updateMessageFlows(ids: [1, $a, 3], input: {}) {results {changedFields}}}", 30),
        ("mutation {updateMessageFlows(ids: [], input: {}) {results {changedFields}}}", 1_000),
        ("mutation {updateMessageFlows(filter: {isActive: true}, input: {}) {results {changedFields}}}", 1_000),
        (
            "mutation {updateMessageFlows(ids: [1, 2], input: {}) {results {messageFlow {revisions {nodes {id}}}}}}",
            2 * 54,
        ),
        ("{messageFlow(id: 1) {settings {workingHours {nextTransition {at} openings {from}}}}}", 1 + 1 + 1 + 1 + 62),
        ("{messageFlow(id: 1) {settings {workingHours {utcOffsets {from}}}}}", 1 + 1 + 1 + 4),
    ],
)
def test_points_of_a_document(document: str, cost: int) -> None:
    assert points(document) == cost


@pytest.mark.parametrize(
    ("document", "cost"),
    [
        ("{messageFlow(id: 1) {prompt a: prompt b: prompt}}", 1 + 2 * 50),
        ("{messageFlow(id: 1) {prompt prompt ...f ...f}} fragment f on M {prompt}", 1),
        ("{messageFlow(id: 1) {...f ... {b: prompt}}} fragment f on M {a: prompt}", 1 + 50),
        ("{messageFlow(id: 1) {initiationMessage a: initiationMessage description b: description}}", 1 + 5 + 1),
        ("{messageFlow(id: 1) {id a: id name b: name version c: version}}", 1),
        ("{messageFlow(id: 1) {settings {emailSettings {signature}} a: settings {emailSettings {signature}}}}", 5 + 2),
        ("{messageFlow(id: 1) {prompt} a: messageFlow(id: 2) {prompt}}", 2 + 50),
        ("{messageFlow(id: 1) {name} a: messageFlow(id: 2) {prompt}}", 2),
        ("{messageFlow(id: 1) {prompt} node(id: 2) {... on M {prompt}} messageFlows(first: 9) {nodes {prompt}}}", 12),
        ("{messageFlows(first: 9) {nodes {prompt} edges {node {prompt}}}}", 1 + 9 + 9 * 2),
        ("{messageFlows(first: 9) {nodes {a: prompt b: prompt}}}", 1 + 9 * 51),
        ("{messageFlows(first: 9) {a: nodes {prompt} b: nodes {prompt}}}", 1 + 9 + 9 * 51),
        ("{messageFlow(id: 1) {revisions(first: 3) {nodes {changes {before after}}}}}", 1 + 1 + 3 * 2),
        ("{messageFlow(id: 1) {revisions(first: 3) {nodes {changes {after a: after}}}}}", 1 + 1 + 3 * (2 + 50)),
        ("{messageFlows(first: 9) {nodes {revisions(first: 3) {nodes {changes {before}}}}}}", 1 + 9 * (2 + 3 * 52)),
        ("{node(id: 1) {... on A {x: prompt} ... on B {x: name y: prompt}}}", 1 + 50),
        ("query A {messageFlow(id: 1) {prompt}} query B {messageFlow(id: 1) {prompt}}", 2),
        ("mutation {updateMessageFlow(id: 1, input: {}) {messageFlow {prompt a: prompt}}}", 1 + 1 + 50),
    ],
)
def test_a_long_text_costs_where_it_is_told_once_more(document: str, cost: int) -> None:
    assert points(document) == cost


LENGTHS = {leaf.path.rpartition(".")[2]: getattr(leaf.rule.check, "longest", 0) for leaf in LEAVES}


@pytest.mark.parametrize("leaf", LENGTHS)
@pytest.mark.parametrize("place", ["leaf", "nodes", "root"])
def test_what_can_be_afforded_is_not_much_longer_than_one_page(leaf: str, place: str) -> None:
    def document(times: int) -> str:
        row, page, root = leaf, "nodes {%s}", "messageFlows(first: 100) {%s}"
        names = [f"a{time}: " for time in range(times)]
        row = " ".join(name + row for name in names) if place == "leaf" else row
        page = " ".join(name + page % row for name in names) if place == "nodes" else page % row
        return " ".join(name + root % page for name in names) if place == "root" else root % page

    allowed = Limits().root_fields if place == "root" else Limits().aliases
    afforded = [times for times in range(1, allowed + 1) if points(f"{{{document(times)}}}") <= Limits().cost]
    assert max(afforded) * LENGTHS[leaf] <= 3 * sum(LENGTHS.values())


@pytest.mark.parametrize(
    ("variables", "rows"),
    [
        ({"n": 7}, 7),
        ({"n": 1_000}, 1_000),
        ({"n": 7.0}, 7),
        (None, 20),
        ({}, 20),
        ({"n": None}, 50),
        ({"n": 0}, 50),
        ({"n": -5}, 50),
        ({"n": 7.5}, 50),
        ({"n": "7"}, 50),
        ({"n": True}, 50),
        ({"n": {"a": 1}}, 50),
        ({"n": float("nan")}, 50),
        ({"n": float("-inf")}, 50),
        ({"n": float("inf")}, 50),
        ({"n": 10**5000}, MANY - 1),
        ({"n": 1e300}, MANY - 1),
        ({"unknown": 3}, 20),
    ],
)
def test_a_page_size_may_be_a_variable_of_any_kind(variables: Mapping[str, Any], rows: int) -> None:
    assert (
        points("query ($n: Int = 20) {messageFlows(first: $n) {...f}} fragment f on C {nodes {id}}", variables)
        == 1 + rows
    )


@pytest.mark.parametrize(("variables", "rows"), [({"f": 3}, 3), ({"l": 4}, 4), ({"f": None, "l": 4}, 4), ({}, 50)])
def test_paging_either_way_with_two_variables(variables: Mapping[str, Any], rows: int) -> None:
    assert points("query ($f: Int, $l: Int) {messageFlows(first: $f, last: $l) {nodes {id}}}", variables) == 1 + rows


def test_variables_multiply_where_connections_nest() -> None:
    flows = "messageFlows(first: $n) {nodes {revisions(first: $m) {nodes {id}}}}"
    document = f"query ($n: Int, $m: Int) {{{flows} node(id: 1) {{id}}}}"
    assert points(document, {"n": 4, "m": 5}) == 1 + 4 * (1 + 1 + 5) + 1
    assert points(document, {"n": 100, "m": 50}, Limits()) == 5_202
    with pytest.raises(LimitExceeded, match="the document costs 10202 points; the limit is 10000"):
        points(document, {"n": 100, "m": 100}, Limits())


@pytest.mark.parametrize(
    ("ids", "flows"), [(["a", "b", "c"], 3), (["a"] * 1_000, 1_000), ([], 100), (None, 100), ("a", 100)]
)
def test_many_updates_cost_by_the_number_of_ids(ids: object, flows: int) -> None:
    results = f"results {{messageFlowId messageFlow {{{FLOW}}} errors {{code}}}} errors {{code}}"
    document = f"mutation ($ids: [ID!]) {{updateMessageFlows(ids: $ids, input: {{}}) {{{results}}}}}"
    assert points(document, {"ids": ids}, Limits()) == flows * 10


def test_default_ids_count_like_sent_ones() -> None:
    assert (
        points('mutation ($ids: [ID!] = ["a", "b"]) {updateMessageFlows(ids: $ids, input: {}) {errors {code}}}') == 20
    )


def test_a_price_depends_on_variables_only_where_it_must() -> None:
    assert measured("{messageFlows(first: 10) {nodes {revisions {nodes {id}}}}}").price == (1 + 10 * 52, ())
    assert len(measured("query ($n: Int) {messageFlows(first: $n) {nodes {id}} node(id: 1) {id}}").price.parts) == 1
