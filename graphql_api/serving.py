"""Starts the server: an address that is free, a database that is fit, workers that are replaced when they die."""

import asyncio
import gc
import os
import signal
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import connection, parent_process
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from graphql_api import config
from graphql_api.config import Config, ConfigError
from graphql_api.domain.errors import Refused
from graphql_api.domain.example import EXAMPLE, WORKSPACE
from graphql_api.opening import desk_of, store_of
from graphql_api.sentences import Unfit
from graphql_api.storage import migrations

BACKLOG = 2048
"""Connections that wait to be accepted."""
EXTRAS = {"traces": ("opentelemetry", "otel"), "redis_url": ("redis", "redis")}
"""Settings that need a library, and the extra that brings it."""
IN_VAIN = 5
"""Times that workers are replaced, with none of them ready in between, before the server is given up."""


def serve(settings: Config) -> None:
    """Serves until it is told to stop; raises ConfigError, Refused or Unfit when it cannot begin."""
    _hold_standard_files()
    _check_extras(settings)
    _check_tls(settings)
    with _bound(settings) as listener, _counted(settings):
        if settings.migrate:
            _migrate(settings)
        asyncio.run(_prepare(settings))
        # From here on connections wait for the workers instead of being refused.
        try:
            listener.listen(BACKLOG)
        except OSError as error:  # others that are bound to it may listen first
            raise _unheard(settings, "host", "port", error) from None
        _greet(settings, listener.getsockname()[1])
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


def _check_extras(settings: Config) -> None:
    for name, (library, extra) in EXTRAS.items():
        if getattr(settings, name) and not find_spec(library):
            needs = f"{config.variable(name)} needs the extra `{extra}`"
            raise ConfigError(f"{needs}: pip install 'message-flows[{extra}]'.")


def _check_tls(settings: Config) -> None:
    if not (settings.tls_certificate or settings.tls_key):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        both = f"{config.variable('tls_certificate')} and {config.variable('tls_key')}"
        raise ConfigError(f"{both} must name a certificate and its key, in PEM: {error.strerror or error}.") from None


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
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    return ConfigError(f"The address cannot be listened on ({where}): {why}; choose another one.")


@contextmanager
def _counted(settings: Config) -> Iterator[None]:
    """Several workers lay their counts together in a folder, which must be known before the first count is made."""
    with tempfile.TemporaryDirectory(prefix="message-flows-") as folder:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        if settings.metrics_port:
            from graphql_api.web import metrics

            try:
                metrics.listen(settings.metrics_host, settings.metrics_port)
            except OSError as error:
                raise _unheard(settings, "metrics_host", "metrics_port", error) from None
        yield


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


async def _prepare(settings: Config) -> None:
    store = store_of(settings)
    try:
        await migrations.require_current(store)
        if settings.demo:
            from graphql_api import demo  # and with it the files of transfer

            await demo.seed(desk_of(settings, store))
    finally:
        await store.close()


def _greet(settings: Config, port: int) -> None:
    scheme = "https" if settings.tls_certificate else "http"
    at = f"{scheme}://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}{settings.root_path}"
    example = f"/v1/api/message-flows/{EXAMPLE['_id']}"
    print(
        f"GraphQL       {at}/graphql",
        f"REST example  {at}{example}  (header x-workspace-id: {WORKSPACE})",
        f"In a browser  {at}/  (playground)  {at}/docs  (reference)  {at}/flows",
        f"Health        {at}/health/ready",
        sep="\n",
        flush=True,
    )


def _run(settings: Config, listener: socket.socket) -> None:
    os.environ |= config.environment(settings)
    setup = _setup(settings)
    # uvicorn raises the signal that stopped it once more when it has finished.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: _exit())
    if settings.workers == 1:
        uvicorn.Server(setup).run([listener])
    else:
        Workers(setup, [listener]).run_or_give_up()


def _setup(settings: Config) -> uvicorn.Config:
    return uvicorn.Config(
        "graphql_api.serving:worker",
        factory=True,
        workers=settings.workers,
        root_path=settings.root_path,
        loop="uvloop",
        http="graphql_api.web.wire:Wire",
        h11_max_incomplete_event_size=settings.max_header_bytes,
        ws="graphql_api.serving:frames",
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
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=",".join(settings.trusted_proxies),
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )


def frames(**connection: Any) -> asyncio.Protocol:
    """A connection that becomes a WebSocket; what they are made of is imported with the first one."""
    from graphql_api.web.frames import Frames

    return Frames(**connection)


def _exit() -> None:
    raise SystemExit(0)


class Workers(Multiprocess):
    """Ctrl-C reaches the whole process group: it is the parent's alone, which then tells its workers to finish."""

    _in_vain = 0
    _is_given_up = False

    def run_or_give_up(self) -> None:
        """Raises Unfit when workers end, time after time, before they have served."""
        self.run()
        if self._is_given_up:
            raise Unfit("Workers end before they have served; what they said before this tells why.")

    def init_processes(self) -> None:
        with _interrupts_held():
            super().init_processes()

    def keep_subprocess_alive(self) -> None:
        if self.should_exit.is_set():
            return
        before = list(self.processes)
        with _interrupts_held():
            super().keep_subprocess_alive()
        if self.processes != before:
            self._in_vain += 1
        elif self._in_vain and all(process.is_ready() for process in self.processes):
            self._in_vain = 0
        if self._in_vain == IN_VAIN:
            self.should_exit.set()
        self._is_given_up = self.should_exit.is_set()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes that begin meanwhile inherit that they are not interrupted."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def worker() -> ASGIApp:
    """The application of one process, from the settings in the environment."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_stop_with, args=(parent.sentinel,), daemon=True).start()
    gc.disable()  # a fifth of the start else; what imports leave behind is less than a megabyte
    from graphql_api.app import made
    from graphql_api.web.telemetry import begin_logging

    begin_logging()
    settings = config.load()
    if settings.traces:
        from graphql_api.tracing import begin_tracing

        begin_tracing()
    application = made(settings)
    settle()
    return application


def settle() -> None:
    """What was made so far lives as long as the process: the collector of cycles need not walk it, not even once.

    A request leaves hardly a cycle behind, so it looks for them less often than it is used to.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def _stop_with(parent: int) -> None:
    """Without its parent a worker would keep the address for itself."""
    connection.wait([parent])
    os.kill(os.getpid(), signal.SIGTERM)
