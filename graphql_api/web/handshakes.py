"""The loop of a process that serves: a handshake of TLS has as long as the head of a request, not a minute."""

from asyncio import AbstractServer
from typing import Any

import uvloop

from graphql_api.web.patience import HEAD_SECONDS


class Loop(uvloop.Loop):
    async def create_server(self, *args: Any, **options: Any) -> AbstractServer:  # type: ignore[override]
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = HEAD_SECONDS
        return await super().create_server(*args, **options)
