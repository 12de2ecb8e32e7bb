"""Networks as a setting names them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks separated by commas, as `10.1.0.0/16, fd12::/48`.

    Raises:
        ValueError: one is none, or has bits of a host set.
    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
