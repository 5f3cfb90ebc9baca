"""What watchers were told, held against the versions that the flows have: what is missing, what came twice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bench.watching.editors import Edit
from bench.watching.watchers import Watcher


@dataclass(slots=True)
class Verdict:
    """Every number but the first must be 0."""

    deliveries: int = 0
    missing: int = 0
    doubled: int = 0
    disordered: int = 0
    examples: list[str] = field(default_factory=list)


def judged(watchers: Iterable[Watcher], newest: Mapping[str, int], since: Mapping[str, int]) -> Verdict:
    """`newest`: the version that each flow has come to; `since`: the one behind which a watcher must know all."""
    verdict = Verdict()
    for watcher in watchers:
        told = [version for _, version in watcher.versions()]
        first, last = since[watcher.flow] + 1, newest[watcher.flow]
        counted = [version for version in told if version >= first]
        missing = set(range(first, last + 1)).difference(told)
        verdict.deliveries += len(counted)
        verdict.missing += len(missing)
        verdict.doubled += len(told) - len(set(told))
        verdict.disordered += sum(later < sooner for sooner, later in pairwise(told))
        if missing or told != sorted(set(told)):
            verdict.examples.append(
                f"{watcher.way} of {watcher.flow}: {sorted(missing)[:9]} are missing of {told[-9:]}"
            )
    return verdict


def waits(
    watchers: Iterable[Watcher], edits: Iterable[Edit], workers: Mapping[int, int]
) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds from each edit to whoever watches its flow at another worker: from its answer, and from its sending.

    `workers` tells which process serves the connection from a port.
    """
    known = {(edit.flow, edit.version): edit for edit in edits}
    from_answer, from_sending = [], []
    for watcher in watchers:
        here = workers.get(watcher.port)
        for at, version in watcher.versions():
            edit = known.get((watcher.flow, version))
            if edit is not None and here is not None and workers.get(edit.port, here) != here:
                from_answer.append(at - edit.answered)
                from_sending.append(at - edit.sent)
    return sorted(from_answer), sorted(from_sending)
