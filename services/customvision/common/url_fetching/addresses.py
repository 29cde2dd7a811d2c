"""Which addresses are of the internet, and which others an operator allows."""

import ipaddress
from dataclasses import dataclass

from customvision.common.url_fetching.errors import UrlInvalid
from customvision.common.url_fetching.web_url import ascii_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# All that IANA lists as not globally reachable. Python's own lists differ from release to release.
_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a provider's translation, and Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, as seen from its virtual machines
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, and Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
# IPv6 addresses that stand for an IPv4 address, and how many bits stand behind that.
_CARRIERS = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # translated (NAT64)
    (ipaddress.IPv6Network("2002::/16"), 80),  # tunnelled (6to4)
)
_MAPPED = _CARRIERS[0][0]


def is_public(address: Address) -> bool:
    """Tells whether an address is of the internet: not of this machine, a private network, or a special purpose."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    for carrier, bits_behind in _CARRIERS:
        if address in carrier:
            return is_public(ipaddress.IPv4Address(int(address) >> bits_behind & 0xFFFFFFFF))
    return address in _GLOBAL_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


@dataclass(frozen=True)
class AllowedHosts:
    """Hosts, and networks of addresses, that may be fetched from although they are not of the internet."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "AllowedHosts":
        """Reads host names, addresses and CIDR networks parted by commas. Raises ValueError, quoting a bad entry."""
        names: set[str] = set()
        networks: list[Network] = []
        for entry in filter(None, (entry.strip() for entry in text.split(","))):
            network = _network(entry)
            if network is None:
                names.add(_name(entry))
            else:
                networks.append(network)
        return cls(frozenset(names), tuple(networks))

    def allow(self, host: str, address: Address) -> bool:
        """Tells whether ``host`` may be fetched from at ``address``, which it has."""
        if isinstance(address, ipaddress.IPv6Address) and address in _MAPPED:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return host in self.names or any(address in network for network in self.networks)


def _network(entry: str) -> Network | None:
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None
    if network.prefixlen == 0:
        raise ValueError(f"'{entry}' is every address")
    return network


def _name(entry: str) -> str:
    try:
        return ascii_host(entry)
    except UrlInvalid as error:
        raise ValueError(f"'{entry}' is neither a host name nor an address nor a network") from error
