"""One message to one endpoint: nobody is reached who may not be, and no endpoint costs more than its time."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from email.utils import formatdate
from pathlib import Path
from time import asctime, gmtime, time, tzset
from typing import Any

import h11
import httpcore2
import pytest

from graphql_api.delivery import network, posting
from graphql_api.delivery.network import MOST_SAID, PIECE, CheckedNetwork
from graphql_api.delivery.posting import MOST_READ, Poster
from graphql_api.domain import addresses
from graphql_api.domain.webhooks import PostResult
from tests.delivery.conftest import HERE
from tests.delivery.endpoints import Endpoint, Manner, Received, Write, hang_up, listening, silence, status

HEADERS = {"Content-Type": "application/json", "X-Message-Flows-Event": "flow.created"}

Leads = Callable[..., list[str]]


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    """With more time than anything here takes on a busy machine."""
    poster = Poster(HERE, 10)
    yield poster
    await poster.close()


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Leads:
    """Makes every name lead to the addresses given: to the first ones at the first look-up, the last ones ever after.

    Answers the list of names that were looked up.
    """

    def lead(*told: Sequence[str] | OSError) -> list[str]:
        asked: list[str] = []

        def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
            asked.append(host)
            found = told[min(len(asked), len(told)) - 1]
            if isinstance(found, OSError):
                raise found
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return lead


async def test_a_message_is_a_post_of_its_very_bytes(poster: Poster, endpoint: Endpoint) -> None:
    endpoint.manner = status(202, "Retry-After: 7")
    url = f"{endpoint.url}/a%20b?c=d&e=%C3%A9"
    for body in (b'{"a":"\xc3\xa9"}', b""):
        answer = await poster(url, HEADERS, body)
        assert (answer.outcome, answer.status, answer.retry_after) == ("DELIVERED", 202, 7)
    first, second = endpoint.received
    assert (first.path, first.body, second.body) == ("/hook/a%20b?c=d&e=%C3%A9", b'{"a":"\xc3\xa9"}', b"")
    assert first.headers["host"] == f"127.0.0.1:{endpoint.port}"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"].startswith("message-flows/")
    assert endpoint.connections == 1, "a connection is used again"


async def test_an_endpoint_may_say_by_a_date_when_to_try_again(poster: Poster, endpoint: Endpoint) -> None:
    endpoint.manner = status(503, f"retry-after: {formatdate(time() + 600, usegmt=True)}")
    assert 590 < (await poster(endpoint.url, {}, b"")).retry_after <= 600


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's own clock shows another time than UTC."""
    monkeypatch.setenv("TZ", "EST5")
    tzset()
    yield
    monkeypatch.undo()
    tzset()


async def test_a_date_in_the_old_form_without_a_zone_is_in_utc(
    poster: Poster, endpoint: Endpoint, elsewhere: None
) -> None:
    endpoint.manner = status(503, f"retry-after: {asctime(gmtime(time() + 600))}")
    assert 590 < (await poster(endpoint.url, {}, b"")).retry_after <= 600


async def test_proxies_of_the_environment_are_not_used(
    poster: Poster, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await poster(endpoint.url, {}, b"")).outcome == "DELIVERED"


async def test_redirects_are_not_followed(poster: Poster, endpoint: Endpoint) -> None:
    async with listening() as other:
        for code in (301, 302, 303, 307, 308):
            endpoint.manner = status(code, f"location: {other.url}")
            answer = await poster(endpoint.url, {}, b"")
            assert (answer.outcome, answer.status) == ("REDIRECTED", code)
        assert other.connections == 0


async def trickle(request: Received, write: Write) -> None:
    """An answer that never gets to its end."""
    await write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await write(b"x-more: 1\r\n")
        await asyncio.sleep(0.05)


async def endless_head(request: Received, write: Write) -> None:
    while True:
        await write(b"x" * 65_536)


async def continues(request: Received, write: Write) -> None:
    while True:
        await write(b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000)


def raw(answer: bytes) -> Manner:
    async def manner(request: Received, write: Write) -> None:
        await write(answer)
        raise ConnectionResetError

    return manner


