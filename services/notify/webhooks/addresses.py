"""Addresses that webhooks may reach: none inside the house, unless its networks are on the allow-list (api.md).

Whoever makes a webhook chooses where this server connects to; without this check they would reach databases, metadata
services and administration pages that trust whoever is inside.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from services.notify.networks import Network

Address = IPv4Address | IPv6Address

_SPECIAL = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's metadata and DNS, inside every virtual network
        "192.0.0.0/24",
        "fec0::/10",  # site-local, deprecated and still routed by some
    )
)
"""Addresses that `ipaddress` calls global and that lie inside all the same."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
_THREADS = 8


class RefusedAddress(OSError):
    """A host has no address that webhooks may reach."""


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether webhooks may reach an address: a public one, or one on the allow-list."""
    meant = _unwrapped(address)
    if any(meant in network for network in networks):
        return True
    inside = meant.is_multicast or meant.is_reserved or any(meant in network for network in _SPECIAL)
    return meant.is_global and not inside


class GuardedResolver(AbstractResolver):
    """Answers only addresses that may be reached. What it answers is what is connected to: a name that points
    elsewhere a moment later (DNS rebinding) changes nothing."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        # Threads of its own: a name server that hangs must not hold up other work.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            RefusedAddress: it has addresses and none of them may be reached.
            OSError: it has none, or the name server does not say.
        """
        answers = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)
        allowed = [answer for answer in answers if is_allowed(ip_address(answer["host"]), self._networks)]
        if not allowed:
            raise RefusedAddress(host)
        return allowed

    async def check(self, host: str) -> None:
        """Return when a host, a name or a written address, may be reached; otherwise raise as `resolve`."""
        if (address := literal(host)) is None:
            await self.resolve(host)
        elif not is_allowed(address, self._networks):
            raise RefusedAddress(host)

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def literal(host: str) -> Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
        )
        for kind, _, protocol, _, place in found
    ]


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
