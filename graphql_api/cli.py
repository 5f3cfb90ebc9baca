"""The command line: what an operator says to the server, and the sentence that comes back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import graphql_api
from graphql_api import cli_keys, config

app = typer.Typer(
    help=graphql_api.__doc__,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(cli_keys.app, name="keys")

DatabaseUrl = Annotated[str | None, typer.Option(help=config.meaning("database_url"))]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"message-flows {graphql_api.__version__}")
        raise typer.Exit


@app.callback()
def main(
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
    with _sentences():
        settings = config.load(
            host=host, port=port, database_url=database_url, workers=workers, demo=demo, migrate=migrate
        )
        config.require_loopback(settings)
        from graphql_api.app import serve as serve_all

        serve_all(settings)


@app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the tables of the database up to date."""
    with _sentences():
        settings = config.load(database_url=database_url)
        from graphql_api.storage import migrations

        migrations.upgrade(settings.database_url)
    typer.echo("The tables are up to date.")


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a file is not current.")] = False,
) -> None:
    """Write schema.graphql and openapi.json into the current directory."""
    from graphql_api.schema import sdl
    from graphql_api.web import openapi

    document = json.dumps(openapi.document(), ensure_ascii=False, indent=2)
    current = {Path("schema.graphql"): sdl().rstrip() + "\n", Path("openapi.json"): document + "\n"}
    stale = [path for path, text in current.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if check:
            typer.echo(f"{path} is not current: run `message-flows schema`.", err=True)
        else:
            path.write_text(current[path], "utf-8")
            typer.echo(f"{path} written.")
    if check and stale:
        raise typer.Exit(1)


@contextmanager
def _sentences() -> Iterator[None]:
    """A wrong setting ends in its sentence, never in a stack."""
    try:
        yield
    except config.ConfigError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
