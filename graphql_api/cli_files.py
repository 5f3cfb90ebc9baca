"""`message-flows import`, `export`, `plan` and `apply`: flows as files, in and out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphql_api import config
from graphql_api.cli_forms import DatabaseUrl, named, path
from graphql_api.domain.words import counted
from graphql_api.sentences import Unfit, sentences

if TYPE_CHECKING:
    from graphql_api.edits import Desk
    from graphql_api.folder import Applied, Exported, Plan, PlanOptions
    from graphql_api.transfer import Brought, ImportOptions

OneWorkspace = Annotated[str | None, typer.Option(help="Only the flows of this workspace.")]
Folder = Annotated[
    Path,
    typer.Argument(metavar="DIR", parser=path, help="A folder with a file WORKSPACE/ID.yaml for each flow."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Let files win over edits that were made since their versions.")
]
Prune = Annotated[bool, typer.Option("--prune", help="Delete flows that have no file; they can be restored.")]

SOMETHING_WRONG = 1
SOMETHING_TO_CHANGE = 2


def import_(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", parser=named, help="JSON lines, or one JSON array; - is standard input."),
    ],
    workspace: Annotated[str | None, typer.Option(help="Takes the place of every workspaceId.")] = None,
    initiation_message: Annotated[
        str | None, typer.Option(help="For flows without one, as published answers are.")
    ] = None,
    skip_existing: Annotated[bool, typer.Option("--skip-existing", help="Leave flows that exist.")] = False,
    keep_good: Annotated[bool, typer.Option("--keep-good", help="Import what is right, refuse the rest.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring in flows with their ids and times, all or none."""
    with sentences():
        settings = config.load(database_url=database_url)
        from graphql_api.opening import at_desk
        from graphql_api.transfer import ImportOptions

        options = ImportOptions(workspace, initiation_message, skip_existing, keep_good)
        options.check()
        brought = at_desk(settings, lambda desk: _bring(desk, file, options))
    typer.echo(brought.sentence(keep_good))
    if brought.wrong:
        raise typer.Exit(1)


async def _bring(desk: "Desk", file: str, options: "ImportOptions") -> "Brought":
    from graphql_api import transfer
    from graphql_api.domain.caller import Caller
    from graphql_api.files import reading
    from graphql_api.progress import progress

    with reading(file) as source, progress() as tell:
        listener = transfer.Listener(
            blame=lambda line, message: typer.echo(f"line {line}: {message}", err=True),
            checked=lambda flows: tell("Flows checked", flows),
            written=lambda flows: tell("Flows written", flows),
        )
        return await transfer.bring(desk, Caller(None, source="CLI"), source, options, listener)


def export(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", parser=named, help="Where to write; - is standard output.")
    ] = None,
    dir: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", parser=path, help="Write a YAML file a flow, for `plan` and `apply`."),
    ] = None,
    workspace: OneWorkspace = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --dir: give up edits of files that were not applied.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Write every flow as a line of JSON, as of one moment; or with --dir as a YAML file each."""
    with sentences():
        settings = config.load(database_url=database_url)
        from graphql_api.opening import at_desk
        from graphql_api.transfer import check_workspace

        check_workspace(workspace)
        if dir is None:
            if overwrite:
                raise Unfit("--overwrite belongs to --dir.")
            sent = at_desk(settings, lambda desk: _send(desk, file or "-", workspace))
            typer.echo(f"{counted(sent, 'flow')} exported.", err=True)
            return
        if file is not None:
            raise Unfit("Name a file or --dir, not both.")
        exported = at_desk(settings, lambda desk: _export(desk, dir, workspace, overwrite))
    for blame in exported.left:
        typer.echo(f"{dir}/{blame}", err=True)
    typer.echo(f"{counted(exported.flows, 'flow')}; {counted(exported.written, 'file')} written.")
    if exported.left:
        raise typer.Exit(1)


async def _export(desk: "Desk", dir: Path, workspace: str | None, overwrite: bool) -> "Exported":
    from graphql_api import folder
    from graphql_api.domain.caller import Caller
    from graphql_api.progress import progress

    with progress() as tell:
        by_us = Caller(None, source="CLI")
        told = lambda flows: tell("Flows exported", flows)  # noqa: E731
        return await folder.export(desk, by_us, dir, workspace, overwrite=overwrite, tell=told)


async def _send(desk: "Desk", file: str, workspace: str | None) -> int:
    from graphql_api import transfer
    from graphql_api.files import writing
    from graphql_api.progress import progress

    with writing(file) as target, progress() as tell:
        return await transfer.send(desk.store, workspace, target, lambda flows: tell("Flows exported", flows))


def plan(
    dir: Folder,
    workspace: OneWorkspace = None,
    overwrite: Overwrite = False,
    prune: Prune = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what `apply` would change, leaf by leaf; exit code 0: nothing, 2: something, 1: something is wrong."""
    with sentences(SOMETHING_WRONG):
        made, _ = _work(dir, workspace, overwrite, prune, database_url, and_apply=False)
    _end_if_wrong(made, dir)
    if made.conflicts:
        raise typer.Exit(SOMETHING_WRONG)
    if made.changes:
        raise typer.Exit(SOMETHING_TO_CHANGE)


def apply(
    dir: Folder,
    workspace: OneWorkspace = None,
    overwrite: Overwrite = False,
    prune: Prune = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Make the flows what their files say, without overwriting anybody's edit, and bring the files up to date."""
    with sentences(SOMETHING_WRONG):
        made, applied = _work(dir, workspace, overwrite, prune, database_url, and_apply=True)
    _end_if_wrong(made, dir)
    assert applied is not None
    for blame in (*applied.refused, *applied.untold):
        typer.echo(f"{dir}/{blame}", err=True)
    if made.changes:
        typer.echo(applied.sentence())
    if applied.refused or applied.untold or made.conflicts:
        raise typer.Exit(SOMETHING_WRONG)


def _work(
    dir: Path, workspace: str | None, overwrite: bool, prune: bool, database_url: str | None, *, and_apply: bool
) -> "tuple[Plan, Applied | None]":
    settings = config.load(database_url=database_url)
    from graphql_api.folder import PlanOptions
    from graphql_api.opening import at_desk
    from graphql_api.transfer import check_workspace

    check_workspace(workspace)
    options = PlanOptions(workspace, overwrite, prune)
    return at_desk(settings, lambda desk: _plan(desk, dir, options, and_apply=and_apply))


async def _plan(desk: "Desk", dir: Path, options: "PlanOptions", *, and_apply: bool) -> "tuple[Plan, Applied | None]":
    """What is planned is shown before it is applied."""
    from graphql_api import folder
    from graphql_api.domain.caller import Caller
    from graphql_api.folder.picture import show
    from graphql_api.progress import progress

    by_us = Caller(None, source="CLI")
    with progress() as tell:
        made = await folder.plan(desk, by_us, dir, options, lambda files: tell("Files read", files))
    show(made)
    if made.wrong or not and_apply:
        return made, None
    with progress() as tell:
        return made, await folder.apply(desk, by_us, made, lambda flows: tell("Flows applied", flows))


def _end_if_wrong(made: "Plan", dir: Path) -> None:
    for blame in made.wrong:
        typer.echo(f"{dir}/{blame}", err=True)
    if made.wrong:
        files = len({blame.place for blame in made.wrong})
        typer.echo(f"Nothing can be applied: {counted(files, 'file')} {'is' if files == 1 else 'are'} wrong.", err=True)
        raise typer.Exit(SOMETHING_WRONG)
