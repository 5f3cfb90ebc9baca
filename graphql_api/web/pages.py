"""The pages for browsers and the files that they load: built, compressed and named by their content beforehand."""

import gzip
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from graphql_api.domain.errors import refused
from graphql_api.web import refusals
from graphql_api.web.accept import favour, weights_of
from graphql_api.web.http import Answer, Headers, headers

BUILT = Path(__file__).with_name("assets")
HTML = b"text/html; charset=utf-8"
MEDIA = {
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".woff2": b"font/woff2",
    ".ttf": b"font/ttf",
}
ASSET = re.compile(r"[a-z0-9][A-Za-z0-9._-]*-[A-Z0-9]{8}(\.[a-z0-9]+)", re.ASCII)
"""As playground/build.mjs names them; nothing else is ever looked for."""

PAGES = {
    "/": "playground",
    "/docs": "reference",
    "/docs/": "reference",
    "/docs/schema": "schema",
    "/flows": "flows",
    "/flows/{place:path}": "flows",
}
"""Path -> page; the pages' scripts tell apart what is below their path."""

LINK = r'\s*<a [^>]*data-of="{page}">[^<]*</a>'
"""A link to a page, in the bar above every page."""

INLINE_STYLES = frozenset({"playground", "reference"})
"""Pages whose libraries put style sheets into the page."""

JSON = ("application/json", "application/graphql-response+json")

FOREVER: Headers = [(b"cache-control", b"public, max-age=31536000, immutable"), (b"vary", b"accept-encoding")]
ASK_AGAIN: Headers = [(b"cache-control", b"no-cache"), (b"vary", b"accept, accept-encoding")]

UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Message Flows</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<p>The pages are not built: run <code>make pages</code> in the checkout of this server and load this page again.</p>"""


class Asset(msgspec.Struct, frozen=True):
    compressed: bytes
    media: bytes
    tag: bytes
    headers: Headers


class Pages:
    """`facts` are what a page must know of its server before it can ask: attributes of its root element.

    Pages in `without` are not there, neither is a link to them.
    """

    def __init__(self, facts: Mapping[str, str], built: Path, without: Collection[str] = ()) -> None:
        self.places = {path: page for path, page in PAGES.items() if page not in without}
        self._without = without
        self._attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in facts.items())
        self._built = built
        self._asset = lru_cache(maxsize=256)(self._read)
        self._page = lru_cache(maxsize=64)(self._rendered)

    def at(self, page: str) -> ASGIApp:
        """The page for all but those who would rather read JSON: for them there is nothing."""

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            if prefers_json(headers(scope, b"accept")):
                raise refused("NOT_FOUND", refusals.NO_SUCH_PATH)
            await self._answer(scope, page).send(send)

        return door

    def before(self, door: ASGIApp, page: str) -> ASGIApp:
        """The page for whoever would rather read HTML than what the door answers."""

        async def parted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] == "GET" and prefers_html(headers(scope, b"accept")):
                await self._answer(scope, page).send(send)
            else:
                await door(scope, receive, send)

        return parted

    async def assets(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            file = self._asset(scope["path_params"]["name"])
        except OSError:
            file = None
        if file is None:
            raise refused("NOT_FOUND", refusals.NO_SUCH_PATH)
        await answer(scope, file).send(send)

    def _answer(self, scope: Scope, page: str) -> Answer:
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        try:
            built = (self._built / f"{page}.html").stat().st_mtime_ns
        except OSError:
            return Answer(404, UNBUILT.encode(), HTML)
        return answer(scope, self._page(page, path.count("/") - 1, built))

    def _rendered(self, page: str, depth: int, built: int) -> Asset:
        """A page for a path so many levels below the root; all its links are relative, so any proxy will do."""
        text = (self._built / f"{page}.html").read_text("utf-8")
        for hidden in self._without:
            text = re.sub(LINK.format(page=hidden), "", text)
        text = text.replace("{root}", "../" * depth or "./").replace("{server}", self._attributes)
        policy = (b"content-security-policy", csp(page).encode())
        return made(gzip.compress(text.encode(), mtime=0), HTML, [*ASK_AGAIN, policy])

    def _read(self, name: str) -> Asset | None:
        match = ASSET.fullmatch(name)
        if match is None or match[1] not in MEDIA:
            return None
        return made((self._built / f"{name}.gz").read_bytes(), MEDIA[match[1]], FOREVER)


def made(compressed: bytes, media: bytes, more: Headers) -> Asset:
    tag = b'"%s"' % sha256(compressed).hexdigest()[:16].encode()
    return Asset(compressed, media, tag, [*more, (b"etag", tag)])


def answer(scope: Scope, file: Asset) -> Answer:
    if any(file.tag.decode() in value for value in headers(scope, b"if-none-match")):
        return Answer(304, media=None, headers=file.headers)
    if takes_gzip(headers(scope, b"accept-encoding")):
        return Answer(200, file.compressed, file.media, [*file.headers, (b"content-encoding", b"gzip")])
    return Answer(200, gzip.decompress(file.compressed), file.media, file.headers)


def takes_gzip(accept_encoding: list[str]) -> bool:
    weights = weights_of(accept_encoding)
    return weights.get("gzip", weights.get("*", (0.0, 0)))[0] > 0


def prefers_html(accept: list[str]) -> bool:
    """Whether Accept names text/html, and before JSON; what takes anything is no browser's address bar."""
    ranges = weights_of(accept)
    return "text/html" in ranges and favour(ranges, "text/html") > max(favour(ranges, media) for media in JSON)


def prefers_json(accept: list[str]) -> bool:
    """Whether Accept wants JSON more than HTML; what takes anything alike, or names nothing, does not."""
    ranges = weights_of(accept)
    return max(favour(ranges, media) for media in JSON) > favour(ranges, "text/html")


def csp(page: str) -> str:
    """Nothing from elsewhere, no inline script; `'self'` covers WebSockets of the same origin."""
    inline = " 'unsafe-inline'" if page in INLINE_STYLES else ""
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; "
        f"style-src 'self'{inline}; font-src 'self' data:; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
