"""UDP sockets for media: in the range of ports that a firewall lets through, on the address we have.

The address that others are told may be that of a router in front of us. Where it is not one of ours, the
socket listens on all of them.
"""

import errno
import ipaddress
import random
import socket
from typing import Final

Ports = tuple[int, int]
"""Lowest and highest, both included."""

ANY_PORT: Final[Ports] = (0, 0)
TRIES: Final = 2_000
"""Each takes microseconds. A larger range is nearly full when none of so many is free."""

BUFFER_BYTES: Final = 256 * 1_024
"""What the kernel keeps while our process is busy: seconds of sound."""


class NoPorts(OSError):
    """Every port of the range is taken."""


def udp_socket(address: str, ports: Ports = ANY_PORT) -> socket.socket:
    """A bound socket. Raises NoPorts."""
    for port in _candidates(ports, step=1):
        bound = _bound(address, port)
        if bound is not None:
            return bound
    raise NoPorts(f"no free port from {ports[0]} to {ports[1]} on {address}")


def udp_pair(address: str, ports: Ports = ANY_PORT) -> tuple[socket.socket, socket.socket]:
    """Two neighbours: an even port for RTP, the odd one after it for RTCP (RFC 3550, 11). Raises NoPorts."""
    for port in _candidates(ports, step=2):
        first = _bound(address, port)
        if first is None:
            continue
        number = first.getsockname()[1]
        second = _bound(address, number + 1) if number % 2 == 0 else None
        if second is not None:
            return first, second
        first.close()
    raise NoPorts(f"no two free ports from {ports[0]} to {ports[1]} on {address}")


def reachable_address(host: str) -> str:
    """The address to tell others for a host that we listen on: `localhost` and 0.0.0.0 mean nothing to them.

    For all addresses of this machine it is the one from which it reaches the rest of the world.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        return str(min(found, key=lambda each: each[0] != socket.AF_INET)[4][0])
    if not address.is_unspecified:
        return host
    family, far = (socket.AF_INET, "192.0.2.1") if address.version == 4 else (socket.AF_INET6, "2001:db8::1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # Of a UDP socket: it chooses an address, nothing is sent.
        except OSError:
            return "127.0.0.1" if address.version == 4 else "::1"
        name: str = probe.getsockname()[0]
        return name


def _candidates(ports: Ports, *, step: int) -> list[int]:
    low, high = ports
    if ports == ANY_PORT:
        return [0] * TRIES
    everything = range(low + low % step, high - step + 2, step)
    return random.sample(everything, min(TRIES, len(everything)))


def _bound(address: str, port: int) -> socket.socket | None:
    """None when the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for host in (address, "::" if family == socket.AF_INET6 else "0.0.0.0"):
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            made.bind((host, port))
        except OSError as error:
            made.close()
            if error.errno != errno.EADDRNOTAVAIL:
                return None
        else:
            return made
    return None
