"""`message-flows` as processes of its own, as an operator runs it: what each command does, and what is in its way."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url

from graphql_api.domain.example import EXAMPLE
from graphql_api.storage import migrations
from tests.commands import LONG, NOBODY, Command, Said, command, environment, nursery, say, shown
from tests.conftest import Beside, told_to
from tests.storage.misnamed import misnamed

pytestmark = pytest.mark.processes

MIGRATED = f"The tables are up to date; revisions that were run: {', '.join(migrations.known())}.\n"
AS_THEY_WERE = "The tables were up to date already; nothing was run.\n"


def line(id: str, **members: object) -> bytes:
    return json.dumps({**EXAMPLE, "_id": id, **members}).encode() + b"\n"


def test_the_whole_way_of_an_operator(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "flows.jsonl"
    file.write_bytes(line("a") + line("b", workspaceId="other"))
    assert say(["migrate"], database_url) == Said(0, AS_THEY_WERE, "")
    assert say(["import", str(file)], database_url) == Said(0, "2 of 2 flows imported.\n", "")
    told = say(["export"], database_url)
    assert (told.code, told.err) == (0, "2 flows exported.\n")
    assert [json.loads(one)["_id"] for one in told.out.splitlines()] == ["a", "b"]
    target = tmp_path / "out.jsonl"
    assert say(["export", str(target), "--workspace", "other"], database_url) == Said(0, "", "1 flow exported.\n")
    assert json.loads(target.read_bytes())["_id"] == "b"
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.jsonl"]
    again = say(["import", "-", "--skip-existing"], database_url, given=told.out.encode() + line("c"))
    assert again == Said(0, "1 of 3 flows imported; 2 existed and were left as they are.\n", "")
    pruned = say(["prune", "--retention-days", "1"], database_url)
    assert pruned == Said(0, "0 revisions and 0 deleted flows removed; kept: 1 day.\n", "")


def test_a_wrong_file_is_told_line_by_line_and_changes_nothing(database_url: str) -> None:
    text = line("a") + b"{\n" + line("b", prompt="")
    assert say(["import", "-"], database_url, given=text) == Said(
        1,
        "Nothing was imported: 2 of 3 flows are wrong.\n",
        "line 2: the flow is not JSON: expecting property name enclosed in double quotes at line 1, column 2\n"
        "line 3: prompt must not be empty\n",
    )
    assert say(["export"], database_url).out == ""
    kept = say(["import", "-", "--keep-good"], database_url, given=text)
    assert (kept.code, kept.out) == (1, "1 of 3 flows imported; 2 refused.\n")
    assert len(say(["export"], database_url).out.splitlines()) == 1


@pytest.mark.parametrize("words", [["apply", "--prune"], ["plan"], ["import"], ["export"]])
def test_the_workspace_of_a_command_is_no_variable(database_url: str, tmp_path: Path, words: list[str]) -> None:
    """Set for one command it would have another one delete all that has no file, or move all flows into it."""
    say(["import", "-"], database_url, given=line("a"))
    where = "-" if words[0] in ("import", "export") else str(tmp_path)
    told = say([*words, where], database_url, MESSAGE_FLOWS_WORKSPACE="ws1")
    assert told.code > 0
    assert told.out == ""
    assert told.err.startswith("MESSAGE_FLOWS_WORKSPACE is no setting")
    assert len(say(["export"], database_url).out.splitlines()) == 1


def test_a_terminal_shows_progress_and_a_pipe_does_not(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "flows.jsonl"
    file.write_bytes(line("a"))
    told = shown(["import", str(file)], database_url)
    assert (told.code, told.out) == (0, "1 of 1 flow imported.\n")
    assert "Flows checked" in told.err
    assert "Flows written" in told.err


def test_a_reader_that_has_enough_ends_an_export_quietly(database_url: str) -> None:
    say(["import", "-"], database_url, given=b"".join(line(f"f{number}") for number in range(300)))
    with subprocess.Popen(
        command("export"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(database_url)
    ) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        export.stdout.readline()
        export.stdout.close()
        assert b"Traceback" not in export.stderr.read()


def test_an_import_that_is_interrupted_says_nothing_and_writes_nothing(database_url: str) -> None:
    with subprocess.Popen(
        command("import", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(database_url),
    ) as run:
        assert run.stdin is not None
        assert run.stderr is not None
        run.stdin.write(line("bad/id") * 500)
        run.stdin.flush()
        assert run.stderr.readline().startswith(b"line 1: _id must be")
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=30) == 130  # though its standard input has not ended
        assert b"Traceback" not in run.stderr.read()
    assert say(["export"], database_url).out == ""


def test_an_export_that_is_ended_by_a_signal_leaves_no_draft_of_its_file(
    migrated_postgres: str, beside_postgres: Beside, tmp_path: Path
) -> None:
    beside_postgres.do("BEGIN; LOCK TABLE message_flows")
    try:
        with subprocess.Popen(
            command("export", "flows.jsonl"), env=environment(migrated_postgres), cwd=tmp_path
        ) as run:
            until = time.monotonic() + LONG
            while not any(tmp_path.iterdir()):
                assert time.monotonic() < until
                time.sleep(0.01)
            run.terminate()
            assert run.wait(timeout=30) == 128 + signal.SIGTERM
    finally:
        beside_postgres.do("ROLLBACK")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", ["graphql_api.cli", "typer.core"])
def test_a_command_that_is_interrupted_while_it_is_fetched_says_nothing(room: str) -> None:
    interrupted = f"""
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == {room!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from graphql_api.__main__ import main
main()
"""
    run = subprocess.run([sys.executable, "-c", interrupted], capture_output=True)
    assert (run.returncode, run.stdout, run.stderr) == (130, b"", b"")


def test_eight_processes_migrate_one_database(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if database == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/new.db"
    else:
        url = str(request.getfixturevalue("empty_postgres"))
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: say(["migrate"], url), range(8)))
    assert sorted(one.out for one in told) == [MIGRATED, *[AS_THEY_WERE] * 7]
    assert {(one.code, one.err) for one in told} == {(0, "")}
    assert say(["import", "-"], url, given=line("a")).code == 0


def test_tables_that_are_not_current_are_not_touched(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    commands = [["import", "-"], ["export"], ["prune"], ["serve", "--port", "0"]]
    if database == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/old.db"
    else:
        url = str(request.getfixturevalue("empty_postgres"))
    migrations.upgrade(url)
    migrations.downgrade(url, "0001")
    older = f"The tables are at revision 0001, not {migrations.newest()}; run message-flows migrate.\n"
    assert [say(words, url, given=line("a")) for words in commands] == [Said(2, "", older)] * 4
    migrations.downgrade(url, "base")
    none = "The database has no tables yet; run message-flows migrate.\n"
    assert [say(words, url, given=line("a")) for words in commands] == [Said(2, "", none)] * 4


async def renumbered(url: str, revision: str) -> None:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = :new"), {"new": revision})
    await engine.dispose()


async def test_tables_of_a_newer_version_are_left_alone(database_url: str) -> None:
    await renumbered(database_url, "9999")
    try:
        newer = (
            "The tables are at revision 9999, which this version of message-flows does not know; it knows up to"
            f" {migrations.newest()}, a newer one has migrated them.\n"
        )
        assert say(["migrate"], database_url) == Said(2, "", newer)
        assert say(["serve", "--port", "0", "--migrate"], database_url) == Said(2, "", newer)
        assert say(["export"], database_url) == Said(2, "", newer)
    finally:
        await renumbered(database_url, migrations.newest())


def test_a_database_that_is_away_is_a_sentence() -> None:
    """All at once, as some wait for it first."""
    commands = [["migrate"], ["import", "-"], ["export"], ["keys", "list"], ["serve", "--port", "0"]]
    answers = all_at_once(commands, NOBODY)
    for told in answers:
        assert told.err.startswith("The database is not available: ")
        assert "Connect call failed ('127.0.0.1', 1)" in told.err


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("127.0.0.1:1/flows?sslmode=bogus", "`sslmode` parameter must be one of: disable, allow, prefer"),
        ("/flows?host=127.0.0.1&port=abc", "invalid literal for int()"),
        (f"{'h' * 64}/flows", "label"),
    ],
)
def test_what_is_wrong_with_the_address_of_a_database_is_told_by_every_command(end: str, why: str) -> None:
    url = f"postgresql+asyncpg://flows:secret@{end}"
    for told in all_at_once([["migrate"], ["keys", "list"], ["serve", "--port", "0"]], url):
        assert why in told.err


async def test_a_certificate_that_fails_is_told_as_what_keeps_the_database_away(
    tls: ssl.SSLContext, tmp_path: Path
) -> None:
    commands = [["migrate"], ["keys", "list"], ["serve", "--port", "0"]]
    async with misnamed(tls, tmp_path / "cert.pem") as (address, _):
        answers = await asyncio.to_thread(all_at_once, commands, f"postgresql+asyncpg://flows:secret@{address}")
    for told in answers:
        assert told.err.startswith("The database is not available: ")
        assert "IP address mismatch, certificate is not valid for '127.0.0.2'" in told.err
        assert "cannot be used" not in told.err


def test_an_option_that_only_sqlalchemy_knows_does_not_end_a_migration_in_a_stack() -> None:
    told = say(["migrate"], f"{NOBODY}?prepared_statement_cache_size=abc")
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)


def test_a_missing_database_is_told_once(migrated_postgres: str) -> None:
    commands = [["migrate"], ["keys", "list"], ["serve", "--port", "0"]]
    absent = make_url(migrated_postgres).set(database="nosuch")
    for told in all_at_once(commands, absent.render_as_string(hide_password=False)):
        assert 'database "nosuch" does not exist' in told.err


def all_at_once(commands: list[list[str]], url: str) -> list[Said]:
    """Each of them tells one line, and no password."""
    with ThreadPoolExecutor(len(commands)) as pool:
        answers = list(pool.map(lambda words: say(words, url), commands))
    for told in answers:
        assert (told.code, told.out, told.err.count("\n")) == (2, "", 1), told.err
        assert "secret" not in told.err
    return answers


@pytest.mark.parametrize("words", [["import", "-"], ["export"], ["prune"], ["serve", "--port", "0"], ["migrate"]])
def test_a_file_that_is_no_database_is_a_sentence(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "flows.db").write_bytes(b"Dear diary, this is no database.\n" * 100)
    told = say(words, f"sqlite+aiosqlite:///{tmp_path}/flows.db")
    wrong = f"The file {tmp_path}/flows.db is not a SQLite database: name another one.\n"
    assert told == Said(2, "", wrong)


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    for words in (["export"], ["serve", "--port", "0"], ["keys", "list"], ["prune"]):
        told = say(words, f"sqlite+aiosqlite:///{tmp_path}/none.db")
        assert told == Said(2, "", f"There is no file {tmp_path}/none.db yet; run message-flows migrate.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    for words in (["migrate"], ["export"], ["serve", "--port", "0"], ["serve", "--port", "0", "--migrate"]):
        told = say(words, f"sqlite+aiosqlite:///{folder}/flows.db")
        wrong = f"No folder {folder} can be reached for the database: make it, or name another file.\n"
        assert told == Said(2, "", wrong)


def test_a_postgresql_that_may_only_be_read_is_a_sentence(migrated_postgres: str) -> None:
    told = say(["import", "-"], f"{migrated_postgres}&default_transaction_read_only=on", given=line("read-only"))
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("The database is not available: it takes no changes now; nothing was written")


def test_a_sqlite_file_that_is_locked_for_long_is_a_sentence(migrated_sqlite: Path, tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "locked.db"
    shutil.copy(migrated_sqlite, path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    told = say(["import", "-"], f"sqlite+aiosqlite:///{path}", given=line("a"))
    holder.close()
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("The database is not available: ")
    assert told.err.count("\n") == 1


def test_files_that_cannot_be_read_or_written_are_named(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'flows.db')}"
    absent = f"The file {tmp_path}/none.jsonl cannot be read: No such file or directory.\n"
    assert say(["import", f"{tmp_path}/none.jsonl"], url) == Said(2, "", absent)
    assert say(["import", str(tmp_path)], url) == Said(2, "", f"The file {tmp_path} cannot be read: Is a directory.\n")
    nowhere = f"The file {tmp_path}/none/out.jsonl cannot be written: No such file or directory.\n"
    assert say(["export", f"{tmp_path}/none/out.jsonl"], url) == Said(2, "", nowhere)
    assert say(["export", str(tmp_path)], url) == Said(
        2, "", f"The file {tmp_path} cannot be written: Is a directory.\n"
    )
    assert say(["export", "/dev/null"], url) == Said(0, "", "0 flows exported.\n")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("words", [["export"], ["keys", "list"], ["--version"]])
def test_output_to_a_full_disk_is_told_in_a_sentence(migrated_sqlite: Path, tmp_path: Path, words: list[str]) -> None:
    url = f"sqlite+aiosqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'flows.db')}"
    assert say(["import", "-"], url, given=line("a")).code == 0
    errors = tmp_path / "errors"
    with open(os.devnull, "rb") as nothing, open("/dev/full", "wb") as full, errors.open("wb") as told:
        files = (nothing.fileno(), full.fileno(), told.fileno())
        code = Command(nursery(), words, environment(url), tmp_path, files).wait(LONG)
    assert (code, errors.read_text()) == (2, "Standard output cannot be written: No space left on device.\n")


@pytest.mark.parametrize(
    ("words", "owner"),
    [
        (["keys", "create", "--workspace", "a", "--scope", "admin"], "key_"),
        (["webhooks", "add", "https://example.com", "--workspace", "a", "--events", "flow.updated"], "whk_"),
    ],
)
@pytest.mark.parametrize(
    ("where", "why"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"), ("|:", "Broken pipe")]
)
def test_a_secret_that_nobody_can_read_is_told_with_its_owner(
    migrated_sqlite: Path, tmp_path: Path, words: list[str], owner: str, where: str, why: str
) -> None:
    url = f"sqlite+aiosqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'flows.db')}"
    shell = ["bash", "-c", f'"$@" {where}; exit ${{PIPESTATUS[0]}}', "bash", *command(*words)]
    run = subprocess.run(shell, env=environment(url), capture_output=True, encoding="utf-8")
    told = rf"The new secret of {owner}\w+ is lost, as standard output cannot be written \({why}\): rotate it .*\.\n"
    assert run.returncode == 2
    assert re.fullmatch(told, run.stderr)


def test_a_locale_without_a_character_ends_no_command_half_done(database_url: str) -> None:
    secret = say(["keys", "create", "--workspace", "a", "--scope", "admin"], database_url).out.strip()
    variables = environment(database_url, PYTHONIOENCODING="iso-8859-1")
    for words in (["keys", "list"], ["keys", "revoke", secret[:12]]):
        run = subprocess.run(command(*words), env=variables, capture_output=True, encoding="ascii")
        assert (run.returncode, run.stderr) == (0, "")
        assert f"{secret[:12]}?" in run.stdout


def test_a_port_in_use_is_a_sentence_and_nothing_is_migrated(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = say(["serve", "--port", port, "--migrate"], f"sqlite+aiosqlite:///{tmp_path}/flows.db")
    assert told == Said(
        2,
        "",
        f"The address cannot be listened on (MESSAGE_FLOWS_HOST 127.0.0.1, MESSAGE_FLOWS_PORT {port}): Address already"
        " in use; choose another one.\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_the_schema_is_written_and_compared(tmp_path: Path) -> None:
    stale = say(["schema", "--check"], cwd=tmp_path)
    assert (stale.code, stale.out) == (1, "")
    assert stale.err.splitlines() == [
        "schema.graphql is not current: run `message-flows schema`.",
        "openapi.json is not current: run `message-flows schema`.",
    ]
    assert list(tmp_path.iterdir()) == []
    assert say(["schema"], cwd=tmp_path) == Said(0, "schema.graphql written.\nopenapi.json written.\n", "")
    assert say(["schema", "--check"], cwd=tmp_path) == Said(0, "", "")
    (tmp_path / "schema.graphql").write_bytes(b"\xff")
    assert say(["schema"], cwd=tmp_path) == Said(0, "schema.graphql written.\n", "")
    nowhere = "The file schema.graphql cannot be written: No such file or directory.\n"
    assert say(["schema"], cwd=Path("/proc")) == Said(2, "", nowhere)


@pytest.mark.parametrize("option", ["ssl=disable", "default_transaction_isolation=serializable"])
def test_postgresql_is_migrated_by_several_at_once_under_the_options_of_its_address(
    empty_postgres: str, option: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: say(["migrate"], f"{empty_postgres}&{option}"), range(4)))
    assert sorted(one.out for one in told) == [MIGRATED, *[AS_THEY_WERE] * 3]
    assert {(one.code, one.err) for one in told} == {(0, "")}


async def test_a_postgresql_that_cannot_keep_every_character_is_refused(migrated_postgres: str) -> None:
    name = f"ascii_{os.getpid()}"
    await told_to(migrated_postgres, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    url = make_url(migrated_postgres).set(database=name).render_as_string(hide_password=False)
    told = say(["migrate"], url)
    await told_to(migrated_postgres, f"DROP DATABASE {name}")
    why = "the database keeps text as SQL_ASCII; make one with ENCODING 'UTF8'"
    assert told == Said(2, "", f"The tables cannot be migrated: {why}.\n")
