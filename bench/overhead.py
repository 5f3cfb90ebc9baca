"""CPU microseconds that keys, rate limits, logs and metrics add to a request; run `python bench/overhead.py`.

The parts are called as the server calls them, around an application that answers at once, so that nothing else is
measured; the smallest of several rounds is printed, each of many requests. The log goes to /dev/null.
"""

import asyncio
import gc
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from graphql_api import storage
from graphql_api.edits import keys
from graphql_api.schema.context import Seen
from graphql_api.storage import migrations
from graphql_api.web.auth import Guard, Keyring
from graphql_api.web.telemetry import Telemetry
from graphql_api.web.throttle import Metered, OwnCounts, Throttle

ROUNDS, REQUESTS = 15, 4_000
START: Any = {"type": "http.response.start", "status": 200, "headers": []}
END: Any = {"type": "http.response.body", "body": b"{}"}


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"] |= {"seen": Seen("UpdateFlow", "updateMessageFlow", 11, True), "status": 200}
    await send(START)
    await send(END)


async def nothing(*_: Any) -> Any:
    return None


def request(secret: str) -> dict[str, Any]:
    headers = [
        (b"host", b"flows.example.com"),
        (b"user-agent", b"bench/1"),
        (b"accept", b"*/*"),
        (b"content-type", b"application/json"),
        (b"content-length", b"150"),
        (b"x-workspace-id", b"ws1"),
        (b"x-api-key", secret.encode()),
    ]
    return {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}


async def microseconds(app: ASGIApp, secret: str) -> float:
    best = float("inf")
    scope = request(secret)
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(REQUESTS):
            scope["state"] = {"request_id": "0123456789abcdef"}
            await app(scope, nothing, nothing)
        best = min(best, (time.process_time() - began) / REQUESTS * 1e6)
    return best


def metered(keyring: Keyring) -> ASGIApp:
    """At 80 requests a second, each of 11 points, under the limit of 60,000 a minute."""
    requests = itertools.count()
    return Guard(Metered(charged, Throttle(OwnCounts(), 60_000, lambda: next(requests) / 160)), keyring)


async def charged(scope: Scope, receive: Receive, send: Send) -> None:
    due = scope["state"]["account"].charge(11)
    if due is not None:
        await due
    await answers(scope, receive, send)


async def wrong_keys(guard: ASGIApp, number: int) -> float:
    began = time.process_time()
    for one in range(number):
        scope = request(f"mfk_{one:040x}")
        scope |= {"state": {"request_id": "r"}, "client": ("10.0.0.1", 1)}
        await guard(scope, nothing, nothing)
    return (time.process_time() - began) / number * 1e6


async def main(url: str) -> None:
    store = storage.opened(url)
    issued = await keys.create(store, 0, ["ws1"], {"flows:read", "flows:write"})
    now = lambda: time.time_ns() // 1_000_000  # noqa: E731
    bare = await microseconds(answers, issued.secret)

    async def told(name: str, app: ASGIApp) -> None:
        print(f"{name:<46}{await microseconds(app, issued.secret) - bare:6.2f} µs", flush=True)

    await told("a guard, no keys required", Guard(answers, None))
    await told("a guard that knows the key", Guard(answers, Keyring(store, now)))
    await told("that and its points of a minute, near the limit", metered(Keyring(store, now)))
    for sample in (0.0, 0.1, 1.0):
        await told(f"metrics, and {sample:.0%} of the requests logged", Telemetry(answers, sample))
    wrong = await wrong_keys(Guard(answers, Keyring(store, now)), 10_000) - bare
    print(f"{'one of 10,000 different wrong keys':<46}{wrong:6.2f} µs")
    await store.close()


if __name__ == "__main__":
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, sys.stderr.fileno())
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder)}/flows.db"
        migrations.upgrade(url)
        asyncio.run(main(url))
