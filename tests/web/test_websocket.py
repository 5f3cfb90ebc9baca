"""A WebSocket at a moment that no client brings about at will."""

import asyncio
import gc
from typing import Any

import pytest
from starlette.types import Message

from graphql_api.web.live_connections import End
from graphql_api.web.operating import Closed
from graphql_api.web.websocket import RESTART, Conversation


@pytest.mark.parametrize("last", [{"type": "websocket.disconnect"}, {"type": "websocket.receive", "bytes": b""}])
async def test_a_client_that_leaves_or_errs_as_the_server_stops_is_no_fault_in_the_log(
    last: Message, caplog: pytest.LogCaptureFixture
) -> None:
    end: End = asyncio.get_running_loop().create_future()
    unused: Any = None

    async def receive() -> Message:
        end.set_result(None)
        return last

    with pytest.raises(Closed) as closed:
        await Conversation(unused, {}, receive, unused)._heard(end)
    assert closed.value.code == RESTART
    gc.collect()
    assert not caplog.records
