"""Files of commands: there as a whole or not at all, and as any other program would have made them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphql_api.files import reading, writing
from graphql_api.sentences import Unfit


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_file_is_made_with_the_rights_that_the_umask_leaves(tmp_path: Path, umask: None) -> None:
    path = tmp_path / "flows.jsonl"
    with writing(str(path)) as target:
        target.write(b"new\n")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new\n", 0o640)


def test_what_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "flows.jsonl"
    path.write_bytes(b"old\n")

    def fail() -> None:
        with writing(str(path)) as target:
            target.write(b"new\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"flows.jsonl": b"old\n"}


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "flows.jsonl", tmp_path / "link"
    path.write_bytes(b"old\n")
    link.symlink_to(path)
    with writing(str(link)) as target:
        target.write(b"new\n")
    assert (path.read_bytes(), link.is_symlink()) == (b"new\n", True)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(Unfit, match=r"^The file .*/none/flows\.jsonl cannot be written: No such file or directory\.$"),
        writing(str(tmp_path / "none" / "flows.jsonl")),
    ):
        pass


def test_a_file_that_is_replaced_keeps_its_rights(tmp_path: Path, umask: None) -> None:
    path = tmp_path / "flows.jsonl"
    path.write_bytes(b"old\n")
    for rights in (0o600, 0o664):
        path.chmod(rights)
        with writing(str(path)) as target:
            target.write(b"new\n")
        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new\n", rights)


def test_a_file_that_cannot_be_read_on_is_told() -> None:
    told = r"^The file /proc/self/mem cannot be read: Input/output error\.$"
    with reading("/proc/self/mem") as source, pytest.raises(Unfit, match=told):
        source.read(1)
