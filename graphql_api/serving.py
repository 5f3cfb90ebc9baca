"""Starts the server: an address that is free, a database that is fit, and the processes that serve."""

import asyncio
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NoReturn

import uvicorn

from graphql_api import config, greeting, lifetime, reads
from graphql_api.config import Config, ConfigError
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.example import EXAMPLE, WORKSPACE
from graphql_api.opening import desk_of, explained, store_of
from graphql_api.shared_folder import shared_folder
from graphql_api.storage import migrations
from graphql_api.web.gathered import SHARED
from graphql_api.workers import Workers

BACKLOG = 2048
"""Connections that wait to be accepted."""


def serve(settings: Config) -> None:
    """Serves until it is told to stop; raises ConfigError, Refused or Unfit when it cannot begin."""
    _hold_standard_files()
    _raise_descriptors()
    config.require_extras(settings)
    _check_tls(settings)
    with _bound(settings) as listener, _sharing(settings):
        _listen_for_metrics(settings)
        with explained(settings, making=settings.migrate):
            if settings.migrate:
                _migrate(settings)
            has_example = asyncio.run(_prepare(settings))
        # From here on connections wait for the workers instead of being refused.
        try:
            listener.listen(BACKLOG)
        except OSError as error:  # others that are bound to it may listen first
            raise _unheard(settings, "host", "port", error) from None
        at = greeting.address(settings, listener.getsockname()[1])
        print(*greeting.lines(settings, at, has_example=has_example), sep="\n", flush=True)
        with lifetime.told(settings, at):
            _run(settings, listener)


def _hold_standard_files() -> None:
    """Those that whoever starts the server has closed: else a database or a connection would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 (for as long as the process lives)


def _raise_descriptors() -> None:
    """Each connection takes one; the soft limit, often 1,024, is that of programs which use `select`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where the system grants no process as many
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_tls(settings: Config) -> None:
    if not (settings.tls_certificate or settings.tls_key):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_passphrase)
    except OSError as error:
        both = f"{config.variable('tls_certificate')} and {config.variable('tls_key')}"
        raise ConfigError(f"{both} must name a certificate and its key, in PEM: {error.strerror or error}.") from None


def _no_passphrase() -> str:
    """Called where the key has one: OpenSSL would ask for it at a terminal, once here and once in each worker."""
    raise ConfigError(f"{config.variable('tls_key')} must name a key without a passphrase: openssl pkey takes it off.")


def _bound(settings: Config) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise _unheard(settings, "host", "port", error) from None
    return listener


def _unheard(settings: Config, host: str, port: str, error: OSError) -> ConfigError:
    where = ", ".join(f"{config.variable(name)} {getattr(settings, name)}" for name in (host, port))
    why = error.strerror or str(error)
    return ConfigError(f"The address cannot be listened on ({where}): {why}; choose another one.")


@contextmanager
def _sharing(settings: Config) -> Iterator[None]:
    """Several workers lay their counts together in a folder, which must be known before the first count is made.

    There they also tell each other what they wrote.
    """
    with ExitStack() as ends:
        if settings.workers > 1:
            os.environ[SHARED] = _folder(ends)
        yield


def _listen_for_metrics(settings: Config) -> None:
    if not settings.metrics_port:
        return
    from graphql_api.web import metrics

    try:
        metrics.listen(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        raise _unheard(settings, "metrics_host", "metrics_port", error) from None


def _folder(ends: ExitStack) -> str:
    try:
        return ends.enter_context(shared_folder())
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise ConfigError(f"Workers need a folder for temporary files, which TMPDIR names: {why}.") from None


def _migrate(settings: Config) -> None:
    if not asyncio.run(_is_current(settings)):
        migrations.upgrade(settings.database_url)


async def _is_current(settings: Config) -> bool:
    """A database that does not answer may have yet to be made; the migration tells what else is wrong with it."""
    store = store_of(settings)
    try:
        return await migrations.is_current(store)
    except Refused:
        return False
    finally:
        await store.close()


async def _prepare(settings: Config) -> bool:
    """Whether the database has the example flow."""
    store = store_of(settings)
    try:
        await migrations.require_current(store)
        if settings.demo:
            from graphql_api import demo  # and with it the files of transfer

            await demo.seed(desk_of(settings, store))
        return await reads.flow(store, Caller(WORKSPACE), str(EXAMPLE["_id"]), ("version",)) is not None
    finally:
        await store.close()


def _run(settings: Config, listener: socket.socket) -> None:
    os.environ |= config.environment(settings)
    setup = _setup(settings)
    # uvicorn raises the signal that stopped it once more when it has finished.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _end)
    if settings.workers == 1:
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # not under nohup
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        uvicorn.Server(setup).run([listener])
    else:
        raise lifetime.Ended(Workers(setup, [listener]).run_or_give_up())


def _setup(settings: Config) -> uvicorn.Config:
    return uvicorn.Config(
        "graphql_api.workers:worker",
        factory=True,
        workers=settings.workers,
        root_path=settings.root_path,
        loop="graphql_api.web.patience:Loop",
        http="graphql_api.web.wire:Wire",
        h11_max_incomplete_event_size=settings.max_header_bytes,
        ws="graphql_api.workers:frames",
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        log_level="warning",
        use_colors=False,  # else it asks standard output, which may be closed
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        proxy_headers=False,  # the application reads them itself
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )


def _end(number: int, _: object) -> NoReturn:
    raise lifetime.Ended(number)
