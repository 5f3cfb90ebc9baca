"""The program that docs/graphql.md begins with does in Node.js what is told of it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.conftest import Run, succeeded
from tests.docs.blocks import SERVER, blocks
from tests.served import ROOT, serving

PAGE = (ROOT / "docs" / "graphql.md").read_text("utf-8")
SECTION = re.search(r"^## A first program\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(migrated_sqlite: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that has the example flow as it begins."""
    shutil.copy(migrated_sqlite, tmp_path / "flows.db")
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'flows.db'}", tmp_path / "log", demo="true") as address:
        yield address


def test_it_prints_what_is_shown(node: Run, example: str, tmp_path: Path) -> None:
    assert SECTION is not None
    program, printed = (block.text for block in blocks(SECTION[1]))
    file = tmp_path / "first.mjs"
    file.write_text(program.replace(SERVER, example), "utf-8")
    assert succeeded(node(file)) == printed
