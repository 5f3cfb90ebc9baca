"""What `isOpen` adds to a list of 50 flows: CPU of the whole server per request, with it and without, in turns.

    python bench/hours.py

Both lists are asked of one server in this process over ASGI, on SQLite in a temporary folder; half of the flows keep
working hours, in ten zones. Prints a line for each list and the ratio.
"""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from starlette.types import ASGIApp, Message

from graphql_api import app, config
from graphql_api.storage import migrations

FLOWS = 50
ROUNDS = 40
REQUESTS = 10
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Tokyo",
    "America/St_Johns",
    "Europe/Lisbon",
    "Pacific/Auckland",
)

LEAVES = (
    "id workspaceId name direction description agent prompt initiationMessage isActive autopilot messageChannel "
    "createdAt updatedAt version settings { security { hipaaCompliance } emailSettings { subjectLine signature } "
    "responseSettings { delay workingHours { enabled start end timezone outOfHoursMessage %s } } }"
)
LIST = "{ messageFlows(first: 50) { nodes { " + LEAVES + " } } }"
CREATE = (
    "mutation ($input: CreateMessageFlowInput!) { createMessageFlow(input: $input) { messageFlow { id } "
    "errors { message } } }"
)
LISTS = {
    "without": LIST % "",
    "isOpen": LIST % "isOpen",
    "isOpen nextTransition": LIST % "isOpen nextTransition { at opens }",
}


def flow(number: int) -> dict[str, object]:
    start, end = f"{number % 24:02}:15", f"{(number * 7 + 9) % 24:02}:45"
    hours = {"enabled": number % 2 == 0, "start": start, "end": end, "timezone": ZONES[number % len(ZONES)]}
    return {
        "name": f"Flow {number}",
        "direction": "BIDIRECTIONAL",
        "agent": "agent1",
        "prompt": "You are a helpful AI that responds to user inquiries.",
        "initiationMessage": "Hi, thanks for your interest in our New Years sale!",
        "messageChannel": "SMS",
        "settings": {"responseSettings": {"workingHours": hours}},
    }


async def post(server: ASGIApp, query: str, variables: object = None) -> bytes:
    """The body of the answer."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = [(b"content-type", b"application/json"), (b"x-workspace-id", b"bench"), (b"host", b"localhost")]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    await server(scope, receive, send)
    return b"".join(sent)


async def measure(server: ASGIApp) -> dict[str, float]:
    """Microseconds of CPU per request: the median of the rounds, in which the lists take turns."""
    for number in range(FLOWS):
        answer = json.loads(await post(server, CREATE, {"input": flow(number)}))
        assert answer["data"]["createMessageFlow"]["errors"] == [], answer
    for query in LISTS.values():
        answer = json.loads(await post(server, query))
        assert len(answer["data"]["messageFlows"]["nodes"]) == FLOWS, answer
    rounds: dict[str, list[float]] = {name: [] for name in LISTS}
    for _ in range(ROUNDS):
        for name, query in LISTS.items():
            before = time.process_time()
            for _ in range(REQUESTS):
                await post(server, query)
            rounds[name].append((time.process_time() - before) / REQUESTS * 1e6)
    return {name: statistics.median(times) for name, times in rounds.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'flows.db'}"
        migrations.upgrade(url)
        found = asyncio.run(measure(app.made(config.load(database_url=url))))
    for name, micros in found.items():
        print(f"{name:24}{micros:8.0f} µs{micros / found['without']:8.2f} x")


if __name__ == "__main__":
    main()
