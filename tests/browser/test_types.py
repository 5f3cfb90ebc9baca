"""The pages of our own fit the documents and leaves that are made of schema.graphql, and the libraries they use."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "playground"


@pytest.mark.parametrize("page", ["flows", "schema"])
def test_a_page_type_checks(page: str) -> None:
    """`make pages` has made what it is checked against; a leaf that the form does not show is an error of the types."""
    beside_python = Path(sys.executable).with_name("node")
    node = str(beside_python) if beside_python.exists() else shutil.which("node")
    assert node, "node is missing: `make test` gets it"
    command = [node, "node_modules/typescript/bin/tsc", "--noEmit", "--project", page]
    done = subprocess.run(command, cwd=PAGES, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "")
