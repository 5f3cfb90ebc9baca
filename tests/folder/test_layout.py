"""Which files of a folder are those of flows, and of which workspaces."""

from pathlib import Path

import pytest

from graphql_api.folder.layout import File, Misplaced, files, workspaces


@pytest.fixture
def dir(tmp_path: Path) -> Path:
    for place in (
        *("ws1/a.yaml", "ws1/b.yaml", "ws2/a.yaml", "top.yaml", "ws1/c.yml", "ws1/deep/d.yaml", "ws1/e f.yaml"),
        *("ws1/G.YAML", "ws1/h.YML", "ws1/notes.md", "ws1/.hidden.yaml", ".git/x.yaml"),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def places(dir: Path, only: str | None) -> tuple[list[str], list[str]]:
    """Those of flows, and those that look like them."""
    found = list(files(dir, only))
    return (
        [one.place for one in found if isinstance(one, File)],
        [one.place for one in found if isinstance(one, Misplaced)],
    )


def test_every_yaml_file_is_that_of_a_flow_or_in_the_wrong_place(dir: Path) -> None:
    assert places(dir, None) == (
        ["ws1/a.yaml", "ws1/b.yaml", "ws2/a.yaml"],
        ["top.yaml", "ws1/G.YAML", "ws1/c.yml", "ws1/e f.yaml", "ws1/h.YML", "ws1/deep/d.yaml"],
    )
    assert workspaces(dir, None) == ["ws1", "ws2"]


def test_of_one_workspace_no_other_is_looked_at(dir: Path) -> None:
    assert places(dir, "ws2") == (["ws2/a.yaml"], ["top.yaml"])
    assert places(dir, "ws3") == ([], ["top.yaml"])
    assert workspaces(dir, "ws3") == ["ws3"]
