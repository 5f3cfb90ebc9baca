"""A server that speaks PostgreSQL as far as TLS, with a certificate for another machine."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def misnamed(tls: ssl.SSLContext, certificate: Path) -> AsyncIterator[tuple[str, list[None]]]:
    """Its address behind scheme and login, for clients that trust the certificate; an entry for each connection."""
    tried: list[None] = []

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(None)
        with contextlib.suppress(OSError, EOFError):
            await reader.readexactly(8)  # asks for TLS
            writer.write(b"S")
            await writer.start_tls(tls)
        writer.close()

    server = await asyncio.start_server(begin, "127.0.0.2")
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"127.0.0.2:{port}/flows?sslmode=verify-full&sslrootcert={certificate}", tried
