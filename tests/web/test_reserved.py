"""Counts of several processes lie in files that have their room; without it they are lost, and nothing else is."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, mmap_dict, values
from prometheus_client.multiprocess import MultiProcessCollector

from graphql_api.web import gathered, reserved

MANY = 1_000
"""Counts for which the first room of a file does not suffice."""


@pytest.fixture
def count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """A count of a process that shares them with others; made as the library makes those of the metrics."""
    monkeypatch.setenv(gathered.SHARED, str(tmp_path))
    reserved._say.cache_clear()
    made: Any = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    yield lambda label: made("counter", "m", "m_total", ["label"], [label], "Meaning.")
    made.close_all_files()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "-")

    return lambda: monkeypatch.setattr(os, "posix_fallocate", refuse)


def together(folder: Path) -> dict[str, float]:
    """As whoever asks for the metrics reads them."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return {one.labels["label"]: one.value for metric in registry.collect() for one in metric.samples}


def test_all_of_a_file_has_its_room_from_the_beginning_and_when_it_grows(
    count: Callable[[str], Any], tmp_path: Path
) -> None:
    for number in range(MANY):
        count(str(number)).inc(number)
        (file,) = tmp_path.glob("counter_*.db")
        assert file.stat().st_blocks * 512 >= file.stat().st_size
    assert file.stat().st_size > mmap_dict._INITIAL_MMAP_SIZE
    assert together(tmp_path) == {str(number): number for number in range(MANY)}


def test_a_disk_that_is_full_from_the_beginning_costs_the_counts(
    count: Callable[[str], Any], full: Callable[[], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    full()
    counts = [count(str(number)) for number in range(MANY)]
    for one in counts:
        one.inc(2)
    assert sum(one.get() for one in counts) == 2 * MANY
    assert together(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
    lost = "counts of this process are lost, as the folder that TMPDIR names takes no more: No space left on device"
    assert caplog.messages == [lost]


def test_a_disk_that_becomes_full_keeps_what_was_counted_before(
    count: Callable[[str], Any], full: Callable[[], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = count("first")
    first.inc(5)
    full()
    for number in range(MANY):
        count(str(number)).inc(1)
    first.inc(1)
    assert (first.get(), count("first").get()) == (6, 6)
    told = together(tmp_path)
    assert told["first"] == 5
    assert 0 < len(told) < MANY
    assert len(caplog.messages) == 1


def test_a_file_system_that_cannot_reserve_counts_as_before(
    count: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "-")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    for number in range(MANY):
        count(str(number)).inc(1)
    assert len(together(tmp_path)) == MANY
    assert caplog.messages == []