@pytest.mark.parametrize(
    ("manner", "outcome"),
    [
        (silence, "TIMED_OUT"),
        (trickle, "TIMED_OUT"),
        (hang_up, "BROKEN"),
        (endless_head, "BROKEN"),
        (continues, "BROKEN"),
        (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), "BROKEN"),
        (raw(b"HTTP/1.1 999999 ?\r\n\r\n"), "BROKEN"),
        (status(404), "REJECTED"),
        (status(503, "retry-after: Wed, 25 Nov 2020 20:00:00 GMT"), "REJECTED"),
        (status(503, "retry-after: Wed, 25 Nov 999999999999 20:00:00 GMT"), "REJECTED"),
        (status(503, "retry-after: Wed, 99 Nov 2026 99:00:00 GMT"), "REJECTED"),
        (status(503, "retry-after: \xb9"), "REJECTED"),
        (status(503, "retry-after: tomorrow"), "REJECTED"),
        (status(410), "GONE"),
    ],
)
async def test_whatever_goes_wrong_is_an_answer_in_time(endpoint: Endpoint, manner: Manner, outcome: str) -> None:
    endpoint.manner = manner
    poster = Poster(HERE, 0.5 if outcome == "TIMED_OUT" else 10)
    async with asyncio.timeout(20):
        answer = await poster(endpoint.url, {}, b"{}")
    assert (answer.outcome, answer.retry_after) == (outcome, 0)
    await poster.close()


async def test_of_an_answer_of_10_mb_only_its_beginning_is_read(poster: Poster, endpoint: Endpoint) -> None:
    written = 0

    async def manner(request: Received, write: Write) -> None:
        nonlocal written
        await write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n")
        while written < 10_000_000:
            await write(b"x" * 50_000)
            written += 50_000

    endpoint.manner = manner
    answer = await poster(endpoint.url, {}, b"{}")
    assert (answer.outcome, answer.status) == ("DELIVERED", 200)
    endpoint.manner = status(200)
    await poster(endpoint.url, {}, b"{}")
    assert endpoint.connections == 2, "the connection is given up"
    assert MOST_READ < written < 10_000_000


@pytest.mark.parametrize("is_secret", [False, True])
async def test_what_comes_before_an_answer_is_looked_at_in_small_pieces_and_only_so_far(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_secret: bool
) -> None:
    """Others have a turn after each, also by TLS, where many come at hand in one record. Each message is heard anew."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    pieces: list[tuple[int, int]] = []
    turns: list[None] = []

    async def manner(request: Received, write: Write) -> None:
        await write(interim * int(request.body) + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    def receive(connection: h11.Connection, piece: bytes) -> None:
        pieces.append((len(turns), len(piece)))
        asyncio.get_running_loop().call_soon(turns.append, None)
        hear(connection, piece)

    hear = h11.Connection.receive_data
    monkeypatch.setattr(h11.Connection, "receive_data", receive)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    few, many = MOST_SAID // len(interim) - 10, MOST_SAID // len(interim) + 100
    async with listening(tls=tls if is_secret else None) as endpoint:
        endpoint.manner = manner
        poster = Poster(HERE, 5)
        told = [(await poster(endpoint.url, {}, b"%d" % count)).outcome for count in (few, few, many)]
        await poster.close()
    assert told == ["DELIVERED", "DELIVERED", "BROKEN"]
    assert endpoint.connections == 1
    assert max(size for _, size in pieces) <= PIECE
    assert len({turn for turn, _ in pieces}) == len(pieces)


@pytest.mark.parametrize(
    ("head", "body"),
    [("content-length: 100", b"half"), ("transfer-encoding: chunked", b"zz\r\nhalf")],
)
async def test_what_is_wrong_with_a_body_takes_nothing_from_its_status(
    poster: Poster, endpoint: Endpoint, head: str, body: bytes
) -> None:
    endpoint.manner = raw(f"HTTP/1.1 429 Said\r\nretry-after: 7\r\n{head}\r\n\r\n".encode() + body)
    answer = await poster(endpoint.url, {}, b"{}")
    assert (answer.outcome, answer.status, answer.retry_after) == ("REJECTED", 429, 7)


async def test_a_body_that_comes_after_the_time_is_up_takes_nothing_from_its_status(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a time of its own, and its connection is given up when that ends as well."""
    monkeypatch.setattr(posting, "READING", 1.5)

    async def manner(request: Received, write: Write) -> None:
        await write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        await asyncio.Event().wait()

    endpoint.manner = manner
    poster = Poster(HERE, 1)
    assert await outcome(poster, endpoint.url) == "DELIVERED"
    endpoint.manner = status(200)
    assert await outcome(poster, endpoint.url) == "DELIVERED"
    assert endpoint.connections == 2
    await poster.close()


async def test_nobody_there(poster: Poster, leads: Leads) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await outcome(poster, f"http://127.0.0.1:{taken.getsockname()[1]}/") == "UNREACHABLE"
    leads(socket.gaierror(socket.EAI_NONAME, "no such name"))
    assert await outcome(poster, "http://nowhere.example/") == "UNREACHABLE"


