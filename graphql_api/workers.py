"""The processes that serve: what each is made of, what several share, and that they are replaced when they die."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, parent_process, resource_tracker
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from graphql_api import config
from graphql_api.config import Config
from graphql_api.opening import desk_of, store_of
from graphql_api.sentences import Unfit
from graphql_api.web.gathered import SHARED

IN_VAIN = 5
"""Times that workers are replaced, with none of them ready in between, before the server is given up."""

BETWEEN_SIGNALS = 0.1

log = logging.getLogger("uvicorn.error")


class Workers(Multiprocess):
    """Ctrl-C reaches the whole process group: it is the parent's alone, which then tells its workers to finish."""

    _in_vain = 0
    _is_given_up = False
    _is_interrupted = False
    _stopped_by: int = signal.SIGTERM

    def run_or_give_up(self) -> int:
        """The signal that ended it; raises Unfit when workers end, time after time, before they have served."""
        self.run()
        if self._is_given_up:
            raise Unfit("Workers end before they have served; what they said before this tells why.")
        return self._stopped_by

    def handle_int(self) -> None:
        if self._is_interrupted:
            self.signal_queue.append(signal.SIGINT)  # a second one, for when they have heard of the first
        self._is_interrupted = True
        self._stopped_by = signal.SIGINT
        self.should_exit.set()

    def terminate_all(self) -> None:
        """While the parent listened as well, whoever came after the drain would wait for an answer that never comes."""
        for listener in self.sockets:
            listener.close()
        if self._is_interrupted:
            self._interrupt_all()
        else:
            super().terminate_all()

    def join_all(self) -> None:
        while ends := [process.process.sentinel for process in self.processes if process.process.is_alive()]:
            connection.wait(ends, BETWEEN_SIGNALS)
            while signal.SIGINT in self.signal_queue:
                self.signal_queue.remove(signal.SIGINT)
                self._interrupt_all()
        super().join_all()

    def _interrupt_all(self) -> None:
        for process in self.processes:
            if process.process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGUSR1)  # as `living` has it

    def init_processes(self) -> None:
        with _interrupts_held():
            super().init_processes()

    def restart_all(self) -> None:
        """As its parent does it, but that a signal to stop is heard meanwhile, and stops both the old and the new."""
        for old in tuple(self.processes):
            if self._is_told_to_stop():
                return
            new = Process(self.config, self.sockets)
            with _interrupts_held():
                new.start()
            if not new.wait_until_ready(self.config.timeout_worker_healthcheck):
                new.kill()
                new.join()
                log.error("New worker %s was not ready in time; %s is kept, as are those after it.", new.pid, old.pid)
                return
            self.processes.append(new)
            old.terminate()
            while old.process.is_alive():
                if self._is_told_to_stop():
                    return
                connection.wait([old.process.sentinel], BETWEEN_SIGNALS)
            self.processes.remove(old)

    def _is_told_to_stop(self) -> bool:
        """By a signal in the queue, which is handled, or passed on, when whoever asks has returned."""
        if told := {signal.SIGINT, signal.SIGTERM} & set(self.signal_queue):
            self._stopped_by = min(told)
            self.should_exit.set()
        return self.should_exit.is_set()

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
    """Processes that begin meanwhile inherit that they are not interrupted, until `living` sees to it.

    The tracker begins with the first of them, and lets signals through again when it has.
    """
    resource_tracker.ensure_running()
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
    desk = desk_of(settings, store_of(settings, neighbours=shared_by(settings)))
    application = made(settings, desk)
    settle()
    return application


def shared_by(settings: Config) -> Path | None:
    """The folder of several workers; a single one may find another server's, which may have another database."""
    folder = os.environ.get(SHARED)
    return Path(folder) if folder and settings.workers > 1 else None


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


def frames(**connection: Any) -> asyncio.Protocol:
    """A connection that becomes a WebSocket; what they are made of is imported with the first one."""
    from graphql_api.web.frames import Frames

    return Frames(**connection)
