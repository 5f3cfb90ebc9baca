"""What Linux knows of the workers of a server: who they are, who serves a connection, what they have used."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROCESSES = Path("/proc")


def workers(server: int) -> list[int]:
    """The processes below the server that serve: those that multiprocessing spawned for more than to keep track."""
    children = (PROCESSES / str(server) / "task" / str(server) / "children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in (PROCESSES / child / "cmdline").read_bytes()]


def seconds(processes: Iterable[int]) -> float:
    """CPU that they have used since they began."""
    return sum(sum(map(int, _figures(process)[11:13])) for process in processes) / TICKS


def _figures(process: int) -> list[str]:
    """Those of `stat` behind the name, which may hold anything."""
    return (PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()


def kilobytes(processes: Iterable[int]) -> int:
    """Memory that is theirs alone."""
    return sum(_private(process) for process in processes)


def _private(process: int) -> int:
    lines = (PROCESSES / str(process) / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def served_by(processes: Iterable[int], port: int) -> Mapping[int, int]:
    """Port of a client on this machine -> process at the other end of its connection to `port`."""
    owners = {inode: process for process in processes for inode in _sockets(process)}
    found: dict[int, int] = {}
    for line in (PROCESSES / "net" / "tcp").read_text().splitlines()[1:]:
        columns = line.split()
        ours, theirs = (int(columns[place].rpartition(":")[2], 16) for place in (1, 2))
        if ours == port and columns[9] in owners:
            found[theirs] = owners[columns[9]]
    return found


def _sockets(process: int) -> list[str]:
    """Inodes of the sockets that the process has open."""
    names = []
    for descriptor in (PROCESSES / str(process) / "fd").iterdir():
        try:
            names.append(os.readlink(descriptor))
        except FileNotFoundError:  # closed meanwhile
            continue
    return [name[8:-1] for name in names if name.startswith("socket:[")]
