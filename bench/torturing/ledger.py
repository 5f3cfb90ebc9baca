"""What the clients were told, held against what the server has: which edits are lost, which are there twice."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LEAVES = (
    "name",
    "description",
    "agent",
    "prompt",
    "settings.responseSettings.delay",
    "settings.responseSettings.workingHours.outOfHoursMessage",
    "settings.emailSettings.subjectLine",
    "settings.emailSettings.signature",
)
AUTOPILOT = "autopilot"


@dataclass(slots=True)
class Edit:
    """One change a client wanted; `value` is unique, so that every edit has an effect. A toggle changes AUTOPILOT.

    It is sent again when nothing was written, so that a refusal that was none shows as a doubled edit.
    """

    id: str
    flow: str
    leaf: str
    value: Any = None
    is_keyed: bool = False
    version: int | None = None
    """The version that an answer acknowledged; None: it was sent, and no answer told what became of it."""


@dataclass(frozen=True, slots=True)
class Revision:
    version: int
    edit: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as the server tells it, with its whole history, oldest first."""

    id: str
    version: int
    leaves: Mapping[str, Any]
    history: Sequence[Revision]


@dataclass(slots=True)
class Verdict:
    """Every number but the first two must be 0."""

    acknowledged: int = 0
    unacknowledged_but_there: int = 0
    lost: int = 0
    doubled: int = 0
    wrong_leaves: int = 0
    wrong_versions: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.examples

    def found(self, kind: str, example: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.examples.append(f"{kind}: {example}")


def judged(edits: Iterable[Edit], flows: Iterable[Flow]) -> Verdict:
    verdict = Verdict()
    by_flow: dict[str, list[Edit]] = {}
    for edit in edits:
        by_flow.setdefault(edit.flow, []).append(edit)
    for flow in flows:
        _judge(verdict, by_flow.get(flow.id, []), flow)
    return verdict


def _judge(verdict: Verdict, edits: list[Edit], flow: Flow) -> None:
    written = [revision for revision in flow.history if revision.version > 0]
    there = Counter(revision.edit for revision in written)
    at = {revision.version: revision.edit for revision in written}
    for edit in edits:
        if edit.version is not None:
            verdict.acknowledged += 1
            if at.get(edit.version) != edit.id:
                verdict.found("lost", f"{edit.id} was acknowledged as version {edit.version} of {flow.id}")
        elif there[edit.id]:
            verdict.unacknowledged_but_there += 1
    for id, times in there.items():
        if times > 1:
            verdict.found("doubled", f"{id} is {times} times in {flow.id}")
    if sorted(at) != list(range(1, flow.version + 1)):
        verdict.found("wrong_versions", f"{flow.id} is at {flow.version} with {len(at)} changes in its history")
    _judge_leaves(verdict, edits, flow, there)


def _judge_leaves(verdict: Verdict, edits: list[Edit], flow: Flow, there: Counter[str]) -> None:
    """The newest acknowledged value stands, unless an edit whose answer was lost came after it."""
    initial = flow.history[0].changes
    unheard = {edit.id for edit in edits if edit.version is None}
    for leaf in LEAVES:
        told = [edit for edit in edits if edit.leaf == leaf and edit.version is not None]
        newest = max(told, key=lambda edit: edit.version or 0, default=None)
        since = newest.version or 0 if newest else 0
        later = [r for r in flow.history if r.version > since and leaf in r.changes and r.edit in unheard]
        right = later[-1].changes[leaf] if later else newest.value if newest else initial[leaf]
        if flow.leaves[leaf] != right:
            verdict.found("wrong_leaves", f"{leaf} of {flow.id} is {flow.leaves[leaf]!r}, not {right!r}")
    flips = sum(edit.version is not None or there[edit.id] > 0 for edit in edits if edit.leaf == AUTOPILOT)
    if flow.leaves[AUTOPILOT] != (initial[AUTOPILOT] ^ (flips % 2 == 1)):
        verdict.found("wrong_leaves", f"autopilot of {flow.id} after {flips} toggles")
