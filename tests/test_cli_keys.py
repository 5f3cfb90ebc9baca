"""`message-flows keys` as an operator uses it."""

import re

import pytest
from typer.testing import CliRunner

from graphql_api.cli import app

FOR_ALL = ("create", "--workspace", "a", "--scope", "admin")
KEY = re.compile(r"mfk_[0-9a-f]{40}")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["keys", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def _database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_DATABASE_URL", database_url)


def created(*more: str) -> str:
    code, out, told = run("create", "--workspace", "ws1", "--scope", "flows:read,flows:write", *more)
    assert code == 0, told
    assert KEY.fullmatch(out.strip())
    return out.strip()


def test_create_prints_the_key_alone_and_list_never_does() -> None:
    secret = created("--name", "CRM", "--workspace", "ws2", "--expires", "90d")
    code, out, _ = run("list")
    head, row = out.splitlines()
    assert code == 0
    assert head.split() == [
        "id",
        "prefix",
        "state",
        "workspaces",
        "scopes",
        "created",
        "expires",
        "last",
        "used",
        "name",
    ]
    assert row.split()[1:5] == [f"{secret[:12]}…", "live", "ws1,ws2", "flows:read,flows:write"]
    assert row.endswith("CRM")
    assert secret not in out


def test_a_name_does_nothing_to_the_terminal_that_lists_it() -> None:
    created("--name", "\x1b[2J\u202ecrm")
    assert run("list")[1].splitlines()[1].endswith("  \ufffd[2J\ufffdcrm")


def test_what_stands_between_commas_may_have_spaces_around_it() -> None:
    assert run("create", "--workspace", "ws1, ws2,", "--scope", "flows:read , flows:write")[0] == 0
    assert run("list")[1].splitlines()[1].split()[3:5] == ["ws1,ws2", "flows:read,flows:write"]


def test_rotate_prints_a_new_key_and_says_until_when_the_old_one_lives() -> None:
    secret = created()
    code, out, told = run("rotate", secret[:12], "--grace", "0s")
    assert code == 0
    assert KEY.fullmatch(out.strip())
    assert out.strip() != secret
    assert "The old key lives until " in told
    assert [row.split()[2] for row in run("list")[1].splitlines()[1:]] == ["expired", "live"]


def test_revoke_says_when_every_server_knows() -> None:
    secret = created()
    code, out, _ = run("revoke", secret[:12])
    assert code == 0
    assert out.startswith(f"{secret[:12]}… (key_")
    assert out.endswith("is revoked; every server knows within 5 seconds.\n")
    assert run("revoke", secret[:12])[1] == f"{secret[:12]} was revoked before.\n"
    assert run("list")[1].splitlines()[1].split()[2] == "revoked"


def test_whoever_holds_a_leaked_key_ends_it_by_itself_and_sees_no_more_of_it() -> None:
    secret, other = created(), created()
    code, out, told = run("rotate", secret, "--grace", "1h")
    assert (code, bool(KEY.fullmatch(out.strip()))) == (0, True)
    assert run("revoke", secret)[1].startswith(f"{secret[:12]}… (key_")
    assert run("revoke", secret)[1] == f"{secret[:12]}… was revoked before.\n"
    assert secret not in told
    states = {row.split()[1]: row.split()[2] for row in run("list")[1].splitlines()[1:]}
    assert states == {f"{secret[:12]}…": "revoked", f"{out[:12]}…": "live", f"{other[:12]}…": "live"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "--workspace", "a b", "--scope", "flows:read"], "A workspace is 1 to 64 of the characters"),
        (["create", "--workspace", "a", "--scope", "all"], "A key needs scopes out of admin, flows:read"),
        (["create", "--workspace", "a", "--scope", "admin", "--expires", "soon"], "--expires is a length of time"),
        (["create", "--workspace", "a", "--scope", "admin", "--expires", "0s"], "--expires must lie in the future"),
        ([*FOR_ALL, "--name", "\udcff"], "The name of a key must not contain a lone surrogate"),
        ([*FOR_ALL, "--name", "a\nb"], "The name of a key must be a single line"),
        ([*FOR_ALL, "--name", "n" * 201], "The name of a key has 201 characters; at most 200 are allowed."),
        (["rotate", "key_x", "--grace", "1y"], "--grace: a length of time is a number with s, m, h, d or w"),
        (["rotate", "key_x"], "There is no live key key_x."),
        (["revoke", "key_x"], "There is no key key_x."),
        (["rotate", f"mfk_{'0' * 40}"], "There is no live key mfk_00000000….\n"),
        (["revoke", f"Bearer mfk_{'0' * 39}"], "There is no key Bearer mfk_00000000….\n"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_written(arguments: list[str], sentence: str) -> None:
    code, out, told = run(*arguments)
    assert (code, out) == (2, "")
    assert told.startswith(sentence)
    assert len(run("list")[1].splitlines()) == 1


def test_an_old_key_lives_no_longer_than_it_would_have() -> None:
    secret = created("--expires", "2999-01-31T12:00:00Z")
    _, _, told = run("rotate", secret[:12], "--grace", "99999w", "--expires", "99998w")
    assert told.endswith("The old key lives until 2999-01-31T12:00:00Z.\n")
