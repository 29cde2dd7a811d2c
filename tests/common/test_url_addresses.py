"""Which addresses are of the internet, and what an operator can allow beside them."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.common.url_fetching.addresses import AllowedHosts, is_public

NOT_PUBLIC_V4 = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",  # noqa: S104
    "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
NOT_PUBLIC_V6 = [
    "::", "::1", "::7f00:1", "::ffff:0:7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%2",
    "fec0::1", "ff02::1", "ff0e::1", "4000::1", "5f00::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "192.0.1.1", "223.255.255.255",
          "168.63.129.17", "2606:4700::1111", "2a00::1", "2001:4860:4860::8888"]  # fmt: skip


@pytest.mark.parametrize("text", NOT_PUBLIC_V4 + NOT_PUBLIC_V6)
def test_special_addresses_are_not_public(text: str) -> None:
    """Loopback, private, link-local, shared, metadata, multicast, documentation, reserved."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_internet_are_public(text: str) -> None:
    """Neighbours of the special networks among them."""
    assert is_public(ip_address(text))


def carried(address: IPv4Address) -> list[IPv6Address]:
    """Returns the IPv6 addresses that stand for an IPv4 address: mapped, translated, tunnelled."""
    number = int(address)
    return [
        IPv6Address((0xFFFF << 32) + number),
        IPv6Address((0x0064FF9B << 96) + number),
        IPv6Address((0x2002 << 112) + (number << 80) + 1),
    ]


@pytest.mark.parametrize("text", NOT_PUBLIC_V4)
def test_ipv6_does_not_hide_an_ipv4_address(text: str) -> None:
    """What stands for a special IPv4 address is as little public."""
    assert not any(is_public(address) for address in carried(IPv4Address(text)))


@given(st.ip_addresses(v=4))
def test_every_carrier_is_judged_by_what_it_carries(address: IPv4Address) -> None:
    """For any IPv4 address, its three IPv6 forms are judged as it is."""
    assert {is_public(form) for form in carried(address)} == {is_public(address)}


@given(st.ip_addresses())
def test_nothing_that_python_knows_as_special_is_public(address: IPv4Address | IPv6Address) -> None:
    """The list is no shorter than the one of the standard library."""
    carriers = ("2002::/16", "64:ff9b::/96", "::ffff:0:0/96")
    if isinstance(address, IPv6Address) and any(address in ipaddress.ip_network(it) for it in carriers):
        return
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )
    assert not (special and is_public(address))


def test_an_operator_allows_names_addresses_and_networks() -> None:
    """Each entry allows what it names and no more."""
    allowed = AllowedHosts.parse(" Photos.LAN. ,10.1.0.0/16,192.168.3.4, [fd00::7], straße.de,,")
    assert allowed.names == {"photos.lan", "xn--strae-oqa.de"}
    loopback = ip_address("127.0.0.1")
    assert allowed.allow("photos.lan", loopback)
    assert not allowed.allow("other.photos.lan", loopback)
    inside = ("10.1.255.1", "192.168.3.4", "fd00::7", "::ffff:10.1.0.1")
    assert all(allowed.allow("x", ip_address(it)) for it in inside)
    assert not any(allowed.allow("x", ip_address(it)) for it in ("10.2.0.1", "192.168.3.5", "fd00::8"))


def test_nothing_is_allowed_unless_said() -> None:
    """An empty setting allows no host."""
    assert AllowedHosts.parse("") == AllowedHosts()
    assert not AllowedHosts().allow("localhost", ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    "text", ["*", "*.lan", "0.0.0.0/0", "::/0", "photos.lan:8080", "http://photos.lan", "10.0.0.0/33"]
)
def test_entries_that_allow_everything_or_mean_nothing_are_refused(text: str) -> None:
    """A wildcard, every address, a port or a whole URL is no entry."""
    with pytest.raises(ValueError, match="is"):
        AllowedHosts.parse(f"photos.lan,{text}")
