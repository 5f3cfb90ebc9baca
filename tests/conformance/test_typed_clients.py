"""Clients that tools generate from schema.graphql and openapi.json type-check, and their types and our answers agree.

What must not compile stands in each client behind `@ts-expect-error`, so that types that have become `any`
fail as well.
"""

import shutil
from pathlib import Path

import pytest

from tests.conformance.conftest import HERE, Run, succeeded
from tests.served import ROOT

BUILD = HERE / "build"
GENERATORS = {
    "codegen": ("@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.json"),
    "relay": ("relay-compiler/cli.js", "relay.config.json"),
    "tada": ("gql.tada/bin/cli.js", "generate-output"),
    # A member with a default may be left out of a request; without this the tool makes it required.
    "openapi": (
        "openapi-typescript/bin/cli.js",
        "../../openapi.json",
        "-o",
        "build/openapi/index.d.ts",
        "--default-non-nullable=false",
    ),
}
REST_PAGE = ROOT / "docs" / "rest.md"
CLIENTS = ("codegen", "relay/client", "tada", "openapi")


@pytest.fixture(scope="module")
def compiled(node: Run) -> Path:
    """The clients as JavaScript; fails when a tool refuses our schema or a type does not fit."""
    shutil.rmtree(BUILD, ignore_errors=True)
    for name, (program, *arguments) in GENERATORS.items():
        (BUILD / name).mkdir(parents=True)
        succeeded(node(f"node_modules/{program}", *arguments))
    succeeded(node("node_modules/typescript/bin/tsc", "--project", "."))
    return BUILD / "js" / "clients"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_front_end_team_gets_its_work_done(client: str, compiled: Path, node: Run, server: str) -> None:
    """List page, detail, a form that sends only what changed, conflicts and rebase, a toggle that may be resent."""
    assert succeeded(node(compiled / f"{client}.js", server)) == "played\n"


def test_a_type_that_changes_is_noticed(compiled: Path, node: Run) -> None:
    """Were `name` nullable, no client would compile that trusts it."""
    generated = BUILD / "codegen" / "graphql.ts"
    kept = generated.read_text("utf-8")
    assert "name: string, autopilot: boolean" in kept
    try:
        generated.write_text(kept.replace("name: string, autopilot", "name?: string | null, autopilot"), "utf-8")
        refused = node("node_modules/typescript/bin/tsc", "--project", ".", "--noEmit")
    finally:
        generated.write_text(kept, "utf-8")
    assert refused.returncode == 2
    assert "clients/codegen.ts" in refused.stdout


def test_the_rest_page_tells_how_the_types_are_made() -> None:
    (told,) = [line for line in REST_PAGE.read_text("utf-8").splitlines() if line.startswith("npx openapi-typescript")]
    assert told.split()[-1] == GENERATORS["openapi"][-1]
