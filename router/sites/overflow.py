"""Where a call that waits here is sent when the work of this site is to be done elsewhere. Pure.

First to the other site's telephone number or SIP address (`sip` of the plan's site), unless that site says
that it takes nothing or is full; then to the external numbers (`pair.overflow`), in their order. Each is
tried once for each call. Who cannot be sent anywhere waits on, where they are.

One number is rung for one call at a time: it is mostly one mobile phone. What is busy, or cannot be reached
at this moment, is left alone for a while and has not been tried.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config.pair_check import plain_number
from config.plan import Pair
from router.sites.status import Status

OVERFLOW_FULL: Final = "overflow_full"
"""Code of the alarm that nobody takes what is to be done elsewhere; its ref is the other site."""

NUMBER_RING_S: Final = 25.0
"""Five rings and a bit: after half a minute a mobile phone's own voice box answers, and nobody hears them."""

SITE_RING_S: Final = 600.0
"""At the other site a caller waits in line until an agent answers, and here as well: whoever is first."""

PAUSE_MS: Final = 30_000
HEARD_MS: Final = 4_000
"""Older than this, a beat does not say how the other site is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to: a number or a sip: address. site: whose it is; empty: somebody outside."""

    address: str
    site: str = ""
    name: str = ""

    @property
    def ring_s(self) -> float:
        """How long nobody has to answer there."""
        return SITE_RING_S if self.site else NUMBER_RING_S

    @property
    def shown(self) -> str:
        """For whoever rings back."""
        return f"{self.name} ({self.address})" if self.name else self.address


def refusal_of(beat: Status, now_ms: int) -> str:
    """Why the other site takes nothing, by its own word a moment ago; empty: it does, or nobody knows."""
    if not beat.fresh(now_ms, HEARD_MS):
        return ""
    if beat.data.get("accepts") is False:
        return beat.text("state").lower() or "refused"
    return "full" if beat.number("waiting") >= beat.number("limits_waiting", 1 << 30) else ""


def targets_of(pair: Pair, *, peer: str, refusal: str) -> tuple[Target, ...]:
    """In the order in which they are tried."""
    there = pair.site(peer)
    numbers = tuple(Target(address=plain_number(each)) for each in pair.overflow)
    if there is None or not there.sip or refusal:
        return numbers
    address = there.sip if there.sip.startswith("sip:") else plain_number(there.sip)
    return (Target(address=address, site=peer, name=there.name), *numbers)


def next_target(
    targets: Sequence[Target],
    *,
    tried: Collection[str],
    ringing: Collection[str],
    paused: Mapping[str, int],
    now_ms: int,
    came_from_there: bool = False,
) -> Target | None:
    """The first that may be tried for a call now; None: it waits.

    Shape: tried are addresses that this call was sent to, ringing those that ring for any call, paused
           until when an address is left alone. came_from_there: the other site sent it here: not back again.
    """
    for each in targets:
        waits_for_another = not each.site and each.address in ringing
        if each.address in tried or waits_for_another or (each.site and came_from_there):
            continue
        if paused.get(each.address, 0) <= now_ms:
            return each
    return None
