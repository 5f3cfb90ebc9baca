"""Flows written into a folder; a file keeps its comments and what it leaves out, and edits that were not applied."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from graphql_api.domain.caller import Caller
from graphql_api.domain.flow import Values
from graphql_api.edits import Desk
from graphql_api.folder import layout, writing
from graphql_api.folder.contents import Blame, WrongFile, contents, document
from graphql_api.folder.layout import File
from graphql_api.folder.planning import StepKind, judged
from graphql_api.storage import flows


@dataclass(slots=True)
class Exported:
    """How many flows there were and how many files were written; `left` are files that were not, and why."""

    flows: int = 0
    written: int = 0
    left: list[Blame] = field(default_factory=list)


async def export(
    desk: Desk,
    caller: Caller,
    folder: Path,
    workspace: str | None,
    *,
    overwrite: bool = False,
    tell: Callable[[int], None] = lambda flows: None,
) -> Exported:
    """Removes nothing; `overwrite` gives up edits of files that were not applied."""
    exported = Exported()
    there: set[str] = set()
    async with desk.store.stream(flows.export(workspace)) as rows:
        async for row in rows:
            flow = flows.values(row)
            file = File(folder, flow["workspace_id"], flow["id"])
            there.add(file.place)
            await _export(desk, caller, file, flow, overwrite, exported)
            exported.flows += 1
            tell(exported.flows)
    for found in layout.files(folder, workspace):
        if isinstance(found, File) and found.place not in there:
            exported.left.append(Blame(found.place, "there is no such flow; the file is left as it is"))
    return exported


async def _export(desk: Desk, caller: Caller, file: File, flow: Values, overwrite: bool, exported: Exported) -> None:
    raw = file.read()
    try:
        text = (
            writing.whole(document(flow)) if raw is None else await _renewed(desk, caller, file, raw, flow, overwrite)
        )
    except WrongFile as wrong:
        if not overwrite:
            exported.left += wrong.blames
            return
        text = writing.whole(document(flow))
    if raw != text.encode():
        file.write(text)
        exported.written += 1


async def _renewed(desk: Desk, caller: Caller, file: File, raw: bytes, flow: Values, overwrite: bool) -> str:
    """Raises WrongFile for a file that holds edits which were not applied, or cannot be read."""
    found = contents(file, raw)
    patch = found.patch()
    if not overwrite:
        step = await judged(desk, caller, found, patch, flow)
        if step is not None and step.kind in (StepKind.UPDATE, StepKind.CONFLICT):
            raise WrongFile(Blame(file.place, "the file has edits that were not applied; it is left as it is"))
    return found.saying(flow, patch.values)
