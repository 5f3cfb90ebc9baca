"""Starts commands as processes that have imported everything already, which else takes most of a command's time."""

import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module

COMMON = ("app", "files", "progress", "serving", "storage.migrations", "transfer", "web.frames", "web.wire", "week")


def serve(address: str) -> None:
    """One process stands by each command, to tell its end; nobody waits for those. Returns in that of a command."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is not
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return stand_by(connection)
        connection.close()


def stand_by(connection: socket.socket) -> None:
    """Tells the id of the process and then how it ended; returns in the process of the command."""
    _, files, *_ = socket.recv_fds(connection, 1, 3)
    asked = json.loads(connection.makefile("rb").read())
    child = os.fork()
    if child:
        for given in files:
            os.close(given)
        connection.sendall(b"%d\n" % child)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(b"%d\n" % code)
        os._exit(0)
    connection.close()
    os.setsid()
    for standard, given in enumerate(files):
        os.dup2(given, standard)
        os.close(given)
    os.environ.clear()
    os.environ.update(asked["environment"])
    # What processes that it spawns are told of warnings.
    sys.warnoptions[:] = filter(None, os.environ.get("PYTHONWARNINGS", "").split(","))
    os.chdir(asked["cwd"])
    sys.argv = ["message-flows", *asked["words"]]


if __name__ == "__main__":
    from graphql_api import cli

    for name in COMMON:
        import_module(f"graphql_api.{name}")
    gc.freeze()
    serve(sys.argv[1])
    try:
        cli.main()
    except SystemExit as end:
        # Taking the interpreter apart would touch, and so copy, all that it has in common with the nursery.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
