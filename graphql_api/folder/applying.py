"""A plan carried out, flow by flow, each all or nothing and only where nobody was faster; then its file is told.

Flow by flow and not in one transaction: flows know nothing of each other, nobody who edits one waits for all the
others, and wherever it ends, by a conflict or a power cut, what is done is done and the rest is planned again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import structs

from graphql_api import edits, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import KINDS, Refused
from graphql_api.domain.flow import COLUMNS, Values
from graphql_api.domain.patch import Sent
from graphql_api.domain.terms import Terms
from graphql_api.domain.words import counted
from graphql_api.edits import Desk
from graphql_api.folder.contents import Blame
from graphql_api.folder.planning import Plan, Step, StepKind
from graphql_api.sentences import Unfit
from graphql_api.storage.revisions import COLUMN_OF


@dataclass(slots=True)
class Applied:
    """How many flows were written in which way, and what was left undone; `merged` ones had newer edits beside ours.

    `untold` are the files of flows that were written which do not say so.
    """

    created: int = 0
    updated: int = 0
    merged: int = 0
    deleted: int = 0
    refused: list[Blame] = field(default_factory=list)
    untold: list[Blame] = field(default_factory=list)

    def sentence(self) -> str:
        told = [
            f"{self.created:,} created",
            f"{self.updated:,} changed" + (f" ({self.merged:,} beside newer edits)" if self.merged else ""),
            *([f"{self.deleted:,} deleted"] if self.deleted else []),
            *([f"{len(self.refused):,} refused"] if self.refused else []),
        ]
        behind = f"; {counted(len(self.untold), 'file')} not brought up to date" if self.untold else ""
        return f"Applied: {', '.join(told)}{behind}."


async def apply(desk: Desk, caller: Caller, plan: Plan, tell: Callable[[int], None] = lambda flows: None) -> Applied:
    """Carries out the steps of a plan that holds nothing wrong; conflicts stay as they are."""
    applied = Applied()
    steps = [*plan.changes, *plan.of(StepKind.AGREED)]
    for number, step in enumerate(steps, 1):
        try:
            await _carry_out(desk, structs.replace(caller, workspace=step.file.workspace), step, applied)
        except Refused as refusal:
            if any(KINDS[problem.code].status == 503 for problem in refusal.problems):
                raise
            applied.refused += [Blame(step.file.place, problem.message) for problem in refusal.problems]
        tell(number)
    return applied


async def _carry_out(desk: Desk, caller: Caller, step: Step, applied: Applied) -> None:
    if step.kind is StepKind.DELETE:
        await edits.delete_flow(desk, caller, step.file.id, _unless_newer(step))
        applied.deleted += 1
    elif step.kind is StepKind.CREATE:
        assert step.imported is not None
        await edits.import_flows(desk, caller, [step.imported])
        applied.created += 1
        flow = await reads.flow(desk.store, caller, step.file.id, COLUMNS)
        if flow is not None:
            _tell_file(step, flow, applied)
    elif step.kind is StepKind.UPDATE:
        values = {COLUMN_OF[path]: after for path, (_, after) in step.changes.items()}
        saved = await edits.update_flow(desk, caller, step.file.id, Sent(values), _unless_newer(step, merge=True))
        applied.updated += 1
        if step.behind or saved.rebased_from is not None:
            applied.merged += 1
        _tell_file(step, saved.flow, applied)
    else:
        flow = await reads.flow(desk.store, caller, step.file.id, COLUMNS)
        if flow is not None and flow["version"] == step.seen:
            _tell_file(step, flow, applied)


def _unless_newer(step: Step, *, merge: bool = False) -> Terms:
    assert step.seen is not None
    return Terms(frozenset({step.seen}), merge=merge)


def _tell_file(step: Step, flow: Values, applied: Applied) -> None:
    """The file says from now on what the flow says, and at which version; unless it was edited meanwhile."""
    assert step.contents is not None
    try:
        if step.file.read() != step.contents.page.text.encode():
            raise Unfit("The file was edited meanwhile and is left as it is.")
        text = step.contents.saying(flow, step.said)
        if text != step.contents.page.text:
            step.file.write(text)
    except Unfit as why:
        sentence = str(why).removesuffix(".")
        applied.untold.append(Blame(step.file.place, f"applied, but {sentence[0].lower()}{sentence[1:]}"))
