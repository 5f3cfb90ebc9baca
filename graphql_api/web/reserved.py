"""Files of counts whose room on the disk is theirs before it is written: a full one costs counts, never a process.

The library maps files into memory that are long but have no room yet. What is written there when the disk is full ends
the process by SIGBUS, in the midst of its answers.
"""

import contextlib
import errno
import logging
import os
from functools import cache

from prometheus_client import mmap_dict, values

MORE = 28
"""Bytes of a count at most, beside its name."""

UNABLE = frozenset({errno.EOPNOTSUPP, errno.EINVAL})
"""The file system knows nothing of this."""

log = logging.getLogger("message_flows")


class Reserved(mmap_dict.MmapedDict):
    """Where there is no room, its counts go on in the memory of this process, where nobody reads them."""

    _is_alone = False

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not (read_mode or os.path.exists(filename)):
            try:
                _reserve(filename, mmap_dict._INITIAL_MMAP_SIZE)
            except OSError as error:
                with contextlib.suppress(OSError):
                    os.unlink(filename)  # who reads it would stumble over one that is empty
                self._go_on_alone(error)
                return
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        """The file doubles when it has no place for one more."""
        if not self._is_alone and self._used + len(key.encode()) + MORE > self._capacity:
            try:
                _reserve(self._fname, 2 * self._capacity)
            except OSError as error:
                counted = [*self.read_all_values()]  # type: ignore[no-untyped-call]
                self.close()  # type: ignore[no-untyped-call]
                self._go_on_alone(error)
                for known, value, at in counted:
                    self.write_value(known, value, at)  # type: ignore[no-untyped-call]
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _go_on_alone(self, error: OSError) -> None:
        self._is_alone = True
        _say(os.strerror(error.errno or 0))
        with os.fdopen(os.memfd_create("counts")) as memory:
            super().__init__(f"/proc/self/fd/{memory.fileno()}")  # type: ignore[no-untyped-call]


def _reserve(filename: str, size: int) -> None:
    file = os.open(filename, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno not in UNABLE:
            raise
    finally:
        os.close(file)


@cache
def _say(why: str) -> None:
    log.warning("counts of this process are lost, as the folder that TMPDIR names takes no more: %s", why)


def reserve() -> None:
    """From now on files of counts are such ones, where the system can do it."""
    if hasattr(os, "posix_fallocate") and hasattr(os, "memfd_create"):
        values.MmapedDict = Reserved  # type: ignore[attr-defined]
