"""Pages and the files they load: who gets HTML, under which policy, from whatever place, kept how long."""

import gzip
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import httpx2
import pytest
from starlette.routing import Route, Router

from graphql_api import app, config
from graphql_api.edits import Desk
from graphql_api.web.cors import Cors
from graphql_api.web.front import Front
from graphql_api.web.hosts import Hosts
from graphql_api.web.methods import Takes
from graphql_api.web.not_found import NotFound
from graphql_api.web.pages import PAGES, Pages, csp

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
SCRIPT = b"console.log('a script')"
NAMED = "flows-ABCD2345.js"
PAGE = """<html data-root="{root}" {server}><script type="module" src="{root}assets/flows-ABCD2345.js"></script>
<nav><a href="{root}docs" data-of="reference">REST</a> <a href="{root}docs/schema" data-of="schema">Schema</a></nav>
</html>"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for page in set(PAGES.values()):
        (tmp_path / f"{page}.html").write_text(PAGE, "utf-8")
    (tmp_path / f"{NAMED}.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret-ABCD2345.txt.gz").write_bytes(gzip.compress(b"not an asset"))
    return tmp_path


def over(pages: Pages) -> httpx2.AsyncClient:
    """The pages alone, behind the front that every answer passes."""
    routes = [Route(path, Takes(pages.at(page), "GET")) for path, page in pages.places.items()]
    router = Router([*routes, Route("/assets/{name}", Takes(pages.assets, "GET"))], default=NotFound())
    front = Front(router, Hosts(), Cors(), 16_384)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(front), base_url="http://localhost")


@pytest.fixture
async def browser(built: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with over(Pages({"auth": "keys", "workspace": 'a "quoted" one'}, built)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "root"), [("/", "./"), ("/docs", "./"), ("/flows", "./"), ("/flows/", "../"), ("/flows/a/b", "../../")]
)
async def test_links_of_a_page_are_relative_so_that_any_proxy_will_do(
    browser: httpx2.AsyncClient, path: str, root: str
) -> None:
    page = await browser.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'data-root="{root}"' in page.text
    assert f'src="{root}assets/{NAMED}"' in page.text


async def test_a_page_knows_what_it_must_before_it_can_ask(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/")
    assert 'data-auth="keys" data-workspace="a &quot;quoted&quot; one"' in page.text


async def test_a_page_is_asked_for_again_and_told_when_it_is_the_same(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/flows")
    assert page.headers["cache-control"] == "no-cache"
    again = await browser.get("/flows", headers={"if-none-match": f'W/"other", {page.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", page.headers["etag"])
    other = await browser.get("/flows", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


async def test_a_page_that_was_built_again_is_served_anew(browser: httpx2.AsyncClient, built: Path) -> None:
    before = await browser.get("/flows")
    (built / "flows.html").write_text("<html>new</html>", "utf-8")
    after = await browser.get("/flows", headers={"if-none-match": before.headers["etag"]})
    assert (after.status_code, after.text) == (200, "<html>new</html>")


async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(browser: httpx2.AsyncClient) -> None:
    policies = {path: (await browser.get(path)).headers["content-security-policy"] for path in ("/", "/flows")}
    assert policies == {"/": csp("playground"), "/flows": csp("flows")}
    for policy in policies.values():
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert (rules["default-src"], rules["script-src"], rules["connect-src"]) == ("'none'", "'self'", "'self'")
        assert (rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'none'")
    assert "unsafe" not in policies["/flows"]


async def test_a_file_is_kept_for_good_and_sent_compressed_to_whoever_takes_it(browser: httpx2.AsyncClient) -> None:
    zipped = await browser.get(f"/assets/{NAMED}", headers={"accept-encoding": "br, gzip"})
    plain = await browser.get(f"/assets/{NAMED}", headers={"accept-encoding": "gzip;q=0"})
    assert (zipped.headers["content-encoding"], zipped.content) == ("gzip", SCRIPT)
    assert "content-encoding" not in plain.headers
    assert plain.content == SCRIPT
    for sent in (zipped, plain):
        assert sent.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert sent.headers["content-type"] == "text/javascript; charset=utf-8"
        assert sent.headers["vary"] == "accept-encoding"
        assert sent.headers["x-content-type-options"] == "nosniff"


async def test_head_tells_what_get_would_send(browser: httpx2.AsyncClient) -> None:
    for path in ("/", f"/assets/{NAMED}"):
        got, told = await browser.get(path), await browser.head(path)
        assert (told.status_code, told.content) == (200, b"")
        assert told.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    "name",
    [
        "flows-ABCD2346.js",
        "flows.html",
        "secret-ABCD2345.txt",
        "..%2fpages.py",
        "%2e%2e%2f%2e%2e%2fconfig.py",
        "a%00-ABCD2345.js",
        "x" * 5_000 + "-ABCD2345.js",
    ],
)
async def test_nothing_else_of_the_machine_is_served(browser: httpx2.AsyncClient, name: str) -> None:
    sent = await browser.get(f"/assets/{name}")
    assert (sent.status_code, sent.json()["error"]["code"]) == (404, "not_found")
    assert sent.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/docs", "/flows", "/flows/a"])
@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER, True),
        ("*/*", True),
        ("", True),
        ("text/html, application/json;q=0.9", True),
        ("image/avif,image/webp,*/*;q=0.8", True),
        ("application/json", False),
        ("application/json, text/plain, */*", False),
        ("application/graphql-response+json, application/json;q=0.9", False),
        ("application/*", False),
    ],
)
async def test_for_those_who_would_rather_have_json_there_is_nothing_where_a_page_is(
    browser: httpx2.AsyncClient, path: str, accept: str, is_page: bool
) -> None:
    told = await browser.get(path, headers={"accept": accept})
    if is_page:
        assert (told.status_code, told.headers["content-type"]) == (200, "text/html; charset=utf-8")
    else:
        assert (told.status_code, told.json()["error"]["code"]) == (404, "not_found")
        assert told.headers["content-type"] == "application/json"


async def test_pages_are_only_read(browser: httpx2.AsyncClient) -> None:
    refused = await browser.post("/flows")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert refused.json()["error"]["code"] == "method_not_allowed"


async def test_without_built_pages_the_page_says_how_to_build_them(tmp_path: Path) -> None:
    async with over(Pages({}, tmp_path / "nothing")) as client:
        page = await client.get("/")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "make pages" in page.text


# The whole server


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        ([BROWSER], True),
        (["text/html"], True),
        (["application/json;q=0.5, text/html"], True),
        (["text/html;q=0.5, application/json"], False),
        (["application/graphql-response+json, text/html;q=0.9"], False),
        (["*/*"], False),
        (["text/*"], False),
        ([], False),
    ],
)
async def test_graphql_answers_html_to_those_who_would_rather_have_it(
    http: httpx2.AsyncClient, accept: Iterable[str], is_page: bool
) -> None:
    told = await http.get("/graphql?query={__typename}", headers={"accept": ", ".join(accept)})
    assert told.headers["content-type"].startswith("text/html") is is_page


@pytest.mark.parametrize("introspection", [True, False])
async def test_only_a_server_that_tells_its_schema_has_a_page_of_it(built: Path, introspection: bool) -> None:
    async with over(app.pages_of(config.load(introspection=introspection), built)) as client:
        schema, docs = await client.get("/docs/schema"), await client.get("/docs")
    assert (schema.status_code, docs.status_code) == (200 if introspection else 404, 200)
    assert [page for page in ("reference", "schema") if f'data-of="{page}"' in docs.text] == [
        "reference",
        *(["schema"] if introspection else []),
    ]
    assert introspection or schema.json()["error"]["code"] == "not_found"


async def test_with_keys_pages_are_public_and_data_is_not(desk: Desk) -> None:
    transport = httpx2.ASGITransport(app.made(config.load(auth="keys"), desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        statuses = {
            path: (await client.get(path, headers={"accept": BROWSER})).status_code
            for path in ("/", "/graphql", "/docs", "/flows/x", "/v1/api/message-flows")
        }
        asked = await client.post("/graphql", json={"query": "{ messageFlows { totalCount } }"})
    page = statuses["/"]
    assert page in (200, 404)  # 404 where they are not built
    assert statuses == {"/": page, "/graphql": page, "/docs": page, "/flows/x": page, "/v1/api/message-flows": 401}
    assert asked.status_code == 401
