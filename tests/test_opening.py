"""What commands are opened with."""

import gc
import signal

from graphql_api import config, opening
from graphql_api.__main__ import NEVER_WHILE_STARTING
from graphql_api.edits import Desk
from graphql_api.opening import at_desk


def test_a_command_looks_for_the_cycles_that_its_work_leaves_behind(database_url: str) -> None:
    """Though it did not while it was started: an import would keep 100 MB of them."""
    threshold, handlers = gc.get_threshold(), [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    async def work(_: Desk) -> int:
        return gc.get_threshold()[0]

    gc.set_threshold(NEVER_WHILE_STARTING)
    try:
        assert at_desk(config.load(database_url=database_url), work) == opening.CYCLES
    finally:
        gc.set_threshold(*threshold)
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGTERM, handlers[1])
