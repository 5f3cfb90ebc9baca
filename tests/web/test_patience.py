"""A handshake of TLS that stalls ends when a head that stalls would."""

import asyncio
import ssl
import time

import pytest

from graphql_api import config
from graphql_api.serving import _setup
from graphql_api.web import patience

HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"


def test_a_handshake_has_as_long_as_a_head(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    loop = _setup(config.load()).get_loop_factory()
    assert loop is not None

    async def stalled() -> bytes:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=tls)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(HALF_A_HELLO)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()
            server.close()

    began = time.monotonic()
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(stalled()) == b""
    assert time.monotonic() - began >= 0.2


def test_without_tls_a_server_is_made_as_ever() -> None:
    async def made() -> bool:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        is_serving = server.is_serving()
        server.close()
        return is_serving

    with asyncio.Runner(loop_factory=patience.Loop) as runner:
        assert runner.run(made())
