"""One Chromium for all tests here, visits that may go nowhere but to our server, and the servers they go to."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Route, async_playwright, expect

from graphql_api.domain.example import EXAMPLE
from graphql_api.domain.keys import SHOWN
from tests.commands import say
from tests.served import serving

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP plain.test 127.0.0.1",
]
PATIENCE = 20_000
"""Milliseconds that something on a page may take to come."""

REPORT = """
addEventListener("securitypolicyviolation", violation => console.error(
  `policy: ${violation.violatedDirective} forbids ${violation.blockedURI} at ${violation.sourceFile}`));
"""

FLOW = str(EXAMPLE["_id"])


@dataclass
class Visit:
    """A page and what went wrong on it: errors on its console, requests to elsewhere, faults of its scripts."""

    page: Page
    server: str
    wrong: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.server}{path}")

    def forgive(self, status: int) -> None:
        """What the console says of refusals that are part of the test."""
        self.wrong[:] = [wrong for wrong in self.wrong if f"status of {status}" not in wrong]

    async def behind(self, prefix: str) -> list[str]:
        """A proxy publishes the server below the prefix and cuts that off; the paths that it is asked for."""
        asked: list[str] = []

        async def proxied(route: Route) -> None:
            asked.append(urlsplit(route.request.url).path)
            await route.continue_(url=route.request.url.replace(f"{prefix}/", "/", 1))

        await self.page.context.route(f"{self.server}/**", proxied)
        return asked


Visiting = Callable[..., Any]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "chromium is missing: `make test` gets it"
    async with async_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visiting(browser: Browser) -> AsyncIterator[Visiting]:
    """Opens visits to a server, as wide and as dark as wanted; nothing may have gone wrong when the test ends."""
    visits: list[Visit] = []
    async with AsyncExitStack() as contexts:

        async def opened(server: str, *, width: int = 1400, scheme: Any = "light", **settings: Any) -> Visit:
            viewport = {"width": width, "height": 900 if width > 600 else 844}
            still: Any = {"reduced_motion": "reduce"}  # nothing is looked at while it fades in
            context = await browser.new_context(viewport=viewport, color_scheme=scheme, **still, **settings)  # type: ignore[arg-type]
            contexts.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE)
            await context.add_init_script(REPORT)
            visit = Visit(await context.new_page(), server)
            await context.route("**/*", lambda route: _only_ours(route, visit))
            context.on("page", lambda page: _listen(page, visit))
            _listen(visit.page, visit)
            visits.append(visit)
            return visit

        yield opened
        assert [wrong for visit in visits for wrong in visit.wrong] == []


async def _only_ours(route: Route, visit: Visit) -> None:
    """The network is blocked but for our server."""
    url = route.request.url
    if url.startswith(("data:", "blob:")) or url.startswith("/".join(visit.server.split("/")[:3]) + "/"):
        await route.continue_()
    else:
        visit.wrong.append(f"asked for {url}")
        await route.abort()


def _listen(page: Page, visit: Visit) -> None:
    ours = visit.server.replace("http", "ws", 1).rsplit("/", 1)[0]
    page.on("console", lambda said: visit.wrong.append(said.text) if _is_wrong(said) else None)
    page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    page.on("websocket", lambda ws: None if ws.url.startswith(ours) else visit.wrong.append(f"asked for {ws.url}"))


def _is_wrong(said: ConsoleMessage) -> bool:
    """A server may end before its pages do, and a page be left while it connects: no fault of the WebSocket."""
    return said.type == "error" and not said.text.startswith(
        ("WebSocket connection to", "WebSocket is already in CLOSING")
    )


@pytest.fixture(scope="session")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server with the example flow, that asks for no keys."""
    folder = tmp_path_factory.mktemp("browsed")
    shutil.copy(migrated_sqlite, folder / "flows.db")
    with serving(f"sqlite+aiosqlite:///{folder / 'flows.db'}", folder / "log", demo="true") as address:
        yield address


@dataclass(frozen=True)
class Guarded:
    """A server that requires keys and does not tell its schema; it has the example flow."""

    address: str
    database_url: str

    def key(
        self,
        name: str,
        scopes: str = "flows:read,flows:write,history:read",
        workspace: str = str(EXAMPLE["workspaceId"]),
    ) -> str:
        """A new key, if nothing else is said one of the example's workspace that may read and write."""
        return self._said("keys", "create", "--name", name, "--workspace", workspace, "--scope", scopes)

    async def revoke(self, key: str) -> None:
        """Ends a key, and ends when the server refuses it."""
        self._said("keys", "revoke", key[:SHOWN])
        async with httpx2.AsyncClient() as client:
            headers = {"x-api-key": key, "x-workspace-id": str(EXAMPLE["workspaceId"])}
            for _ in range(PATIENCE // 200):
                await asyncio.sleep(0.2)
                if (await client.get(f"{self.address}/v1/api/message-flows", headers=headers)).status_code == 401:
                    return
        raise AssertionError("the key that was revoked still lets in")

    def bring_in(self, file: Path) -> None:
        self._said("import", str(file))

    def _said(self, *words: str) -> str:
        said = say(words, self.database_url)
        assert said.code == 0, said.err
        return said.out.strip()


@pytest.fixture(scope="session")
def guarded(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copy(migrated_sqlite, folder / "flows.db")
    url = f"sqlite+aiosqlite:///{folder / 'flows.db'}"
    with serving(url, folder / "log", auth="keys", demo="true", introspection="false") as address:
        yield Guarded(address, url)


async def give_key(page: Page, key: str) -> None:
    """Answers the dialog that asks for a key."""
    dialog = page.get_by_role("dialog", name="This server asks for an API key")
    await dialog.get_by_label("API key", exact=True).fill(key)
    await dialog.get_by_role("button", name="Use it").click()
