"""The flow page fits the documents and leaves that are made of schema.graphql."""

import shutil
import subprocess
import sys
from pathlib import Path

PAGES = Path(__file__).parents[2] / "playground"


def test_the_flow_page_type_checks() -> None:
    """`make pages` has made what it is checked against; a leaf that the form does not show is an error of the types."""
    beside_python = Path(sys.executable).with_name("node")
    node = str(beside_python) if beside_python.exists() else shutil.which("node")
    assert node, "node is missing: `make test` gets it"
    command = [node, "node_modules/typescript/bin/tsc", "--noEmit", "--project", "flows"]
    done = subprocess.run(command, cwd=PAGES, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "")
