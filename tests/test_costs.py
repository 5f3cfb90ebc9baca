"""What a request costs in Python's own instructions and calls, which no clock and no other process can change."""

import gc
import sys
import threading
from itertools import pairwise
from statistics import median
from types import FrameType
from typing import Any

import pytest
import uvloop

from graphql_api.web import gathered
from tests.wired import REQUESTS, connected, prepared, script

COSTS = {
    ("sqlite", "R"): 1_809,
    ("sqlite", "U"): 3_919,
    ("sqlite", "D"): 4_660,
    ("sqlite", "A"): 3_790,
    ("sqlite", "L"): 2_544,
    ("sqlite", "P"): 4_541,
    ("sqlite", "K"): 5_319,
    ("postgresql", "R"): 2_446,
    ("postgresql", "U"): 4_940,
    ("postgresql", "D"): 5_780,
    ("postgresql", "A"): 3_997,
    ("postgresql", "L"): 2_873,
    ("postgresql", "P"): 5_607,
    ("postgresql", "K"): 5_496,
}
"""Steps of one request: reading one flow, a small update, the same with its values written into the document,
another one of a flow that was written lately, a page of 50, a PUT of one leaf, and one under a key of a flow that was
written lately."""

COUNTED_ON = (3, 11)
"""Other Pythons have other instructions."""

TOLERANCE = 0.1


class Steps:
    """Counts instructions of Python code and calls of C functions, in this thread and in those that begin meanwhile."""

    def __init__(self) -> None:
        self.made = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode":
            self.made += 1
        return self.trace

    def profile(self, _: FrameType, event: str, __: Any) -> None:
        self.made += event == "c_call"

    def __enter__(self) -> "Steps":
        gc.disable()
        threading.settrace(self.trace)
        threading.setprofile(self.profile)
        sys.settrace(self.trace)
        sys.setprofile(self.profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        sys.settrace(None)
        threading.setprofile(None)
        threading.settrace(None)
        gc.enable()


async def steps(url: str, operation: str) -> float:
    """Steps of the middle one of some requests, after as many others that fill the caches: some look up what is old."""
    secret = await prepared(url)
    with Steps() as counted:  # a writer thread begins within
        async with connected(url) as connection:
            requests = script(operation, secret)
            for one in requests[:REQUESTS]:
                await connection.ask(one)
            made = [counted.made]
            for one in requests[REQUESTS:]:
                await connection.ask(one)
                made.append(counted.made)
    return median(after - before for before, after in pairwise(made))


async def left(url: str, operation: str) -> int:
    """Objects that some requests leave to the collector of cycles, after as many others."""
    secret = await prepared(url)
    requests = script(operation, secret)
    gc.disable()
    try:
        async with connected(url) as connection:
            for one in requests[:REQUESTS]:
                await connection.ask(one)
            gc.collect()
            for one in requests[REQUESTS:]:
                await connection.ask(one)
            return gc.collect()
    finally:
        gc.enable()


@pytest.mark.skipif(sys.version_info[:2] != COUNTED_ON, reason="the figures are those of Python 3.11")
@pytest.mark.parametrize("operation", ["R", "U", "D", "A", "L", "P", "K"])
def test_a_request_costs_what_is_written_here(
    database: str, database_url: str, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that has to be changed is a change of speed: the new one is printed.

    The metrics are not brought up meanwhile, which is done by the clock.
    """
    monkeypatch.setattr(gathered, "MOMENT", 3_600.0)
    made = uvloop.run(steps(database_url, operation))
    gathered.GATHERED.tell()
    print(f"{database} {operation}: {made:.0f}")
    assert made == pytest.approx(COSTS[database, operation], rel=TOLERANCE)


@pytest.mark.parametrize("operation", ["R", "U", "D", "L", "P", "H"])
def test_a_request_leaves_nothing_to_the_collector(database_url: str, operation: str) -> None:
    """Nor does one that is carried out as ASGI tells it: H asks for the health.

    The clock may bring about what leaves a few meanwhile; with a circle from each request there are more.
    """
    assert uvloop.run(left(database_url, operation)) < REQUESTS
