"""The clients that docs/subscriptions.md shows go on behind the last change when their connection is lost."""

import json
from pathlib import Path

import pytest

from tests.conformance.conftest import HERE, Run, succeeded
from tests.docs.blocks import SERVER, blocks
from tests.served import ROOT

PAGE = (ROOT / "docs" / "subscriptions.md").read_text("utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a client of the page is written to, beside the packages that it imports."""
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    return tmp_path / "client.mjs"


def test_graphql_ws_goes_on_by_itself_in_apollo_client_and_in_urql(node: Run, server: str, file: Path) -> None:
    file.write_text(_shown("export function resuming"), "utf-8")
    told = json.loads(succeeded(node("resuming.mjs", server, file)))
    assert told == {"alone": [1, 2, 3], "apollo": [1, 2, 3], "urql": [1, 2, 3]}


def test_graphql_sse_goes_on(node: Run, server: str, file: Path) -> None:
    file.write_text(_shown("from 'graphql-sse'").replace(SERVER, server), "utf-8")
    seen = json.loads(succeeded(node("breaking.mjs", server, file)))
    assert seen["told"] == list(range(seen["told"][0], seen["last"] + 1))


def _shown(mark: str) -> str:
    (text,) = (block.text for block in blocks(PAGE) if mark in block.text)
    return text
