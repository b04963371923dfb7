"""Networks as people write them: addresses and networks with commas between them."""

import ipaddress
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: Final = "127.0.0.0/8,::1"
"""Where a server that we believe is looked for unless told otherwise: on this machine."""


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks in this text. Raises ValueError."""
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(","))
