"""Settings come from the environment, are checked at once, and say in words what is wrong with them."""

import os
from typing import Any

import pytest

from graphql_api import config
from graphql_api.config import Config, ConfigError, load
from graphql_api.web.counts import SharedCounts


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(config.PREFIX)]:
        monkeypatch.delenv(name)


def refusal(**given: object) -> str:
    with pytest.raises(ConfigError) as refused:
        load(**given)
    return str(refused.value)


def test_without_any_variable_the_defaults_hold() -> None:
    settings = load()
    assert settings.database_url == "sqlite+aiosqlite:///./message-flows.db"
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.sqlite_synchronous, settings.max_body_bytes, settings.max_tokens) == ("FULL", 2_097_152, 2000)
    assert (settings.demo, settings.migrate, settings.introspection, settings.suggestions) == (False, False, True, True)
    assert (settings.cors_origins, settings.allowed_hosts, settings.root_path) == ((), (), "")


def others() -> dict[str, Any]:
    """For each setting a value that is not its default."""
    given: dict[str, Any] = {
        "database_url": "postgresql+asyncpg://flows@db/flows",
        "host": "::1",
        "sqlite_synchronous": "NORMAL",
        "cors_origins": ("https://a.example.com",),
        "allowed_hosts": ("a.example.com",),
        "root_path": "/flows",
        "auth": "keys",
        "log_sample": 0.5,
        "trusted_proxies": ("10.0.0.0/8", "::1"),
        "tls_certificate": "/etc/flows/cert.pem",
        "tls_key": "/etc/flows/key.pem",
        "metrics_host": "::1",
        "redis_url": "redis://127.0.0.1:6379/0",
        "webhook_networks": ("10.0.0.0/8", "::1"),
    }
    defaults = {name: field.default for name, field in Config.model_fields.items()}
    return {
        name: not default if isinstance(default, bool) else given.get(name) or default + 1
        for name, default in defaults.items()
    }


def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, other in others().items():
        text = ",".join(other) if isinstance(other, tuple) else str(other)
        monkeypatch.setenv(config.variable(name), text)
        assert getattr(load(), name) == other != Config.model_fields[name].default


def test_a_worker_has_the_settings_that_its_server_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (load(**others()), load()):
        for name, text in config.environment(settings).items():
            monkeypatch.setenv(name, text)
        assert load() == settings


def test_an_option_wins_over_its_variable_and_none_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_PORT", "8001")
    monkeypatch.setenv("MESSAGE_FLOWS_DEMO", "true")
    assert load(port=None, demo=None).port == 8001
    assert load(port=8002).port == 8002
    assert load(demo=None).demo is True
    assert load(demo=False).demo is False


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_CORS_ORIGINS", " https://a.example.com, http://localhost:3000,")
    monkeypatch.setenv("MESSAGE_FLOWS_ALLOWED_HOSTS", "")
    settings = load()
    assert settings.cors_origins == ("https://a.example.com", "http://localhost:3000")
    assert settings.allowed_hosts == ()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("port", "abc", "MESSAGE_FLOWS_PORT must be a whole number from 0 to 65535, not 'abc'."),
        ("port", "65536", "MESSAGE_FLOWS_PORT must be a whole number from 0 to 65535, not '65536'."),
        ("port", "-1", "MESSAGE_FLOWS_PORT must be a whole number from 0 to 65535, not '-1'."),
        ("port", "", "MESSAGE_FLOWS_PORT must be a whole number from 0 to 65535, not ''."),
        ("workers", "0", "MESSAGE_FLOWS_WORKERS must be a whole number from 1 to 256, not '0'."),
        ("workers", "1.5", "MESSAGE_FLOWS_WORKERS must be a whole number from 1 to 256, not '1.5'."),
        ("statement_timeout", "0", "MESSAGE_FLOWS_STATEMENT_TIMEOUT must be a number from 0.1 to 3600, not '0'."),
        ("statement_timeout", "nan", "MESSAGE_FLOWS_STATEMENT_TIMEOUT must be a number from 0.1 to 3600, not 'nan'."),
        ("body_timeout", "inf", "MESSAGE_FLOWS_BODY_TIMEOUT must be a number from 0.1 to 3600, not 'inf'."),
        ("introspection", "maybe", "MESSAGE_FLOWS_INTROSPECTION must be true or false, not 'maybe'."),
        ("sqlite_synchronous", "OFF", "MESSAGE_FLOWS_SQLITE_SYNCHRONOUS must be FULL or NORMAL, not 'OFF'."),
        (
            "host",
            "",
            "MESSAGE_FLOWS_HOST must be an address or a name without port and brackets, as in 127.0.0.1 or ::1.",
        ),
        (
            "host",
            "[::1]",
            "MESSAGE_FLOWS_HOST must be an address or a name without port and brackets, as in 127.0.0.1 or ::1.",
        ),
        (
            "root_path",
            "/flows/",
            "MESSAGE_FLOWS_ROOT_PATH must be empty or begin with a slash and end without one, as in /crm.",
        ),
        *[
            (
                "cors_origins",
                value,
                "MESSAGE_FLOWS_CORS_ORIGINS must list origins as browsers send them,"
                " as in https://app.example.com,http://localhost:3000.",
            )
            for value in ("*", "null", "https://a.example.com/", "a.example.com", "https://A.example.com")
        ],
        *[
            (
                "allowed_hosts",
                value,
                "MESSAGE_FLOWS_ALLOWED_HOSTS must list names in lower case without scheme and port,"
                " as in flows.example.com,localhost.",
            )
            for value in ("*", ".example.com", "https://a.example.com", "a.example.com:8000")
        ],
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(config.variable(name), value)
    assert refusal() == sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metrics_port", "65536"),
        ("group_size", "0"),
        ("pool_size", "0"),
        ("acquire_timeout", "0"),
        ("replay_hours", "0"),
        ("retention_days", "0"),
        ("webhook_timeout", "0"),
        ("shutdown_seconds", "0"),
        ("keep_alive_seconds", "0"),
        ("max_subscriptions", "0"),
        ("max_page", "19"),
        ("max_rest_page", "0"),
        ("max_batch", "0"),
        ("log_sample", "1.01"),
    ],
)
def test_what_no_server_could_work_with_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(config.variable(name), value)
    assert refusal().startswith(f"{config.variable(name)} must be a ")


