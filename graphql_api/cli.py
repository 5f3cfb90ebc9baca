"""The command line: what an operator says to the server, and the sentence that comes back.

Exit codes: 0 done; 1 something in the files is wrong; 2 the command could not be carried out. `plan` and `apply` end
with 1 for both of them, as `plan` says by 2 that there is something to change.
"""

import json
import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

import graphql_api
from graphql_api import cli_files, cli_keys, cli_webhooks, config
from graphql_api.cli_forms import DatabaseUrl, silence
from graphql_api.domain.words import counted
from graphql_api.sentences import sentences

if TYPE_CHECKING:
    from graphql_api.edits import Desk

app = typer.Typer(
    help=graphql_api.__doc__,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("import")(cli_files.import_)
app.command()(cli_files.export)
app.command()(cli_files.plan)
app.command()(cli_files.apply)
app.add_typer(cli_keys.app, name="keys")
app.add_typer(cli_webhooks.app, name="webhooks")


def main() -> None:
    """What is wrong with a command is one sentence; `--help` tells the rest."""
    _spare_characters()
    logging.getLogger("message_flows").addHandler(logging.NullHandler())  # what a log line tells is in the sentence too
    try:
        end = app(prog_name="message-flows", standalone_mode=False)
        if sys.stdout is not None:  # which whoever starts the command may have closed
            sys.stdout.flush()
    except TyperException as wrong:
        typer.echo(wrong.format_message(), err=True)
        end = _trouble()
    except OSError as error:  # those of files that are named and of databases have sentences of their own
        typer.echo(_about(error), err=True)
        end = _trouble()
    raise SystemExit(end)


def _spare_characters() -> None:
    """One that the locale's encoding has no place for is shown as a question mark: it ends no command half done."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _about(error: OSError) -> str:
    why = os.strerror(error.errno or 0)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        silence()
        return f"Standard output cannot be written: {why}."
    where = f" ({os.fsdecode(error.filename)})" if error.filename else ""
    return f"The command could not be carried out: {why}{where}."


def _trouble() -> int:
    return 1 if sys.argv[1:2] in (["plan"], ["apply"]) else 2


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"message-flows {graphql_api.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help=config.meaning("host"))] = None,
    port: Annotated[int | None, typer.Option(help=config.meaning("port"))] = None,
    database_url: DatabaseUrl = None,
    workers: Annotated[int | None, typer.Option(help=config.meaning("workers"))] = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help=config.meaning("demo"))] = None,
    migrate: Annotated[bool | None, typer.Option("--migrate/--no-migrate", help=config.meaning("migrate"))] = None,
) -> None:
    """Serve GraphQL and REST."""
    with sentences():
        settings = config.load(
            host=host, port=port, database_url=database_url, workers=workers, demo=demo, migrate=migrate
        )
        config.require_loopback(settings)
        from graphql_api import serving

        serving.serve(settings)


@app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the tables of the database up to date; safe when several do at once."""
    with sentences():
        settings = config.load(database_url=database_url)
        from graphql_api.opening import explained
        from graphql_api.storage import migrations

        with explained(settings, making=True):
            run = migrations.upgrade(settings.database_url)
    if run:
        typer.echo(f"The tables are up to date; revisions that were run: {', '.join(run)}.")
    else:
        typer.echo("The tables were up to date already; nothing was run.")


@app.command()
def prune(
    retention_days: Annotated[int | None, typer.Option(help=config.meaning("retention_days"))] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Remove history, and flows that were deleted, older than the retention."""
    with sentences():
        settings = config.load(retention_days=retention_days, database_url=database_url)
        from graphql_api.opening import at_desk

        revisions, tombstones = at_desk(settings, lambda desk: _prune(desk, settings.retention_days))
    gone = f"{counted(revisions, 'revision')} and {counted(tombstones, 'deleted flow')}"
    typer.echo(f"{gone} removed; kept: {counted(settings.retention_days, 'day')}.")


async def _prune(desk: "Desk", days: int) -> tuple[int, int]:
    from graphql_api import edits
    from graphql_api.progress import progress

    seen = 0
    with progress() as tell:

        def looked_at(flows: int) -> None:
            nonlocal seen
            seen += flows
            tell("Flows looked at", seen)

        return await edits.prune(desk, days * 86_400_000, looked_at)


@app.command()
def hours(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="Id of the flow.")],
    workspace: Annotated[str, typer.Option(help="The workspace that owns the flow.")],
    week: Annotated[
        str | None,
        typer.Option(metavar="WEEK", help="A week such as 2026-W10, or a day in it; this week if absent."),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Draw a week of a flow's working hours, on the wall clock of its time zone."""
    with sentences():
        settings = config.load(database_url=database_url)
        from graphql_api import week as weeks
        from graphql_api.opening import at_desk
        from graphql_api.transfer import check_workspace

        check_workspace(workspace)
        found = at_desk(settings, lambda desk: weeks.of_flow(desk, workspace, flow, week))
    weeks.show(found)


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a file is not current.")] = False,
) -> None:
    """Write schema.graphql and openapi.json into the current directory."""
    from graphql_api.files import writing
    from graphql_api.schema import sdl
    from graphql_api.web import openapi

    document = json.dumps(openapi.document(), ensure_ascii=False, indent=2)
    current = {"schema.graphql": f"{sdl().rstrip()}\n".encode(), "openapi.json": f"{document}\n".encode()}
    stale = [name for name, text in current.items() if not Path(name).exists() or Path(name).read_bytes() != text]
    for name in stale:
        if check:
            typer.echo(f"{name} is not current: run `message-flows schema`.", err=True)
            continue
        with sentences(), writing(name) as target:
            target.write(current[name])
        typer.echo(f"{name} written.")
    if check and stale:
        raise typer.Exit(1)
