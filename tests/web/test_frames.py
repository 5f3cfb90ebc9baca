"""Connections of WebSockets whose clients leave what they are sent unread."""

import asyncio

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from graphql_api.web import taking
from graphql_api.web.frames import Frames


class Slow(asyncio.Transport):
    """A connection that tells whether it was cut off."""

    left = 100
    is_cut_off = False

    def get_write_buffer_size(self) -> int:
        return self.left

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.is_cut_off = True

    def close(self) -> None:
        return


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> tuple[Frames, Slow]:
    monkeypatch.setattr(taking, "UNREAD_SECONDS", 0.01)
    made = Frames(uvicorn.Config(nothing), ServerState(), {}, asyncio.new_event_loop())
    made.loop.close()
    return made, Slow()


async def test_a_client_that_reads_nothing_is_cut_off(connection: tuple[Frames, Slow]) -> None:
    made, transport = begun(*connection)
    made.pause_writing()
    async with asyncio.timeout(10):
        while not transport.is_cut_off:  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)


def begun(made: Frames, transport: Slow) -> tuple[Frames, Slow]:
    made.loop = asyncio.get_running_loop()
    made.connection_made(transport)
    return made, transport


@pytest.mark.parametrize("is_gone", [True, False])
async def test_one_that_reads_again_or_has_left_is_not(connection: tuple[Frames, Slow], is_gone: bool) -> None:
    made, transport = begun(*connection)
    made.pause_writing()
    if is_gone:
        made.connection_lost(None)
    else:
        transport.left = 0
        made.resume_writing()
    await asyncio.sleep(0.05)
    assert not transport.is_cut_off
