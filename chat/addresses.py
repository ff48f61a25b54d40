"""Where a client is: its address, as far as it can be believed, and whom it stands for."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REAL_ADDRESS = b"x-real-ip"
"""What a trusted proxy sets. X-Forwarded-For is a list that its first author could choose."""
HOUSEHOLD_BITS = 64
"""Whoever has one address of IPv6 has all that share so many bits."""


def client_address(scope: Mapping[str, Any], trusted: Iterable[Network]) -> Address | None:
    """The client's address by an ASGI scope; a trusted proxy may tell another than its own."""
    peer = peer_address(scope)
    if peer is None or not within(peer, trusted):
        return peer
    told = [value for name, value in scope["headers"] if name == REAL_ADDRESS]
    return (parsed(told[0].decode("latin-1")) if len(told) == 1 else None) or peer


def peer_address(scope: Mapping[str, Any]) -> Address | None:
    """Who is at the other end of the connection; None where it has no address."""
    client: Sequence[Any] | None = scope.get("client")
    return parsed(str(client[0])) if client else None


def parsed(text: str) -> Address | None:
    """An IPv4 address that is written as one of IPv6 is the IPv4 address."""
    with suppress(ValueError):
        address = ip_address(text.strip().partition("%")[0])
        return getattr(address, "ipv4_mapped", None) or address
    return None


def within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def household(address: Address | None) -> str:
    """Whom limits per address count: the address, or with IPv6 its network of 64 bits."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, HOUSEHOLD_BITS), strict=False))
    return str(address)
