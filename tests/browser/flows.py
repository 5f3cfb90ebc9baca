"""Flows made for a test, and windows that show them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from playwright.async_api import Locator, Page, Request, Route

from tests.browser.conftest import PATIENCE, Visit, Visiting
from tests.conftest import CREATE

HOURS = "settings.responseSettings.workingHours"
CREATED = "mutation ($i: CreateMessageFlowInput!) {createMessageFlow(input: $i) {messageFlow {id} errors {message}}}"
UPDATED = """
mutation ($id: ID!, $i: UpdateMessageFlowInput!, $note: String) {
  updateMessageFlow(id: $id, input: $i, note: $note) {errors {message}}
}"""
READ = """
query ($id: ID!) {
  messageFlow(id: $id) {
    version name description autopilot prompt
    settings {
      responseSettings {delay workingHours {enabled start end timezone}}
      emailSettings {subjectLine signature}
    }
    revisions(first: 1) {nodes {operation note}}
  }
}"""

Ask = Callable[..., Awaitable[dict[str, Any]]]


class Elsewhere:
    """Whoever else works on the flows of a workspace: a client without a window."""

    def __init__(self, server: str, workspace: str, key: str = "") -> None:
        self._url = f"{server}/graphql"
        self._headers = {"x-workspace-id": workspace} | ({"x-api-key": key} if key else {})

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        async with httpx2.AsyncClient(timeout=PATIENCE / 1000) as client:
            sent = {"query": query, "variables": variables}
            answer = (await client.post(self._url, json=sent, headers=self._headers)).json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    async def create(self, **leaves: Any) -> str:
        return str((await self.ask(CREATED, i={**CREATE, **leaves}))["createMessageFlow"]["messageFlow"]["id"])

    async def update(self, id: str, note: str | None = None, **leaves: Any) -> None:
        done = await self.ask(UPDATED, id=id, i=leaves, note=note)
        assert done["updateMessageFlow"]["errors"] == []

    async def read(self, id: str) -> dict[str, Any]:
        return dict((await self.ask(READ, id=id))["messageFlow"])


async def shown(
    visiting: Visiting, server: str, workspace: str, id: str = "", *, is_cut_off: bool = False, **settings: Any
) -> Visit:
    """A window with the list of a workspace, or one of its flows; cut off, it does not hear of changes."""
    visit: Visit = await visiting(server, **settings)
    if is_cut_off:
        await visit.page.route_web_socket("**/*", lambda socket: None)
    await visit.open(f"/flows/{id}?workspace={workspace}" if id else f"/flows?workspace={workspace}")
    await visit.page.get_by_role("heading", level=1).wait_for()
    return visit


def field(page: Page, leaf: str) -> Locator:
    return page.locator(f".flow-form [data-leaf='{leaf}']")


def control(page: Page, leaf: str) -> Locator:
    return field(page, leaf).locator("input, select, textarea")


def sends(operation: str) -> Callable[[Request], bool]:
    """Whether a request carries that operation."""
    return lambda request: f"mutation {operation}(" in (request.post_data or "")


def asks(operation: str) -> Callable[[Request], bool]:
    """The same for queries too."""
    return lambda request: f" {operation}(" in (request.post_data or "")


async def variables(request: Request) -> dict[str, Any]:
    return dict(json.loads(request.post_data or "")["variables"])


class Held:
    """The first request of an operation, whose answer is held back until it is let go."""

    request: Request | None = None

    def __init__(self, page: Page, operation: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self._page, self._operation = page, operation
        self._answered, self._free = asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> "Held":
        await self._page.route("**/graphql", self._hold)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends when the page has the answer."""
        async with self._page.expect_event("requestfinished", lambda request: request == self.request):
            self._free.set()

    async def answered(self) -> None:
        """The server has carried it out, and the page does not know."""
        await asyncio.wait_for(self._answered.wait(), PATIENCE / 1000)

    async def _hold(self, route: Route) -> None:
        if not asks(self._operation)(route.request):
            return await route.fallback()
        self.sent.append(await variables(route.request))
        if self.request:
            return await route.fallback()
        self.request = route.request
        answer = await route.fetch()
        self._answered.set()
        await self._free.wait()
        await route.fulfill(response=answer)


async def lose(page: Page, operation: str, times: int) -> list[dict[str, Any]]:
    """The server carries out the first ones of an operation, and the page does not hear of it; all that are sent."""
    sent: list[dict[str, Any]] = []

    async def without_answer(route: Route) -> None:
        if not asks(operation)(route.request):
            return await route.fallback()
        sent.append(await variables(route.request))
        if len(sent) > times:
            return await route.fallback()
        await route.fetch()
        await route.abort()

    await page.route("**/graphql", without_answer)
    return sent
