"""Which network addresses a webhook may reach: those of the public internet, and networks that the operator allows."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CLOSED: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # the metadata of Azure, in the midst of public addresses
            "192.0.0.0/24",  # protocols of the IETF, as 2001::/23
            "192.31.196.0/24",  # AS112, which whoever is near answers for, as 192.175.48.0/24 and 2620:4f:8000::/48
            "192.52.193.0/24",  # relays of multicast
            "192.88.99.0/24",  # relays of 6to4
            "192.175.48.0/24",
            "::/96",  # IPv4 written as IPv6, as it once was
            "64:ff9b::/96",  # NAT64: whatever IPv4 address a gateway makes of it
            "64:ff9b:1::/48",
            "2001::/23",  # among them Teredo
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3fff::/20",  # documentation
            "5f00::/16",  # routing within a provider
            "fec0::/10",  # once the private addresses of a site
        ),
    )
)
"""Addresses that `ipaddress` takes for public, or may some day, and that lead into networks of somebody's own."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is no network."""
    return tuple(map(ip_network, texts))


def literal(host: str) -> Address | None:
    """The address that a host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether the operator has named a network of the address."""
    return _is_within(_plain(address), allowed)


def may_be_reached(address: Address, allowed: Iterable[Network]) -> bool:
    """No private, loopback, link-local, multicast, reserved or unspecified address, unless it is allowed."""
    address = _plain(address)
    return _is_within(address, allowed) or _is_public(address)


def _plain(address: Address) -> Address:
    """An IPv4 address that is mapped into IPv6 is connected to as what it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_public(address: Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not is_special and not _is_within(address, CLOSED)


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
