"""schema.graphql and openapi.json are as linters want them; every exception stands in a config with its reason."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conformance.conftest import HERE, Run, succeeded
from tests.served import ROOT

LINTERS = {
    "schema.graphql": ("eslint/bin/eslint.js", "--max-warnings=0", "--config", HERE / "eslint.config.mjs"),
    "spectral": (
        "@stoplight/spectral-cli/dist/index.js",
        "lint",
        "--fail-severity=hint",
        "--ruleset",
        HERE / "spectral.yaml",
    ),
    "redocly": ("@redocly/cli/bin/cli.js", "lint", "--format=json", "--config", HERE / "redocly.yaml"),
}


def linted(node: Run, linter: str, file: Path) -> CompletedProcess[str]:
    """ESLint takes only files below the folder that it runs in."""
    program, *options = LINTERS[linter]
    return node(HERE / "node_modules" / program, *options, file.name, cwd=file.parent)


def test_schema(node: Run) -> None:
    assert succeeded(linted(node, "schema.graphql", ROOT / "schema.graphql")) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ('  """Whether the flow is in use."""\n  isActive: Boolean!', "  isActive: Boolean!", "require-description"),
        ("hasNextPage: Boolean!", "hasNextPage: Boolean", "relay-page-info"),
        ("autopilot: Boolean!", "auto_pilot: Boolean!", "naming-convention"),
        (
            'type Revision implements Node {\n  """Opaque id, the same on GraphQL and REST."""\n  id: ID!',
            "type Revision {",
            "strict-id-in-types",
        ),
    ],
)
def test_the_rules_for_the_schema_are_at_work(right: str, wrong: str, rule: str, node: Run, tmp_path: Path) -> None:
    schema = (ROOT / "schema.graphql").read_text("utf-8")
    assert right in schema
    (tmp_path / "schema.graphql").write_text(schema.replace(right, wrong), "utf-8")
    refused = linted(node, "schema.graphql", tmp_path / "schema.graphql")
    assert refused.returncode == 1
    assert f"@graphql-eslint/{rule}" in refused.stdout


def test_spectral(node: Run) -> None:
    assert "No results with a severity of 'hint' or higher found!" in succeeded(
        linted(node, "spectral", ROOT / "openapi.json")
    )


def test_redocly(node: Run) -> None:
    """Its exit code tells only of errors."""
    told = json.loads(succeeded(linted(node, "redocly", ROOT / "openapi.json")))
    assert told["problems"] == []


@pytest.mark.parametrize("linter", ["spectral", "redocly"])
def test_the_rules_for_openapi_are_at_work(linter: str, node: Run, tmp_path: Path) -> None:
    document = json.loads((ROOT / "openapi.json").read_text("utf-8"))
    del document["paths"]["/v1/api/message-flows"]["get"]["operationId"]
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    assert "operation-operationId" in linted(node, linter, tmp_path / "openapi.json").stdout
