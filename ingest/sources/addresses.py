"""Which network addresses and hosts may be connected to on behalf of a manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection

HTTPS_PORT = 443

_REFUSED_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's own services, on an address that looks public
        "169.254.0.0/16",  # link-local, and with it most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays to 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""The IANA special-purpose registry of IPv4; :mod:`ipaddress` knows it in newer releases only."""

_GLOBAL_V6 = ip_network("2000::/3")
_REFUSED_V6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo, which carries IPv4, is one
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries IPv4
        "3fff::/20",  # documentation
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_LOW_32_BITS = 0xFFFF_FFFF

_HOST = re.compile(
    r"(?P<wild>\*?\.)?"
    r"(?P<name>[^\s/@?#*:\[\]]+|\[[0-9a-fA-F:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is of the public internet.

    Private, loopback, link-local, multicast and reserved ones are not, nor those of carrier-grade
    NAT, nor IPv6 ones that carry such an IPv4 address.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & _LOW_32_BITS))
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of an allow-list: a host, or all below it, at one port."""

    name: str
    is_below: bool
    port: int

    def admits(self, host: str, port: int) -> bool:
        named = host.endswith(f".{self.name}") if self.is_below else host == self.name
        return named and port == self.port


class AllowList:
    """The hosts that may be asked.

    Args:
        hosts: ``example.org`` is that host; ``.example.org`` or ``*.example.org`` those below it;
            ``example.org:8443`` is that host at that port, else at 443. Names in other scripts
            may be given as they are read.

    Raises:
        SettingsError: One is no host.
    """

    def __init__(self, hosts: Collection[str]) -> None:
        """Take the entries apart."""
        self._entries = tuple(_to_entry(host) for host in hosts)

    def admits(self, host: str, port: int) -> bool:
        """Whether a host (lower case, in ASCII, an IPv6 address without brackets) may be asked."""
        return any(entry.admits(host, port) for entry in self._entries)


def _to_entry(host: str) -> _Entry:
    import httpx

    match = _HOST.fullmatch(host.strip())
    try:
        url = httpx.URL(f"https://{match['name']}:{match['port'] or HTTPS_PORT}/" if match else "")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if match is None or not url.host:
        raise SettingsError(
            f"{host!r} is no host: give e.g. example.org, *.example.org or example.org:8443"
        )
    name = url.raw_host.decode("ascii").lower()
    return _Entry(name, is_below=bool(match["wild"]), port=url.port or HTTPS_PORT)