def test_zero_is_taken_where_it_means_none_or_any(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["port", "metrics_port", "key_points", "address_points", "max_aliases", "max_directives", "max_webhooks"]
    names += ["webhook_patience_hours", "log_sample", "drain_seconds"]
    for name in names:
        monkeypatch.setenv(config.variable(name), "0")
    settings = load()
    assert [getattr(settings, name) for name in names] == [0] * len(names)


def test_a_wrong_option_gets_the_same_sentence() -> None:
    assert refusal(port=99999) == "MESSAGE_FLOWS_PORT must be a whole number from 0 to 65535, not 99999."


def test_every_wrong_setting_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_WORKERS", "none")
    assert [line.split()[0] for line in refusal(port=-1).splitlines()] == [
        "MESSAGE_FLOWS_PORT",
        "MESSAGE_FLOWS_WORKERS",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:///./message-flows.db",
        "sqlite+aiosqlite:////var/lib/flows.db",
        "postgresql+asyncpg://flows:secret@db.example.com:5432/flows",
        "postgresql+asyncpg://postgres@/postgres?host=/tmp/pg",
    ],
)
def test_databases_that_are_served(url: str) -> None:
    assert load(database_url=url).database_url == url


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("sqlite:///flows.db", "; write sqlite+aiosqlite:// in place of sqlite://."),
        ("postgresql://flows:secret@db/flows", "; write postgresql+asyncpg:// in place of postgresql://."),
        ("postgres://flows:secret@db/flows", "; write postgresql+asyncpg:// in place of postgres://."),
        ("postgresql+psycopg://db/flows", "; write postgresql+asyncpg:// in place of postgresql+psycopg://."),
        ("mysql://flows:secret@db/flows", "."),
        ("secret", "."),
        ("", "."),
    ],
)
def test_any_other_database_is_refused_with_the_right_spelling_and_without_its_password(url: str, end: str) -> None:
    sentence = refusal(database_url=url)
    right = "MESSAGE_FLOWS_DATABASE_URL must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://"
    assert sentence == right + end
    assert "secret" not in sentence


