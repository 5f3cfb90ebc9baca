"""docs/operations.md names only metrics, settings and commands that there are, and every metric."""

import re
from pathlib import Path

import typer.main

from graphql_api import cli, config
from graphql_api.domain.caller import SCOPES
from graphql_api.web import metrics

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")


def test_every_metric_has_its_line_and_no_other_is_named() -> None:
    names = {
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in metrics.OWN.collect()
        if one.name.startswith("message_flows_")
    }
    listed = re.findall(r"^\| `(message_flows_\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(names)
    assert set(re.findall(r"`(message_flows_\w+)`", PAGE)) == names


def test_every_variable_is_a_setting() -> None:
    named = set(re.findall(r"MESSAGE_FLOWS_[A-Z_]+", PAGE))
    assert len(named) > 10
    assert named <= {config.variable(name) for name in config.Config.model_fields}


def test_every_command_is_one() -> None:
    group = typer.main.get_command(cli.app)
    commands = set(group.commands)  # type: ignore[attr-defined]
    keys = set(group.commands["keys"].commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"message-flows ([a-z]+)", PAGE)) <= commands
    assert set(re.findall(r"message-flows keys ([a-z]+)", PAGE)) == keys


def test_every_scope_has_its_line() -> None:
    assert set(re.findall(r"^\| `([a-z:]+)` \|", PAGE, re.MULTILINE)) == SCOPES


def test_the_proxy_does_not_send_a_request_again() -> None:
    assert "proxy_next_upstream off;" in PAGE
