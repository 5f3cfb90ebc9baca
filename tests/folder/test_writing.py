"""Any text that a flow can hold comes out of its file as it went in; a value is exchanged and the rest stays."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphql_api.domain.example import EXAMPLE
from graphql_api.domain.flow import BY_COLUMN, LEAVES
from graphql_api.folder import reading
from graphql_api.folder.contents import contents, document
from graphql_api.folder.layout import File
from graphql_api.folder.writing import exchanged, inline, scalar, whole
from graphql_api.transfer import read
from tests.conftest import NOW

FILE = File(Path(), "ws1", "a")
FLOW = {
    **read({**EXAMPLE, "_id": "a", "workspaceId": "ws1"}, NOW).brought,
    "id": "a",
    "workspace_id": "ws1",
    "version": 7,
}
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NASTY = st.text(
    st.sampled_from(" \t\n\r:#-|>'\"yn0.1~?[{&*!%@`ä😀\x07\x7f\x85\xa0\u2028\u2029\ufeff\ufffe\u200d\U0010ffff")
)
WORDS = st.sampled_from(["yes", "No", "on", "null", "~", "", "true", "09:00", "22:00", "1e3", "0x1f", "1_000", ".inf"])
TEXT = ANY | NASTY | WORDS | st.lists(ANY | NASTY, min_size=2).map("\n".join)

USUAL = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@USUAL
@given(prompt=TEXT.filter(bool), signature=TEXT, first=TEXT.filter(bool))
@example(prompt="\n\n a \n\t\n\n", signature=" \n", first="\n")
@example(prompt="a\n\x85b", signature="a\r\nb\u2028", first="a\n---\n...\n# b")
def test_every_text_comes_back_as_it_was(either_reader: None, prompt: str, signature: str, first: str) -> None:
    flow = {**FLOW, "prompt": prompt, "email_settings_signature": signature, "initiation_message": first}
    found = contents(FILE, whole(document(flow)).encode())
    assert found.patch().values == {leaf.column: flow[leaf.column] for leaf in LEAVES}
    assert found.version == 7


@given(TEXT)
@example("A?")
@example("A ")
def test_other_readers_of_yaml_see_the_same_text(text: str) -> None:
    """Such as still hold to YAML 1.1, where `yes` is true and 22:00 a number."""
    assert yaml.safe_load(f"a:\n  b: {scalar(text, 2)}\nc: 1\n") == {"a": {"b": text}, "c": 1}
    assert "\n" not in inline(text)
    assert yaml.safe_load(f"{{a: {inline(text)}, b: 1}}") == {"a": text, "b": 1}


def test_text_of_several_lines_is_a_block_and_times_are_quoted() -> None:
    assert scalar("One.\n\n\tTwo: # yes  \n", 0) == "|\n  One.\n\n  \tTwo: # yes  "
    assert scalar("a\nb", 2) == "|-\n    a\n    b"
    assert scalar(" a\nb\n\n", 0) == "|2+\n   a\n  b\n"
    assert (inline("09:00"), inline("Yes"), inline("Europe/Berlin")) == ('"09:00"', '"Yes"', "Europe/Berlin")
    assert (scalar(2.5, 0), scalar(True, 0), scalar(0, 0)) == ("2.5", "true", "0")


WRITTEN = """\
# About this flow
name: {name} # the name
settings:
  # when
  responseSettings: {{delay: 5, workingHours: {{start: {start}, end: "17:00"}}}} # short
  emailSettings:
    signature: {signature}

# the prompt
prompt: {prompt}

