"""Where a webhook may point to, told of the URL alone."""

import pytest

from graphql_api.domain import addresses
from graphql_api.domain.checks import Wrong
from graphql_api.domain.endpoints import checked_url, target

HERE = addresses.networks(["127.0.0.0/8", "10.0.0.0/8", "::1/128"])


def refused(url: str, *networks: str) -> tuple[str, str]:
    with pytest.raises(Wrong) as wrong:
        checked_url(url, addresses.networks(networks))
    return wrong.value.code, wrong.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/a/b?c=d&e=%20",
        "https://hooks.example.com:1024/",
        "https://hooks.example.com:65535/",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/hook",
        "HTTPS://EXAMPLE.COM/",
    ],
)
def test_public_addresses_are_taken_as_they_are(url: str) -> None:
    assert checked_url(url, ()) == url


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.1", "172.31.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "168.63.129.16", "192.88.99.1"),
        *("[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[::7f00:1]"),
        *("[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fec0::1]"),
        *("192.0.0.9", "192.0.0.10", "192.31.196.1", "192.52.193.1", "192.175.48.1", "[3fff::1]", "[3fff:fff::1]"),
        *("[2001:1::1]", "[2001:3::1]", "[2001:4:112::1]", "[2001:20::1]", "[2001:30::1]", "[2620:4f:8000::1]"),
        *("localhost", "a.localhost", "LOCALHOST"),
    ],
)
def test_private_and_reserved_addresses_are_refused(host: str) -> None:
    code, message = refused(f"https://{host}/")
    assert code == "INVALID_URL"
    assert message == "must not lead to a private, local or reserved address, which this server does not allow"


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "1.2.3", "127.0.0.1.", "a..b", "-a.example", "exa mple"),
        *(
            "",
            "a" * 64,
            ".",
            "[::1",
            "[fe80::1%25eth0]",
            "[2606:4700::1%25eth0]",
            "[2606:4700::1%eth0]",
            "[v1.x]",
            "[v1.x]:8443",
            "[8.8.8.8]",
            "[example.com]",
            "[localhost]",
            "\uff11\uff12\uff17.0.0.1",
            "bücher.example",
            "a\n.example",
            "a\\b",
        ),
    ],
)
def test_other_spellings_of_addresses_and_what_is_no_name_are_refused(host: str) -> None:
    assert refused(f"https://{host}/", "::/0", "0.0.0.0/0")[0] == "INVALID_URL"


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "example.com", "//example.com/", ""),
        *("https:example.com", "javascript:alert(1)", "https://u:p@example.com/", "https://@example.com/"),
        *("https://example.com/#a", "https://example.com/a b", "https://example.com/\x00", "https://example.com/é"),
        *(
            "https://example.com:0/",
            "https://example.com:1023/",
            "https://example.com:65536/",
            "https://example.com:x/",
        ),
        "https://example.com/\n",
    ],
)
def test_what_is_no_address_of_an_endpoint_is_refused(url: str) -> None:
    assert refused(url)[0] == "INVALID_URL"


def test_a_url_has_a_length() -> None:
    assert checked_url(f"https://example.com/{'a' * 1_980}", ())
    assert refused(f"https://example.com/{'a' * 1_981}") == (
        "TOO_LONG",
        "has 2001 characters; at most 2000 are allowed",
    )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "https://10.1.1.1/", "http://[::1]:9000/", "http://[::ffff:10.0.0.1]/"]
)
def test_networks_that_are_allowed_may_be_named_also_without_tls(url: str) -> None:
    assert checked_url(url, HERE) == url


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "http://192.168.0.1/", "https://192.168.0.1/"])
def test_networks_that_are_allowed_open_no_others(url: str) -> None:
    assert refused(url, "10.0.0.0/8")[0] == "INVALID_URL"


def test_what_is_connected_to_is_read_once() -> None:
    told = target("https://[2606:4700::1111]:8443/a?b=c")
    assert (told.scheme, told.host, told.port, told.path) == ("https", "2606:4700::1111", 8443, "/a?b=c")
    assert told.authority == "[2606:4700::1111]:8443"
    assert target("HTTPS://EXAMPLE.com").authority == "example.com"
    assert target("https://example.com").path == "/"
