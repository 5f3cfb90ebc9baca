"""An import: every flow of a file is checked before the first one is written."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from graphql_api import edits
from graphql_api.domain.batching import batched
from graphql_api.domain.caller import Caller
from graphql_api.domain.checks import Wrong
from graphql_api.domain.errors import Problem, Refused, refused
from graphql_api.domain.flow import BY_PATH
from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.domain.words import counted
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported, exists, found_at
from graphql_api.storage.engine import drive_waiting
from graphql_api.storage.flows import COUNT_ANEW
from graphql_api.transfer.documents import read
from graphql_api.transfer.pieces import Piece, Source, pieces
from graphql_api.transfer.staging import StagedFlows
from graphql_api.web.http import BodyLimits
from graphql_api.web.json import decoded

BATCH = 500
"""Flows that are looked up at a time, and written at a time when the good ones are kept."""

JSON = BodyLimits()


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is taken; `workspace` and `initiation_message` as in `documents.read`."""

    workspace: str | None = None
    initiation_message: str | None = None
    skip_existing: bool = False
    keep_good: bool = False

    def check(self) -> None:
        """Raises Refused when no flow could be read with these options."""
        check_workspace(self.workspace)
        if self.initiation_message is not None:
            try:
                BY_PATH["initiationMessage"].rule.check(self.initiation_message)
            except Wrong as wrong:
                raise refused(wrong.code, f"--initiation-message {wrong.message}") from None


def check_workspace(workspace: str | None) -> None:
    if workspace is not None and not is_id(workspace):
        raise refused("INVALID_ID", f"--workspace must be {ID_RULE}")


@dataclass(frozen=True, slots=True)
class Listener:
    """Hears of every problem with its line, and how many flows have been checked and written."""

    blame: Callable[[int, str], None]
    checked: Callable[[int], None] = lambda flows: None
    written: Callable[[int], None] = lambda flows: None


@dataclass(slots=True)
class Brought:
    """What came of an import, in flows."""

    found: int = 0
    wrong: int = 0
    written: int = 0
    skipped: int = 0

    def sentence(self, keep_good: bool) -> str:
        found = counted(self.found, "flow")
        if self.wrong and not keep_good:
            return f"Nothing was imported: {self.wrong:,} of {found} {'is' if self.wrong == 1 else 'are'} wrong."
        told = [f"{self.written:,} of {found} imported"]
        left = "was left as it is" if self.skipped == 1 else "were left as they are"
        told += [f"{self.skipped:,} existed and {left}"] if self.skipped else []
        told += [f"{self.wrong:,} refused"] if self.wrong else []
        return f"{'; '.join(told)}."


async def bring(desk: Desk, caller: Caller, source: Source, options: ImportOptions, listener: Listener) -> Brought:
    """Imports a file in one transaction; if anything is wrong nothing is written, unless the good ones are kept."""
    brought = Brought()
    with StagedFlows() as staged:
        for batch in batched(pieces(source), BATCH):
            await _check(desk, batch, options, staged, listener, brought)
            listener.checked(brought.found)
        if options.keep_good:
            await _write_each_batch(desk, caller, options, staged, listener, brought)
        elif brought.wrong == 0:
            await _write_together(desk, caller, options, staged, listener, brought)
    if brought.written:
        with suppress(Refused):  # the flows are there
            await desk.store.read(COUNT_ANEW)
    return brought


async def _check(
    desk: Desk,
    batch: Sequence[Piece],
    options: ImportOptions,
    staged: StagedFlows,
    listener: Listener,
    brought: Brought,
) -> None:
    """Right flows go to those that wait; problems are told in the order of the file."""
    blamed: dict[int, Sequence[Problem]] = {}
    good: dict[int, Imported] = {}
    now = desk.now()
    for place, piece in enumerate(batch):  # a whole array may stand on one line
        try:
            good[place] = _taken_in(piece, now, options, staged)
        except Refused as refusal:
            blamed[place] = refusal.problems
    if not options.skip_existing:
        for place in await _existing(desk, good):
            staged.send_away(good[place])
            blamed[place] = exists(good[place]).problems
    for place in sorted(blamed):
        for problem in blamed[place]:
            listener.blame(batch[place].line, problem.message)
    brought.found += len(batch)
    brought.wrong += len(blamed)


def _taken_in(piece: Piece, now: int, options: ImportOptions, staged: StagedFlows) -> Imported:
    if piece.wrong is not None:
        raise refused("INVALID_JSON", piece.wrong)
    flow = read(
        decoded(piece.text, JSON, "the flow"),
        now,
        workspace=options.workspace,
        initiation_message=options.initiation_message,
    )
    earlier = staged.add(piece.line, flow)
    if earlier is not None:
        message = f"the flow {flow.id} of workspace {flow.workspace} stands on line {earlier} already"
        raise refused("CONFLICTING_FIELDS", message, "_id")
    return flow


async def _existing(desk: Desk, good: Mapping[int, Imported]) -> list[int]:
    """Which of the flows are in the database; deleted ones may come back."""
    places = {(flow.workspace, flow.id): place for place, flow in good.items()}
    found = await drive_waiting(found_at(places), desk.store.read)
    return [places[named] for named, flow in found.items() if flow["deleted_at"] is None]


async def _write_together(
    desk: Desk, caller: Caller, options: ImportOptions, staged: StagedFlows, listener: Listener, brought: Brought
) -> None:
    written = await edits.import_flows(desk, caller, staged, skip_existing=options.skip_existing, tell=listener.written)
    brought.written = sum(written)
    brought.skipped = len(written) - brought.written


async def _write_each_batch(
    desk: Desk, caller: Caller, options: ImportOptions, staged: StagedFlows, listener: Listener, brought: Brought
) -> None:
    for batch in batched(staged.lines(), BATCH):
        some = [flow for _, flow in batch]
        written = await edits.import_flows(desk, caller, some, skip_existing=True)
        brought.written += sum(written)
        listener.written(brought.written)
        for (line, flow), is_written in zip(batch, written, strict=True):
            if is_written:
                continue
            if options.skip_existing:
                brought.skipped += 1
            else:
                brought.wrong += 1
                listener.blame(line, str(exists(flow)))
