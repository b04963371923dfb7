"""How often something may be done, by one page or by one network: so that nobody keeps the others out."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

NETWORKS_MAX: Final = 10_000
"""Networks remembered; the one unseen for longest is forgotten first."""


class Pace:
    """How often something may be done: a bucket of permits that fills by itself."""

    __slots__ = ("_burst", "_clock", "_left", "_per_s", "_since")

    def __init__(self, burst: int, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._clock = clock
        self._left = float(burst)
        self._since = clock()

    def permits(self) -> bool:
        """Whether it may be done now; uses one permit when it may."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Permits:
    """A bucket of permits for each /24 (IPv4) or /48 (IPv6): `burst` at once, then `per_s` each second."""

    def __init__(self, *, burst: int, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_s = per_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Whether somebody with this address may do it now; uses one permit when so."""
        network, now = network_of(address), self._clock()
        left, since = self._buckets.pop(network, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._per_s)
        self._buckets[network] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > NETWORKS_MAX:
            self._buckets.popitem(last=False)
        return left >= 1


def network_of(address: str) -> str:
    """The /24 or /48 of an address; what is no address is its own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False))
