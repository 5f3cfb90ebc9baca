"""How many WebSockets and streams a caller may have, and when they end."""

import asyncio

import pytest

from graphql_api.domain.errors import Refused
from graphql_api.web.live_connections import LiveConnections


def live_connections(most: int = 2) -> LiveConnections:
    return LiveConnections(None, most, lambda: 0, lambda *_, **__: None)


async def test_who_comes_when_the_server_stops_is_told_at_once() -> None:
    live = live_connections()
    with live.end(b"", "1.1.1.1") as first:
        assert not first.done()
        live.stop()
        with live.end(b"", "2.2.2.2") as second:
            assert (first.result(), second.result()) == (None, None)


async def test_who_leaves_takes_no_end_from_others_of_the_same_key() -> None:
    live = live_connections()
    with live.end(b"key", "1.1.1.1") as one:
        with live.end(b"key", "1.1.1.1"):
            pass
        live.stop()
        assert one.done()


async def test_a_caller_has_so_many_of_each_kind_until_one_has_ended() -> None:
    live = live_connections()
    with live.held("connection", "a"), live.held("connection", "b"), live.held("subscription", "a"):
        with live.held("connection", "a"):
            with (
                pytest.raises(Refused, match=r"more than 2 connections of one caller \(max_subscriptions\)"),
                live.held("connection", "a"),
            ):
                pass
            with live.held("connection", "b"):
                await asyncio.sleep(0)
        with live.held("connection", "a"):
            pass
