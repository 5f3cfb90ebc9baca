"""What a folder would change: each file against its flow as it is, and as it was at the version of the file."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from msgspec import structs

from graphql_api import reads
from graphql_api.domain import flow as domain
from graphql_api.domain import patch as patches
from graphql_api.domain.batching import batched
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.flow import BY_COLUMN, DEFAULTS, Values
from graphql_api.domain.patch import Patch
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported, found_at
from graphql_api.folder import layout
from graphql_api.folder.contents import Blame, Contents, WrongFile, contents
from graphql_api.folder.layout import File, Misplaced
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import drive_waiting
from graphql_api.storage.revisions import Changes

BATCH = 500
"""Files that are read, and looked up, at a time."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`workspace`: only the flows of this one; `overwrite`: files win over newer edits; `prune`: flows without a file
    are deleted."""

    workspace: str | None = None
    overwrite: bool = False
    prune: bool = False


class StepKind(Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CONFLICT = "conflict"
    AGREED = "the file says what the flow says, and another version"
    BEHIND = "the flow has newer edits and the file none"
    STRAY = "a flow without a file"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one flow.

    `seen` is its version now; `said` what the file says, by column; `changes` what is written; `conflicts` are
    sentences; `behind` are the paths of leaves that others changed since the version of the file.
    """

    kind: StepKind
    file: File
    name: str
    seen: int | None = None
    contents: Contents | None = None
    said: Values = field(default_factory=dict)
    changes: Changes = field(default_factory=dict)
    imported: Imported | None = None
    conflicts: Sequence[str] = ()
    behind: Sequence[str] = ()


@dataclass(slots=True)
class Plan:
    """Steps by the place of their files; `same` is how many files need none; nothing is applied while any is wrong."""

    steps: list[Step] = field(default_factory=list)
    same: int = 0
    wrong: list[Blame] = field(default_factory=list)

    def of(self, *kinds: StepKind) -> list[Step]:
        return [step for step in self.steps if step.kind in kinds]

    @property
    def changes(self) -> list[Step]:
        return self.of(StepKind.CREATE, StepKind.UPDATE, StepKind.DELETE)

    @property
    def conflicts(self) -> list[Step]:
        return self.of(StepKind.CONFLICT)


async def plan(
    desk: Desk, caller: Caller, folder: Path, options: PlanOptions, tell: Callable[[int], None] = lambda files: None
) -> Plan:
    """Reads the whole folder and changes nothing; `tell` hears how many files have been read."""
    made = Plan()
    known: set[tuple[str, str]] = set()
    homes = layout.workspaces(folder, options.workspace)
    for batch in batched(layout.files(folder, options.workspace), BATCH):
        await _plan_some(desk, caller, batch, options, made)
        known |= {(file.workspace, file.id) for file in batch if isinstance(file, File)}
        tell(len(known))
    for workspace in homes:
        async for step in _strays(desk, folder, workspace, known, options):
            made.steps.append(step)
    made.steps.sort(key=lambda step: step.file.place)
    return made


async def _plan_some(
    desk: Desk, caller: Caller, batch: Sequence[File | Misplaced], options: PlanOptions, made: Plan
) -> None:
    places = [(file.workspace, file.id) for file in batch if isinstance(file, File)]
    flows_now = await drive_waiting(found_at(places), desk.store.read)
    for file in batch:
        if isinstance(file, Misplaced):
            made.wrong.append(Blame(file.place, file.message))
            continue
        raw = file.read()
        if raw is None:
            continue
        try:
            step = await _step(desk, caller, contents(file, raw), flows_now.get((file.workspace, file.id)), options)
        except WrongFile as wrong:
            made.wrong += wrong.blames
            continue
        if step is None:
            made.same += 1
        else:
            made.steps.append(step)


async def _step(desk: Desk, caller: Caller, found: Contents, flow: Values | None, options: PlanOptions) -> Step | None:
    if flow is None or flow["deleted_at"] is not None:
        return _creation(found, desk.now(), flow, options)
    patch = found.patch()
    step = await judged(desk, caller, found, patch, flow, overwrite=options.overwrite)
    if step is not None and step.kind is StepKind.UPDATE:
        _hold_to_the_rules(found, flow, step)
    return step


def _creation(found: Contents, now: int, tombstone: Values | None, options: PlanOptions) -> Step:
    imported = found.imported(now)
    name = imported.brought["name"]
    if tombstone is not None and found.version is not None and not options.overwrite:
        sentence = (
            f"the flow was deleted, at version {tombstone['version']}; "
            "remove the file, or only its version to bring the flow back"
        )
        return Step(StepKind.CONFLICT, found.file, name, tombstone["version"], found, conflicts=(sentence,))
    said = {column: imported.brought[column] for column in BY_COLUMN}
    told = [column for column in BY_COLUMN if said[column] != DEFAULTS.get(column)]
    changes = revisions.changes({}, said, told)
    return Step(StepKind.CREATE, found.file, name, None, found, said, changes, imported)


async def judged(
    desk: Desk, caller: Caller, found: Contents, patch: Patch, flow: Values, *, overwrite: bool = False
) -> Step | None:
    """Three ways: what the file says, what the flow says, and what it said at the version of the file."""
    said = patch.values
    other = [column for column in BY_COLUMN if column in said and said[column] != flow[column]]
    step = Step(StepKind.UPDATE, found.file, flow["name"], flow["version"], found, said)
    if not other:
        return None if found.version == flow["version"] else replace(step, kind=StepKind.AGREED)
    if overwrite or found.version == flow["version"]:
        return replace(step, changes=revisions.changes(flow, said, other))
    past = None
    if found.version is not None:
        inside = structs.replace(caller, workspace=found.file.workspace)
        past = await reads.flow_at(desk.store, inside, found.file.id, found.version)
    if past is None:
        return replace(step, kind=StepKind.CONFLICT, conflicts=(_unknown(found.version, flow["version"]),))
    mine = [column for column in other if said[column] != past[column]]
    theirs = {column for column in BY_COLUMN if past[column] != flow[column]}
    behind = domain.paths(theirs.difference(mine))
    clash = domain.paths(theirs.intersection(mine))
    changes = revisions.changes(flow, said, mine)
    if clash:
        conflicts = [f"{path} was changed since version {found.version}" for path in clash]
        return replace(step, kind=StepKind.CONFLICT, changes=changes, conflicts=conflicts, behind=behind)
    return replace(step, kind=StepKind.UPDATE if mine else StepKind.BEHIND, changes=changes, behind=behind)


def _unknown(version: int | None, now: int) -> str:
    if version is None:
        return f"the file has no version and the flow exists, at version {now}"
    if version > now:
        return f"the file is of version {version} and the flow only at version {now}"
    return f"the history between version {version} and {now} is not kept any more"


def _hold_to_the_rules(found: Contents, flow: Values, step: Step) -> None:
    """Rules on the whole flow, as it would be."""
    mine = {revisions.COLUMN_OF[path]: after for path, (_, after) in step.changes.items()}
    try:
        patches.merged(flow, Patch(mine, ()))
    except Refused as refusal:
        raise found.wrong(*refusal.problems) from None


async def _strays(
    desk: Desk, folder: Path, workspace: str, known: set[tuple[str, str]], options: PlanOptions
) -> AsyncIterator[Step]:
    kind = StepKind.DELETE if options.prune else StepKind.STRAY
    for row in await desk.store.read(flows.names(workspace)):
        if (workspace, row["id"]) not in known:
            yield Step(kind, File(folder, workspace, row["id"]), row["name"], row["version"])
