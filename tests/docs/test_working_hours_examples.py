"""Every worked example of docs/working-hours.md is what the code answers."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from graphql_api.domain import zones
from graphql_api.domain.flow import WorkingHours
from graphql_api.domain.hours import Opening, Transition, is_open, next_transition, openings

PAGE = Path(__file__).parents[2] / "docs/working-hours.md"
EXAMPLE = re.compile(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[str, dict[str, Any]] = {
    title: json.loads(facts) for title, facts in EXAMPLE.findall(PAGE.read_text("utf-8"))
}

instant = datetime.fromisoformat


def test_the_page_has_five_examples_and_no_other_block() -> None:
    assert [re.split(r"\W", title)[0] for title in EXAMPLES] == ["Overnight", "Spring", "Autumn", "Always", "A"]
    assert PAGE.read_text("utf-8").count("```json") == len(EXAMPLES)


@pytest.mark.parametrize("facts", EXAMPLES.values(), ids=EXAMPLES)
def test_a_worked_example_is_what_the_code_answers(facts: dict[str, Any]) -> None:
    sent = WorkingHours(**facts["hours"])
    zone = zones.canonical(sent.timezone)
    assert zone is not None
    assert zone == facts.get("timezone", sent.timezone)
    hours = replace(sent, timezone=zone)
    assert is_open(hours, instant(facts["at"])) is facts["isOpen"]
    assert next_transition(hours, instant(facts["after"])) == transition(facts["nextTransition"])
    expected = [Opening(instant(opening["start"]), instant(opening["end"])) for opening in facts["openings"]]
    assert openings(hours, instant(facts["from"]), instant(facts["to"])) == expected


def transition(fact: dict[str, Any] | None) -> Transition | None:
    return None if fact is None else Transition(instant(fact["at"]), fact["opens"])
