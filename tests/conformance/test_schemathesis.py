"""Schemathesis finds nothing on either door: no fault, no answer outside the documents, no refusal without a reason.

The same requests in every run; `make fuzz` draws others, ten times as many, on both databases.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from graphql_api.domain.example import EXAMPLE, WORKSPACE
from tests.conformance.conftest import HERE, succeeded
from tests.served import ROOT, serving

FUZZ = "FUZZ" in os.environ
GRAPHQL_ON = ("sqlite", "postgresql") if FUZZ else ("postgresql",)
REST_ON = ("sqlite", "postgresql") if FUZZ else ("sqlite",)


@pytest.mark.parametrize("database", GRAPHQL_ON)
def test_graphql(database: str, database_url: str, tmp_path: Path) -> None:
    with serving(database_url, tmp_path / "log", demo="true") as address:
        searched("schema.graphql", f"{address}/graphql", tmp_path)
        assert was_changed(address), "the requests are refused before they do anything"


@pytest.mark.parametrize("database", REST_ON)
def test_rest(database: str, database_url: str, tmp_path: Path) -> None:
    with serving(database_url, tmp_path / "log", demo="true") as address:
        searched("openapi.json", address, tmp_path)
        assert was_changed(address), "the requests are refused before they do anything"


def searched(document: str, address: str, folder: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    more = ["--max-examples", "5000", "--seed", str(int.from_bytes(os.urandom(4)))] if FUZZ else []
    config = HERE / "schemathesis.toml"
    done = subprocess.run(
        [program, "--config-file", config, "run", ROOT / document, "--url", address, "--report-dir", folder, *more],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    generated, passed = re.findall(r"(\d+) generated, (\d+) passed", succeeded(done))[0]
    assert generated == passed


def was_changed(address: str) -> bool:
    """Whether the example flow has been changed and others were created."""
    query = f'{{ node(id: "{EXAMPLE["_id"]}:1") {{ id }} messageFlows {{ totalCount }} }}'
    headers = {"content-type": "application/json", "x-workspace-id": WORKSPACE}
    request = urllib.request.Request(f"{address}/graphql", json.dumps({"query": query}).encode(), headers)
    with urllib.request.urlopen(request) as response:
        data = json.load(response)["data"]
    return data["node"] is not None and data["messageFlows"]["totalCount"] > 0