async def outcome(poster: Poster, url: str) -> str:
    answer: PostResult = await poster(url, {}, b"{}")
    return answer.outcome


# Where a name leads

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "168.63.129.16",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_to_a_private_address_reaches_nobody(address: str, leads: Leads) -> None:
    poster = Poster((), 5)
    asked = leads([address])
    assert await outcome(poster, "https://hooks.example.com/") == "FORBIDDEN_ADDRESS"
    assert asked == ["hooks.example.com"]
    await poster.close()


async def test_of_many_addresses_only_those_that_may_be_reached_are_tried(endpoint: Endpoint, leads: Leads) -> None:
    """The one that is allowed stands between two that are not, on one of which somebody listens."""
    async with listening("127.0.0.2", endpoint.port) as allowed:
        poster = Poster(addresses.networks(["127.0.0.2/32"]), 5)
        leads(["127.0.0.1", "127.0.0.2", "10.0.0.1"])
        assert await outcome(poster, f"http://hooks.example.com:{endpoint.port}/") == "DELIVERED"
        assert (allowed.connections, endpoint.connections) == (1, 0)
        assert allowed.received[0].headers["host"] == f"hooks.example.com:{endpoint.port}"
        await poster.close()


async def test_a_name_that_leads_elsewhere_a_moment_later_deceives_nobody(endpoint: Endpoint, leads: Leads) -> None:
    """What is checked is what is connected to, at every connection anew."""
    async with listening("127.0.0.2", endpoint.port) as allowed:
        allowed.manner = status(200, "connection: close")
        poster = Poster(addresses.networks(["127.0.0.2/32"]), 5)
        asked = leads(["127.0.0.2"], ["127.0.0.1"])
        url = f"http://hooks.example.com:{endpoint.port}/"
        told = [await outcome(poster, url), await outcome(poster, url)]
        assert told == ["DELIVERED", "FORBIDDEN_ADDRESS"]
        assert (len(asked), allowed.connections, endpoint.connections) == (2, 1, 0)
        await poster.close()


async def test_without_tls_only_networks_that_are_allowed_are_reached(leads: Leads) -> None:
    poster = Poster(HERE, 5)
    leads(["93.184.215.14"])
    assert await outcome(poster, "http://hooks.example.com/") == "FORBIDDEN_ADDRESS"
    await poster.close()


async def test_a_resolver_that_hangs_holds_up_no_message_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        over.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    poster = Poster(HERE, 0.2)
    assert await outcome(poster, "https://hooks.example.com/") == "TIMED_OUT"
    over.set()
    await poster.close()


async def test_names_are_looked_up_one_after_another_however_many_there_are(
    leads: Leads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind those that lead nowhere."""
    monkeypatch.setattr(network, "LOOKUPS", 1)
    looked_up = CheckedNetwork(HERE, is_plain=True)
    for host in ("a.example", f"{'a' * 64}.example"):
        async with asyncio.timeout(5):
            with pytest.raises(httpcore2.ConnectError):
                await looked_up.connect_tcp(host, 1)
    leads(["192.168.0.1"])
    async with asyncio.timeout(5):
        with pytest.raises(network.Forbidden):
            await looked_up.connect_tcp("b.example", 1)


async def test_a_certificate_is_checked(
    poster: Poster, tls: ssl.SSLContext, leads: Leads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First nobody vouches for it; then somebody does, for the address but not for a name that leads to it."""
    async with listening(tls=tls) as endpoint:
        assert await outcome(poster, endpoint.url) == "TLS_FAILED"
        assert endpoint.received == []
        await poster.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert await outcome(poster, endpoint.url) == "DELIVERED"
        leads(["127.0.0.1"])
        assert await outcome(poster, endpoint.url.replace("127.0.0.1", "hooks.example.com")) == "TLS_FAILED"
        assert len(endpoint.received) == 1


async def test_every_address_of_a_name_has_its_share_of_the_time(leads: Leads, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, float | None]] = []

    class Deaf(httpcore2.AsyncNetworkBackend):
        """A network in which nobody answers."""

        async def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: Any) -> Any:  # noqa: ASYNC109
            tried.append((host, timeout))
            raise httpcore2.ConnectTimeout

    monkeypatch.setattr(httpcore2, "AnyIOBackend", Deaf)
    leads(["127.0.0.2", "127.0.0.3", "192.168.0.1"])
    network = CheckedNetwork(HERE, is_plain=True)
    with pytest.raises(httpcore2.ConnectTimeout):
        await network.connect_tcp("hooks.example", 80, 3.0)
    assert tried == [("127.0.0.2", 1.5), ("127.0.0.3", 3.0)]
