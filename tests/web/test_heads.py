"""Heads that are known again are read as the parser reads them."""

import ast
from hashlib import sha256
from pathlib import Path
from typing import Any

import httptools
import pytest
from hypothesis import given, strategies

from graphql_api import web
from graphql_api.web.front import head_size
from graphql_api.web.heads import LONGEST_TARGET, OWN, READ, REMEMBERED, Heads
from graphql_api.web.http import of_head

ELSEWHERE = {b"accept-encoding", b"last-event-id", b"sec-websocket-version"}
"""Headers that are read of pages, of streams of events and of handshakes, which never go the short way."""


def test_a_header_that_is_read_is_part_of_what_a_head_means() -> None:
    asked_for = {
        node.args[-1].value
        for path in Path(web.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("header", "headers", "listed") and isinstance(node.args[-1], ast.Constant)
    }
    assert {b"host", b"if-match", b"idempotency-key"} < asked_for
    assert asked_for - ELSEWHERE <= {*READ, *OWN}


LINES = b"host: a\r\ncontent-length: 2"
HEADERS = [(b"host", b"a"), (b"content-length", b"2")]


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        (b"host: a\ncontent-length: 2", HEADERS),
        (b"host: a\r\n b\r\ncontent-length: 2", HEADERS),
        (b"host: a\r\nhost: b", [(b"host", b"a"), (b"host", b"b")]),
        (b"x-request-id: 1\r\nX-Request-Id: 2", [(b"x-request-id", b"1"), (b"x-request-id", b"2")]),
        (b"transfer-encoding: chunked", [(b"transfer-encoding", b"chunked")]),
        (b"Expect: 100-continue", [(b"expect", b"100-continue")]),
        (b"upgrade: h2c", [(b"upgrade", b"h2c")]),
        (b"content-length: +2", [(b"content-length", b"+2")]),
        (b"host: \xe9", [(b"host", b"\xe9")]),
        (b"host: " + b"a" * 5_000, [(b"host", b"a" * 5_000)]),
        (b"content-length: 101", [(b"content-length", b"101")]),
    ],
)
def test_heads_that_could_be_read_otherwise_or_announce_too_much_are_not_kept(
    block: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    heads = Heads(100)
    heads.learn(block, headers, b"", b"")
    assert heads.get(block) is None


def test_a_head_is_known_again_by_what_it_means_without_the_key_that_it_shows() -> None:
    heads = Heads(100)
    heads.learn(LINES + b"\r\nx-api-key: secret", [*HEADERS, (b"x-api-key", b"secret")], b"secret", b"")
    known = heads.get(LINES + b"\r\nx-api-key: secret")
    assert known is not None
    assert (known.scope["headers"], known.length, known.digest) == (HEADERS, 2, sha256(b"secret").digest())
    assert b"secret" not in repr(known).encode()
    assert heads.get(LINES + b"\r\nx-api-key: another") is None
    assert heads.get(b"user-agent: x\r\n" + LINES + b"\r\nx-api-key: secret") is known


def test_bytes_of_a_head_are_read_once_and_what_follows_from_them_is_found_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heads, found = Heads(100), list[Any]()
    heads.learn(LINES, HEADERS, b"", b"")
    known = [heads.get(LINES), heads.get(b"x: 1\r\n" + LINES)]
    monkeypatch.setattr(heads, "_read", pytest.fail)
    for head in (*known, heads.get(LINES)):
        assert head is not None
        of_head({**head.scope}, found.append)
    assert len(found) == 1


@pytest.mark.parametrize("own", OWN)
def test_what_a_header_says_is_not_taken_for_the_name_of_another(own: bytes) -> None:
    heads = Heads(100)
    heads.learn(b"x-workspace-id: a" + own, [(b"x-workspace-id", b"a" + own)], b"", b"")
    assert heads.get(b"x-workspace-id: a\r\n" + own + b": 1") is None
    heads.learn(b"host: b\r\n" + own + b": 1", [(b"host", b"b"), (own, b"1")], b"", b"")
    assert heads.get(b"host: b" + own) is None


@pytest.mark.parametrize(("root_path", "is_known"), [("", True), ("/" + "r" * 500, False)])
def test_the_path_under_which_the_server_is_published_counts_for_the_head(root_path: str, is_known: bool) -> None:
    heads = Heads(100, root_path, 1_024)
    heads.learn(LINES, HEADERS, b"", b"")
    assert heads.get(LINES) is not None
    assert (heads.get(LINES + b"\r\nx: " + b"a" * 400) is not None) is is_known


def test_no_head_is_known_that_is_longer_than_heads_may_be() -> None:
    heads = Heads(100, longest_head=1_024)
    heads.learn(LINES, HEADERS, b"", b"")
    for number in range(200):
        block = LINES + b"\r\na:" * number
        scope = {"path": "p" * (LONGEST_TARGET - 1), "query_string": b"", "headers": Parsed(block).headers}
        assert (heads.get(block) is None) or head_size(scope) <= 1_024


def test_the_oldest_head_is_forgotten_first() -> None:
    heads = Heads(100)
    for number in range(REMEMBERED + 1):
        heads.learn(b"host: %d" % number, [(b"host", b"%d" % number)], b"", b"")
    assert heads.get(b"host: 0") is None
    assert heads.get(b"host: 1") is not None
    for number in range(REMEMBERED + 1):
        assert heads.get(b"host: 1\r\nx: %d" % number) is not None
    assert len(heads._by_bytes) == REMEMBERED
    assert heads.get(b"host: %d" % REMEMBERED) is not None


names = strategies.sampled_from(
    [
        b"Host",
        b"host",
        b"content-length",
        b"x-api-key",
        b"X-Request-Id",
        b"Idempotency-Key",
        b"Accept",
        b"Cookie",
        b"Te",
    ]
)
values = strategies.sampled_from(
    [b"", b"0", b"1", b" a", b"\ta \t", b"a:b", b"\xe9", b"a\r\n b", b"a\r\nhost: b", b"\x00"]
)
blocks = strategies.lists(strategies.builds(lambda name, value: name + b":" + value, names, values), max_size=6)


class Parsed:
    """What the parser makes of a block."""

    def __init__(self, block: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        httptools.HttpRequestParser(self).feed_data(b"POST / HTTP/1.1\r\n" + block + b"\r\n\r\n")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))


@given(strategies.lists(blocks.map(b"\r\n".join), min_size=1, max_size=8))
def test_what_is_known_of_a_head_is_what_a_parser_finds_in_it(given: list[bytes]) -> None:
    heads = Heads(100)
    for block in given:
        known = heads.get(block)
        try:
            headers = Parsed(block).headers
        except httptools.HttpParserError:
            assert known is None
            continue
        if known is None:
            heads.learn(block, headers, dict(headers).get(b"x-api-key", b""), b"")
            continue
        told = [one for one in headers if one[0] in (*READ, *OWN) and one[0] != b"x-api-key"]
        assert sorted(known.scope["headers"]) == sorted(told)
        assert known.scope["named"] == dict(told)
        assert known.digest == sha256(dict(headers).get(b"x-api-key", b"")).digest()
        assert known.length == int(dict(headers).get(b"content-length", b"0"))
