"""`message-flows`: the words that a command takes, and one sentence for what is in its way."""

import errno
from pathlib import Path

import pytest

from graphql_api import __version__, config, opening, serving
from graphql_api.transfer import incoming
from graphql_api.transfer.staging import StagedFlows
from tests.commands import NOBODY, Said, Spoken
from tests.test_commands import line


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["qqq"], "No such command 'qqq'."),
        (["import"], "Missing argument 'FILE'."),
        (["import", "a", "b"], "Got unexpected extra argument(s) (b)"),
        (["import", "nothing.jsonl", "--bogus"], "No such option: --bogus"),
        (["export", "--workspace"], "Option '--workspace' requires an argument."),
        (["export", "--workspace", "a b"], "--workspace must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -."),
        (["import", "-", "--workspace", ""], "--workspace must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -."),
        (["import", "-", "--initiation-message", ""], "--initiation-message must not be empty."),
        (
            ["prune", "--retention-days", "0"],
            "MESSAGE_FLOWS_RETENTION_DAYS must be a whole number from 1 to 36500, not 0.",
        ),
        (["serve", "--port", "65536"], "MESSAGE_FLOWS_PORT must be a whole number from 0 to 65535, not 65536."),
        (["serve", "--workers", "0"], "MESSAGE_FLOWS_WORKERS must be a whole number from 1 to 256, not 0."),
        (
            ["migrate", "--database-url", "postgresql+asyncpg://db:99999/flows"],
            "MESSAGE_FLOWS_DATABASE_URL must have a number from 0 to 65535 as its port.",
        ),
        *[
            (
                ["keys", word, "\udcff"],
                "Invalid value for 'KEY': it is an id or a prefix, as `keys list` shows them, or a whole key",
            )
            for word in ("rotate", "revoke")
        ],
        (
            ["migrate", "--database-url", "sqlite+aiosqlite:///flows.db?mode=ro"],
            "MESSAGE_FLOWS_DATABASE_URL must name a file and nothing more: SQLite takes no options after a question"
            " mark.",
        ),
        *[
            (
                ["migrate", "--database-url", url],
                "MESSAGE_FLOWS_DATABASE_URL must not contain a zero byte.",
            )
            for url in ("sqlite+aiosqlite:////tmp/a%00b", "postgresql+asyncpg://db/a%00b")
        ],
        *[
            (
                [*words, "--grace", "1y"],
                "--grace: a length of time is a number with s, m, h, d or w, as in 24h or 90d, not '1y'.",
            )
            for words in (["keys", "rotate", "x"], ["webhooks", "rotate-secret", "x", "--workspace", "a"])
        ],
        (["export", "--dir", ""], "Invalid value for '--dir': it must not be empty"),
        (
            ["export", "--database-url", "mysql://flows@db/flows"],
            "MESSAGE_FLOWS_DATABASE_URL must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://.",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(spoken: Spoken, words: list[str], sentence: str) -> None:
    assert spoken(*words) == Said(2, "", f"{sentence}\n")


@pytest.mark.parametrize("words", [["plan"], ["apply"], ["apply", "--prune"]])
def test_a_folder_without_a_name_is_not_the_one_that_the_command_stands_in(spoken: Spoken, words: list[str]) -> None:
    assert spoken(*words, "") == Said(1, "", "Invalid value for 'DIR': it must not be empty\n")


@pytest.mark.parametrize("command", ["export", "import"])
def test_a_file_without_a_name_is_neither_standard_output_nor_the_folder(spoken: Spoken, command: str) -> None:
    assert spoken(command, "") == Said(2, "", "Invalid value for 'FILE': it must not be empty\n")


def test_a_name_that_leads_to_no_address_is_told_with_its_variable(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_AUTH", "keys")
    told = spoken("serve", "--host", "..", "--port", "0")
    where = "(MESSAGE_FLOWS_HOST .., MESSAGE_FLOWS_PORT 0)"
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"The address cannot be listened on {where}: ")
    assert "[Errno" not in told.err


def test_a_number_that_is_none_names_its_option(spoken: Spoken) -> None:
    told = spoken("serve", "--port", "abc")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Invalid value for '--port': ")


def test_a_server_for_everybody_needs_keys(spoken: Spoken) -> None:
    told = spoken("serve", "--host", "0.0.0.0")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("MESSAGE_FLOWS_HOST must be a loopback address")


def test_a_misspelt_variable_stops_every_command(spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_RETENTION_DAY", "1")
    sentence = "MESSAGE_FLOWS_RETENTION_DAY is no setting; did you mean MESSAGE_FLOWS_RETENTION_DAYS?\n"
    for words in (["migrate"], ["import", "-"], ["export"], ["prune"], ["serve"]):
        assert spoken(*words) == Said(2, "", sentence)


@pytest.mark.parametrize(
    ("words", "stream", "name"),
    [(["import", "-"], "stdin", "Standard input"), (["export"], "stdout", "Standard output")],
)
def test_a_closed_stream_is_told_in_a_sentence(
    spoken: Spoken, database_url: str, monkeypatch: pytest.MonkeyPatch, words: list[str], stream: str, name: str
) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_DATABASE_URL", database_url)
    monkeypatch.setattr(f"sys.{stream}", None)
    assert spoken(*words) == Said(2, "", f"{name} is closed.\n")


def test_an_export_that_fails_leaves_the_file_as_it_was(
    spoken: Spoken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("before")
    monkeypatch.setattr(opening, "PATIENCE", 0.1)
    monkeypatch.setenv("MESSAGE_FLOWS_DATABASE_URL", NOBODY)
    assert spoken("export", str(target)).code == 2
    assert target.read_text() == "before"


def test_version_and_help(spoken: Spoken) -> None:
    assert spoken("--version") == Said(0, f"message-flows {__version__}\n", "")
    assert "serve" in spoken("--help").out
    for words in ("serve", "migrate", "import", "export", "prune", "schema", "keys"):
        assert spoken(words, "--help").code == 0


@pytest.mark.parametrize(
    ("variable", "value", "extra"),
    [("MESSAGE_FLOWS_TRACES", "true", "otel"), ("MESSAGE_FLOWS_REDIS_URL", "redis://:secret@db", "redis")],
)
def test_a_server_does_not_begin_without_an_extra_that_it_needs(
    spoken: Spoken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, extra: str
) -> None:
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    monkeypatch.setenv(variable, value)
    sentence = f"{variable} needs the extra `{extra}`: pip install 'message-flows[{extra}]'.\n"
    assert spoken("serve", "--port", "0", "--migrate") == Said(2, "", sentence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "-", "/tmp/x"), "No space left on device (/tmp/x)"),
        (OSError(errno.EMFILE, "-"), "Too many open files"),
    ],
)
def test_what_the_machine_refuses_is_not_laid_to_standard_output(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch, error: OSError, told: str
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(serving, "serve", fail)
    assert spoken("serve") == Said(2, "", f"The command could not be carried out: {told}.\n")


def test_a_temporary_file_that_cannot_take_more_flows_is_told(
    spoken: Spoken, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small(StagedFlows):
        def __init__(self) -> None:
            super().__init__()
            self._rows.execute("PRAGMA max_page_count = 8")

    monkeypatch.setattr(incoming, "StagedFlows", Small)
    (tmp_path / "flows.jsonl").write_bytes(b"".join(line(f"f{number}") for number in range(100)))
    told = spoken("import", "flows.jsonl", "--database-url", database_url)
    where = "SQLITE_TMPDIR or TMPDIR names its folder"
    why = f"The flows do not go into a temporary file ({where}): database or disk is full.\n"
    assert told == Said(2, "", why)
    assert spoken("export", "--database-url", database_url).out == ""