# the end
agent: x"""
COMMENTS = ["# About this flow", "# the name", "  # when", "# short", "# the prompt", "# the end", "agent: x"]


@USUAL
@given(old=st.tuples(TEXT, TEXT), new=st.tuples(TEXT, TEXT, TEXT, TEXT))
@example(old=("a\n\n\n", "b\n"), new=("x\ny\n\n", "u\nv", "a\nb", "a\nb"))
@example(old=("a\nb", "b"), new=("x", "\n \n", "", ""))
@example(old=("a", "a\n\t"), new=("x\n\n", "y", "z", "u"))
@example(old=("a\n\t", "a"), new=("x", "y\n\n", "z", "u"))
@example(old=("a\n\xa0", "a\n\xa0\n"), new=("x", "y", "z", "u"))
def test_values_are_exchanged_and_comments_stay(
    either_reader: None, old: tuple[str, str], new: tuple[str, str, str, str]
) -> None:
    text = WRITTEN.format(name="x", start="9:00", signature=scalar(old[0], 4), prompt=scalar(old[1], 0))
    page = reading.read(text.encode())
    hours = ("settings", "responseSettings", "workingHours", "start")
    values: dict[tuple[str, ...], Any] = {
        ("settings", "emailSettings", "signature"): new[0],
        ("prompt",): new[1],
        ("name",): new[2],
        hours: new[3],
        ("version",): 8,
    }
    written = exchanged(page, values, {"name": "not kept"})
    found = reading.read(written.encode())
    assert {path: _at(found.value, path) for path in values} == values
    assert (_at(found.value, (*hours[:-1], "end")), found.value["agent"]) == ("17:00", "x")
    assert [comment for comment in COMMENTS if comment not in written] == []


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def test_only_the_line_of_the_version_is_another_one() -> None:
    text = whole(document(FLOW)).replace("version: 7", "version: 6  # taken on Monday")
    found = contents(FILE, text.encode())
    assert found.saying(FLOW, found.patch().values) == text.replace("version: 6", "version: 7")


def test_a_file_without_values_or_in_braces_takes_values_too() -> None:
    page = reading.read(b"description:\nagent: ~ # none\n")
    written = exchanged(page, {("description",): "a", ("agent",): "b"}, {})
    assert written == "description: a\nagent: b # none\n"
    assert exchanged(reading.read(b"{agent: a}"), {("agent",): "b"}, {}) == "{agent: b}"
    assert exchanged(reading.read(b"{agent: a}"), {("version",): 1}, {"agent": "a", "version": 1}) == (
        "agent: a\nversion: 1\n"
    )


def test_a_version_that_a_file_lacks_stands_behind_the_ids_or_first() -> None:
    ids = "# ours\n_id: a\nworkspaceId: ws1\n"
    for text, expected in (
        (f"{ids}name: x\n", f"{ids}version: 1\nname: x\n"),
        ("# ours\nname: x\n", "# ours\nversion: 1\nname: x\n"),
    ):
        assert exchanged(reading.read(text.encode()), {("version",): 1}, {}) == expected


def test_a_block_stays_a_block(either_reader: None) -> None:
    page = reading.read(b"prompt: |\n  a\n  b\nagent: x # it\n")
    assert exchanged(page, {("prompt",): "c\nd\n"}, {}) == "prompt: |\n  c\n  d\nagent: x # it\n"
    assert exchanged(page, {("prompt",): "c\nd\n\n"}, {}) == "prompt: |+\n  c\n  d\n\nagent: x # it\n"


def test_every_leaf_stands_in_the_file_once() -> None:
    locations = contents(FILE, whole(document(FLOW)).encode()).page.locations
    leaves = {tuple(leaf.path.split(".")) for leaf in BY_COLUMN.values()}
    assert leaves <= set(locations)
    assert list(document(FLOW)) == [
        *("_id", "workspaceId", "version", "name", "direction", "description", "agent", "settings", "prompt"),
        *("isActive", "autopilot", "messageChannel", "createdAt", "initiationMessage"),
    ]


@pytest.mark.parametrize("value", [0, 2.5, True, False, "09:00", "null"])
def test_values_mean_in_a_file_what_they_mean_in_json(value: Any) -> None:
    found = reading.read(f"a: {scalar(value, 0)}".encode()).value["a"]
    assert (found, type(found)) == (value, type(value))
