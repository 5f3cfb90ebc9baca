"""A plan as lines for people: what would change, leaf by leaf, in colours on a terminal and plain elsewhere."""

import difflib
import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from graphql_api.domain.flow import BY_PATH
from graphql_api.domain.words import counted, printable
from graphql_api.folder.planning import Plan, Step, StepKind
from graphql_api.folder.writing import NOT_IN_BLOCKS, escaped, inline

SHORT = 60
"""Characters of a text that is shown in one line with what it becomes."""

NEW, GONE, OTHER, ASIDE, TROUBLE = "green", "red", "yellow", "dim", "bold red"
ASCII = str.maketrans("→", ">")

Line = tuple[str, str]
"""Text and style."""

HEADS = {
    StepKind.CREATE: ("+", NEW, ""),
    StepKind.UPDATE: ("~", OTHER, ""),
    StepKind.DELETE: ("-", GONE, " (no file)"),
    StepKind.CONFLICT: ("!", TROUBLE, ""),
}


def lines(plan: Plan) -> Iterator[Line]:
    for step in plan.steps:
        if step.kind in HEADS:
            yield from _step(step)
    if not plan.wrong:
        yield from _sums(plan)


def _step(step: Step) -> Iterator[Line]:
    mark, style, remark = HEADS[step.kind]
    yield f"{mark} {step.file.place}  {printable(step.name)}{remark}", f"bold {style}"
    for path, (before, after) in step.changes.items():
        yield from _change(path, _shown(path, before), _shown(path, after), is_new=step.kind is StepKind.CREATE)
    for sentence in step.conflicts:
        yield f"    ! {sentence}", TROUBLE
    if step.behind and step.kind is StepKind.UPDATE:
        yield f"    changed by others since version {_version(step)}, and kept: {', '.join(step.behind)}", ASIDE
    yield "", ""


def _version(step: Step) -> int | None:
    return None if step.contents is None else step.contents.version


def _shown(path: str, value: Any) -> Any:
    leaf = BY_PATH[path]
    return leaf.kind[value].value if value is not None and hasattr(leaf.kind, "__members__") else value  # type: ignore[index]


def _change(path: str, before: Any, after: Any, *, is_new: bool) -> Iterator[Line]:
    if is_new and not _is_long(after):
        yield f"    {path}: {_told(after)}", NEW
    elif not _is_long(before) and not _is_long(after):
        yield f"    {path}: {_told(before)} → {_told(after)}", OTHER
    else:
        yield f"    {path}:", NEW if is_new else OTHER
        yield from _difference(before or "", after)


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > SHORT or "\n" in value)


def _told(value: Any) -> str:
    return inline(value) if isinstance(value, str) else json.dumps(value)


def _difference(before: str, after: str) -> Iterator[Line]:
    """The lines that differ, with one around them; the line break at the end is told where only one has it."""
    if after.endswith("\n") and before[-1:] in ("\n", ""):
        before, after = before[:-1], after[:-1]
    old, new = (text.split("\n") if text else [] for text in (before, after))
    for line in list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]:
        if line.startswith("@@"):
            continue
        style = {"+": NEW, "-": GONE}.get(line[0], ASIDE)
        yield f"      {line[0]} {NOT_IN_BLOCKS.sub(escaped, line[1:])}", style


def _sums(plan: Plan) -> Iterator[Line]:
    created, updated, deleted = (len(plan.of(kind)) for kind in (StepKind.CREATE, StepKind.UPDATE, StepKind.DELETE))
    conflicts, behind, strays = (plan.of(kind) for kind in (StepKind.CONFLICT, StepKind.BEHIND, StepKind.STRAY))
    if strays:
        names = ", ".join(step.file.place.removesuffix(".yaml") for step in strays[:10])
        more = f" and {len(strays) - 10:,} more" if len(strays) > 10 else ""
        yield f"Without a file, deleted only with --prune: {names}{more}", ASIDE
    if behind:
        yield f"Behind their flows, until the next export: {counted(len(behind), 'file')}", ASIDE
    if conflicts:
        yield f"Conflicts, left as they are: {counted(len(conflicts), 'flow')}", TROUBLE
    same = plan.same + len(plan.of(StepKind.AGREED)) + len(behind)
    if plan.changes:
        yield f"Plan: {created:,} to create, {updated:,} to change, {deleted:,} to delete; {same:,} unchanged.", "bold"
    else:
        yield f"Nothing to change; {same:,} unchanged.", "bold"


def show(plan: Plan) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for text, style in lines(plan):
        if console.options.ascii_only:
            text = text.translate(ASCII).encode("ascii", "backslashreplace").decode()
        console.print(Text(text, style))
