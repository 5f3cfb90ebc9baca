"""Operations that are prepared once: which of them are remembered, and what that takes."""

import gc
import tracemalloc
from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import replace

from graphql_api.schema import forms, prepared
from graphql_api.schema.limits import Limits
from graphql_api.schema.prepared import REMEMBERED, Documents, Prepared, takes
from graphql_api.schema.remembered import Remembered

LEAVES = "id name direction description agent prompt initiationMessage isActive autopilot version createdAt updatedAt"
SETTINGS = "settings {responseSettings {workingHours {start end}} emailSettings {signature}}"


def documents(limits: Limits = Limits()) -> Documents:  # noqa: B008
    return Documents(limits, introspection=True, suggestions=True, compiles=True)


def usual(number: int) -> str:
    return f"query Q{number}($id: ID!) {{messageFlow(id: $id) {{{LEAVES} {SETTINGS}}}}}"


def large(number: int) -> str:
    flow = f'messageFlow(id: "x") {{{f"{LEAVES} " * 6} {SETTINGS}}}'
    return "{" + " ".join(f"r{number}_{one}: {flow}" for one in range(19)) + "}"


def commented(number: int) -> str:
    return f"{{r{number}: messageFlow(id: 1) {{id}}}} #" + "\U0001f600" * 16_000


def named(number: int) -> str:
    return f"query Q{number}{'q' * 100_000} {{messageFlow(id: 1) {{id}}}}"


def switched(number: int) -> str:
    switches = " ".join(f"$s{one}: Boolean!" for one in range(4))
    pages = " ".join(f"n{one}: nodes {{...F}}" for one in range(40))
    leaves = " ".join(f"{leaf} @skip(if: $s{one % 4})" for one, leaf in enumerate(LEAVES.split()))
    return f"query Q{number}({switches}) {{messageFlows(first: 1) {{{pages}}}}} fragment F on MessageFlow {{{leaves}}}"


SWITCHES = " ".join(f"{leaf} @skip(if: $s{one})" for one, leaf in enumerate(["id", "name", "prompt", "version"]))


def several(number: int) -> str:
    flows = " ".join(f'r{number}_{one}: messageFlow(id: "x") {{...F}}' for one in range(19))
    switches = " ".join(f"$s{one}: Boolean!" for one in range(4))
    return f"query Q({switches}) {{{flows}}} fragment F on MessageFlow {{{SWITCHES} revisions {{nodes {{id}}}}}}"


def histories(number: int) -> str:
    told = " ".join(f"h{one}: revisions(first: 1) {{nodes {{id}}}}" for one in range(40))
    switches = " ".join(f"$s{one}: Boolean!" for one in range(4))
    return f'query Q({switches}) {{r{number}: messageFlow(id: "x") {{{SWITCHES} {told}}}}}'


def with_all_plans(one: Prepared) -> Prepared:
    if one.compiled is not None:
        for values in product((False, True), repeat=len(one.compiled._switches)):
            one.compiled._chosen(dict(zip(one.compiled._switches, values, strict=True)))
    return one


@pytest.mark.parametrize("document", [usual, large, commented, named, switched, several, histories])
def test_what_an_operation_takes_is_about_what_is_reckoned(document: Callable[[int], str]) -> None:
    roomy = documents(replace(Limits(), tokens=10_000))
    with_all_plans(roomy.prepare(document(9)))
    gc.collect()
    tracemalloc.start()
    kept = [(text, with_all_plans(roomy.prepare(text))) for text in map(document, range(20))]
    gc.collect()
    found, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 < found / sum(takes(*one) for one in kept) < 1.3


def test_hundreds_of_usual_operations_are_remembered() -> None:
    all_of_them = documents()
    kept = [all_of_them.prepare(usual(number)) for number in range(400)]
    assert all(all_of_them.prepare(usual(number)) is one for number, one in enumerate(kept))


def test_large_operations_are_forgotten_for_others_and_those_that_are_asked_for_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hot, first = (takes(text, documents().prepare(text)) for text in (usual(0), large(0)))
    monkeypatch.setattr(prepared, "REMEMBERED", hot + 3 * first)
    some = documents()
    kept = [(number, some.prepare(large(number)), some.prepare(usual(0))) for number in range(6)]
    assert all(usual_one is kept[0][2] for _, _, usual_one in kept)
    assert [some.prepare(large(number)) is one for number, one, _ in kept[3:]] == [True] * 3
    assert some.prepare(large(0)) is not kept[0][1]


def test_forms_are_forgotten_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "FORMS_REMEMBERED", 2**15)
    some = documents()
    texts = [f'{{messageFlow(id: "{letter}") {{id}}}}' for letter in "abcd"]
    assert [some.prepare(text).as_written is None for text in texts] == [True, True, False, False]
    for number in range(200):
        some.prepare(f"{{f{number}: messageFlow(id: 1) {{id}}}}")
    assert some.prepare('{messageFlow(id: "e") {id}}').as_written is None


def test_forms_of_which_nothing_can_be_made_take_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "FORMS_REMEMBERED", 2**15)
    some = documents()
    for letter in "abc":
        known = some.prepare(f'{{messageFlow(id: "{letter}") {{id}}}}')
    for number in range(40):
        for letter in "ab":
            some.prepare(f'{{f{number}: messageFlow(id: "{letter}") {{id}} webhooks {{nodes {{id}}}}}}')
    assert known.as_written is not None
    assert some.prepare('{messageFlow(id: "d") {id}}').as_written is not None


def test_a_form_that_would_leave_no_room_is_not_made_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(forms, "lifted", lambda schema, text, document: made.append(text))
    monkeypatch.setattr(prepared, "LARGEST_REMEMBERED", 2**12)
    some = documents()
    for letter in "abcd":
        some.prepare(f'{{messageFlow(id: "{letter}") {{id}}}}')
    assert made == []


def test_the_name_that_is_asked_for_is_reckoned_with_its_form() -> None:
    some = documents()
    kept, some._documents = some._forms, Remembered(0, 0)
    some.prepare("{messageFlow(id: 1) {id}}")
    gc.collect()
    tracemalloc.start()
    for number in range(200):
        name = f"Q{number}{'q' * 7_000}"
        some.prepare(f"query {name} {{messageFlow(id: 1) {{id}}}}", name)
    gc.collect()
    found, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 < found / kept._taken < 1.3


@pytest.mark.parametrize("values", [10, 500])
def test_what_a_form_takes_is_about_what_is_reckoned(values: int) -> None:
    some = documents()
    ids = " ".join(f'"{letter}"' for letter in "x" * values)
    edit = f"mutation {{a%s: updateMessageFlows(ids: [{ids}], input: {{}}) {{errors {{code}}}}}}"
    kept = some._forms
    for text in (edit % "", (edit % "").replace("x", "y")):
        some.prepare(text)
    some._documents = Remembered(0, 0)
    gc.collect()
    tracemalloc.start()
    before = kept._taken
    for number in range(50):
        for letter in "xy":
            some.prepare((edit % number).replace("x", letter))
    gc.collect()
    found, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 < found / (kept._taken - before) < 1.3


def test_an_operation_that_would_leave_no_room_is_prepared_anew() -> None:
    roomy = documents(replace(Limits(), tokens=20_000, characters=10_000_000))
    small, text = roomy.prepare("{__typename}"), "{__typename} #" + " " * (REMEMBERED // 16)
    assert roomy.prepare(text) is not roomy.prepare(text)
    assert roomy.prepare("{__typename}", "") is small
