"""Clients that edit the same few flows in every way there is, and keep account of what they were told."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bench.torturing.ledger import AUTOPILOT, LEAVES, Edit, Flow, Revision
from bench.torturing.wire import Answer, Broken, Connection, Unreached

WORKSPACE = "torture"
PATH = "/v1/api/message-flows"
HEADERS = {"x-workspace-id": WORKSPACE, "content-type": "application/json"}
NEW = {
    "name": "Torture",
    "direction": "inbound",
    "agent": "agent",
    "prompt": "You are patient.",
    "initiationMessage": "Hi!",
    "messageChannel": "SMS",
}
KINDS = {"leaf": 8, "toggle": 3, "if_match": 2, "if_version": 2, "keyed_leaf": 3, "keyed_toggle": 2}
"""How often each kind of edit is made, of 20."""

UPDATE = """
mutation ($id: ID!, $input: UpdateMessageFlowInput!, $version: Int!) {
  updateMessageFlow(id: $id, input: $input, ifVersion: $version) {
    messageFlow { version }
    errors { code }
  }
}
"""
HISTORY = """
query ($id: ID!, $after: String) {
  messageFlow(id: $id) {
    version
    revisions(first: 100, after: $after) {
      nodes { version requestId changes { path after } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


@dataclass(slots=True)
class Account:
    """What all clients were told."""

    edits: list[Edit] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    resent: int = 0
    replayed: int = 0
    seconds: list[float] = field(default_factory=list)
    slowest_refusal: float = 0.0
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return sum(edit.version is not None for edit in self.edits)


class Client:
    """Makes one edit after another; keyed ones go through the lossy proxy and are resent until they are answered."""

    def __init__(self, name: str, flows: list[str], port: int, proxy: int, account: Account) -> None:
        self._name = name
        self._flows = flows
        self._account = account
        self._chance = random.Random(name)
        self._server = Connection(port)
        self._proxy = Connection(proxy)

    async def work(self, numbers: Iterator[int], pause: float = 0.0) -> None:
        kinds, weights = list(KINDS), list(KINDS.values())
        for number in numbers:
            await asyncio.sleep(pause)
            (kind,) = self._chance.choices(kinds, weights)
            leaf = AUTOPILOT if kind.endswith("toggle") else self._chance.choice(LEAVES)
            edit = Edit(f"{self._name}-{number}", self._chance.choice(self._flows), leaf, value(leaf, number))
            edit.is_keyed = kind.startswith("keyed")
            self._account.edits.append(edit)
            await getattr(self, kind)(edit)
        self._server.close()
        self._proxy.close()

    # Kinds of edits

    async def leaf(self, edit: Edit) -> None:
        await self._try(edit, nested(edit))

    async def toggle(self, edit: Edit) -> None:
        await self._try(edit, None, "/toggle-autopilot")

    async def if_match(self, edit: Edit) -> None:
        """Reads, changes, and reads again as long as others were faster."""
        while await self._try(edit, nested(edit), more={"if-match": f'"{await self._read(edit)}"'}) == 412:
            pass

    async def if_version(self, edit: Edit) -> None:
        conflicts = True
        while conflicts:
            variables = {"id": edit.flow, "input": nested(edit), "version": await self._read(edit)}
            got = await self._settled(edit, "POST", "/graphql", {"query": UPDATE, "variables": variables})
            payload = json.loads(got.body)["data"]["updateMessageFlow"] if got else {"errors": []}
            conflicts = bool(payload["errors"])
            self._account.answers[412] += conflicts
            if got and not conflicts:
                edit.version = payload["messageFlow"]["version"]

    async def keyed_leaf(self, edit: Edit) -> None:
        await self._insist(edit, f"{PATH}/{edit.flow}", nested(edit))

    async def keyed_toggle(self, edit: Edit) -> None:
        await self._insist(edit, f"{PATH}/{edit.flow}/toggle-autopilot", {})

    # Sending

    async def _insist(self, edit: Edit, path: str, body: Any) -> None:
        """Resends the same request under the same key until it is answered."""
        while True:
            got = await self._settled(edit, "PUT", path, body, {"idempotency-key": edit.id}, self._proxy)
            if got is not None and got.status == 200:
                edit.version = version(got)
                self._account.replayed += "idempotency-replayed" in got.headers
                return
            self._account.resent += 1
            await self._pause()

    async def _try(
        self, edit: Edit, body: Any, below: str = "", more: Mapping[str, str] = MappingProxyType({})
    ) -> int | None:
        """Sent once: without an answer nobody knows what became of it."""
        got = await self._settled(edit, "PUT", f"{PATH}/{edit.flow}{below}", body, more)
        if got is None:
            return None
        if got.status == 200:
            edit.version = version(got)
        return got.status

    async def _read(self, edit: Edit) -> int:
        while True:
            got = await self._settled(edit, "GET", f"{PATH}/{edit.flow}")
            if got is not None:
                return version(got)

    async def _settled(
        self,
        edit: Edit,
        method: str,
        path: str,
        body: Any = None,
        more: Mapping[str, str] = MappingProxyType({}),
        connection: Connection | None = None,
    ) -> Answer | None:
        """The answer; waits and sends again as long as nothing was written; None when that is not known."""
        headers = {**HEADERS, "x-request-id": edit.id, **more}
        raw = b"" if body is None else json.dumps(body).encode()
        while True:
            started = time.perf_counter()
            try:
                got = await (connection or self._server).send(method, path, headers, raw)
            except Unreached:
                await self._pause()
                continue
            except Broken:
                return None
            self._note(got, time.perf_counter() - started)
            if not is_unavailable(got) and got.status != 409:
                return got
            await self._pause()
            if b"nothing was written" not in got.body and got.status != 409:
                return None

    def _note(self, got: Answer, seconds: float) -> None:
        account = self._account
        status = 503 if is_unavailable(got) else got.status
        account.answers[status] += 1
        if status == 503:
            account.slowest_refusal = max(account.slowest_refusal, seconds)
            account.refusals[reason(got)] += 1
            if got.status == 503 and "retry-after" not in got.headers:
                account.faults.append("503 without Retry-After")
        elif status == 200:
            account.seconds.append(seconds)
        elif status not in (409, 412):
            account.faults.append(f"{got.status} {got.body[:300]!r}")

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.02, 0.1))


def is_unavailable(got: Answer) -> bool:
    """REST says so by the status, GraphQL in its errors."""
    return got.status == 503 or b'"UNAVAILABLE"' in got.body


def reason(got: Answer) -> str:
    document = json.loads(got.body)
    return str(document["error"]["message"] if "error" in document else document["errors"][0]["message"])


def version(got: Answer) -> int:
    return int(got.headers["etag"].strip('"'))


def value(leaf: str, number: int) -> Any:
    """A value that no other edit writes."""
    return number % 86_400 if leaf.endswith("delay") else f"v{number}"


def nested(edit: Edit) -> dict[str, Any]:
    """`a.b` = 1 as {"a": {"b": 1}}."""
    body: Any = edit.value
    for name in reversed(edit.leaf.split(".")):
        body = {name: body}
    return dict(body)


async def created(port: int, count: int) -> list[str]:
    async with Connection(port) as connection:
        made = [await connection.send("POST", PATH, HEADERS, json.dumps(NEW).encode()) for _ in range(count)]
    return [json.loads(one.body)["_id"] for one in made]


async def told(port: int, id: str) -> Flow:
    """A flow with its whole history."""
    async with Connection(port) as connection:
        got = await connection.send("GET", f"{PATH}/{id}", HEADERS)
        history: list[Revision] = []
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            asked = {"query": HISTORY, "variables": {"id": id, "after": page["endCursor"]}}
            answer = await connection.send("POST", "/graphql", HEADERS, json.dumps(asked).encode())
            flow = json.loads(answer.body)["data"]["messageFlow"]
            page = flow["revisions"]["pageInfo"]
            history += [revision(node) for node in flow["revisions"]["nodes"]]
    document = json.loads(got.body)
    leaves = {leaf: member(document, leaf) for leaf in (*LEAVES, AUTOPILOT)}
    return Flow(id, flow["version"], leaves, history[::-1])


def revision(node: dict[str, Any]) -> Revision:
    return Revision(node["version"], node["requestId"], {one["path"]: one["after"] for one in node["changes"]})


def member(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document
