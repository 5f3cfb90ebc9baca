"""Every worked example of docs/working-hours.md is what the code, GraphQL and REST answer."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from graphql_api.domain import zones
from graphql_api.domain.flow import WorkingHours
from graphql_api.domain.hours import Opening, Transition, is_open, next_transition, openings
from tests.conftest import CREATE, Execute

PAGE = Path(__file__).parents[2] / "docs/working-hours.md"
EXAMPLE = re.compile(r"^### ([^\n]+)\n(?:(?!^#).)*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[str, dict[str, Any]] = {
    title: json.loads(facts) for title, facts in EXAMPLE.findall(PAGE.read_text("utf-8"))
}
ASKED = """
query ($id: ID!, $at: DateTime, $after: DateTime, $from: DateTime!, $to: DateTime!) {
  messageFlow(id: $id) { settings { responseSettings { workingHours {
    enabled start end timezone
    isOpen(at: $at) nextTransition(after: $after) { at opens } openings(from: $from, to: $to) { from to }
  } } } }
}
"""

every_example = pytest.mark.parametrize("facts", EXAMPLES.values(), ids=EXAMPLES)
instant = datetime.fromisoformat


def test_the_page_has_five_examples_and_no_other_block() -> None:
    assert [re.split(r"\W", title)[0] for title in EXAMPLES] == ["Overnight", "Spring", "Autumn", "Always", "A"]
    assert PAGE.read_text("utf-8").count("```json") == len(EXAMPLES)


@every_example
def test_a_worked_example_is_what_the_code_answers(facts: dict[str, Any]) -> None:
    sent = WorkingHours(**facts["hours"])
    zone = zones.canonical(sent.timezone)
    assert zone is not None
    assert zone == facts.get("timezone", sent.timezone)
    hours = replace(sent, timezone=zone)
    assert is_open(hours, instant(facts["at"])) is facts["isOpen"]
    assert next_transition(hours, instant(facts["after"])) == transition(facts["nextTransition"])
    expected = [Opening(instant(opening["from"]), instant(opening["to"])) for opening in facts["openings"]]
    assert openings(hours, instant(facts["from"]), instant(facts["to"])) == expected


def transition(fact: dict[str, Any] | None) -> Transition | None:
    return None if fact is None else Transition(instant(fact["at"]), fact["opens"])


@pytest.fixture
async def id(facts: dict[str, Any], http: httpx2.AsyncClient) -> str:
    new = {**CREATE, "direction": "inbound", "settings": {"responseSettings": {"workingHours": facts["hours"]}}}
    return str((await http.post("/v1/api/message-flows", json=new)).json()["_id"])


@every_example
async def test_a_worked_example_is_what_graphql_answers(facts: dict[str, Any], execute: Execute, id: str) -> None:
    asked = {name: facts[name] for name in ("at", "after", "from", "to")}
    answer = await execute(ASKED, id=id, **asked)
    assert answer["data"]["messageFlow"]["settings"]["responseSettings"]["workingHours"] == {
        **facts["hours"],
        "timezone": facts.get("timezone", facts["hours"]["timezone"]),
        **{name: facts[name] for name in ("isOpen", "nextTransition", "openings")},
    }


@every_example
async def test_a_worked_example_is_what_rest_answers(facts: dict[str, Any], http: httpx2.AsyncClient, id: str) -> None:
    path = f"/v1/api/message-flows/{id}/working-hours"
    now = await http.get(path, params={name: facts[name] for name in ("at", "from", "to")})
    later = await http.get(path, params={"at": facts["after"]})
    assert (now.json()["isOpen"], now.json()["openings"]) == (facts["isOpen"], facts["openings"])
    assert later.json()["nextTransition"] == facts["nextTransition"]


@pytest.mark.parametrize("facts", [EXAMPLES["Overnight"]])
async def test_the_requests_of_the_page_are_answered(
    facts: dict[str, Any], execute: Execute, http: httpx2.AsyncClient, id: str
) -> None:
    ((query,), (path,)) = (
        re.findall(r"^```graphql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL),
        re.findall(r"^GET (.*)$", PAGE.read_text("utf-8"), re.MULTILINE),
    )
    answer = await execute(query.replace("exampleId1", id))
    hours = answer["data"]["messageFlow"]["settings"]["responseSettings"]["workingHours"]
    assert hours["openings"] == facts["openings"]
    answered = (await http.get(path.replace("exampleId1", id))).json()
    assert answered == {name: facts[name] for name in ("isOpen", "nextTransition")}
