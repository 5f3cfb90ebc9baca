"""What is in the way of a SQLite file, told with its path."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graphql_api.storage import obstacle
from graphql_api.storage.sqlite_path import obstacle as of_path

NOBODY = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may come to, unlike those of a test."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(os.path.realpath(made))


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write wherever it is; whoever else runs the tests may not where the test has taken the right away."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_what_can_be_opened_is_no_obstacle(folder: Path) -> None:
    (folder / "empty.db").touch()
    (folder / "flows.db").write_bytes(b"SQLite format 3\0 and so on")
    assert [of_path(str(folder / name), making=False) for name in ("empty.db", "flows.db")] == [None, None]


def test_of_a_file_that_cannot_be_read_nothing_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a disk that is broken."""

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (folder / "flows.db").touch()
    monkeypatch.setattr("builtins.open", broken)
    assert of_path(str(folder / "flows.db"), making=False) is None


def test_only_what_is_not_made_yet_is_to_be_made_by_migrate(folder: Path) -> None:
    path = folder / "flows.db"
    assert of_path(str(path), making=False) == f"There is no file {path} yet; run message-flows migrate."
    assert of_path(str(path), making=True) == f"The file {path} cannot be made: name one in another folder."


def test_the_path_is_that_to_which_a_link_leads(folder: Path) -> None:
    (folder / "link.db").symlink_to("none/flows.db")
    told = f"No folder {folder}/none can be reached for the database: make it, or name another file."
    assert of_path(str(folder / "link.db"), making=True) == told


def test_what_is_no_file_or_none_of_sqlite_is_told(folder: Path) -> None:
    (folder / "diary").write_text("Dear diary")
    assert of_path(str(folder), making=True) == f"{folder} is no file: name one."
    told = f"The file {folder}/diary is not a SQLite database: name another one."
    assert of_path(str(folder / "diary"), making=True) == told


@pytest.mark.parametrize("making", [False, True])
def test_what_this_user_may_not_write_is_told(folder: Path, making: bool) -> None:
    path = folder / "flows.db"
    for one in (path, folder / "flows.db-wal"):
        one.touch()
        one.chmod(0o444)
        with without_privileges():
            told = f"The file {one} may not be read and written by this user: allow it, or name another file."
            assert of_path(str(path), making=making) == told
        one.chmod(0o666)
    folder.chmod(0o555)
    told = f"Files may not be made by this user in {folder}: allow it, or name a file in another folder."
    with without_privileges():
        assert [of_path(str(folder / name), making=making) for name in ("flows.db", "new.db")] == [told, told]


def test_postgresql_has_no_path() -> None:
    assert obstacle("postgresql+asyncpg://flows@db/flows", making=False) is None
