"""The folder that the workers of one server share, and the end of those that killed servers have left."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "message-flows-"

LOCK = "server.lock"
"""Locked while the server of the folder lives: the kernel lets go of it however that ends, also in a container that
shares nothing with others but their folder of temporary files."""


@contextmanager
def shared_folder() -> Iterator[str]:
    """Raises OSError where none can be made."""
    with suppress(OSError):
        _remove_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        lock = locked(Path(folder))
        try:
            yield folder
        finally:
            os.close(lock)


def locked(folder: Path) -> int:
    """The lock gets its name when it is held, so that nobody finds it free before."""
    nameless = folder / f"{LOCK}.new"
    lock = os.open(nameless, os.O_CREAT | os.O_RDWR, 0o600)
    with suppress(OSError):  # a file system may have no locks; nobody takes it for free then either
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        nameless.rename(folder / LOCK)
    return lock


def _remove_left() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):
            if _is_own(lock.parent.lstat()):
                _remove_if_free(lock)


def _is_own(folder: os.stat_result) -> bool:
    """As `tempfile` makes one: nobody else may put anything into it."""
    return folder.st_uid == os.geteuid() and stat.filemode(folder.st_mode) == "drwx------"


def _remove_if_free(lock: Path) -> None:
    held = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent)
    finally:
        os.close(held)
