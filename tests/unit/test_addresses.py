"""Whose address a connection has, and what of it can be believed."""

from ipaddress import ip_address, ip_network

import pytest

from chat.addresses import Network, client_address, household

PROXIES: list[Network] = [ip_network("10.0.0.0/8"), ip_network("::1")]


def scope(peer: str | None, *headers: tuple[bytes, bytes]) -> dict[str, object]:
    return {"client": [peer, 4711] if peer else None, "headers": list(headers)}


@pytest.mark.parametrize(
    ("peer", "headers", "believed"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", [(b"x-real-ip", b"198.51.100.7")], "203.0.113.9"),
        ("10.1.2.3", [(b"x-real-ip", b"198.51.100.7")], "198.51.100.7"),
        ("::1", [(b"x-real-ip", b"2001:db8::7")], "2001:db8::7"),
        ("::ffff:10.1.2.3", [(b"x-real-ip", b"198.51.100.7")], "198.51.100.7"),
        ("10.1.2.3", [(b"x-forwarded-for", b"198.51.100.7")], "10.1.2.3"),
        ("10.1.2.3", [(b"x-real-ip", b"unknown")], "10.1.2.3"),
        ("10.1.2.3", [(b"x-real-ip", b"198.51.100.7,198.51.100.8")], "10.1.2.3"),
        ("10.1.2.3", [(b"x-real-ip", b"198.51.100.7"), (b"x-real-ip", b"1.1.1.1")], "10.1.2.3"),
    ],
)
def test_address_is_the_peers_unless_a_trusted_proxy_tells_one(
    peer: str, headers: list[tuple[bytes, bytes]], believed: str
) -> None:
    assert client_address(scope(peer, *headers), PROXIES) == ip_address(believed)


def test_nobody_is_trusted_by_default() -> None:
    told = scope("127.0.0.1", (b"x-real-ip", b"198.51.100.7"))

    assert client_address(told, []) == ip_address("127.0.0.1")


def test_connection_without_an_address_has_none() -> None:
    assert client_address(scope(None, (b"x-real-ip", b"198.51.100.7")), PROXIES) is None


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_network_of_64_bits_counts_as_one(address: str, counted: str) -> None:
    assert household(ip_address(address)) == counted
