"""What a message says, how it is signed, when it is tried again."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from graphql_api.domain import webhooks
from graphql_api.domain.errors import Refused
from graphql_api.domain.instants import HOUR
from graphql_api.domain.webhooks import OPERATIONS, Attempt, Rules, Webhook

WEBHOOK = Webhook("ws1", "whk_1", "https://example.com/", "", ("flow.created",), "mfw_new", 0, 0)
NOW = 1_795_600_000_999
MESSAGE = webhooks.message("webhook.test", "evt_1", 0, {"a": "é"})


def test_every_operation_of_history_has_its_event() -> None:
    assert webhooks.EVENT_OF == {
        "CREATE": "flow.created",
        "IMPORT": "flow.created",
        "RESTORE": "flow.created",
        "UPDATE": "flow.updated",
        "REVERT": "flow.updated",
        "DELETE": "flow.deleted",
    }


def test_a_message_has_event_id_time_and_data() -> None:
    assert json.loads(MESSAGE.body) == {
        "event": "webhook.test",
        "id": "evt_1",
        "createdAt": "1970-01-01T00:00:00Z",
        "data": {"a": "é"},
    }
    assert "é".encode() in MESSAGE.body


def test_the_signature_is_hmac_sha256_over_time_and_body() -> None:
    signature = webhooks.headers(WEBHOOK, MESSAGE, NOW)["X-Message-Flows-Signature"]
    expected = hmac.new(b"mfw_new", b"1795600000." + MESSAGE.body, hashlib.sha256).hexdigest()
    assert signature == f"t=1795600000,v1={expected}"


@pytest.mark.parametrize(("until", "secrets"), [(NOW + 1, [b"mfw_new", b"mfw_old"]), (NOW, [b"mfw_new"])])
def test_the_old_secret_signs_until_its_time_is_over(until: int, secrets: list[bytes]) -> None:
    rotated = replace(WEBHOOK, old_secret="mfw_old", old_secret_until=until)
    signature = webhooks.headers(rotated, MESSAGE, NOW)["X-Message-Flows-Signature"]
    signed = b"1795600000." + MESSAGE.body
    made = [f"v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    assert signature.split(",") == ["t=1795600000", *made]


def test_secrets_are_not_shown_where_a_webhook_is_printed() -> None:
    assert "mfw_" not in repr(replace(WEBHOOK, old_secret="mfw_old"))


def test_attempts_follow_each_other_at_growing_intervals_up_to_an_hour() -> None:
    assert [webhooks.delay(attempts, 0.5) for attempts in range(1, 9)] == [
        *(5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 3_600_000, 3_600_000)
    ]
    assert (webhooks.delay(1, 0), webhooks.delay(1, 1)) == (4_000, 6_000), "not all at the same moment"


def test_an_endpoint_may_ask_for_more_time_but_not_for_more_than_an_hour() -> None:
    assert webhooks.delay(1, 0.5, 60) == 60_000
    assert webhooks.delay(1, 0.5, 1) == 5_000
    assert webhooks.delay(1, 0.5, 999_999) == 3_600_000


@pytest.mark.parametrize(
    ("outcome", "failing", "because"),
    [
        ("GONE", 0, "it answered 410 Gone"),
        ("REJECTED", 72 * HOUR - 1, None),
        ("REJECTED", 72 * HOUR, "it has not taken version 0 of the flow f for 72 hours, after 9 attempts"),
    ],
)
def test_an_endpoint_is_dead_when_it_says_so_or_has_failed_for_long(
    outcome: str, failing: int, because: str | None
) -> None:
    tried = Attempt(0, "evt_1", "flow.created", "f", 0, 9, outcome, 500, 1)
    assert webhooks.why_parked(tried, failing, Rules()) == because


def test_one_hour_and_one_attempt_are_no_plurals() -> None:
    tried = Attempt(0, "evt_1", "flow.created", "f", 0, 1, "REJECTED", 500, 1)
    because = webhooks.why_parked(tried, HOUR, Rules(patience=HOUR))
    assert because == "it has not taken version 0 of the flow f for 1 hour, after 1 attempt"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Refused) as refusal:
        webhooks.checked("http://a", ["flow.made", "x" * 100], "n" * 201, Rules())
    told = [(problem.code, problem.path) for problem in refusal.value.problems]
    assert told == [("INVALID_URL", ("url",)), ("INVALID_ENUM", ("events",)), ("TOO_LONG", ("name",))]
    _, events, _ = refusal.value.problems
    known = "events must name at least one of flow.created, flow.updated, flow.deleted"
    assert events.message == f"{known}, not flow.made, {'x' * 64}"


def test_events_are_kept_in_one_order_and_once() -> None:
    _, events, _ = webhooks.checked("https://a", ["flow.deleted", "flow.created", "flow.deleted"], "", Rules())
    assert events == ("flow.created", "flow.deleted")
    assert webhooks.checked("https://a", OPERATIONS, "", Rules())[1] == tuple(OPERATIONS)
    with pytest.raises(Refused):
        webhooks.checked("https://a", [], "", Rules())
