"""How many chat sockets one network may open: anybody may, nobody may keep the others out.

Sockets of desks are not counted here: the handshakes of a flood cost them nothing but the time to refuse it.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

COUNTED: Final = frozenset({"/chat/socket"})

BURST: Final = 1_000
PER_S: Final = 50
"""A shelter with hundreds of people behind one address connects at once; 10,000 in ten seconds is a flood."""

NETWORKS_MAX: Final = 10_000
"""Networks remembered; the one unseen for longest is forgotten first."""


class Handshakes:
    """A bucket of permits for each /24 (IPv4) or /48 (IPv6)."""

    def __init__(
        self, *, burst: int = BURST, per_s: int = PER_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, path: str, address: str) -> bool:
        """Whether this handshake may go on; uses one permit when it may."""
        if path not in COUNTED:
            return True
        network, now = _network(address), self._clock()
        left, since = self._buckets.pop(network, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._per_s)
        self._buckets[network] = (max(left - 1, 0.0), now)
        if len(self._buckets) > NETWORKS_MAX:
            self._buckets.popitem(last=False)
        return left >= 1


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False))
