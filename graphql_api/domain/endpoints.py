"""Where the URL of a webhook leads, and whether a webhook may have it."""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec

from graphql_api.domain import addresses
from graphql_api.domain.addresses import Network
from graphql_api.domain.checks import Wrong

LONGEST_URL = 2_000
URI = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+", re.ASCII)
NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
"""A host's name; its last label begins with a letter, for libraries read numbers such as 2130706433 as addresses."""
PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1_024


class Target(msgspec.Struct, frozen=True):
    """Where a URL leads, read once, so that what is checked is what is connected to."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As `Host` names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str) -> Target:
    """Of a URL that `checked_url` has let pass."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], path)


def checked_url(url: str, networks: Sequence[Network]) -> str:
    """Only what can be told without asking anybody: names are looked up, and checked, at every connection."""
    if len(url) > LONGEST_URL:
        raise Wrong("TOO_LONG", f"has {len(url)} characters; at most {LONGEST_URL} are allowed")
    if URI.fullmatch(url) is None:
        raise _wrong_url("must be a URL without a fragment, in the characters of RFC 3986; write other names as xn--…")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong_url("must have an address and a port that can be") from None
    _check_scheme(parts.scheme, networks)
    if "@" in parts.netloc:
        raise _wrong_url("must not hold a user or a password; the signature tells who sends")
    if port is not None and port != PORTS[parts.scheme] and not FIRST_FREE_PORT <= port <= 65_535:
        raise _wrong_url(f"must name port {PORTS[parts.scheme]} or one from {FIRST_FREE_PORT} on, not {port}")
    _check_host(parts, networks)
    return url


def _wrong_url(message: str) -> Wrong:
    return Wrong("INVALID_URL", message)


def _check_scheme(scheme: str, networks: Sequence[Network]) -> None:
    if scheme == "https" or (scheme == "http" and networks):
        return
    allowed = "https://, or http:// within networks that the server allows" if networks else "https://"
    raise _wrong_url(f"must begin with {allowed}")


def _check_host(parts: SplitResult, networks: Sequence[Network]) -> None:
    host = parts.hostname or ""
    address = addresses.literal(host)
    if host == "localhost" or host.endswith(".localhost"):
        address = ip_address("127.0.0.1")
    is_unknown = address is None and NAME.fullmatch(host) is None
    if is_unknown or "%" in host or ("[" in parts.netloc) != isinstance(address, IPv6Address):
        raise _wrong_url("must name a host as in hooks.example.com, 192.0.2.1 or [2001:db8::1]")
    if address is not None and not addresses.may_be_reached(address, networks):
        raise _wrong_url("must not lead to a private, local or reserved address, which this server does not allow")
    if address is not None and parts.scheme == "http" and not addresses.is_allowed(address, networks):
        raise _wrong_url("must begin with https:// outside of the networks that the server allows")
