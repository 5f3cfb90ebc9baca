"""A partial update: what was sent, whether it holds, what it makes of a flow, and what differs afterwards."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from graphql_api.domain.checks import Wrong
from graphql_api.domain.errors import Problem, Refused
from graphql_api.domain.flow import BY_COLUMN, BY_PATH, DEFAULTS, INDEX_OF, LEAVES, Leaf, Values

CHECKS = {column: leaf.rule.check for column, leaf in BY_COLUMN.items()}
AUTOPILOT = BY_PATH["autopilot"]
START = BY_PATH["settings.responseSettings.workingHours.start"]
END = BY_PATH["settings.responseSettings.workingHours.end"]


class Sent(msgspec.Struct, frozen=True):
    """A request's input as it was parsed: only what was there, null as None, leaves by column.

    `null_blocks` are the paths of blocks that were null; `toggles` is true when autopilot is to be flipped.
    """

    values: Mapping[str, Any] = msgspec.field(default_factory=dict)
    null_blocks: tuple[str, ...] = ()
    toggles: bool = False

    def request(self) -> list[Any]:
        """What makes two requests the same one, ready for JSON: of each leaf what it means, however that is spelt."""
        meant_by = [(column, meant(BY_COLUMN[column], value)) for column, value in sorted(self.values.items())]
        return [meant_by, list(self.null_blocks), self.toggles]


class Patch(msgspec.Struct, frozen=True):
    """What was sent, checked leaf by leaf: the values as they will be kept, and all that is wrong.

    `refused` are the columns whose value is none to keep.
    """

    values: Values
    problems: tuple[Problem, ...]
    toggles: bool = False
    refused: frozenset[str] = frozenset()

    def touched(self) -> frozenset[str]:
        """The columns that the patch is about, refused or not; a toggle counts as autopilot."""
        return self.refused.union(self.values, (AUTOPILOT.column,) if self.toggles else ())


def meant(leaf: Leaf, value: Any) -> Any:
    """The value that is kept for one that was sent, in its JSON type; itself where it is refused."""
    if value is None and leaf.rule.resets:
        return leaf.kind(leaf.default)
    if isinstance(value, str):
        with suppress(Wrong):
            return leaf.rule.check(value)
    return value


def checked(sent: Sent, *, creates: bool = False) -> Patch:
    values: dict[str, Any] = {}
    wrongs: dict[str, Wrong] = {}
    for column, value in sent.values.items():
        try:
            values[column] = _reset(BY_COLUMN[column], creates) if value is None else CHECKS[column](value)
        except Wrong as wrong:
            wrongs[column] = wrong
    is_twofold = sent.toggles and AUTOPILOT.column in sent.values
    problems = tuple(_problems(sent, wrongs, is_twofold, creates)) if wrongs or sent.null_blocks or is_twofold else ()
    return Patch(values, problems, sent.toggles, frozenset(wrongs))


def _problems(sent: Sent, wrongs: Mapping[str, Wrong], is_twofold: bool, creates: bool) -> Iterator[Problem]:
    """Those of leaves in the order of the declaration."""
    for path in sent.null_blocks:
        yield _no_null(path, creates)
    for column in sorted(wrongs, key=INDEX_OF.__getitem__):
        yield _problem(BY_COLUMN[column], wrongs[column])
    if is_twofold:
        yield _both_autopilots()


def _reset(leaf: Leaf, creates: bool) -> Any:
    if leaf.rule.resets:
        return leaf.default
    if creates and leaf.is_required:
        raise Wrong("NULL_NOT_ALLOWED", "must not be null")
    left_out = "get its default" if creates else "keep its value"
    raise Wrong("NULL_NOT_ALLOWED", f"must not be null; leave it out to {left_out}")


def _problem(leaf: Leaf, wrong: Wrong) -> Problem:
    return Problem(wrong.code, f"{leaf.path} {wrong.message}", tuple(leaf.path.split(".")))


def _no_null(path: str, creates: bool) -> Problem:
    left_out = "get its defaults" if creates else "keep its values"
    message = f"{path} must not be null; leave it out to {left_out}, or send an object"
    return Problem("NULL_NOT_ALLOWED", message, tuple(path.split(".")))


def _both_autopilots() -> Problem:
    message = "toggleAutopilot and autopilot contradict each other; send one of them"
    return Problem("CONFLICTING_FIELDS", message, ("toggleAutopilot",))


def created(patch: Patch) -> Values:
    """The leaves of a new flow in the order of the declaration, of which statements are made; raises Refused with every
    problem."""
    missing = [
        Problem("REQUIRED", f"{leaf.path} is required", (leaf.path,))
        for leaf in LEAVES
        if leaf.is_required and leaf.column not in patch.values and not _blamed(patch, leaf)
    ]
    values = {**DEFAULTS, **patch.values}
    ordered = {column: values[column] for column in BY_COLUMN if column in values}
    return _lawful(ordered, (*patch.problems, *missing))


def _blamed(patch: Patch, leaf: Leaf) -> bool:
    return any(problem.path == (leaf.path,) for problem in patch.problems)


def merged(flow: Values, patch: Patch) -> Values:
    """The flow with the patch applied: what was not sent stays; raises Refused with every problem."""
    after = {**flow, **patch.values}
    if patch.toggles:
        after[AUTOPILOT.column] = not flow[AUTOPILOT.column]
    return _lawful(after, patch.problems)


def _lawful(flow: Values, problems: tuple[Problem, ...]) -> Values:
    """Rules on the whole flow join the problems of single leaves, so that all are told at once."""
    if problems or flow[START.column] == flow[END.column]:
        problems = (*problems, *_whole_rules(flow, {".".join(problem.path) for problem in problems}))
        raise Refused(*problems)
    return flow


def _whole_rules(flow: Values, blamed: set[str]) -> Iterator[Problem]:
    if {START.path, END.path} & blamed:
        return
    if flow[START.column] == flow[END.column]:
        message = (
            f"working hours from {flow[START.column]} to {flow[END.column]} hold no minute; "
            "for the whole day send 00:00 and 24:00, for no working hours send enabled: false"
        )
        yield Problem("EMPTY_WINDOW", message, tuple(START.path.rpartition(".")[0].split(".")))


def difference(before: Values, after: Values, among: Collection[str] = BY_COLUMN) -> tuple[str, ...]:
    """The columns of the leaves whose values differ, in the order of the declaration; only `among` these may they."""
    differing = [column for column in among if before[column] != after[column]]
    if len(differing) > 1:
        differing.sort(key=INDEX_OF.__getitem__)
    return tuple(differing)
