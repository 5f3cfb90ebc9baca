"""GraphQL over HTTP to the letter: every audit of npm's graphql-http, what SHOULD be included."""

import json

from tests.conformance.conftest import Run, succeeded

AUDITS = 61


def test_every_audit_passes(node: Run, server: str) -> None:
    results = json.loads(succeeded(node("audits.mjs", f"{server}/graphql")))
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
