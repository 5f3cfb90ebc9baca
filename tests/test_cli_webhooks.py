"""`message-flows webhooks` as an operator uses it."""

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from graphql_api import config, opening
from graphql_api.domain.caller import Caller
from graphql_api.domain.webhooks import Webhook
from graphql_api.edits import webhooks
from graphql_api.storage import changes
from graphql_api.storage import webhooks as rows
from graphql_api.storage.engine import Script
from tests.commands import Said, Spoken

URL = "https://hooks.example.com/flows"
ALL = "flow.created,flow.updated,flow.deleted"
SECRET = re.compile(r"mfw_[0-9a-f]{64}\n")

Told = Callable[..., Said]


@pytest.fixture
def told(spoken: Spoken, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("MESSAGE_FLOWS_DATABASE_URL", database_url)
    return lambda *words: spoken("webhooks", *words)


def added(told: Told, *more: str, url: str = URL) -> str:
    said = told("add", url, "--workspace", "ws1", "--events", ALL, *more)
    assert said.code == 0, said.err
    assert SECRET.fullmatch(said.out), "the secret alone, for scripts"
    found = re.search(r"whk_[0-9a-f]{24}", said.err)
    assert found
    assert said.err == (
        "The secret is shown only this once.\n"
        f"Webhook {found[0]} tells {url} of flow.created, flow.updated, flow.deleted.\n"
    )
    return found[0]


def listed(told: Told) -> list[list[str]]:
    said = told("list", "--workspace", "ws1")
    assert (said.code, said.err) == (0, "")
    return [re.split(r"\s{2,}", line) for line in said.out.splitlines()]


def test_webhooks_are_listed_without_their_secrets_until_they_are_removed(told: Told) -> None:
    id = added(told, "--name", "CRM")
    heads, row = listed(told)
    assert heads == ["id", "state", "waiting", "events", "created", "name", "url", "parked because"]
    assert (row[:4], row[5:]) == ([id, "live", "0", ALL], ["CRM", URL])
    assert told("list", "--workspace", "ws2").out.splitlines()[1:] == []
    assert "mfw_" not in told("list", "--workspace", "ws1").out
    assert told("remove", id, "--workspace", "ws1") == Said(0, f"{id} is removed.\n", "")
    assert listed(told) == [heads]


def test_a_dead_endpoint_is_listed_as_parked_and_resumed(told: Told, database_url: str) -> None:
    id = added(told)
    parked(database_url, id)
    assert listed(told)[1][1:3] == ["parked 1970-01-01T00:00:01Z", "0"]
    assert listed(told)[1][-1] == "it answered 410 Gone"
    assert told("resume", id, "--workspace", "ws1") == Said(0, f"{id} is sent to again.\n", "")
    assert listed(told)[1][1] == "live"


@pytest.mark.parametrize("database", ["sqlite"])
def test_who_resumes_is_told_that_history_was_pruned_meanwhile(told: Told, database_url: str) -> None:
    id = added(told)
    parked(database_url, id, pruned=kept(database_url, id).position + 1)
    gap = "History was pruned while it was parked: it may have missed changes, so read the flows again.\n"
    assert told("resume", id, "--workspace", "ws1") == Said(0, f"{id} is sent to again.\n", gap)
    (entry,) = told("deliveries", id, "--workspace", "ws1").out.splitlines()[1:]
    assert entry.split()[1:4] == ["webhook.gap", "1", "pruned"]


def parked(database_url: str, id: str, pruned: int = 0) -> None:
    def script() -> Script[None]:
        yield rows.park("ws1", id, 0, 1_000, "it answered 410 Gone")
        yield changes.pruned(pruned)

    settings = config.load(database_url=database_url)
    opening.at_desk(settings, lambda desk: desk.store.run(script, together=True))


@pytest.fixture
def endpoint() -> Iterator[str]:
    class Answers(BaseHTTPRequestHandler):
        """204 to a test, 500 to a second one."""

        statuses = iter((204, 500))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(next(Answers.statuses))
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_test_says_what_the_endpoint_answered_and_the_log_keeps_it(
    told: Told, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESSAGE_FLOWS_WEBHOOK_NETWORKS", "127.0.0.1")
    id = added(told, url=endpoint)
    said = told("test", id, "--workspace", "ws1")
    assert said.code == 0
    assert re.fullmatch(
        r"delivered \(204\) in \d+ ms\. The endpoint answered with a status from 200 to 299\.\n", said.out
    )
    said = told("test", id, "--workspace", "ws1")
    assert said.code == 1
    assert re.fullmatch(r"rejected \(500\) in \d+ ms\. It answered with another status\.\n", said.out)
    monkeypatch.delenv("MESSAGE_FLOWS_WEBHOOK_NETWORKS")
    said = told("test", id, "--workspace", "ws1")
    assert (said.code, said.out[:20]) == (1, "forbidden_address in")
    heads, *log = told("deliveries", id, "--workspace", "ws1").out.splitlines()
    assert heads.split() == ["at", "event", "flow", "version", "attempt", "outcome", "ms", "message"]
    assert [re.split(r"\s{2,}", line)[1:4] for line in log] == [
        ["webhook.test", "1", "forbidden_address"],
        ["webhook.test", "1", "rejected (500)"],
        ["webhook.test", "1", "delivered (204)"],
    ]
    assert len(told("deliveries", id, "--workspace", "ws1", "--limit", "1").out.splitlines()) == 2


def test_a_secret_is_rotated(told: Told, database_url: str) -> None:
    id = added(told)
    said = told("rotate-secret", id, "--workspace", "ws1", "--grace", "1h")
    assert SECRET.fullmatch(said.out)
    assert kept(database_url, id).secret == said.out.strip()


def kept(database_url: str, id: str) -> Webhook:
    found = opening.at_desk(config.load(database_url=database_url), lambda desk: webhooks.find(desk, Caller("ws1"), id))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "http://a.example/", "--workspace", "ws1", "--events", ALL], "URL must begin with https://."),
        (
            ["add", "https://10.0.0.1/", "--workspace", "ws1", "--events", ALL],
            "URL must not lead to a private, local or reserved address, which this server does not allow.",
        ),
        (
            ["add", URL, "--workspace", "ws1", "--events", "created"],
            "--events must name at least one of flow.created, flow.updated, flow.deleted, not created.",
        ),
        (
            ["add", URL, "--workspace", "a b", "--events", ALL],
            "--workspace must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -.",
        ),
        (["remove", "whk_1", "--workspace", "ws1"], "There is no webhook whk_1 in this workspace."),
        (["deliveries", "x", "--workspace", "ws1"], "There is no webhook x in this workspace."),
        (["test", "x", "--workspace", "ws1"], "There is no webhook x in this workspace."),
        (
            ["rotate-secret", "x", "--workspace", "ws1", "--grace", "1Y"],
            "--grace: a length of time is a number with s, m, h, d or w, as in 24h or 90d, not '1Y'.",
        ),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
def test_what_cannot_be_done_is_said_in_a_sentence(told: Told, words: list[str], sentence: str) -> None:
    said = told(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.strip().startswith(sentence)
    assert "Traceback" not in said.err
    assert len(listed(told)) == 1