@pytest.mark.parametrize("path", ["", "/", "/:memory:", "flows.db", "/?mode=memory"])
def test_sqlite_needs_a_file(path: str) -> None:
    assert refusal(database_url=f"sqlite+aiosqlite://{path}") == (
        "MESSAGE_FLOWS_DATABASE_URL must name a file, as in sqlite+aiosqlite:///./message-flows.db."
    )


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("", ""),
        ("redis://localhost", "redis://localhost:6379"),
        ("redis://redis/0", "redis://redis:6379/0"),
        ("rediss://user:s%23cret@db.example.com:6380/", "rediss://user:s%23cret@db.example.com:6380/"),
        ("redis://:secret@[::1]/15", "redis://:secret@[::1]:6379/15"),
    ],
)
def test_redis_has_its_usual_port_where_none_is_named(url: str, whole: str) -> None:
    assert load(redis_url=url).redis_url == whole
    if whole:
        SharedCounts(whole)


@pytest.mark.parametrize(
    "end",
    [
        "secret@127.0.0.1:99999/0",
        "secret@127.0.0.1:0",
        "secret@127.0.0.1:abc/0",
        "secret@[::1/0",
        "secret@/0",
        "secret@127.0.0.1:6379?x=1",
        "sec#ret@127.0.0.1:6379/0",
        "sec/ret@127.0.0.1:6379",
        "sec@ret@127.0.0.1:6379",
        "secret@127.0.0.1:6379/none",
    ],
)
def test_a_wrong_address_of_redis_is_refused_without_its_password(end: str) -> None:
    assert refusal(redis_url=f"redis://:{end}") == (
        "MESSAGE_FLOWS_REDIS_URL must be empty or an address as in redis://127.0.0.1:6379/0 or"
        " rediss://user:password@host, with %40 for @, %23 for # and %2F for / in a password."
    )


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("MESSAGE_FLOWS_PROT", "MESSAGE_FLOWS_PROT is no setting; did you mean MESSAGE_FLOWS_PORT?"),
        ("message_flows_hots", "message_flows_hots is no setting; did you mean MESSAGE_FLOWS_HOST?"),
        ("MESSAGE_FLOWS_ROOT", "MESSAGE_FLOWS_ROOT is no setting; did you mean MESSAGE_FLOWS_ROOT_PATH?"),
        ("MESSAGE_FLOWS_XYZZY", "MESSAGE_FLOWS_XYZZY is no setting."),
    ],
)
def test_a_misspelt_variable_does_not_pass_silently(monkeypatch: pytest.MonkeyPatch, name: str, sentence: str) -> None:
    monkeypatch.setenv(name, "1")
    assert refusal() == sentence


def test_every_misspelt_variable_is_told_in_the_order_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROT", "HOTS", "XYZZY"):
        monkeypatch.setenv(config.variable(name), "1")
    assert refusal().splitlines() == [
        "MESSAGE_FLOWS_HOTS is no setting; did you mean MESSAGE_FLOWS_HOST?",
        "MESSAGE_FLOWS_PROT is no setting; did you mean MESSAGE_FLOWS_PORT?",
        "MESSAGE_FLOWS_XYZZY is no setting.",
    ]


def test_settings_do_not_change_and_do_not_print_the_password() -> None:
    settings = load(database_url="postgresql+asyncpg://flows:secret@db/flows", redis_url="redis://:secret@db/0")
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_loopback_may_be_listened_on(host: str) -> None:
    config.require_loopback(load(host=host))


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.4", "localhost.example.com", "127.1", "flows.example.com"]
)
def test_nothing_but_loopback_may_be_listened_on(host: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.require_loopback(load(host=host))
    assert str(refused.value) == (
        f"MESSAGE_FLOWS_HOST must be a loopback address (127.0.0.1, ::1 or localhost), not '{host}', while no keys are"
        " required: whoever reaches the server could change every flow. Set MESSAGE_FLOWS_AUTH=keys and make a key with"
        " `message-flows keys create --workspace NAME --scope flows:read,flows:write`."
    )
    config.require_loopback(load(host=host, auth="keys"))


def test_the_table_of_the_docs_has_a_row_for_each_setting() -> None:
    head, rule, *rows = config.settings_table().splitlines()
    assert head == "| setting | variable | default | meaning |"
    assert rule == "| --- | --- | --- | --- |"
    assert [row.split("`")[1] for row in rows] == list(Config.model_fields)
    assert "| `port` | `MESSAGE_FLOWS_PORT` | `8000` | Port to listen on; 0 takes any free one. |" in rows
    assert "| `introspection` | `MESSAGE_FLOWS_INTROSPECTION` | `true` |" in config.settings_table()
    assert "| `cors_origins` | `MESSAGE_FLOWS_CORS_ORIGINS` | (empty) |" in config.settings_table()
    assert all(row.count("|") == 5 and row.endswith(". |") for row in rows)
